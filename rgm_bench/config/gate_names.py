"""Whether a gate names evaluations and metrics that there are."""

from rgm_bench.config.claim_names import CLAIM_METRICS
from rgm_bench.config.gate import SPEEDS, GateSpec
from rgm_bench.config.placed import Placed
from rgm_bench.config.problems import Problems, listing, nearest


def check_gate(gate: GateSpec | None, profile: Placed, problems: Problems) -> None:
    """Note every name in the gate of a profile that stands for nothing there is."""
    if gate is None:
        return
    place = profile.entries["gate"]
    kinds = {
        name: str(kind.value)
        for name, node in profile.entries["evaluations"].entries.items()
        if (kind := node.get("kind"))
    }
    if gate.evaluation is None and len(kinds) > 1:
        text = f"missing; the study has several evaluations: {listing(kinds)}"
        problems.add(place.at, ("gate", "evaluation"), text)
    elif gate.evaluation is not None and gate.evaluation not in kinds:
        text = f'no evaluation is called "{gate.evaluation}"; there are: {listing(kinds)}'
        at = (place.get("evaluation") or place).at
        problems.add(at, ("gate", "evaluation"), text + nearest(gate.evaluation, kinds))
    else:
        evaluation = gate.evaluation or next(iter(kinds))
        known = gated_metrics(kinds[evaluation])
        for index, metric in enumerate(gate.metrics):
            if metric not in known:
                at = (place.get("metrics", index) or place).at
                problems.add(at, ("gate", "metrics", index), unknown_metric(metric, known))


def gated_metrics(kind: str) -> tuple[str, ...]:
    """What can be gated of an evaluation of `kind`."""
    # how far restorations differ is neither good nor bad
    measured = () if kind == "latent_diversity" else CLAIM_METRICS.get(kind, ())
    return (*measured, *(SPEEDS if kind in ("generate", "points") else SPEEDS[:1]))


def unknown_metric(metric: str, known: tuple[str, ...]) -> str:
    """That nothing of this name is measured, and what is."""
    return f'no number to gate is called "{metric}"; there are: {listing(known)}' + nearest(
        metric, known
    )
