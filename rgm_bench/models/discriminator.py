"""The time-conditional discriminator: residual blocks that halve the image, then one logit.

It sees a degraded image and its level, nothing else. `small` halves three times (images from 8
pixels), `large` six times (from 64 pixels).

Source: Choi et al. 2023, Appendix, after Xiao et al. 2022 (DDGAN) without the channels of the
noisier image. Parameter names are those of the published checkpoints.
"""

from itertools import pairwise
from typing import Literal, final

import torch
from torch import Tensor, nn

from rgm_bench.batching import STDDEV_GROUP
from rgm_bench.models.fir import resample
from rgm_bench.models.layers import SKIP_SCALE, conv, dense, level_embedding
from rgm_bench.types import FeatureMap, Image, Level, PerSample

_CHANNELS = {"small": (2, 2, 4, 8, 8), "large": (2, 4, 8, 8, 8, 8, 8)}


@final
class _LevelNetwork(nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.main = nn.Sequential(dense(size, size), nn.LeakyReLU(0.2), dense(size, size))

    def forward(self, level: Level) -> Tensor:
        return self.main(level_embedding(level, self.size))


@final
class _DownBlock(nn.Module):
    """Two convolutions and a skip; the level is added between them."""

    def __init__(self, inputs: int, outputs: int, embedding: int, *, halve: bool) -> None:
        super().__init__()
        self.halve = halve
        self.act = nn.LeakyReLU(0.2)
        self.conv1 = nn.Sequential(conv(inputs, outputs))
        self.conv2 = nn.Sequential(conv(outputs, outputs, scale=0.0))
        self.dense_t1 = dense(embedding, outputs)
        self.skip = nn.Sequential(conv(inputs, outputs, 1, bias=False))

    def forward(self, x: Image, embedding: Tensor) -> Tensor:
        hidden = self.conv1(self.act(x)) + self.dense_t1(embedding)[..., None, None]
        hidden = self.act(hidden)
        if self.halve:
            hidden, x = resample(hidden, "down"), resample(x, "down")
        return (self.conv2(hidden) + self.skip(x)) * SKIP_SCALE


@final
class Discriminator(nn.Module):
    """A logit for each pair of image and level: high where real images are likelier.

    Args:
        size: how often the image is halved: three times (`small`) or six (`large`).
        image_channels: channels of the image.
        base_channels: the unit of width; the widest block has eight of it.
        time_embedding: size of the embedding of the level.
    """

    def __init__(
        self,
        *,
        size: Literal["small", "large"],
        image_channels: int,
        base_channels: int,
        time_embedding: int,
    ) -> None:
        super().__init__()
        widths = [factor * base_channels for factor in _CHANNELS[size]]
        self.t_embed = _LevelNetwork(time_embedding)
        self.act = nn.LeakyReLU(0.2)
        self.start_conv = conv(image_channels, widths[0], 1)
        self.num_blocks = len(widths) - 1
        for index, (inputs, outputs) in enumerate(pairwise(widths), start=1):
            halve = size == "large" or index > 1
            block = _DownBlock(inputs, outputs, time_embedding, halve=halve)
            self.add_module(f"conv{index}", block)
        self.final_conv = conv(widths[-1] + 1, widths[-1], scale=0.0)
        self.end_linear = dense(widths[-1], 1)

    def features(self, x: Image, level: Level) -> FeatureMap:
        """The last feature map before images of a group are compared."""
        embedding = self.act(self.t_embed(level))
        hidden = self.start_conv(x)
        for index in range(1, self.num_blocks + 1):
            hidden = self.get_submodule(f"conv{index}")(hidden, embedding)
        return hidden

    def forward(self, x: Image, level: Level) -> PerSample:
        """Logits. The batch is a multiple of 4, or less than 4."""
        hidden = append_group_stddev(self.features(x, level))
        hidden = self.act(self.final_conv(hidden))
        return self.end_linear(hidden.flatten(2).sum(2))[:, 0]


def append_group_stddev(x: Image) -> FeatureMap:
    """Append a channel that holds the mean standard deviation within the image's group.

    Groups are strided: images i and j share one when i - j is a multiple of batch / 4. Shards and
    micro-batches of a batch therefore split it by group, not by position.

    Source: Karras et al. 2018, Sec. 3, with the variance floored by 1e-8.
    """
    batch, channels, height, width = x.shape
    group = min(batch, STDDEV_GROUP)
    grouped = x.reshape(group, -1, channels, height, width)
    stddev = (grouped.var(0, unbiased=False) + 1e-8).sqrt().mean([1, 2, 3])
    column = stddev.repeat(group).reshape(batch, 1, 1, 1).expand(batch, 1, height, width)
    return torch.cat([x, column], dim=1)
