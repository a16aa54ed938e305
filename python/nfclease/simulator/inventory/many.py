"""Thousands of VMs at once, each like the first one."""

from __future__ import annotations

import copy
import dataclasses
from typing import TYPE_CHECKING

from nfclease.simulator.inventory.machines import of_machine

if TYPE_CHECKING:
    from nfclease.simulator.inventory.machine import Machine
    from nfclease.simulator.world import Managed


def multiply(first: Machine, names: list[str], folders: list[Managed]) -> list[Machine]:
    """VMs with the hardware and the files of one, in turns in these folders.

    They share what a VM only reads: nothing of them is to be reconfigured.
    """
    made = []
    for number, name in enumerate(names):
        place = dataclasses.replace(first.place, parent=folders[number % len(folders)])
        machine = type(first)(first.world, place, name, list(first.files))
        machine.config = copy.copy(first.config)
        machine.config.name = machine.name
        of_machine(machine)
        made.append(machine)
    return made
