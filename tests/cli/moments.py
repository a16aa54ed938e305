"""Moments of a command at which the simulator holds it, until a test has done what it wants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nfclease.simulator import Simulator


@dataclass(frozen=True)
class Moment:
    """A fault that holds the command, and how the simulator tells that it does.

    Attributes:
        name: What the command is doing.
        fault: Its kind.
        params: Its parameters.
        reached: Whether the command is held now, by what the simulator has recorded.
        settles: Whether the command waits for what it has asked for before it can end, so that a
            test lets it go once it has sent its signal.
    """

    name: str
    fault: str
    params: dict[str, Any]
    reached: Callable[[Simulator], object] = field(repr=False)
    settles: bool = False

    def hold(self, simulator: Simulator) -> None:
        """Lets the next command stop here; what was recorded before is forgotten."""
        simulator.reset()
        simulator.inject(self.fault, **self.params)


def call(method: str, name: str = "", *, settles: bool = False) -> Moment:
    """The call has come, and is not done yet."""
    params = {"method": method, "seconds": None}
    return Moment(name or method, "soap_delay", params, lambda s: s.calls(method), settles)


def task(method: str, *, settles: bool = False) -> Moment:
    """The call was answered, and its task runs."""
    params = {"method": method, "seconds": None}
    return Moment(f"{method} runs", "task_delay", params, lambda s: answered(s, method), settles)


def initializing(method: str) -> Moment:
    """There is a lease, and it is not ready."""
    return Moment(
        "lease initializing", "init_forever", {"method": method}, lambda s: answered(s, method)
    )


def moved(disk: str, size: int, name: str) -> Moment:
    """So many bytes of a disk have moved, and no more do."""

    def reached(simulator: Simulator) -> bool:
        return any(
            disk in each["disk"] and each["bytes_sent"] + each["bytes_received"] >= size
            for each in simulator.requests()
        )

    return Moment(name, "stall", {"disk": disk, "after_bytes": size}, reached)


def answered(simulator: Simulator, method: str) -> bool:
    """Whether a call of this kind was done."""
    return any(each["result"] == "ok" for each in simulator.calls(method))


#: Of every command that logs in.
ENTRY = [
    call("RetrieveServiceContent", "before the login"),
    call("Login", "in the login"),
    call("RetrievePropertiesEx", "while names are looked up"),
]
