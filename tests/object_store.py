"""An object store on this machine: moto's server, which speaks S3 over HTTP."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server


class ObjectStore:
    """The server on 127.0.0.1.

    `requests` holds the method and path of all that it was asked. One that is `careless` writes
    over what is to be created only if it is not there, `allowed` are the keys that may ask, and so
    many of the next writes as `conflicts` says are refused as S3 refuses two at once.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []
        self.careless = False
        self.allowed = ["key"]
        self.conflicts = 0
        self._app = DomainDispatcherApplication(create_backend_app)
        self._port = 0
        self.start()

    def start(self) -> None:
        """Answer again, at the same address and with the same objects."""
        # moto looks and writes in two steps, so it is given one request at a time
        self._server = make_server("127.0.0.1", self._port, self._answer, threaded=False)
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Refuse all connections."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, environment: dict[str, Any], start_response: Any) -> Any:
        self.requests.append((environment["REQUEST_METHOD"], environment["PATH_INFO"]))
        if self.careless:
            environment.pop("HTTP_IF_NONE_MATCH", None)
        if not any(f"={key}/" in environment.get("HTTP_AUTHORIZATION", "") for key in self.allowed):
            return _refusal(start_response, "403 Forbidden", "AccessDenied", "Access Denied")
        if self.conflicts and environment["REQUEST_METHOD"] == "PUT":
            self.conflicts -= 1
            return _refusal(
                start_response, "409 Conflict", "ConditionalRequestConflict", "Conflict"
            )
        return self._app(environment, start_response)

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which the usual tools find it."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._port}",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def make_bucket(self, name: str) -> None:
        """Make an empty bucket."""
        self.client().create_bucket(Bucket=name)

    def keys(self, bucket: str) -> list[str]:
        """The keys of the objects of a bucket."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [found["Key"] for page in pages for found in page.get("Contents", ())]

    def client(self) -> Any:
        """Boto's own client, which shares nothing with obstore."""
        return boto3.client(
            "s3",
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            region_name="us-east-1",
        )


def _refusal(start_response: Any, status: str, code: str, message: str) -> list[bytes]:
    start_response(status, [("Content-Type", "application/xml")])
    return [f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()]


@contextmanager
def serving() -> Iterator[ObjectStore]:
    """An object store that answers inside the `with` block."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ObjectStore()
    try:
        yield server
    finally:
        server.stop()
