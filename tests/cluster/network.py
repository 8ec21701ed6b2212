"""Hosts in namespaces of Linux: each with a name, an address and processes of its own.

All namespaces belong to processes that die with the test's own, and nothing has a place outside of
them: whatever happens to a test, no process, device or mount of it stays.
"""

import ctypes
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

PREFIX = "10.77.0"
_PR_SET_PDEATHSIG = 1


class Host:
    """Processes that share a host name, network, process numbers and temporary folders of Ray.

    Args:
        name: of the host.
        number: the last of the four of its address.
        folder: where its files lie that other hosts do not see.
        hosts: a file of names and addresses, its /etc/hosts.
    """

    def __init__(self, name: str, number: int, folder: Path, hosts: Path) -> None:
        self.name, self.address = name, f"{PREFIX}.{number}"
        self._folder, self._hosts = folder, hosts
        self._holder: subprocess.Popen[str] | None = None
        self._init = 0

    def boot(self) -> None:
        """Make the host, without a link to any other."""
        setup = (
            f"set -e; hostname {self.name}; ip link set lo up;"
            f"mount --bind {self._hosts} /etc/hosts;"
            "mount -t tmpfs tmpfs /dev/shm; mkdir -p /tmp/ray; mount -t tmpfs tmpfs /tmp/ray;"
            "echo up; while :; do sleep 5; done"  # a shell takes in orphans, as an init does
        )
        own = ["--net", "--pid", "--uts", "--ipc", "--mount", "--mount-proc", "--fork"]
        self._holder = subprocess.Popen(
            ["unshare", *own, "--kill-child", "bash", "-c", setup],
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=_die_with_parent,
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == "up\n"
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children")
        self._init = int(children.read_text())

    def kill(self) -> None:
        """Take away the host with all its processes, at once."""
        if self._holder is not None:
            self._holder.kill()
            self._holder.wait()
            self._holder = None

    def words(self, *command: str) -> list[str]:
        """The command that runs `command` on this host."""
        return ["nsenter", f"--target={self._init}", "--all", *command]

    def run(self, *command: str, env: Mapping[str, str] | None = None) -> str:
        """What a command prints that has to end well."""
        done = subprocess.run(
            self.words(*command), env=env, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(
        self, *command: str, env: Mapping[str, str] | None = None, log: Path
    ) -> subprocess.Popen[bytes]:
        """Start a command whose output goes to a file."""
        with log.open("ab") as file:
            return subprocess.Popen(
                self.words(*command), env=env, stdout=file, stderr=file, stdin=subprocess.DEVNULL
            )

    def outside(self, *command: str) -> None:
        """Run a command in this host's network alone, with the processes of the test."""
        subprocess.run(["nsenter", f"--target={self._init}", "--net", *command], check=True)

    @property
    def init(self) -> int:
        """The number that its first process has outside."""
        return self._init


class Network:
    """Hosts behind one switch, which is a host itself."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        hosts = folder / "hosts"
        self.switch = Host("switch", 254, folder, hosts)
        self.hosts = [Host(name, n, folder, hosts) for n, name in enumerate(names, start=1)]
        every = [self.switch, *self.hosts]
        lines = ["127.0.0.1 localhost", *(f"{host.address} {host.name}" for host in every)]
        hosts.write_text("\n".join(lines) + "\n")

    def boot(self) -> None:
        """Make the switch and all hosts, and link them."""
        self.switch.boot()
        self.switch.run("ip", "link", "add", "bridge", "type", "bridge")
        self.switch.run("ip", "addr", "add", f"{self.switch.address}/24", "dev", "bridge")
        self.switch.run("ip", "link", "set", "bridge", "up")
        for host in self.hosts:
            self.join(host)

    def join(self, host: Host) -> None:
        """Make a host and link it."""
        host.boot()
        peer = ["peer", "name", "eth0", "netns", str(host.init)]
        self.switch.outside("ip", "link", "add", host.name, "type", "veth", *peer)
        self.switch.run("ip", "link", "set", host.name, "master", "bridge", "up")
        host.run("ip", "addr", "add", f"{host.address}/24", "dev", "eth0")
        host.run("ip", "link", "set", "eth0", "up")

    def cut(self, host: Host) -> None:
        """Cut the link of a host."""
        self.switch.run("ip", "link", "set", host.name, "down")

    def mend(self, host: Host) -> None:
        """Take back `cut`."""
        self.switch.run("ip", "link", "set", host.name, "up")


@contextmanager
def network(folder: Path, *names: str) -> Generator[Network]:
    """Hosts of such names, for the time of the block."""
    made = Network(folder, names)
    with ExitStack() as stack:
        for host in (made.switch, *made.hosts):
            stack.callback(host.kill)
        made.boot()
        yield made


def wait_until(holds: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Return once `holds()`; fail with `what` after so many seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain: {what}"
        time.sleep(0.5)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
