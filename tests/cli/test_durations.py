import pytest

from rgm_bench.cli.durations import in_seconds, in_words


@pytest.mark.parametrize("seconds", [1, 40, 89, 600, 5399, 5400, 7200, 100_000, 1e6])
def test_what_is_shown_can_be_typed(seconds) -> None:
    assert in_seconds(in_words(seconds)) == pytest.approx(seconds, rel=0.1)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2h", 7200),
        ("90 min", 5400),
        ("1 hour", 3600),
        ("1.5 days", 129_600),
        ("30s", 30),
        ("3m", 180),
    ],
)
def test_short_and_long_words(text, seconds) -> None:
    assert in_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "h", "0 s", "-1 h", "2 weeks", "2hh", "1 h 30"])
def test_what_is_no_duration_is_told_with_an_example(text) -> None:
    with pytest.raises(ValueError, match="expected a duration such as"):
        in_seconds(text)
