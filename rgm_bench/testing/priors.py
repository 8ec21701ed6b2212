"""The laws that every prior keeps, as tests to inherit."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from rgm_bench.batching import STDDEV_GROUP, micro_batches
from rgm_bench.priors.base import Prior
from rgm_bench.types import Level, Observation, Scalar


@dataclass(frozen=True)
class _Batch:
    real: Observation
    fake: Observation
    level: Level

    def take(self, indices: Tensor | list[int]) -> "_Batch":
        return _Batch(self.real[indices], self.fake[indices], self.level[indices])


class PriorContract:
    """Subclass, return a prior from `make`, inherit the laws.

    Real observations are standard normal, fakes are off by `shift`. The prior is called on the
    CPU, in the order of a training: `improve` where it learns, on samples of all levels, then
    `penalty`, on those of one level if it asks for that.
    """

    event_shape: tuple[int, ...] = (1, 8, 8)
    """Of one observation: `(2,)` for points."""

    batch_size: int = 16
    """A multiple of 8, so that it splits into two micro-batches of whole groups."""

    num_levels: int = 4

    shift: float = 3.0
    """How far all entries of a far fake are from a real one's."""

    is_constant: bool = False
    """Whether the penalty does not depend on the fakes."""

    def make(self) -> Prior:
        """A prior at its start; every call gives one with the same bits."""
        raise NotImplementedError

    def test_penalty_is_finite_and_reaches_the_fakes(self) -> None:
        """One finite number, whose gradient moves the fakes unless it is constant."""
        penalty, gradient = self._trained_penalty(self.make(), self._batch(0))
        assert penalty.shape == ()
        assert torch.isfinite(penalty)
        assert torch.isfinite(gradient).all()
        assert (gradient.abs().sum() == 0) == self.is_constant

    def test_far_fakes_are_not_penalised_less_than_real_ones(self) -> None:
        """After some learning, the penalty orders them."""
        prior = self.make()
        far = self._compared(prior, self._batch(100))
        if prior.learns:
            for step in range(30):
                prior.improve(**vars(self._batch(step)), step=step, decay=1.0)
        near = prior.penalty(far.real.clone(), far.real, far.level)
        assert near <= prior.penalty(far.fake, far.real, far.level)

    def test_learning_reaches_no_generator(self) -> None:
        """Fakes that require gradients get none from `improve`."""
        batch = self._batch(0)
        batch.fake.requires_grad_()
        self.make().improve(batch.real, batch.fake, batch.level, step=0, decay=1.0)
        assert batch.fake.grad is None

    def test_the_penalty_leaves_no_gradient_in_networks(self) -> None:
        """Or the next `improve` would learn from the generator's step too."""
        prior = self.make()
        self._trained_penalty(prior, self._batch(0))
        left = [p.grad for network in prior.networks for p in network.parameters()]
        assert all(gradient is None or not gradient.any() for gradient in left)

    def test_arguments_are_not_changed(self) -> None:
        """Neither learning nor scoring writes into a batch."""
        prior, batch = self.make(), self._batch(0)
        before = {name: tensor.clone() for name, tensor in vars(batch).items()}
        self._trained_penalty(prior, batch)
        for name, tensor in vars(batch).items():
            assert torch.equal(tensor, before[name]), name

    def test_a_prior_that_does_not_learn_says_so_and_keeps_to_it(self) -> None:
        """Without `learns` nothing calls `improve`, so that it must have nothing to do."""
        prior, batch = self.make(), self._batch(0)
        if not prior.learns:
            assert not prior.improve(**vars(batch), step=0, decay=1.0)
            assert not prior.state()
            assert not prior.networks

    def test_equal_calls_give_equal_bits(self) -> None:
        """All randomness comes from seeds."""
        first, second = self._life(self.make(), 0, 3), self._life(self.make(), 0, 3)
        _require_equal(first, second)

    def test_a_restored_prior_goes_on_with_the_same_bits(self) -> None:
        """State, loaded into a fresh prior, holds everything that the future depends on."""
        unbroken, restored = self.make(), self.make()
        self._life(unbroken, 0, 3)
        state = {k: t.detach().cpu().contiguous().clone() for k, t in unbroken.state().items()}
        restored.load_state(state)
        _require_equal(self._life(unbroken, 3, 6), self._life(restored, 3, 6))

    def test_the_order_of_a_batch_does_not_count(self) -> None:
        """Samples may come in any order that keeps groups of the discriminator together."""
        batch, rng = self._compared(self.make(), self._batch(0)), torch.Generator().manual_seed(1)
        groups = torch.arange(self.batch_size).reshape(STDDEV_GROUP, -1)
        order = groups[torch.randperm(STDDEV_GROUP, generator=rng)]
        order = order[:, torch.randperm(groups.shape[1], generator=rng)].flatten()
        expected, gradient = self._penalty(self.make(), batch)
        found, permuted = self._penalty(self.make(), batch.take(order))
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)
        scale = float(gradient.abs().max())
        torch.testing.assert_close(permuted, gradient[order], rtol=1e-2, atol=1e-3 * scale)

    def test_an_additive_penalty_is_the_mean_over_micro_batches(self) -> None:
        """What `additive` promises, and accumulation relies on."""
        prior = self.make()
        batch = self._compared(prior, self._batch(0))
        if prior.additive:
            whole, _ = self._penalty(prior, batch)
            parts = [
                self._penalty(self.make(), batch.take(part))[0]
                for part in micro_batches(self.batch_size, 2)
            ]
            torch.testing.assert_close(torch.stack(parts).mean(), whole, rtol=1e-4, atol=1e-5)

    def _batch(self, seed: int) -> _Batch:
        rng = torch.Generator().manual_seed(seed)
        real, fake = torch.randn(2, self.batch_size, *self.event_shape, generator=rng)
        level = torch.randint(self.num_levels, (self.batch_size,), generator=rng)
        return _Batch(real, fake + self.shift, level)

    def _compared(self, prior: Prior, batch: _Batch) -> _Batch:
        """A batch as `penalty` is given it."""
        if not prior.one_level_per_penalty:
            return batch
        return replace(batch, level=batch.level[:1].expand(self.batch_size))

    def _penalty(self, prior: Prior, batch: _Batch) -> tuple[Scalar, Observation]:
        """The penalty and its gradient in the fakes."""
        fake = batch.fake.clone().requires_grad_()
        penalty = prior.penalty(fake, batch.real, batch.level)
        if penalty.requires_grad:
            penalty.backward()
        gradient = torch.zeros_like(fake) if fake.grad is None else fake.grad
        return penalty.detach(), gradient

    def _trained_penalty(self, prior: Prior, batch: _Batch) -> tuple[Scalar, Observation]:
        if prior.learns:
            prior.improve(**vars(batch), step=0, decay=1.0)
        return self._penalty(prior, self._compared(prior, batch))

    def _life(self, prior: Prior, start: int, stop: int) -> list[Tensor]:
        """Everything that comes out of some steps of a training."""
        seen: list[Tensor] = []
        for step in range(start, stop):
            if prior.learns:
                seen += prior.improve(**vars(self._batch(step)), step=step, decay=0.5).values()
            seen += self._penalty(prior, self._compared(prior, self._batch(1000 + step)))
        return seen


def _require_equal(found: list[Tensor], expected: list[Tensor]) -> None:
    assert len(found) == len(expected)
    for left, right in zip(found, expected, strict=True):
        assert torch.equal(left, right)
