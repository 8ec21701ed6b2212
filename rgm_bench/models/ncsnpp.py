"""The NCSN++ generator with group norms driven by the latent z: x0_hat = G(y_t, level, z).

Source: Song et al. 2021 (score SDE), Appendix H, with the adaptive group norm of Xiao et al. 2022
(DDGAN) as Choi et al. 2023 use it. The order of `all_modules` and all parameter names are those of
the published checkpoints, so that these load as they are.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from rgm_bench.models.fir import resample
from rgm_bench.models.layers import (
    SKIP_SCALE,
    conv,
    dense,
    level_embedding,
    scaled_uniform_,
)
from rgm_bench.types import FeatureMap, Image, Latent, Level


def _num_groups(channels: int) -> int:
    return min(channels // 4, 32)


@final
class _AdaptiveGroupNorm(nn.Module):
    """Group norm whose scale and shift are linear in the embedded latent; scale starts at 1."""

    def __init__(self, channels: int, latent: int) -> None:
        super().__init__()
        self.num_groups = _num_groups(channels)
        self.style = dense(latent, 2 * channels)
        nn.init.ones_(self.style.bias[:channels])

    def forward(self, x: Image, z: Tensor) -> Image:
        scale, shift = self.style(z)[..., None, None].chunk(2, dim=1)
        return scale * functional.group_norm(x, self.num_groups, eps=1e-6) + shift


@final
class _PixelNorm(nn.Module):
    def forward(self, z: Latent) -> Latent:
        return z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)


@final
class _ResidualBlock(nn.Module):
    """A BigGAN residual block: level added after the first convolution, latent in both norms."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        level: int,
        latent: int,
        resampling: Literal["none", "down", "up"] = "none",
    ) -> None:
        super().__init__()
        self.resampling: Literal["none", "down", "up"] = resampling
        self.GroupNorm_0 = _AdaptiveGroupNorm(inputs, latent)
        self.Conv_0 = conv(inputs, outputs)
        self.Dense_0 = dense(level, outputs)
        self.GroupNorm_1 = _AdaptiveGroupNorm(outputs, latent)
        self.Conv_1 = conv(outputs, outputs, scale=0.0)
        self.Conv_2 = (
            conv(inputs, outputs, 1) if inputs != outputs or resampling != "none" else nn.Identity()
        )

    def forward(self, x: Image, level: Tensor, z: Tensor) -> Tensor:
        hidden = functional.silu(self.GroupNorm_0(x, z))
        if self.resampling != "none":
            hidden, x = resample(hidden, self.resampling), resample(x, self.resampling)
        hidden = self.Conv_0(hidden) + self.Dense_0(functional.silu(level))[..., None, None]
        hidden = self.Conv_1(functional.silu(self.GroupNorm_1(hidden, z)))
        return (self.Conv_2(x) + hidden) * SKIP_SCALE


@final
class _ChannelMixing(nn.Module):
    """A linear map of the channels of each pixel."""

    def __init__(self, channels: int, *, scale: float) -> None:
        super().__init__()
        self.W = nn.Parameter(torch.empty(channels, channels))
        self.b = nn.Parameter(torch.zeros(channels))
        scaled_uniform_(self.W, channels, channels, scale)

    def forward(self, x: Image) -> Image:
        return torch.einsum("bihw,io->bohw", x, self.W) + self.b[:, None, None]


@final
class _Attention(nn.Module):
    """Self-attention with one head over the pixels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.GroupNorm_0 = nn.GroupNorm(_num_groups(channels), channels, eps=1e-6)
        self.NIN_0 = _ChannelMixing(channels, scale=0.1)
        self.NIN_1 = _ChannelMixing(channels, scale=0.1)
        self.NIN_2 = _ChannelMixing(channels, scale=0.1)
        self.NIN_3 = _ChannelMixing(channels, scale=0.0)

    def forward(self, x: Image) -> Image:
        normed = self.GroupNorm_0(x)
        query, key, value = (
            mix(normed).flatten(2).transpose(1, 2) for mix in (self.NIN_0, self.NIN_1, self.NIN_2)
        )
        attended = functional.scaled_dot_product_attention(query, key, value)
        mixed = self.NIN_3(attended.transpose(1, 2).reshape(x.shape))
        return (x + mixed) * SKIP_SCALE


@final
class _PyramidDown(nn.Module):
    """Filters, then halves the image by a strided convolution: the residual input pyramid."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.Conv2d_0 = conv(inputs, outputs)

    def forward(self, x: Image) -> FeatureMap:
        # the stride never reads the last row and column of an even-sized blurred image
        blurred = resample(x, "blur")
        return functional.conv2d(blurred, self.Conv2d_0.weight, self.Conv2d_0.bias, stride=2)


@final
class Ncsnpp(nn.Module):
    """The generator: an estimate of clean data from an observation, its level and a latent.

    Args:
        image_shape: channels, height and width of the image.
        base_channels: width of the first level.
        channel_multipliers: width of each level, from fine to coarse, in base channels.
        blocks_per_level: residual blocks on each level on the way down; one more on the way up.
        attention_resolutions: heights of the feature maps that attend to themselves.
        latent_size: entries of z.
        latent_embedding: entries of the embedded z that drives the norms.
        latent_layers: linear layers of the embedding, after the first one.
        output: `tanh` keeps estimates in (-1, 1); `linear` does not bound them.
    """

    def __init__(
        self,
        *,
        image_shape: tuple[int, int, int],
        base_channels: int,
        channel_multipliers: Sequence[int],
        blocks_per_level: int,
        attention_resolutions: Sequence[int],
        latent_size: int,
        latent_embedding: int,
        latent_layers: int,
        output: Literal["tanh", "linear"],
    ) -> None:
        super().__init__()
        image_channels, resolution, _ = image_shape
        self.latent_size = latent_size
        self.base_channels = base_channels
        self.blocks_per_level = blocks_per_level
        self.widths = tuple(base_channels * factor for factor in channel_multipliers)
        self.attends = tuple(
            resolution // 2**index in attention_resolutions for index in range(len(self.widths))
        )
        self.bounded = output == "tanh"
        self.z_transform = _latent_network(latent_size, latent_embedding, latent_layers)
        self.all_modules = nn.ModuleList(self._modules_in_order(image_channels, latent_embedding))

    def _modules_in_order(self, image_channels: int, latent: int) -> Iterator[nn.Module]:
        level = 4 * self.base_channels
        yield dense(self.base_channels, level)
        yield dense(level, level)
        yield conv(image_channels, self.base_channels)
        width, skips, pyramid = self.base_channels, [self.base_channels], image_channels
        for index, outputs in enumerate(self.widths):
            for _ in range(self.blocks_per_level):
                yield _ResidualBlock(width, outputs, level=level, latent=latent)
                width = outputs
                if self.attends[index]:
                    yield _Attention(width)
                skips.append(width)
            if index + 1 < len(self.widths):
                yield _ResidualBlock(width, width, level=level, latent=latent, resampling="down")
                yield _PyramidDown(pyramid, width)
                pyramid = width
                skips.append(width)
        yield _ResidualBlock(width, width, level=level, latent=latent)
        yield _Attention(width)
        yield _ResidualBlock(width, width, level=level, latent=latent)
        for index, outputs in reversed(list(enumerate(self.widths))):
            for _ in range(self.blocks_per_level + 1):
                yield _ResidualBlock(width + skips.pop(), outputs, level=level, latent=latent)
                width = outputs
            if self.attends[index]:
                yield _Attention(width)
            if index > 0:
                yield _ResidualBlock(width, width, level=level, latent=latent, resampling="up")
        yield nn.GroupNorm(_num_groups(width), width, eps=1e-6)
        yield conv(width, image_channels, scale=0.0)

    def forward(self, y: Image, level: Level, z: Latent) -> Image:
        """The estimate x0_hat.

        Args:
            y: the observation.
            level: one less than the observation's own level, so 0 to `num_levels - 1`.
            z: the latent.
        """
        modules = iter(self.all_modules)
        style = self.z_transform(z)
        first, second = next(modules), next(modules)
        time = second(functional.silu(first(level_embedding(level, self.base_channels))))
        hidden = self._down_and_up(modules, y, time, style)
        hidden = functional.silu(next(modules)(hidden))
        x0_hat = next(modules)(hidden)
        return torch.tanh(x0_hat) if self.bounded else x0_hat

    def _down_and_up(
        self, modules: Iterator[nn.Module], y: Image, time: Tensor, style: Tensor
    ) -> Tensor:
        pyramid, skips = y, [next(modules)(y)]
        for index in range(len(self.widths)):
            for _ in range(self.blocks_per_level):
                hidden = next(modules)(skips[-1], time, style)
                skips.append(next(modules)(hidden) if self.attends[index] else hidden)
            if index + 1 < len(self.widths):
                hidden = next(modules)(skips[-1], time, style)
                pyramid = (next(modules)(pyramid) + hidden) * SKIP_SCALE
                skips.append(pyramid)
        hidden = next(modules)(skips[-1], time, style)
        hidden = next(modules)(hidden)
        hidden = next(modules)(hidden, time, style)
        for index in reversed(range(len(self.widths))):
            for _ in range(self.blocks_per_level + 1):
                hidden = next(modules)(torch.cat([hidden, skips.pop()], dim=1), time, style)
            if self.attends[index]:
                hidden = next(modules)(hidden)
            if index > 0:
                hidden = next(modules)(hidden, time, style)
        return hidden


def _latent_network(size: int, embedding: int, layers: int) -> nn.Sequential:
    parts: list[nn.Module] = [_PixelNorm(), dense(size, embedding), nn.SiLU()]
    for _ in range(layers):
        parts += [dense(embedding, embedding), nn.SiLU()]
    return nn.Sequential(*parts)
