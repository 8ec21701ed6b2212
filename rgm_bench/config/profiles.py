"""A study with one profile laid over it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from rgm_bench.config.arms import Arms, Fingerprint
from rgm_bench.config.axes import PARTS, AxisOverlays, read_axes
from rgm_bench.config.claim_names import check_claims
from rgm_bench.config.gate_names import check_gate
from rgm_bench.config.grammar import Profile, ProfileOverlay
from rgm_bench.config.messages import validated
from rgm_bench.config.overlay import overlay
from rgm_bench.config.packaged import study_names, with_preset
from rgm_bench.config.placed import Placed
from rgm_bench.config.problems import Problems, listing, nearest
from rgm_bench.config.report_items import check_report
from rgm_bench.config.searches import check_search, sample_axis
from rgm_bench.config.shape import Step
from rgm_bench.config.space import Space, read_space
from rgm_bench.config.spec import processes_misfit

SHARED = ("title", "axes", "search", "seeds", "resources", "tuned", "claims", "gate", "report")
"""What a study says once for all profiles, beside its base."""


@final
@dataclass(frozen=True)
class ReadProfile:
    """A profile without mistakes: its values in place, its fields and its axes."""

    node: Placed
    fields: Profile
    axes: tuple[AxisOverlays, ...]
    space: Space | None = None


def lay_profile(
    study: Placed, overlays: Iterable[tuple[Placed, tuple[Step, ...]]], problems: Problems
) -> Placed | None:
    """The base of a study with overlays laid over it; None if one of them is no overlay.

    Args:
        study: the whole file.
        overlays: the profile and the overrides, each with its path in messages.
        problems: takes the mistakes.
    """
    base = study.entries["base"]
    parts = {key: base.entries[key] for key in PARTS}
    shared = {key: study.entries[key] for key in SHARED if key in study.entries}
    node = _written_out(base.with_entries(parts | shared), problems)
    for over, path in overlays:
        if node is None or validated(ProfileOverlay, over, problems, path=path) is None:
            return None
        if not _names_are_known(node, over, path, problems):
            return None
        node = _written_out(overlay(_without_tuned(node, over), over), problems)
    return node


def read_profile(
    node: Placed, problems: Problems, *, check_arms_of_claims: bool = True
) -> ReadProfile | None:
    """The fields and axes of a profile, every value of every axis checked once.

    None with the mistakes noted.

    Args:
        node: the profile.
        problems: takes the mistakes.
        check_arms_of_claims: whether a claim about an arm that is not there is a mistake; else it
            will be inconclusive.
    """
    before = len(problems)
    fields = validated(Profile, node, problems)
    axes = read_axes(node, problems)
    if not all(node.entries[part].is_map for part in PARTS):
        return None
    space = _read_search(node, fields, problems) if fields and fields.search else None
    if space:
        axes = (sample_axis(space, frozenset(node.entries["evaluations"].entries)),)
    arms = Arms(node, axes, fingerprint=None, problems=problems)
    _check_values(arms, fields)
    if fields is None or len(problems) > before:
        return None
    _check_processes(node, arms, fields, problems)
    check_report(fields.report, node, axes, problems)
    if check_arms_of_claims:
        check_claims(fields.claims, node, axes, problems)
    check_gate(fields.gate, node, problems)
    _check_seeds(node, fields, problems)
    _check_tuned(node, fields, problems)
    return None if len(problems) > before else ReadProfile(node, fields, axes, space)


def _read_search(node: Placed, fields: Profile, problems: Problems) -> Space | None:
    assert fields.search
    if fields.axes:
        at = node.entries["search"].key_at
        text = "a study has axes or a search; an axis may be a parameter of `search.space` instead"
        problems.add(at, "search", text)
    space = read_space(node, fields.search.space, problems)
    if space:
        check_search(fields.search, space, node, fields.seeds, problems)
    return space


def arms_of(profile: ReadProfile, fingerprint: Fingerprint, problems: Problems) -> Arms:
    """The arms of a profile that is about to run."""
    return Arms(profile.node, profile.axes, fingerprint=fingerprint, problems=problems)


def _without_tuned(node: Placed, over: Placed) -> Placed:
    """What an overlay is laid over: where it changes trainings, nobody has tuned those yet.

    It says `tuned` anew where they are.
    """
    if not {"training", "axes"} & over.entries.keys():
        return node
    return node.with_entries({key: value for key, value in node.entries.items() if key != "tuned"})


def _written_out(node: Placed, problems: Problems) -> Placed | None:
    training = with_preset(node.entries["training"], problems)
    return training and node.with_entries({**node.entries, "training": training})


def _check_values(arms: Arms, fields: Profile | None) -> None:
    seed = fields.seeds[0] if fields else 0
    arms.check_base(seed)
    for name in arms.evaluation_names:
        for choice in arms.samples(name):
            arms.measured(name, choice, seed)


def _check_processes(node: Placed, arms: Arms, fields: Profile, problems: Problems) -> None:
    place = node.get("resources", "processes")
    if place is None:
        return  # one process trains anything
    for name in arms.evaluation_names:
        for choice in arms.samples(name):
            training = arms.training(choice, fields.seeds[0])
            misfit = training and processes_misfit(training, fields.resources.processes)
            if misfit:
                problems.add(place.at, ("resources", "processes"), misfit)
                return


def _check_seeds(node: Placed, fields: Profile, problems: Problems) -> None:
    for index, seed in enumerate(fields.seeds):
        place = node.get("seeds", index)
        if place and seed in fields.seeds[:index]:
            problems.add(place.at, ("seeds", index), f"found {seed} twice; each seed stands once")


def _check_tuned(node: Placed, fields: Profile, problems: Problems) -> None:
    shipped = study_names()
    name = node.get("tuned", "study")
    if fields.tuned and name and name.value not in shipped:
        text = f"no shipped study is called that; there are: {listing(shipped)}"
        problems.add(name.at, ("tuned", "study"), text + nearest(name.value, shipped))


def _names_are_known(
    node: Placed, over: Placed, path: tuple[Step, ...], problems: Problems
) -> bool:
    """Whether an overlay changes what is there: a new name comes with all it needs."""
    before = len(problems)
    for part, noun, needed in (
        ("evaluations", "evaluation", "kind"),
        ("axes", "axis", "values"),
        ("claims", "claim", "kind"),
    ):
        known, changed = node.get(part), over.get(part)
        names = list(known.entries) if known else []
        for name, entry in (changed.entries if changed else {}).items():
            if name not in names and not _is_whole(entry, needed):
                there = listing(names) + nearest(name, names)
                text = f"no {noun} is called that; there are: {there}"
                problems.add(entry.key_at, (*path, part, name), text)
    return len(problems) == before


def _is_whole(entry: Placed, needed: str) -> bool:
    value = entry.get(needed)
    return value is not None and (needed == "kind" or value.is_map or "field" in entry.entries)
