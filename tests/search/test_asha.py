import random

from hypothesis import given
from hypothesis import strategies as st

from rgm_bench.search.asha import goes_on

VALUES = st.lists(st.floats(0, 100), max_size=40)


@given(value=st.floats(0, 100), reduction=st.integers(2, 5))
def test_the_first_goes_on(value: float, reduction: int):
    assert goes_on(value, [], reduction)


@given(others=VALUES, reduction=st.integers(2, 5))
def test_a_new_best_goes_on(others: list[float], reduction: int):
    assert goes_on(min(others, default=1.0) - 1, others, reduction)


@given(others=VALUES, value=st.floats(0, 100), better=st.floats(0, 10), reduction=st.integers(2, 5))
def test_a_better_value_does_not_stop(
    others: list[float], value: float, better: float, reduction: int
):
    assert goes_on(value - better, others, reduction) >= goes_on(value, others, reduction)


def test_about_one_in_reduction_goes_on():
    rng = random.Random(0)
    for reduction in (2, 3, 4):
        values = [rng.random() for _ in range(2000)]
        passed = sum(goes_on(v, values[:i], reduction) for i, v in enumerate(values))
        assert abs(passed / len(values) - 1 / reduction) < 0.03
