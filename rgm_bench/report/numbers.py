"""Numbers as readers see them: three significant digits, a real minus sign, no exponent."""

from math import floor, isinf, log10

from rgm_bench.config.study import AxisValue
from rgm_bench.report.aggregate import Estimate

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"
"""Stands where there is no number, and none was asked for."""

_MAX_DECIMALS = 6
_SI = ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""))


def decimals(*values: float) -> int:
    """Digits after the point that show three significant ones of the largest of `values`."""
    largest = max(abs(value) for value in values)
    if largest < 10**-_MAX_DECIMALS or isinf(largest):
        return 0
    return min(max(2 - floor(log10(largest)), 0), _MAX_DECIMALS)


def number(value: float, places: int) -> str:
    """`value` with so many digits after the point; what rounds to zero has no sign."""
    if isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    text = f"{value:,.{places}f}"
    return text.lstrip("-") if float(text.replace(",", "")) == 0 else text.replace("-", MINUS)


def plain(value: float) -> str:
    """A label or a count, with every digit it has: different values never look the same."""
    if isinf(value):
        return "∞"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}".replace("-", MINUS)
    mantissa, exponent, power = repr(abs(float(value))).partition("e")
    text = f"{mantissa}e{int(power)}" if exponent else mantissa
    return MINUS + text if value < 0 else text


def label(value: AxisValue) -> str:
    """A value of an axis, as rows, legends and ticks show it."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return plain(value)
        case str():
            return value


def setting(value: float) -> str:
    """A setting that may have been computed: whole, or three significant digits."""
    if isinf(value) or value == int(value):
        return plain(value)
    text = number(value, decimals(value))
    return text.rstrip("0").rstrip(".") if "." in text else text


def with_interval(estimate: Estimate, *, factor: float = 1) -> str:
    """`9.61 [8.12, 11.40]`; the centre alone where there is no interval, or none to be seen."""
    center = estimate.center * factor
    if estimate.low is None or estimate.high is None:
        return number(center, decimals(center))
    low, high = estimate.low * factor, estimate.high * factor
    half = (high - low) / 2
    lost_in_spread = not isinf(half) and abs(center) * 100 < half
    places = decimals(half if lost_in_spread else center)
    shown = [number(value, places) for value in (center, low, high)]
    return shown[0] if len(set(shown)) == 1 else f"{shown[0]} [{shown[1]}, {shown[2]}]"


def si_prefix(largest: float) -> tuple[float, str]:
    """The power of 1000, and its letter, that leaves `largest` between 1 and 1000."""
    return next(((size, letter) for size, letter in _SI if largest >= size), (1, ""))


def with_prefix(title: str, letter: str) -> str:
    """`training FLOP` and `T` -> `training TFLOP`: the unit is the last word."""
    words, space, unit = title.rpartition(" ")
    return f"{words}{space}{letter}{unit}"
