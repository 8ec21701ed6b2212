"""Published numbers: what a paper reports, each value with its source and how far to trust it.

One YAML file a paper. A number that is not known is null there and None here.
"""

from rgm_bench.published.read import published_paper, published_papers, published_rows
from rgm_bench.published.value import Label, PublishedPaper, PublishedRow, PublishedValue

__all__ = [
    "Label",
    "PublishedPaper",
    "PublishedRow",
    "PublishedValue",
    "published_paper",
    "published_papers",
    "published_rows",
]
