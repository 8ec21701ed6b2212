"""The laws of every solver of inverse problems."""

from dataclasses import replace

import torch
from torch import Tensor

from rgm_bench.inverse.base import Solver
from rgm_bench.inverse.problems import InverseProblem, super_resolution
from rgm_bench.types import Image


class SolverContract:
    """Subclass, return a solver from `make`, inherit the laws.

    Override `problem` for a solver that is made for another one, and `image_shape` for a network
    that reads images of another size. `noise_free_residual` is what the solver promises on
    measurements without noise: the largest ||A x - y|| / ||y||. The pseudo-inverse reaches 0; None,
    to be written out, for a solver that does not bind itself.
    """

    image_shape: tuple[int, int, int] = (3, 16, 16)
    noise_free_residual: float | None

    def make(self) -> Solver:
        """The solver, small enough to restore four images in a second."""
        raise NotImplementedError

    def problem(self) -> InverseProblem:
        """An inverse problem that it can solve."""
        return super_resolution(2, noise_std=0.1)

    def test_gives_finite_images_of_the_full_size(self) -> None:
        """A measurement has another size than an image."""
        x = _restore(self.make(), self.problem(), self._clean())
        assert x.shape == (4, *self.image_shape)
        assert torch.isfinite(x).all()

    def test_the_same_seed_gives_the_same_images(self) -> None:
        """To the last bit, and from a fresh solver."""
        x, again = (_restore(self.make(), self.problem(), self._clean()) for _ in range(2))
        assert torch.equal(x, again)

    def test_an_image_does_not_depend_on_its_neighbours(self) -> None:
        """Other images beside it in a batch of the same size change nothing."""
        clean, solver = self._clean(), self.make()
        other = torch.cat([clean[:1], -clean[1:].flip(0)])
        x, beside_others = (_restore(solver, self.problem(), x0) for x0 in (clean, other))
        torch.testing.assert_close(x[0], beside_others[0])

    def test_draws_from_nowhere_but_its_generator(self) -> None:
        """The global generator is where it was."""
        solver = self.make()
        before = torch.get_rng_state()
        _restore(solver, self.problem(), self._clean())
        assert torch.equal(torch.get_rng_state(), before)

    def test_leaves_the_measurement_as_it_was(self) -> None:
        """Several solvers are given the same tensor."""
        y = _measure(self.problem(), self._clean())
        before = y.clone()
        self.make().restore(self.problem(), y, torch.Generator().manual_seed(1))
        assert torch.equal(y, before)

    def test_reproduces_measurements_without_noise(self) -> None:
        """As closely as `noise_free_residual` promises."""
        if self.noise_free_residual is None:
            return
        problem = replace(self.problem(), noise_std=0.0)
        y = _measure(problem, self._clean())
        x = self.make().restore(problem, y, torch.Generator().manual_seed(1))
        residual = (problem.operator.apply(x) - y).norm() / y.norm()
        assert residual <= self.noise_free_residual

    def _clean(self) -> Image:
        rng = torch.Generator().manual_seed(0)
        return torch.rand(4, *self.image_shape, generator=rng) * 2 - 1


def _measure(problem: InverseProblem, clean: Image) -> Tensor:
    return problem.observe(clean, problem.draw_noise(clean, torch.Generator().manual_seed(2)))


def _restore(solver: Solver, problem: InverseProblem, clean: Image) -> Image:
    y = _measure(problem, clean)
    return solver.restore(problem, y, torch.Generator().manual_seed(1))
