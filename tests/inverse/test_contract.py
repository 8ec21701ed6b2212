import torch

from rgm_bench.forward.noise import NoiseForward
from rgm_bench.forward.schedule import variance_preserving
from rgm_bench.inverse.base import Solver
from rgm_bench.inverse.baselines import Bicubic, PseudoInverse
from rgm_bench.inverse.ddrm import Ddrm
from rgm_bench.inverse.denoisers import VariancePreservingDenoiser
from rgm_bench.inverse.plug_and_play import PlugAndPlay
from rgm_bench.inverse.problems import InverseProblem, colorization, deblurring, inpainting
from rgm_bench.models.latent import LatentDistribution
from rgm_bench.testing.solvers import SolverContract
from tests.inverse.gaussian import GaussianImages
from tests.vectors import load, published_generator, under


class TestPseudoInverse(SolverContract):
    noise_free_residual = 1e-6

    def make(self) -> Solver:
        return PseudoInverse()


class TestBicubic(SolverContract):
    noise_free_residual = None

    def make(self) -> Solver:
        return Bicubic()


class TestPlugAndPlay(SolverContract):
    """With a network that was never trained, so its corrections are large."""

    noise_free_residual = 0.2

    def make(self) -> Solver:
        tensors, config = load("generator_16px")
        network = published_generator(config)
        network.load_state_dict(under("state.", tensors))
        return PlugAndPlay(
            forward=NoiseForward(4),
            restore=network,
            latent=LatentDistribution(size=config["nz"]),
            relaxation=0.05,
            data_weight=10.0,
            iterations=3,
            num_levels=2,
        )


class TestDdrm(SolverContract):
    """With the exact noise of Gaussian images in place of a network."""

    image_shape = (3, 8, 8)
    noise_free_residual = 1e-5

    def make(self) -> Solver:
        images, schedule = GaussianImages(), variance_preserving(1000, "linear")

        def noise(x_t: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
            signal, sigma = (
                table[level[0] + 1].item() for table in (schedule.signal, schedule.sigma)
            )
            return (x_t - signal * images.denoise(x_t / signal, sigma / signal).to(x_t)) / sigma

        denoise = VariancePreservingDenoiser(schedule=schedule, predict=noise, target="noise")
        return Ddrm(denoise=denoise, sigmas=denoise.sigmas(20))


class TestDdrmColorization(TestDdrm):
    def problem(self) -> InverseProblem:
        return colorization(noise_std=0.1)


class TestDdrmInpainting(TestDdrm):
    def problem(self) -> InverseProblem:
        return inpainting(torch.eye(8), noise_std=0.1)


class TestDdrmDeblurring(TestDdrm):
    def problem(self) -> InverseProblem:
        return deblurring(torch.tensor([[0.25, 0.5, 0.25]]), noise_std=0.1)
