"""Names of metrics: a distance between sets of images means nothing without its extractor and n."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class MetricName:
    """A metric with the network that saw the images and the number of them.

    As text: `fid.digits_cnn_v1.n1437`, the key in result files, columns and MLflow.
    """

    metric: str
    extractor: str
    num_images: int

    def __str__(self) -> str:
        return f"{self.metric}.{self.extractor}.n{self.num_images}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The name that `str` made the text of."""
        metric, extractor, count = text.split(".")
        return cls(metric, extractor, int(count.removeprefix("n")))
