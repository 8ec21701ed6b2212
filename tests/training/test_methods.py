"""Every method and every prior, from its spec: they train, and a break changes no bit."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

import cloudpickle
import pytest
import torch
from torch import Tensor, nn

from rgm_bench.build.training import build_training
from rgm_bench.config.parts import Parts
from rgm_bench.config.spec import (
    PythonPartSpec,
    TrainingSpec,
    canonical_fields,
    part_key,
    stored_spec,
)
from rgm_bench.errors import StudyError
from rgm_bench.forward.base import ForwardProcess
from rgm_bench.forward.downsample import NaiveSuperResolution, SplitSuperResolution
from rgm_bench.forward.noise import NoiseForward
from rgm_bench.priors.base import Prior
from rgm_bench.training.checkpoint import Checkpoint
from rgm_bench.training.loop import Training

CPU = torch.device("cpu")

PLANE: dict[str, Any] = {
    "data": {"kind": "gmm8", "num_points": 64},
    "generator": {"kind": "mlp", "width": 8, "latent": {"kind": "gaussian", "size": 2}},
}
NOISE = {"kind": "noise", "num_levels": 4}
MLP = {
    "discriminator": {"kind": "mlp", "width": 8},
    "r1": {"weight": 0.02, "every_steps": 3},
    "learning_rate": 1e-3,
}
SMALL = MLP | {"discriminator": {"kind": "small", "base_channels": 2, "time_embedding": 8}}


def rgm(prior: Mapping[str, Any], forward: Mapping[str, Any] = NOISE, **fields: Any) -> Any:
    method = {"kind": "rgm", "forward": forward, "fidelity_weight": 0.1, "prior": prior}
    return {"method": method | fields}


def linear(operator: Mapping[str, Any], **fields: Any) -> Mapping[str, Any]:
    return {"kind": "linear", "operator": operator, "num_levels": 2} | fields


class Learned(Prior):
    """A user's prior: a line that learns, its first weights drawn where it is made."""

    learns = True

    def __init__(self, *, rate: float) -> None:
        self.rate = rate
        self.line = nn.Linear(2, 1)
        self.networks = (self.line,)

    def improve(
        self, real: Tensor, fake: Tensor, level: Tensor, *, step: int, decay: float
    ) -> Mapping[str, Tensor]:
        loss = (self.line(fake) - self.line(real)).mean()
        for parameter, gradient in zip(
            self.line.parameters(),
            torch.autograd.grad(loss, [*self.line.parameters()]),
            strict=True,
        ):
            parameter.data -= self.rate * decay * gradient
        return {"gap": loss.detach()}

    def penalty(self, fake: Tensor, real: Tensor, level: Tensor) -> Tensor:
        self.line.requires_grad_(False)
        penalty = self.line(fake).mean()
        self.line.requires_grad_(True)
        return penalty

    def state(self) -> Mapping[str, Tensor]:
        return self.line.state_dict()

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        self.line.load_state_dict(dict(state))


class Random(ForwardProcess):
    """A user's forward process whose operator is drawn where it is made."""

    def __init__(self, *, levels: int) -> None:
        self.num_levels = levels
        self.turn, _ = torch.linalg.qr(torch.randn(2, 2))
        self.noise = NoiseForward(levels)

    def sample(self, x0: Tensor, level: Tensor, noise: Tensor) -> Tensor:
        turned = torch.where(level[:, None] > 0, x0 @ self.turn, x0)
        return self.noise.sample(turned, level, noise)

    def fidelity(self, x_hat: Tensor, y: Tensor, level: Tensor) -> Tensor:
        return self.noise.fidelity(x_hat @ self.turn, y, level)

    def start(self, noise: Tensor) -> Tensor:
        return self.noise.start(noise)

    def to(self, device: torch.device) -> None:
        self.noise.to(device)


CODE = "0" * 8
PARTS = Parts({part_key(c.__name__, CODE): cloudpickle.dumps(c) for c in (Learned, Random)})


def own(cls: type, **fields: Any) -> Mapping[str, Any]:
    return {"kind": "python", "name": cls.__name__, "code": CODE} | fields


LEARNED = own(Learned, arguments={"rate": 0.1})
METHODS: dict[str, dict[str, Any]] = {
    "kld": PLANE | rgm({"kind": "kld"} | MLP),
    "kld_posterior": PLANE | rgm({"kind": "kld"} | MLP, fake="posterior"),
    "kld_accumulated": PLANE | rgm({"kind": "kld"} | MLP) | {"numerics": {"accumulation": 2}},
    "mmd": PLANE | rgm({"kind": "mmd", "bandwidths": (0.5, 2.0)}),
    "feature_mmd": PLANE | rgm({"kind": "feature_mmd"} | MLP),
    "dswd": PLANE | rgm({"kind": "dswd", "num_directions": 8, "inner_steps": 2} | MLP),
    "none": PLANE | rgm({"kind": "none"}),
    "own_prior": PLANE | rgm(LEARNED),
    "own_forward": PLANE
    | rgm({"kind": "kld"} | MLP, own(Random, num_levels=3, arguments={"levels": 3})),
    "mmse": PLANE | {"method": {"kind": "mmse", "forward": NOISE}},
    "ddpm": PLANE
    | {
        "method": {
            "kind": "ddpm",
            "forward": {"kind": "noise", "num_levels": 21, "schedule": "linear"},
        },
        "generator": PLANE["generator"] | {"latent": {"kind": "zeros", "size": 2}},
    },
    "images_kld": rgm({"kind": "kld"} | SMALL),
    "images_mmd": rgm({"kind": "mmd", "bandwidths": (4.0,)}),
    "images_feature_mmd": rgm({"kind": "feature_mmd"} | SMALL),
    "images_dswd": rgm({"kind": "dswd", "num_directions": 8, "inner_steps": 1} | SMALL),
    "split": rgm({"kind": "none"}, {"kind": "super_resolution", "num_levels": 5}),
    "naive": rgm({"kind": "none"}, {"kind": "super_resolution", "num_levels": 3, "order": "naive"}),
    "split_square": rgm(
        {"kind": "none"}, {"kind": "super_resolution", "num_levels": 5, "schedule": "square"}
    ),
    "naive_square": rgm(
        {"kind": "none"},
        {"kind": "super_resolution", "num_levels": 3, "order": "naive", "schedule": "square"},
    ),
    "mmse_split": {
        "method": {"kind": "mmse", "forward": {"kind": "super_resolution", "num_levels": 2}}
    },
    "blocks": rgm({"kind": "none"}, linear({"kind": "block_average", "factor": 4})),
    "identity": rgm({"kind": "none"}, linear({"kind": "identity"}, schedule="square")),
    "blur": rgm({"kind": "none"}, linear({"kind": "blur", "sigma": 1.0})),
    "inpainting": rgm(
        {"kind": "none"}, linear({"kind": "inpainting", "hidden": 0.5}, noise="observed")
    ),
}


@pytest.fixture
def spec_of(tiny_spec):
    def make(name: str, **fields: Any) -> TrainingSpec:
        return tiny_spec(**METHODS[name] | {"images": 64, "ema": {"decay": 0.3}} | fields)

    return make


def begun(spec: TrainingSpec) -> Training:
    return build_training(spec, CPU, PARTS)


def run(training: Training, steps: int) -> Training:
    whole, training.steps = training.steps, steps
    training.run(lambda: None)
    training.steps = whole
    return training


def require_same(found: Training, expected: Training) -> None:
    state = found.step.state()
    assert state.keys() == expected.step.state().keys()
    assert all(torch.equal(state[name], t) for name, t in expected.step.state().items())


@pytest.mark.parametrize("name", METHODS)
def test_a_break_after_one_step_changes_no_bit(spec_of, tmp_path: Path, name: str) -> None:
    spec = spec_of(name)
    first = begun(spec)
    start = {k: t.clone() for k, t in first.step.generator.state_dict().items()}
    unbroken = run(first, 3)
    moved = [t for k, t in unbroken.step.generator.state_dict().items() if not t.equal(start[k])]
    assert moved

    (tmp_path / "c").write_bytes(run(begun(spec), 1).checkpoint().to_bytes())
    checkpoint = Checkpoint.read(tmp_path / "c", CPU)
    assert checkpoint is not None
    resumed = begun(spec)
    resumed.resume(checkpoint)
    run(resumed, 3)
    require_same(resumed, unbroken)
    assert resumed.curve.state() == unbroken.curve.state()


@pytest.mark.parametrize("name", ["kld", "dswd", "own_prior", "own_forward", "mmse", "ddpm"])
def test_another_seed_gives_other_bits(spec_of, name: str) -> None:
    first, second = (run(begun(spec_of(name, seed=seed)), 1) for seed in (0, 1))
    parts = zip(first.step.state().items(), second.step.state().values(), strict=True)
    differing = {name.split(".")[0] for (name, a), b in parts if not torch.equal(a, b)}
    assert {"generator", "average"} <= differing
    assert ("prior" in differing) == bool(first.step.networks)


def test_arms_of_a_study_share_data_noise_and_first_weights(spec_of) -> None:
    """So that what tells them apart is what was changed, and nothing by chance."""
    arms = [begun(spec_of(name)) for name in ("kld", "mmd", "feature_mmd", "none", "mmse")]
    draws = [arm.draws.at(2) for arm in arms]
    for arm, drawn in zip(arms, draws, strict=True):
        assert torch.equal(drawn.x0, draws[0].x0)
        assert torch.equal(drawn.generator.noise_next, draws[0].generator.noise_next)
        weights = arms[0].step.generator.state_dict()
        assert all(t.equal(weights[k]) for k, t in arm.step.generator.state_dict().items())


@pytest.mark.parametrize(
    ("name", "networks"),
    [("kld", 1), ("feature_mmd", 1), ("dswd", 2), ("mmd", 0), ("none", 0), ("own_prior", 1)],
)
def test_what_learns_beside_the_generator(spec_of, name: str, networks: int) -> None:
    assert len(begun(spec_of(name)).step.networks) == networks


def test_only_dswd_has_one_level_a_batch_and_only_in_the_generator_s_half(spec_of) -> None:
    """Source: published training code, which draws a level for each image for the discriminator."""
    for name in ("kld", "mmd", "feature_mmd", "dswd", "mmse", "own_prior"):
        draws = begun(spec_of(name)).draws
        steps = [draws.at(step) for step in range(5)]
        assert all(len(step.prior.level.unique()) > 1 for step in steps)
        single = all(len(step.generator.level.unique()) == 1 for step in steps)
        assert single == (name == "dswd")


@pytest.mark.parametrize("name", ["feature_mmd", "dswd"])
def test_a_discriminator_learns_alike_whatever_the_generator_lowers(spec_of, name: str) -> None:
    """On the same draws by the same loss, so that its first step has the same bits."""
    first, other = (run(begun(spec_of(each)), 1).step.networks[0] for each in ("kld", name))
    start = begun(spec_of(name)).step.networks[0].state_dict()
    weights = other.state_dict()
    assert any(not torch.equal(tensor, start[key]) for key, tensor in weights.items())
    assert all(torch.equal(weights[key], tensor) for key, tensor in first.state_dict().items())


def test_results_of_another_revision_of_dswd_are_not_computed(spec_of) -> None:
    spec = spec_of("dswd")
    fields = canonical_fields(spec)
    del fields["method"]["prior"]["revision"]
    with pytest.raises(StudyError, match="revision 1 of dswd cannot be computed any more"):
        begun(stored_spec(TrainingSpec, fields))


def test_the_step_of_kld_is_its_formula(spec_of) -> None:
    """Written out once more: the discriminator's step with R1, then the generator's."""
    spec = spec_of("kld")
    training, other = begun(spec), begun(spec)
    draws, step = training.draws.at(0), other.step
    losses = training.step(draws, step=0, decay=1.0)

    forward, generator = NoiseForward(4), step.generator
    (critic,) = step.networks
    half = draws.prior
    real = forward.sample(draws.x0, half.level, half.noise).requires_grad_()
    y = forward.sample(draws.x0, half.level + 1, half.noise_next)
    fake = forward.sample(generator(y, half.level, half.latent), half.level, half.noise_fake)
    critic.requires_grad_(True)
    logits = critic(real, half.level)
    gan = nn.functional.softplus(-logits).mean()
    gan = gan + nn.functional.softplus(critic(fake.detach(), half.level)).mean()
    (slope,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
    r1 = 0.02 / 2 * slope.square().sum(1).mean()
    (gan + r1).backward()
    step.objective.prior.adversary.optimizer.step(1.0)
    torch.testing.assert_close(losses["discriminator_loss"], gan.detach())
    torch.testing.assert_close(losses["r1"], r1.detach())

    half = draws.generator
    y = forward.sample(draws.x0, half.level + 1, half.noise_next)
    x_hat = generator(y, half.level, half.latent)
    score = critic(forward.sample(x_hat, half.level, half.noise_fake), half.level)
    signal, sigma = forward.schedule.at(half.level + 1, y)
    fidelity = (((y - signal * x_hat) / sigma).square().sum(1) / 2).mean()
    torch.testing.assert_close(losses["prior"], -score.mean().detach())
    torch.testing.assert_close(losses["fidelity"], fidelity.detach())
    (0.1 * fidelity - score.mean()).backward()
    step.optimizer.step(1.0)
    for found, expected in zip(
        training.step.generator.parameters(), generator.parameters(), strict=True
    ):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("name", "forward"),
    [
        ("split", SplitSuperResolution(5)),
        ("split_square", SplitSuperResolution(5, "square")),
        ("naive", NaiveSuperResolution(3)),
        ("naive_square", NaiveSuperResolution(3, "square")),
    ],
)
def test_a_schedule_reaches_training_and_objective(spec_of, name, forward) -> None:
    step = begun(spec_of(name)).step
    for built in (step.forward, step.objective.forward):
        assert torch.equal(built.signal, forward.signal)
        assert torch.equal(built.noise_std, forward.noise_std)


# --- parts written in Python ------------------------------------------------------------------


def test_a_forward_process_is_the_same_whatever_the_seed(spec_of) -> None:
    turns = [begun(spec_of("own_forward", seed=seed)).step.forward.turn for seed in (0, 1)]
    assert torch.equal(*turns)


def test_making_a_part_leaves_the_global_generator_alone(spec_of) -> None:
    before = torch.get_rng_state()
    begun(spec_of("own_prior"))
    begun(spec_of("own_forward"))
    assert torch.equal(torch.get_rng_state(), before)


@final
class Free(Prior):
    def penalty(self, fake: Tensor, real: Tensor, level: Tensor) -> Tensor:
        return (fake - real).abs().mean()


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        ("own_prior", {"numerics": {"accumulation": 2}}, "splits batches, and Learned compares"),
        ("kld", rgm(own(Random, arguments={"levels": 2})), "Random stands where a Prior belongs"),
        ("kld", rgm({"kind": "none"}, LEARNED), "Learned stands where a ForwardProcess belongs"),
        ("kld", rgm(own(Free)), "the class Free did not come with this study"),
    ],
)
def test_a_part_that_cannot_be_used_says_so(spec_of, name, fields, expected) -> None:
    with pytest.raises(StudyError, match=expected):
        begun(spec_of(name, **fields))


def test_a_part_is_not_found_under_other_code() -> None:
    """An id names the code, so another class of the same name must not stand in for it."""
    spec = PythonPartSpec(kind="python", name="Learned", code="1" * 8, arguments={"rate": 0.1})
    with pytest.raises(StudyError, match="did not come"):
        PARTS.make(spec, Prior, field="method.prior")


def test_imported_weights_are_not_trained(spec_of) -> None:
    method = {"kind": "imported", "forward": NOISE, "sha256": "ab" * 32}
    with pytest.raises(StudyError, match="the weights abababababab are not in the store"):
        begun(spec_of("kld", method=method))
