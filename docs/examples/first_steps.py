"""First steps from Python: a study, its numbers as frames, and the parts by themselves.

Run it cell by cell in an editor that knows `# %%`, or whole: `python docs/examples/first_steps.py`.
It takes about a minute and writes into the folder `results`, or the one given as an argument.
"""

# %% A study: load a profile, run what is missing, look at the numbers.
import sys
from pathlib import Path

import torch

import rgm_bench
from rgm_bench.config.packaged import packaged_studies
from rgm_bench.forward.noise import NoiseForward
from rgm_bench.models.discriminator import Discriminator
from rgm_bench.models.latent import LatentDistribution
from rgm_bench.models.ncsnpp import Ncsnpp
from rgm_bench.sampling.restoration import RestorationSampler

store = Path(sys.argv[1] if len(sys.argv) > 1 else "results")
study = rgm_bench.Study.load(
    packaged_studies() / "lambda_sweep.yaml",
    profile="smoke",
    overrides=["seeds=[0]"],
)
summary = study.run(store=store, executor="local")
print(f"{summary.num_ran} units ran in {summary.seconds:.0f} s")

# %% One row a trial of this study; the name of a score holds extractor and number of images.
frame = study.evaluations(store=store)
print(frame[["fidelity_weight", "paper_lambda", "seed", "real", "fid.digits_cnn_v1.n128"]])

# %% Everything the store holds, whichever study asked for it, and the losses of all trainings.
opened = rgm_bench.open_store(store)
print(opened.evaluations()[["id", "status", "fid.digits_cnn_v1.n128"]])
curves = opened.curves()
print(curves[curves.quantity == "fidelity"].groupby("training_id").value.last())

# %% The mathematics by itself: a forward process and a noisy image at each level.
forward = NoiseForward(num_levels=4)
print("signal", [round(s, 3) for s in forward.schedule.signal.tolist()])
print("sigma ", [round(s, 3) for s in forward.schedule.sigma.tolist()])
rng = torch.Generator().manual_seed(0)
x0 = torch.rand(8, 1, 8, 8, generator=rng) * 2 - 1
level = torch.randint(1, 5, (8,), generator=rng)
y = forward.sample(x0, level, torch.randn(x0.shape, generator=rng))
print("fidelity of the truth", forward.fidelity(x0, y, level).mean().item(), "about 64 / 2")

# %% Networks and a sampler by themselves: four evaluations of the generator for each image.
generator = Ncsnpp(
    image_shape=(1, 8, 8),
    base_channels=16,
    channel_multipliers=[1, 2],
    blocks_per_level=1,
    attention_resolutions=[],
    latent_size=16,
    latent_embedding=32,
    latent_layers=2,
    output="tanh",
)
discriminator = Discriminator(size="small", image_channels=1, base_channels=4, time_embedding=32)
print("logits of real observations", discriminator(y, level).shape)
sampler = RestorationSampler(
    forward=forward,
    restore=generator,
    latent=LatentDistribution(size=16),
    event_shape=(1, 8, 8),
)
print(sampler.sample(4, rng).shape, "from", sampler.network_evaluations, "evaluations each")
