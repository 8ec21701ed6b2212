import math

import pytest

from rgm_bench.report.aggregate import Estimate
from rgm_bench.report.numbers import MINUS, label, plain, setting, si_prefix, with_interval


@pytest.mark.parametrize(
    ("center", "low", "high", "shown"),
    [
        (9.6071, 8.12, 11.4, "9.61 [8.12, 11.40]"),
        (450.4, 400.2, 507.7, "450 [400, 508]"),
        (0.01234, 0.0101, 0.0145, "0.0123 [0.0101, 0.0145]"),
        (1234.5, 1000.0, 1500.0, "1,234 [1,000, 1,500]"),
        (-0.02, -0.02, -0.02, f"{MINUS}0.0200"),
        (-1e-13, -2e-13, 0.0, "0"),
        (12.6, None, None, "12.6"),
        (2.0, 0.0, math.inf, "2.00 [0.00, ∞]"),
    ],
)
def test_three_significant_digits_and_bounds_to_the_same_place(
    center: float, low: float | None, high: float | None, shown: str
) -> None:
    assert with_interval(Estimate(center, low, high, 3, "plain")) == shown


def test_labels_keep_every_digit_they_were_given() -> None:
    values = (0, 5e-4, 5e-2, 0.5, 5, 1e-5, 32_000, True, "kld")
    shown = ["0", "0.0005", "0.05", "0.5", "5", "1e-5", "32,000", "yes", "kld"]
    assert [label(value) for value in values] == shown


def test_a_weight_of_zero_is_infinite_lambda() -> None:
    assert plain(math.inf) == setting(math.inf) == "∞"
    assert [setting(1 / weight) for weight in (5e-4, 0.05, 3e-4, 5)] == [
        "2,000",
        "20",
        "3,333",
        "0.2",
    ]
    assert setting(72.04) == "72"


def test_si_prefix_leaves_a_number_between_1_and_1000() -> None:
    for value in (1.0, 4.2e13, 4.1e18, 999.0, 1e6):
        size, _ = si_prefix(value)
        assert 1 <= value / size < 1000
