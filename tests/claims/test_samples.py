from math import inf, log, nan

import pytest

from rgm_bench.claims.samples import Sample


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((), "x has no finished seed"),
        ((3.0, nan, 4.0), "1 of 3 seeds of x gave no finite value"),
        ((3.0, inf, -inf), "2 of 3 seeds of x gave no finite value"),
        ((3.0, 1e200), "1 of 2 seeds of x gave no finite value"),
        ((nan,), "the one seed of x gave no finite value"),
        ((3.0, -1e-13), "x has a value that is not above 0, so no logarithm"),
        ((3.0,), "x has one seed, and a spread needs two"),
        ((3.0, 4.0), None),
    ],
)
def test_what_stands_in_the_way_of_a_test_is_said(values: tuple[float, ...], said: str) -> None:
    assert Sample("x", values).problem("log") == said


def test_values_at_or_below_zero_are_compared_on_the_plain_scale() -> None:
    assert Sample("kid", (-1e-4, 0.0)).problem("plain") is None


def test_one_seed_has_a_mean_but_no_test() -> None:
    one = Sample("x", (3.0,))
    assert one.flaw("log") is None
    assert one.problem("log") is not None


def test_log_scale_compares_logarithms() -> None:
    assert Sample("x", (3.0, 4.0)).on("log") == (log(3), log(4))
    assert Sample("x", (3.0, 4.0)).on("plain") == (3.0, 4.0)
