"""What arms are called in a baseline: the same as long as the axes of the study are."""

from rgm_bench.config.study import Trial


def arm_of(trial: Trial) -> str:
    """The labels of an arm in words, without its seed: `fidelity_weight 0.05`."""
    return ", ".join(f"{axis} {label}" for axis, label in trial.labels.items())
