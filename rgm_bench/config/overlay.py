"""One map laid over another: the only way in which a study is composed."""

from functools import reduce

from rgm_bench.config.placed import Placed


def overlay(base: Placed, over: Placed) -> Placed:
    """`base` changed by `over`: maps merge, lists and values replace, null takes a map away.

    A map that names another `kind`, or a `preset`, replaces the whole map below it, because the
    fields of one kind mean nothing to another. Every value keeps the place it was written in. A
    null for what is no map stays, for whoever checks the whole to find.
    """
    if not (base.is_map and over.is_map) or _replaces(base, over):
        return over
    merged = dict(base.entries)
    for key, entry in over.entries.items():
        if key not in merged:
            merged[key] = entry
        elif entry.value is None and merged[key].is_map:
            del merged[key]
        else:
            merged[key] = overlay(merged[key], entry)
    return base.with_entries(merged)


def overlay_all(base: Placed, *overs: Placed) -> Placed:
    """`base` changed by each of `overs` in turn."""
    return reduce(overlay, overs, base)


def _replaces(base: Placed, over: Placed) -> bool:
    if "preset" in over.entries:
        return True
    old, new = base.entries.get("kind"), over.entries.get("kind")
    return old is not None and new is not None and old.value != new.value
