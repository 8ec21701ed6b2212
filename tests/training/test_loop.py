import math

import pytest
import torch

from rgm_bench.build.training import build_training
from rgm_bench.errors import DamagedError, DivergedError
from rgm_bench.models.latent import LatentDistribution
from rgm_bench.optim import cosine_decay
from rgm_bench.training.checkpoint import Checkpoint
from rgm_bench.training.curve import Curve
from rgm_bench.training.draws import DrawSource
from tests.vectors import difference

CPU = torch.device("cpu")


def weights(training) -> torch.Tensor:
    parts = (training.step.ema.module, *training.step.networks)
    return torch.cat([t.flatten() for part in parts for t in part.state_dict().values()])


def train(spec, steps: int | None = None):
    training = build_training(spec, CPU)
    training.steps = steps or training.steps
    training.run(lambda: None)
    training.steps = spec.steps
    return training


@pytest.mark.parametrize(
    ("broken_off_after", "numerics"),
    [
        (1, {}),
        (4, {"channels_last": True}),
        (4, {"precision": "bfloat16", "accumulation": 2}),
        (9, {}),
        (10, {}),
    ],
)
def test_a_resumed_training_has_the_same_bits(
    tiny_spec, tmp_path, broken_off_after, numerics
) -> None:
    fields = {"numerics": numerics}
    unbroken = train(tiny_spec(**fields))
    half = train(tiny_spec(**fields), broken_off_after)
    (tmp_path / "c").write_bytes(half.checkpoint().to_bytes())
    resumed = build_training(tiny_spec(**fields), CPU)
    checkpoint = Checkpoint.read(tmp_path / "c", CPU)
    assert checkpoint is not None
    resumed.resume(checkpoint)
    assert resumed.steps_done == broken_off_after
    resumed.run(lambda: None)
    assert torch.equal(weights(resumed), weights(unbroken))
    assert resumed.curve.columns == unbroken.curve.columns


def test_a_checkpoint_is_whole_or_damaged_or_not_there(tiny_spec, tmp_path) -> None:
    path = tmp_path / "c"
    assert Checkpoint.read(path, CPU) is None
    path.write_bytes(train(tiny_spec(), 1).checkpoint().to_bytes())
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DamagedError, match="not readable as tensors"):
        Checkpoint.read(path, CPU)


def test_equal_specs_give_equal_bits_and_another_seed_others(tiny_spec) -> None:
    assert torch.equal(weights(train(tiny_spec())), weights(train(tiny_spec())))
    assert not torch.equal(weights(train(tiny_spec())), weights(train(tiny_spec(seed=1))))


@pytest.mark.parametrize(
    "numerics",
    [
        {"accumulation": 2},
        {"channels_last": True},
        {"precision": "bfloat16"},
        pytest.param({"compile": True}, marks=pytest.mark.process),
    ],
)
def test_numerics_change_only_roundings(tiny_spec, numerics) -> None:
    """The losses of the first steps, before chance has had time to tell trainings apart."""
    tolerance = 0.05 if "precision" in numerics else 1e-4
    # one level of resolution: a compiler takes its time for each layer
    generator = tiny_spec().generator.model_dump() | {"channel_multipliers": (1,)}
    specs = tiny_spec(generator=generator), tiny_spec(generator=generator, numerics=numerics)
    plain, other = (build_training(spec, CPU) for spec in specs)
    for number in range(2):
        expected = plain.step(plain.draws.at(number), step=number, decay=1.0)
        found = other.step(other.draws.at(number), step=number, decay=1.0)
        for name, loss in expected.items():
            assert loss.dtype == found[name].dtype == torch.float32
            torch.testing.assert_close(found[name], loss, rtol=tolerance, atol=tolerance)


def test_the_posterior_mode_trains_on_its_own_fakes(tiny_spec) -> None:
    method = tiny_spec().method.model_dump() | {"fake": "posterior"}
    losses = train(tiny_spec(method=method)).curve.columns
    assert all(math.isfinite(value) for value in losses["fidelity"])
    assert losses["fidelity"] != train(tiny_spec()).curve.columns["fidelity"]


def test_a_loss_that_is_not_finite_ends_the_training(tiny_spec) -> None:
    training = build_training(tiny_spec(), CPU)
    training.step.objective.fidelity_weight = math.nan
    with pytest.raises(DivergedError, match="generator_loss is not finite after 16 images"):
        training.run(lambda: None)


def test_rates_fall_along_half_a_cosine_and_stay() -> None:
    assert cosine_decay(0, 100) == 1
    assert cosine_decay(50, 100) == pytest.approx(0.5)
    assert cosine_decay(25, 100) == pytest.approx((1 + math.sqrt(0.5)) / 2)
    assert cosine_decay(100, 100) == cosine_decay(1000, 100) == 0


def test_rates_change_once_an_epoch(tiny_spec) -> None:
    training = build_training(tiny_spec(batch_size=160, images=1600), CPU)
    assert training.draws.steps_per_epoch == 1437 // 160 == 8
    assert len({training.decay(step) for step in range(8)}) == 1
    assert training.decay(8) == cosine_decay(8 * 160, 960)


def make_draws(**changes) -> DrawSource:
    images = torch.arange(20, dtype=torch.uint8).reshape(20, 1, 1, 1).expand(20, 1, 1, 2)
    settings = {
        "device": CPU,
        "batch_size": 8,
        "seed": 0,
        "horizontal_flip": False,
        "num_levels": 4,
        "one_level_per_penalty": False,
        "latent": LatentDistribution(size=3),
    }
    return DrawSource(images, **(settings | changes))


def pixels(draws: DrawSource, step: int) -> list[int]:
    return ((draws.at(step).x0[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()


def test_an_epoch_sees_no_image_twice_and_the_next_has_another_order() -> None:
    draws = make_draws()
    first, second = pixels(draws, 0), pixels(draws, 1)
    assert len(set(first + second)) == 16
    assert pixels(draws, 2) + pixels(draws, 3) != first + second


def test_draws_depend_on_seed_and_step_alone() -> None:
    ahead, fresh = make_draws(), make_draws()
    for step in range(5):
        ahead.at(step)
    again, first_time = ahead.at(3), fresh.at(3)
    assert torch.equal(again.x0, first_time.x0)
    assert torch.equal(again.generator.noise_fake, first_time.generator.noise_fake)
    assert not torch.equal(again.generator.noise, make_draws(seed=1).at(3).generator.noise)


def test_draws_are_standard_normal_and_levels_uniform() -> None:
    draws = make_draws()
    halves = [half for s in range(400) for half in (draws.at(s).prior, draws.at(s).generator)]
    noise = torch.stack([half.noise_next for half in halves])
    assert abs(noise.mean()) < 0.02
    assert noise.std() == pytest.approx(1, abs=0.02)
    counts = torch.cat([half.level for half in halves]).bincount(minlength=4)
    assert (counts - 1600).abs().max() < 5 * math.sqrt(1600)


def test_half_of_the_images_are_mirrored() -> None:
    images = torch.tensor([0, 255], dtype=torch.uint8).reshape(1, 1, 1, 2).expand(1000, 1, 1, 2)
    draws = make_draws(horizontal_flip=True)
    draws.data, draws.steps_per_epoch, draws.batch_size = images, 1, 1000
    mirrored = (draws.at(0).x0[:, 0, 0, 0] > 0).sum().item()
    assert abs(mirrored - 500) < 80


@pytest.mark.parametrize("steps", [1, 5, 64, 100, 1000])
def test_a_curve_ends_at_the_last_image_and_averages_all_steps(steps) -> None:
    curve = Curve(steps=steps, batch_size=2)
    for step in range(steps):
        curve.add({"loss": float(step)} | ({"lazy": 1.0} if step % 60 == 0 else {}), step=step)
    images, loss = curve.columns["images"], curve.columns["loss"]
    assert len(images) == min(64, steps)
    assert images[-1] == 2 * steps
    counts = [b - a for a, b in zip([0, *images], images, strict=False)]
    total = sum(value * count / 2 for value, count in zip(loss, counts, strict=True))
    assert total == pytest.approx(sum(range(steps)))
    assert {len(column) for column in curve.columns.values()} == {len(images)}


def test_seeds_of_purposes_are_unrelated() -> None:
    from rgm_bench.rng import derive_seed

    seeds = {derive_seed(s, p, n) for s in range(10) for p in ("step", "epoch") for n in range(100)}
    assert len(seeds) == 2000
    assert derive_seed(1, "step", 23) != derive_seed(12, "step", 3)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_accumulated_gradients_are_those_of_the_whole_batch(tiny_spec) -> None:
    taken = []
    for parts in (1, 4):
        training = build_training(tiny_spec(numerics={"accumulation": parts}), CPU)
        generator = training.step.generator
        for parameter in generator.parameters():
            torch.nn.init.normal_(
                parameter, std=0.2, generator=torch.Generator().manual_seed(parameter.numel())
            )
        grads: list[torch.Tensor] = []
        training.step.optimizer.step = lambda decay, g=grads, n=generator: g.extend(
            p.grad.flatten() for p in n.parameters()
        )
        training.step(training.draws.at(0), step=0, decay=1.0)
        taken.append(torch.cat(grads))
    assert difference(taken[1], taken[0]) < 1e-4
