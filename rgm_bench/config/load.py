"""A study file -> a `StudySpec`, or every mistake in it at once.

Imports no torch: a plan has to answer at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, cast

from rgm_bench.config.arms import Arms
from rgm_bench.config.expand import trials_of
from rgm_bench.config.grammar import REQUIRED_PROFILES, StudyFile
from rgm_bench.config.messages import validated
from rgm_bench.config.overrides import read_overrides
from rgm_bench.config.packaged import packaged_studies
from rgm_bench.config.placed import Placed, plain
from rgm_bench.config.problems import Problems, listing, nearest
from rgm_bench.config.profiles import ReadProfile, arms_of, lay_profile, read_profile
from rgm_bench.config.reading import described, read_file
from rgm_bench.config.real_rows import real_rows
from rgm_bench.config.schema import study_schema
from rgm_bench.config.search import TRIAL, Values
from rgm_bench.config.searches import SearchTrials
from rgm_bench.config.spec import PYTHON, KnownDataSpec, as_stored, new_defaults
from rgm_bench.config.study import StudySpec
from rgm_bench.config.trial import Trial

__all__ = ["load_study", "packaged_studies", "study_schema"]

DEFAULTS = "defaults"
"""The key of a resolved study for what it means by fields that it leaves out and older ones lack.

Only those are there that older studies meant something else by.
"""


def load_study(path: Path, *, profile: str = "laptop", overrides: Sequence[str] = ()) -> StudySpec:
    """One profile of a study file, expanded into its trials.

    All profiles of the file are checked, whichever is asked for.

    Args:
        path: the file.
        profile: the name of one of its profiles.
        overrides: `PATH=VALUE` each, with VALUE in YAML; laid over the profile in this order.

    Raises:
        StudyError: what is wrong, one mistake a line, each with its place.
        MissingDataError: an image folder of this profile is not there, so that nothing can say
            which pictures the study is about. Other data sets are not looked for.
    """
    return resolve_study(read_study(path), path, profile=profile, overrides=overrides)


def resolved_study(path: Path) -> StudySpec:
    """The study whose `resolved` a JSON file holds; its axes may name packaged presets.

    Raises:
        StudyError: it is of another version of the grammar.
    """
    kept = read_file(path)
    at = kept.at
    profile = str(kept.entries["profile"].value)
    base = {name: kept.entries[name] for name in ("training", "evaluations")}
    profiles = {name: Placed({}, at, at) for name in (*REQUIRED_PROFILES, profile)}
    dropped = {*base, "profile", DEFAULTS}
    if not kept.entries["reproduces"].entries:  # of nothing: the file did not have it
        dropped.add("reproduces")
    whole = {
        **{name: entry for name, entry in kept.entries.items() if name not in dropped},
        "base": Placed(base, at, at),
        "profiles": Placed(profiles, at, at),
    }
    name = Path(str(kept.entries["name"].value))
    study = resolve_study(
        kept.with_entries(whole), name, profile=profile, overrides=(), check_arms_of_claims=False
    )
    defaults = kept.get(DEFAULTS)
    return _as_stored(study, plain(defaults) if defaults else {})


def _as_stored(study: StudySpec, defaults: Mapping[str, Any]) -> StudySpec:
    """A study with what its file meant by the fields that it leaves out and did not know."""

    def stored(trials: tuple[Trial, ...]) -> tuple[Trial, ...]:
        return tuple(replace(trial, spec=as_stored(trial.spec, defaults)) for trial in trials)

    search = study.search
    if search:
        draw = search.trials

        def drawn(number: int, values: Values, share: float, confirm: bool) -> tuple[Trial, ...]:
            return stored(draw(number, values, share, confirm))

        search = replace(search, trials=drawn)
    resolved = {name: value for name, value in study.resolved.items() if name != DEFAULTS}
    written = {DEFAULTS: defaults} if defaults else {}
    return replace(study, trials=stored(study.trials), search=search, resolved=resolved | written)


def read_study(path: Path) -> Placed:
    """The map that a study file holds; it names no code.

    Raises:
        StudyError: it cannot be read, or has a part of kind `python`.
    """
    study = read_file(path)
    problems = Problems()
    _refuse_code(study, problems)
    problems.raise_any()
    return study


def _refuse_code(node: Placed, problems: Problems) -> None:
    kind = node.entries.get("kind")
    if kind is not None and kind.value == PYTHON:
        text = "python is for studies written in Python, with rgm_bench.part: a file names no code"
        problems.add(kind.at, "kind", text)
    for below in (*node.entries.values(), *node.items):
        _refuse_code(below, problems)


def resolve_study(
    study: Placed,
    path: Path,
    *,
    profile: str,
    overrides: Sequence[str],
    check_arms_of_claims: bool = True,
) -> StudySpec:
    """One profile of a study that has been read, wherever from; see `load_study`.

    A claim about arms that are not there is a mistake in a file, but not in a resolved study: an
    override may have left them out.
    """
    problems = Problems()
    _check_grammar(study, problems)
    _check_file(study, path, profile, problems)
    whole = _read_profiles(study, profile, overrides, problems, check_arms_of_claims)
    problems.raise_any()
    assert whole is not None
    return _study_spec(study, profile, whole)


def _check_grammar(study: Placed, problems: Problems) -> None:
    grammar = study.get("grammar")
    if grammar is not None and grammar.value != 1:
        text = f"found {described(grammar)}; this version of rgm-bench reads grammar 1"
        problems.add(grammar.at, "grammar", text)
    problems.raise_any()  # in another grammar everything else may be right


def _check_file(study: Placed, path: Path, profile: str, problems: Problems) -> None:
    validated(StudyFile, study, problems)
    if not _is_readable(study):
        problems.raise_any()
    name, profiles = study.get("name"), study.entries["profiles"]
    if name is not None and isinstance(name.value, str) and name.value != path.stem:
        text = f'found {described(name)}; expected the name of the file, "{path.stem}"'
        problems.add(name.at, "name", text)
    for required in REQUIRED_PROFILES:
        if required not in profiles.entries:
            text = f"the profile {required} is missing; `{required}: {{}}` is the base as it is"
            problems.add(profiles.key_at, "profiles", text)
    if profile not in profiles.entries and profile not in REQUIRED_PROFILES:
        text = f'no profile is called "{profile}"; there are: {listing(profiles.entries)}'
        text += nearest(profile, profiles.entries)
        problems.add(profiles.key_at, "profiles", text)


def _is_readable(study: Placed) -> bool:
    base = study.get("base") or study
    maps = [base.get("training"), base.get("evaluations"), study.get("profiles")]
    below = [*maps, *(entry for node in maps[1:] if node for entry in node.entries.values())]
    return all(node is not None and node.is_map for node in below)


def _read_profiles(
    study: Placed,
    asked: str,
    overrides: Sequence[str],
    problems: Problems,
    check_arms_of_claims: bool,
) -> ReadProfile | None:
    """The profile asked for; the others are read for their mistakes, after it."""
    profiles = study.entries["profiles"].entries
    whole: ReadProfile | None = None
    for name in sorted(profiles, key=lambda name: name != asked):
        found = Problems()
        changes = [(profiles[name], ("profiles", name))]
        own = list(read_overrides(overrides, found)) if name == asked else []
        for override in own:
            _refuse_code(override, found)
        node = lay_profile(study, [*changes, *((over, ()) for over in own)], found)
        # whoever leaves out arms for once does not want to rewrite the claims about them
        other_axes = any("axes" in over.entries for over in own)
        check = check_arms_of_claims and not other_axes
        read = read_profile(node, found, check_arms_of_claims=check) if node else None
        whole = read if name == asked else whole
        problems.take(found, "" if name == asked else f" (in profile {name})")
    return whole


def _study_spec(study: Placed, profile: str, whole: ReadProfile) -> StudySpec:
    problems = Problems()
    fingerprint = cache(_fingerprint)
    arms = arms_of(whole, fingerprint, problems)
    search = None
    if whole.fields.search and whole.space:
        seeds = whole.fields.seeds
        searched = SearchTrials(whole.fields.search, whole.space, whole.node, seeds, fingerprint)
        search = searched.search()
    trials = () if search else tuple(trials_of(arms, whole.fields.seeds, problems))
    problems.raise_any()
    resolved = _resolved(study, profile, arms, whole)
    return StudySpec(
        name=resolved["name"],
        title=_titled(whole.fields.title, arms, trials),
        profile=profile,
        reproduces=resolved["reproduces"],
        axes={TRIAL: ()} if search else {axis.name: axis.labels for axis in whole.axes},
        seeds=whole.fields.seeds,
        resources=whole.fields.resources,
        tuned=whole.fields.tuned,
        claims=whole.fields.claims,
        gate=whole.fields.gate,
        report=whole.fields.report,
        trials=(*trials, *real_rows(trials)),
        resolved=resolved,
        search=search,
    )


def _titled(title: str, arms: Arms, trials: Sequence[Trial]) -> str:
    """The title, which stands over every table, with the subsets that the study is of."""
    base = plain(arms.base_training)["data"]  # of a search, whose trials come later
    found = {(base["subset"], base["kind"])} if base.get("subset") else set[tuple[str, str]]()
    for data in (trial.spec.data for trial in trials):
        if isinstance(data, KnownDataSpec) and data.subset is not None:
            found.add((data.subset, data.kind))
    subsets = ", ".join(f"subset {name} of {kind}" for name, kind in sorted(found))
    return f"{title} ({subsets})" if subsets else title


def _fingerprint(kind: str, name: str, split: str) -> str:
    from rgm_bench.data.fingerprint import image_folder_fingerprint
    from rgm_bench.data.known import subset_fingerprint

    if kind == "image_folder":
        return image_folder_fingerprint(name, "test" if split == "test" else "train")
    return subset_fingerprint("cifar10" if kind == "cifar10" else "fashion_mnist")


def _resolved(study: Placed, profile: str, arms: Arms, whole: ReadProfile) -> dict[str, Any]:
    head = {key: plain(study.entries[key]) for key in ("grammar", "name")}
    reproduces = study.get("reproduces")
    body = {**plain(whole.node), "training": plain(arms.base_training)}
    defaults = _new_defaults(arms, whole)
    values = {
        **head,
        "profile": profile,
        "title": whole.fields.title,
        "reproduces": plain(reproduces) if reproduces else {},
        **body,
        **({DEFAULTS: defaults} if defaults else {}),
    }
    return cast("dict[str, Any]", _json_values(values))


def _new_defaults(arms: Arms, whole: ReadProfile) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in arms.evaluation_names:
        for choice in arms.samples(name):
            for spec in arms.measured(name, choice, whole.fields.seeds[0]) or ():
                found |= new_defaults(spec)
    return found


def _json_values(value: Any) -> Any:
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        return {key: _json_values(entry) for key, entry in entries.items()}
    if isinstance(value, tuple):
        return [_json_values(item) for item in cast("tuple[Any, ...]", value)]
    return value
