"""A second network beside that of a case, at the end of a cable that may swallow packets."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from ...support.waiting import wait_for
from .hosts import Relay
from .world import World

#: The addresses of this end and of the other one; the last one of a network that leads nowhere.
HERE, THERE = "10.77.0.1", "10.77.0.2"
HERE_6, THERE_6 = "2001:db8:77::1", "2001:db8:77::2"
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET
_CABLE = "ip link add near type veth peer name far netns $1"


def own_network(_: str) -> list[str]:
    """A process with a network and mounts of its own."""
    script = 'ip link set lo up && exec "$@"'
    command = ["unshare", "--user", "--map-root-user", "--net", "--mount"]
    return [*command, "sh", "-c", script, "sh"]


def needs_cable() -> str:
    """Why no process can have two networks with a cable between them; empty where one can."""
    script = f"unshare --net sleep 5 & sleep 0.1; set -- $!; {_CABLE}; done=$?; kill $1; exit $done"
    tried = subprocess.run([*own_network(""), "sh", "-c", script], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "no network namespaces of one's own here"


class OtherNetwork:
    """A network at the end of a cable, where a relay leads to the host with the disks.

    Args:
        world: Whose process has a network of its own; the disks are behind the relay from now on.
        name: What the addresses of the disks have as host; None for the address.
    """

    def __init__(self, world: World, name: str | None = None) -> None:
        self._holder = subprocess.Popen(["unshare", "--net", "sleep", "600"])
        world.stack.callback(self._end)
        wait_for(lambda: self._network() != Path("/proc/self/ns/net").readlink())
        self._here("link", "add", "near", "type", "veth", "peer", "name", "far", "netns", self._pid)
        for run, device, v4, v6 in (
            (self._here, "near", HERE, HERE_6),
            (self._there, "far", THERE, THERE_6),
        ):
            run("address", "add", f"{v4}/24", "dev", device)
            run("address", "add", f"{v6}/64", "dev", device, "nodad")
            run("link", "set", device, "up")
        relay = Relay(world, lambda piece, *_: piece, listener=self._listener())
        world.moved = None
        world.simulator.inject("device_url", netloc=f"{name or THERE}:{relay.port}")

    @property
    def _pid(self) -> str:
        return str(self._holder.pid)

    def _network(self) -> Path:
        return Path(f"/proc/{self._pid}/ns/net").readlink()

    def _end(self) -> None:
        self._holder.kill()
        self._holder.wait(10)

    def _here(self, *command: str) -> None:
        subprocess.run(["ip", *command], check=True)

    def _there(self, *command: str) -> None:
        subprocess.run(["nsenter", "-t", self._pid, "-n", "ip", *command], check=True)

    def _listener(self) -> socket.socket:
        """A socket of the other network, in this process."""
        made: list[socket.socket] = []

        def make() -> None:
            descriptor = os.open(f"/proc/{self._pid}/ns/net", os.O_RDONLY)
            if ctypes.CDLL(None, use_errno=True).setns(descriptor, _NEW_NETWORK) == 0:
                made.append(socket.create_server((THERE, 0)))
            os.close(descriptor)

        thread = threading.Thread(target=make)  # the network is a thread's
        thread.start()
        thread.join()
        return made[0]

    def swallow(self) -> None:
        """Lets no packet through any more, either way; nobody is told."""
        self._there("route", "add", "blackhole", f"{HERE}/32")
        self._here("route", "add", "blackhole", f"{THERE}/32")

    def swallow_answers(self) -> None:
        """Lets no packet of the other side through, not the answer to a connection either."""
        self._there("route", "add", "blackhole", f"{HERE}/32")

    def swallow_ipv6(self) -> None:
        """The same for IPv6 alone."""
        self._there("-6", "route", "add", "blackhole", f"{HERE_6}/128")

    def heal(self) -> None:
        """Takes back what ``swallow`` did."""
        self._here("route", "del", "blackhole", f"{THERE}/32")
        self._there("route", "del", "blackhole", f"{HERE}/32")

    def received_ipv6(self) -> int:
        """Packets of TCP over IPv6, such as attempts to connect, that came to the other side."""
        text = Path(f"/proc/{self._pid}/net/snmp6").read_text()
        return int(text.partition("Ip6InReceives")[2].split()[0])


def beside(world: World, work: Callable[[], None]) -> None:
    """Does this beside the job; the case waits for it at its end."""
    thread = threading.Thread(target=work, daemon=True)
    world.stack.callback(thread.join, 60)
    thread.start()
