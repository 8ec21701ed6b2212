"""The one text of a spec, and the id that it hashes to."""

import hashlib
import json
from typing import Any

from rgm_bench.config.spec.base import Spec


def canonical_json(spec: Spec) -> str:
    """The one text of a spec: every field, keys sorted, no white space."""
    fields: dict[str, Any] = spec.model_dump(mode="json")
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)


def spec_id(spec: Spec) -> str:
    """16 hexadecimal digits that name a spec: equal for equal results, whatever file asked."""
    return hashlib.sha256(canonical_json(spec).encode()).hexdigest()[:16]
