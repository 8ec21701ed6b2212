"""Texts without the secrets that are in them, for all that is printed or written down."""

import os
import re

_HIDDEN = "***"
_USER = re.compile(r"(?<=://)[^/\s@'\"]+@")
_QUERY = re.compile(
    r"([?&;][\w.-]*(?:token|secret|passw|pwd|key|signature|sig|credential)[\w.-]*=)[^&\s'\"]+", re.I
)
_SECRET = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|CREDENTIAL", re.I)

SHORTEST = 6
"""Letters of a variable's value below which it may stand in a text by chance."""


def redacted(text: str) -> str:
    """A text without the sign-ins and keys of its URIs, and without values of secret variables."""
    text = _QUERY.sub(rf"\1{_HIDDEN}", _USER.sub(f"{_HIDDEN}@", text))
    for name, value in os.environ.items():
        if _SECRET.search(name) and len(value) >= SHORTEST:
            text = text.replace(value, _HIDDEN)
    return text
