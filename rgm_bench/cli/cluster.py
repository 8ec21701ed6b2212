"""Commands for clusters: slurm."""

import shlex
from typing import Annotated

import typer

from rgm_bench.cli.durations import in_seconds
from rgm_bench.cli.options import (
    DEFAULT_STORE,
    Overrides,
    Profile,
    StoreLocation,
    StudyFile,
    open_study,
)

RAY_PORT = 6379

MARGIN_MINUTES = 5
"""How much earlier than its job a run ends: Ray has to start, and what runs has to save itself."""

SCRIPT = """\
#!/bin/bash
#SBATCH --job-name={job}
#SBATCH --nodes={nodes}
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task={cpus}
{gpus_line}#SBATCH --time={minutes}
#SBATCH --requeue
#SBATCH --no-kill
#SBATCH --open-mode=append
#SBATCH --output={job}-%j.log

# One Ray node on each node of the job; the command runs on the first of them. It ends by itself
# before the job does, with 6 if there is work left, and then the job goes back into the queue.
# --no-kill: a node that is lost costs what ran there, and neither the job nor its other nodes.
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
srun --no-kill ray symmetric-run --address "$head:{port}" --min-nodes {nodes} \\
  --num-cpus={cpus} --num-gpus={gpus} --disable-usage-stats --include-dashboard=false -- \\
  {command}
code=$?
if [ "$code" -eq 6 ]; then scontrol requeue "$SLURM_JOB_ID"; fi
exit "$code"
"""


def _minutes(text: str) -> int:
    try:
        minutes = int(in_seconds(text) // 60)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if minutes < 2 * MARGIN_MINUTES:
        raise typer.BadParameter(
            f"found {text!r}; a job needs {2 * MARGIN_MINUTES} min or more, since the last "
            f"{MARGIN_MINUTES} of it are for saving what runs"
        )
    return minutes


def slurm(
    study: StudyFile,
    time: Annotated[
        int, typer.Option(parser=_minutes, metavar="TIME", help="Of one job, as in 4h.")
    ],
    nodes: Annotated[int, typer.Option(min=1, help="Of one job.")] = 1,
    cpus: Annotated[int, typer.Option(min=1, help="Of one node.")] = 8,
    gpus: Annotated[int, typer.Option(min=0, help="Of one node.")] = 0,
    profile: Profile = "laptop",
    overrides: Overrides = [],  # noqa: B006  # typer copies it
    store: StoreLocation = DEFAULT_STORE,
) -> None:
    """Print a batch script that brings a study to complete under Slurm, in several jobs if need be.

    Submit it with `rgm-bench slurm STUDY --time 4h > job.sh && sbatch job.sh`. The store has to
    lie where all nodes see it: in a folder that they share, or on an object store.
    """
    spec = open_study(study, profile, overrides)
    words = ["rgm-bench", "run", str(study), "--profile", profile, "--store", store]
    words += [word for override in overrides for word in ("--set", override)]
    words += ["--address", "auto", "--time-limit", f"{time - MARGIN_MINUTES}min"]
    script = SCRIPT.format(
        job=f"rgm-{spec.name}-{spec.profile}",
        nodes=nodes,
        cpus=cpus,
        gpus=gpus,
        gpus_line=f"#SBATCH --gpus-per-task={gpus}\n" if gpus else "",
        minutes=time,
        port=RAY_PORT,
        command=shlex.join(words),
    )
    print(script, end="")
