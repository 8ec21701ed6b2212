"""Names for tensors, checked by jaxtyping in the tests.

An alias binds its axes: two tensors typed `Image` in one signature have the same sizes, hence
`FeatureMap` with axes of its own.
"""

from jaxtyping import Float, Int64, UInt8
from torch import Tensor

Sample = Float[Tensor, " batch *event"]
"""Clean data or an estimate of it: images `batch channel height width` or points `batch 2`."""

Observation = Float[Tensor, " batch *event"]
"""Degraded data, of the same size as the clean data at every level."""

Image = Float[Tensor, " batch channel height width"]
"""Images with values in [-1, 1]."""

FeatureMap = Float[Tensor, " batch feature map_height map_width"]
"""What a layer makes of images, or images of another size than those that went in."""

ByteImage = UInt8[Tensor, " batch channel height width"]
"""Images with values 0 to 255, as metrics see them."""

Level = Int64[Tensor, " batch"]
"""A degradation level for each sample: 0 is data, `num_levels` is the end distribution."""

Latent = Float[Tensor, " batch latent"]
"""The auxiliary latent z for each sample."""

PerSample = Float[Tensor, " batch"]
"""One number for each sample."""

Scalar = Float[Tensor, ""]
"""One number."""
