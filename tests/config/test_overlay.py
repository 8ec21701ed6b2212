from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rgm_bench.config.overlay import overlay
from rgm_bench.config.placed import Placed, Position, plain

HERE, THERE = Position("here", 1, 1), Position("there", 2, 2)

leaves = st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2).map(tuple)
maps = st.recursive(
    st.dictionaries(st.sampled_from("abc"), leaves, max_size=3),
    lambda below: st.dictionaries(st.sampled_from("abc"), leaves | below, max_size=3),
    max_leaves=8,
)


def placed(value: Any, at: Position = HERE) -> Placed:
    if isinstance(value, dict):
        value = {key: placed(entry, at) for key, entry in value.items()}
    elif isinstance(value, tuple):
        value = tuple(placed(item, at) for item in value)
    return Placed(value, at, at)


def laid(base: Any, over: Any) -> Any:
    return plain(overlay(placed(base), placed(over, THERE)))


@given(maps)
def test_an_empty_overlay_changes_nothing(base: Any):
    assert overlay(placed(base), placed({}, THERE)) == placed(base)


@given(maps)
def test_laid_over_nothing_an_overlay_is_itself(over: Any):
    assert laid({}, over) == over


@given(maps)
def test_laying_a_map_over_itself_changes_nothing(base: Any):
    assert laid(base, base) == base


@given(maps, maps, maps)
def test_overlays_associate_where_no_value_turns_into_a_map(a: Any, b: Any, c: Any):
    if not (_same_shapes(a, b) and _same_shapes(b, c) and _same_shapes(a, c)):
        return
    assert laid(laid(a, b), c) == laid(a, laid(b, c))


def test_null_takes_a_map_away_and_stays_elsewhere():
    assert laid({"a": {"b": {}, "c": 2}}, {"a": {"b": None}}) == {"a": {"c": 2}}
    assert laid({"a": 1}, {"a": None, "b": None}) == {"a": None, "b": None}


def _same_shapes(a: Any, b: Any) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return all(_same_shapes(a[key], b[key]) for key in a.keys() & b.keys())
    return not isinstance(a, dict) and not isinstance(b, dict)


@given(maps, maps)
def test_what_an_overlay_says_holds_afterwards(base: Any, over: Any):
    assert laid(laid(base, over), over) == laid(base, over)


def test_lists_replace():
    assert laid({"a": (1, 2, 3)}, {"a": (4,)}) == {"a": (4,)}


def test_another_kind_replaces_its_map_and_no_other():
    base = {"x": {"kind": "one", "only_one": 1}, "y": {"kind": "one", "kept": 1}}
    over = {"x": {"kind": "two"}, "y": {"kind": "one"}}
    assert laid(base, over) == {"x": {"kind": "two"}, "y": {"kind": "one", "kept": 1}}


def test_a_preset_replaces_its_map():
    assert laid({"t": {"a": 1}}, {"t": {"preset": "p"}}) == {"t": {"preset": "p"}}


def test_every_value_keeps_the_place_it_was_written_in():
    whole = overlay(placed({"m": {"a": 1, "b": 1}}), placed({"m": {"b": 2}}, THERE))
    places = {key: entry.at for key, entry in whole.entries["m"].entries.items()}
    assert places == {"a": HERE, "b": THERE}
