"""Commands for clusters: slurm."""

import shlex
from math import ceil
from typing import TYPE_CHECKING, Annotated

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
from rgm_bench.errors import UserError
from rgm_bench.redaction import redacted

if TYPE_CHECKING:
    from rgm_bench.config.study import Resources

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
# Port and token are of this job alone: others may share its nodes, or have left their Ray behind.
free='import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])'
token='import secrets; print(secrets.token_hex())'
export head=$SLURMD_NODENAME port=$(python3 -c "$free")
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN=$(python3 -c "$token")
export ray_options='--num-cpus={cpus} --num-gpus={gpus} --disable-usage-stats --block'

trap : TERM  # scancel asks the command too, and Ray ends after it
trap 'kill $(jobs -p) 2> /dev/null; wait' EXIT
ray start --head --node-ip-address="$(getent ahosts "$head" | awk '{{print $1; exit}}')" \\
  --port="$port" --include-dashboard=false $ray_options &
until ray status --address="$head:$port" > /dev/null 2>&1; do
  kill -0 $! 2> /dev/null || {{ echo 'Ray has not started; see above' >&2; exit 1; }}
done
{others}{command} --address "$head:$port"
code=$?
if [ "$code" -eq 6 ]; then scontrol requeue "$SLURM_JOB_ID"; fi
exit "$code"
"""

OTHERS = """\
# --no-kill: a node that is lost costs what ran there, and neither the job nor its other nodes. With
# the first node this script is lost; once Slurm has said so, another node requeues the job.
srun --no-kill --relative=1 --nodes={others} --ntasks={others} --cpus-per-task={cpus} bash -c '
  until nodes=$(squeue --noheader --jobs="$SLURM_JOB_ID" --format=%N) && [ -n "$nodes" ] &&
      ! scontrol show hostnames "$nodes" | grep -qxF "$head"; do
    ray start --address="$head:$port" $ray_options
    sleep 5
  done
  scontrol requeue "$SLURM_JOB_ID"' &
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
    gpus: Annotated[
        int | None, typer.Option(min=0, help="Of one node; default: as few as a training needs.")
    ] = None,
    profile: Profile = "laptop",
    overrides: Overrides = [],  # noqa: B006  # typer copies it
    store: StoreLocation = DEFAULT_STORE,
) -> None:
    """Print a batch script that brings a study to complete under Slurm, in several jobs if need be.

    Submit it with `rgm-bench slurm STUDY --time 4h > job.sh && sbatch job.sh`. The store has to
    lie where all nodes see it: in a folder that they share, or on an object store.
    """
    spec = open_study(study, profile, overrides)
    gpus = _gpus(spec.resources, nodes, cpus, gpus)
    words = ["rgm-bench", "run", str(study), "--profile", profile, "--store", store]
    words += [word for override in overrides for word in ("--set", override)]
    words += ["--time-limit", f"{time - MARGIN_MINUTES}min"]
    if redacted(shlex.join(words)) != shlex.join(words):
        raise UserError(
            "a secret would stand in the script: name the store without it, and set it as a "
            "variable of the job"
        )
    script = SCRIPT.format(
        job=f"rgm-{spec.name}-{spec.profile}",
        nodes=nodes,
        cpus=cpus,
        gpus=gpus,
        gpus_line=f"#SBATCH --gpus-per-node={gpus}\n" if gpus else "",
        minutes=time,
        others=OTHERS.format(others=nodes - 1, cpus=cpus) if nodes > 1 else "",
        command=shlex.join(words),
    )
    print(script, end="")


def _gpus(resources: "Resources", nodes: int, cpus: int, given: int | None) -> int:
    """How many GPUs each node has: those given, or as few as the processes of a training fit on.

    Raises:
        UserError: no training fits on the nodes.
    """
    from rgm_bench.execution.room import Machine, why_no_room

    needed = ceil(resources.processes / nodes) if resources.gpus else 0
    gpus = needed if given is None else given
    why = why_no_room(
        [Machine(cpus, gpus)] * nodes,
        cpus=resources.cpus,
        gpus=resources.gpus,
        processes=resources.processes,
    )
    if why is not None:
        raise UserError(f"{why}; --cpus and --gpus say what a node has")
    return gpus
