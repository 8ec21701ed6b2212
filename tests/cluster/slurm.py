"""Debian's Slurm on hosts of a network: a controller on the switch, a node on each host."""

import os
import re
import secrets
import sys
from pathlib import Path

from tests.cluster.network import Host, Network, wait_until

CONFIG = """\
ClusterName=test
SlurmctldHost=switch({address})
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SlurmdTimeout=10
ReturnToService=2
UnkillableStepTimeout=60
NodeName={nodes} CPUs={cpus}
PartitionName=all Nodes=ALL Default=YES State=UP
"""

CPUS = 2
"""Of a node: a job of one CPU leaves room for another."""


class Slurm:
    """Daemons in a folder of their own; they end with the hosts of the network.

    Args:
        network: whose hosts are the nodes.
        folder: for all files; its path has to be short enough for a socket.
    """

    def __init__(self, network: Network, folder: Path) -> None:
        self.network, self.folder = network, folder
        nodes = ",".join(host.name for host in network.hosts)
        switch = network.switch
        (folder / "slurm.conf").write_text(
            CONFIG.format(folder=folder, nodes=nodes, cpus=CPUS, address=switch.address)
        )
        (folder / "state").mkdir()
        self._env = {
            **os.environ,
            "SLURM_CONF": f"{folder}/slurm.conf",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
        }

    def start(self) -> None:
        """Start all daemons, and return once all nodes are idle."""
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))
        paths = {"key-file": key.name, "socket": "munge.socket", "pid-file": "munged.pid"}
        paths |= {"seed-file": "munged.seed", "log-file": "munged.log"}
        files = [f"--{option}={self.folder / name}" for option, name in paths.items()]
        self._daemon(self.network.switch, "munged", "--foreground", "--force", *files)
        wait_until((self.folder / "munge.socket").exists, seconds=30, what="munged")
        self._daemon(self.network.switch, "slurmctld", "-D", "-i")
        for host in self.network.hosts:
            self.start_node(host)
        wait_until(
            lambda: self.nodes("idle") == len(self.network.hosts),
            seconds=60,
            what=f"idle nodes; see {self.folder}/*.log",
        )

    def start_node(self, host: Host) -> None:
        """Start the daemon of a node."""
        self._daemon(host, "slurmd", "-D", "-N", host.name)

    def nodes(self, state: str) -> int:
        """How many nodes are in a state."""
        return len(self.run("sinfo", "--noheader", "--Node", f"--states={state}").splitlines())

    def run(self, *command: str) -> str:
        """What a command of Slurm prints."""
        return self.network.switch.run(*command, env=self._env)

    def submit(self, script: str) -> int:
        """The number of a job that runs a script."""
        path = self.folder / "job.sh"
        path.write_text(script)
        said = self.run("sbatch", f"--chdir={self.folder}", "--parsable", str(path))
        return int(said)

    def shown(self, job: int, field: str) -> str:
        """What Slurm says of a job, as in `JobState`."""
        found = re.search(rf"\b{field}=(\S*)", self.run("scontrol", "show", "job", str(job)))
        return found[1] if found else ""

    def wait_for(self, job: int, *states: str, seconds: float = 300) -> str:
        """The state of a job, once it is one of `states`."""
        wait_until(
            lambda: self.shown(job, "JobState") in states,
            seconds=seconds,
            what=f"job {job} is {self.shown(job, 'JobState')}, not {states}: {self.log(job)}",
        )
        return self.shown(job, "JobState")

    def log(self, job: int) -> str:
        """What a job has printed."""
        return "".join(path.read_text() for path in self.folder.glob(f"*-{job}.log"))

    def _daemon(self, host: Host, *command: str) -> None:
        host.start(*command, env=self._env, log=self.folder / f"{command[0]}-{host.name}.log")
