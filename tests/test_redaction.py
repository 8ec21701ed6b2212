import pytest

from rgm_bench.redaction import redacted
from rgm_bench.results.remote import Remote, working_folder
from rgm_bench.results.store import Store
from rgm_bench.tracking.background import BackgroundTracker
from rgm_bench.tracking.null import NullTracker


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://user:secretpw@127.0.0.1:9/api", "http://***@127.0.0.1:9/api"),
        ("https://ghp_secretpw@host/x and s3://b/a@b", "https://***@host/x and s3://b/a@b"),
        ("https://h/p?page=2&token=secretpw&n=1", "https://h/p?page=2&token=***&n=1"),
        ("https://h/p?X-Amz-Signature=secretpw'", "https://h/p?X-Amz-Signature=***'"),
        ("--set a=b --store results", "--set a=b --store results"),
    ],
)
def test_secrets_of_uris_are_hidden_and_nothing_else(text, shown):
    assert redacted(text) == shown


def test_values_of_secret_variables_are_hidden(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "abc/def+ghi")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "1")  # it would hide every 1
    assert redacted("denied for abc/def+ghi: 1") == "denied for ***: 1"


def test_a_store_is_named_without_its_password(tmp_path, monkeypatch):
    monkeypatch.setenv("RGM_BENCH_CACHE", str(tmp_path))
    uri = "ftp://user:secretpw@host/results"
    store = Store.at(uri)
    assert str(store) == str(Remote(uri)) == "ftp://***@host/results"
    assert "secretpw" not in str(working_folder(uri))
    assert store.location == uri  # workers have to find it


def test_what_mlflow_says_has_no_password():
    class Broken(NullTracker):
        def record(self, study, view):
            raise ConnectionError("http://user:secretpw@127.0.0.1:9/api refused")

    said: list[str] = []
    tracker = BackgroundTracker(Broken(), warn=said.append)
    tracker.record(None, None)
    tracker.close("finished")
    assert len(said) == 1
    assert "***@127.0.0.1" in said[0]
    assert "secretpw" not in said[0]
