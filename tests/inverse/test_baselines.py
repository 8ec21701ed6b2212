import numpy as np
import pytest
import torch
from PIL import Image

from rgm_bench.inverse.baselines import Bicubic, PseudoInverse
from rgm_bench.inverse.problems import colorization, denoising, super_resolution

RNG = torch.Generator()


def test_bicubic_is_the_interpolation_of_pillow() -> None:
    y = torch.rand(1, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    x = Bicubic().restore(super_resolution(4), y, RNG)
    picture = Image.fromarray(y[0, 0].numpy()).resize((24, 24), Image.Resampling.BICUBIC)
    expected = torch.from_numpy(np.array(picture))
    torch.testing.assert_close(x[0, 0], expected, atol=1e-5, rtol=0)


def test_bicubic_keeps_straight_lines_away_from_the_edges() -> None:
    along = torch.arange(8.0)
    y = (along[:, None] + 2 * along)[None, None]
    x = Bicubic().restore(super_resolution(2), y, RNG)[0, 0, 4:-4, 4:-4]
    torch.testing.assert_close(x.diff(dim=0), torch.full_like(x.diff(dim=0), 0.5))
    torch.testing.assert_close(x.diff(dim=1), torch.full_like(x.diff(dim=1), 1.0))


@pytest.mark.parametrize("problem", [colorization(), denoising(0.1)], ids=lambda p: p.name)
def test_bicubic_is_for_small_images_only(problem) -> None:
    with pytest.raises(ValueError, match=f"{problem.name}: it is for block averages only"):
        Bicubic().restore(problem, torch.zeros(1, 1, 8, 8), RNG)


def test_the_pseudo_inverse_undoes_a_measurement_of_what_it_gave() -> None:
    problem = super_resolution(4)
    y = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    x = PseudoInverse().restore(problem, y, RNG)
    again = PseudoInverse().restore(problem, problem.operator.apply(x), RNG)
    torch.testing.assert_close(again, x)
