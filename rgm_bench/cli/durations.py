"""Durations as people say them."""

import re

SECONDS = {
    "s": 1,
    "sec": 1,
    "second": 1,
    "min": 60,
    "m": 60,
    "minute": 60,
    "h": 3600,
    "hour": 3600,
    "d": 86400,
    "day": 86400,
}


def in_words(seconds: float) -> str:
    """A duration as people say it: `40 s`, `7 min`, `3.5 h`, `2.1 days`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.1f} days"


def in_seconds(text: str) -> float:
    """The seconds of a duration as `in_words` says it; words may be shorter, as in `90min` or `2h`.

    Raises:
        ValueError: it is none, or not longer than nothing.
    """
    found = re.fullmatch(r"([0-9]*\.?[0-9]+) *([a-z]+?)s?", text.strip().lower())
    if found is not None and float(found[1]) > 0:
        # "s" itself ends in the letter that makes a plural
        unit = SECONDS.get(found[2]) or SECONDS.get(found[2] + "s")
        if unit is not None:
            return float(found[1]) * unit
    raise ValueError(f"found {text!r}; expected a duration such as 40 s, 90 min, 2h or 2.1 days")
