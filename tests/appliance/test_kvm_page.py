"""The page "Move a VM to KVM": libvirt takes the line of it, and the images are what it names."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nfclease

from ..support.qemu import program
from ..support.shell_blocks import commands, lines

PAGE = Path(__file__).parents[2] / "docs" / "kvm.md"


def test_virt_install_takes_what_was_exported(demo_vm: Any, tmp_path: Path) -> None:
    """By the test driver of libvirt, which starts nothing."""
    install = program("virt-install")
    every = [line for each in commands(PAGE.read_text(encoding="utf-8")) for line in lines(each)]
    [line] = [line for line in every if line.startswith("virt-install ")]
    nfclease.export_vm(demo_vm, tmp_path / "demo-vm-qcow2", disk_format="qcow2")
    command = [install, "--connect", "test:///default", "--print-xml", *shlex.split(line)[1:]]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    machine = ElementTree.fromstring(re.sub(r"^[^<]*", "", done.stdout))
    disks = [disk.get("file") for disk in machine.iterfind("devices/disk/source")]
    there = sorted((tmp_path / "demo-vm-qcow2").glob("*.qcow2"))
    assert disks == [str(path) for path in there]
