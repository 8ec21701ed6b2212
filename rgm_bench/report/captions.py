"""What stands under a table of arms: how its numbers were made, and which of them lack."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rgm_bench.config.study import Tuned
from rgm_bench.report.naming import samples_named
from rgm_bench.report.number_columns import NumberColumn
from rgm_bench.report.numbers import plain
from rgm_bench.report.select import Row, gaps_of, is_missing


def arms_caption(
    trials: Sequence[Row],
    shares: Mapping[str, float],
    columns: Sequence[NumberColumn],
    tuned: Tuned | None,
) -> str:
    """The sentences that a table of arms needs, and no other.

    Args:
        trials: those in the table.
        shares: of each evaluation, the share of the training that is shown.
        columns: its numbers.
        tuned: where the settings of its arms come from, if from a study.
    """
    scores = [shown for shown in columns if shown.measure.column.role == "score"]
    costs = {shown.measure.column.role for shown in columns} & {"training", "evaluation"}
    real = {samples_named(arm.trials[0]) for c in columns for arm in c.arms if arm.real}
    parts = [
        _share_sentence(trials, shares),
        *_scale_sentences(scores),
        _cost_sentence(costs),
        "Bold: the best centre of the generated arms."
        if any(shown.best is not None for shown in scores)
        else "",
        f"Real {' and '.join(sorted(real))}: as many, drawn from the split that is named."
        if real
        else "",
        _tuned_sentence(tuned),
        gaps_sentence(trials),
    ]
    return " ".join(part for part in parts if part)


def gaps_sentence(trials: Sequence[Row]) -> str:
    """How many of the trials have no result, and which scores are no numbers and why."""
    found = Counter(str(trial["status"]) for trial in trials)
    lacking = [f"{found[s]} {s}" for s in ("diverged", "failed", "missing") if found[s]]
    said = [f"Of {len(trials)} trials {' and '.join(lacking)}."] if lacking else []
    gaps = Counter(gap for trial in trials for gap in gaps_of(trial).items())
    said += [
        f"{name} is no number in {count} of {len(trials)} trials: {reason}."
        for (name, reason), count in sorted(gaps.items())
    ]
    return " ".join(said)


def _tuned_sentence(tuned: Tuned | None) -> str:
    if tuned is None:
        return ""
    return (
        f"A method that the study {tuned.study} has is set as the best of its {tuned.trials} "
        "trials there; no other was tuned, and what an arm changes was not tuned again."
    )


def _cost_sentence(roles: set[str]) -> str:
    if not roles:
        return ""
    return (
        "Costs: mean over seeds, of whole trainings."
        if "training" in roles
        else ("Costs: mean over seeds.")
    )


def _share_sentence(trials: Sequence[Row], shares: Mapping[str, float]) -> str:
    seen: dict[str, str] = {}
    for evaluation, share in sorted(shares.items()):
        at_share = [t for t in trials if t["evaluation"] == evaluation and t["at"] == share]
        images = sorted({int(t["images"]) for t in at_share if not is_missing(t["images"])})
        counted = " to ".join(plain(count) for count in sorted({images[0], images[-1]}))
        part = "" if share == 1 else f", {share:.4g} of the training"
        seen[evaluation] = f"After {counted} training {samples_named(at_share[0])}{part}"
    if len(set(seen.values())) == 1:
        return f"{next(iter(seen.values()))}."
    return " ".join(f"{text} ({evaluation})." for evaluation, text in seen.items())


def _scale_sentences(scores: Sequence[NumberColumn]) -> list[str]:
    titles = {"log": list[str](), "plain": list[str]()}
    for shown in scores:
        name = shown.measure.column.title
        chosen = titles[shown.measure.column.scale]
        chosen += [] if name in chosen else [name]
    log, plain_ = ", ".join(titles["log"]), ", ".join(titles["plain"])
    sentences = [
        f"{log}: geometric mean over seeds and 95% Student t interval of the logarithm "
        "(arithmetic where a value is not above 0)."
        if log
        else "",
        f"{plain_}: mean over seeds and 95% Student t interval." if plain_ else "",
        "One seed has no interval." if scores else "",
    ]
    return [sentence for sentence in sentences if sentence]
