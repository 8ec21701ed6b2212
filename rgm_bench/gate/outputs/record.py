"""A check as JSON: for other programs, and as the record that the history of a gate is made of."""

from dataclasses import asdict
from typing import Any

from rgm_bench.gate.compare import Check
from rgm_bench.gate.words import explained


def to_record(check: Check) -> dict[str, Any]:
    """The check as plain JSON values, with the values of all seeds."""
    return {
        "gate": check.gate,
        "verdict": check.verdict,
        "against": check.against,
        "commit": check.current.commit,
        "baseline_commit": check.baseline.commit,
        "time": check.current.time,
        "device": check.current.device.model_dump(mode="json"),
        "differences": list(check.differences),
        "numbers": [
            asdict(finding) | {"explanation": explained(finding)} for finding in check.findings
        ],
        "values": {number.label: number.values for number in check.current.numbers},
        "fingerprints": [asdict(each) for each in check.fingerprints],
        "notes": list(check.notes),
    }
