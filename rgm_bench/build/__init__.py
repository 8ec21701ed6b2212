"""From specs to objects: the only place that asks which kind a spec is.

A new kind is one more case here; pyright refuses a union whose member has none.
"""
