"""Reads a disk by a library of PyPI, and prints the SHA-256 of its plain content.

Arguments: ``libvmdk`` or ``dissect``, ``vmdk`` or ``qcow2``, and a path. It runs in an environment
of its own.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

PIECE = 1 << 20


def of_libvmdk(path: str) -> tuple[int, Callable[[int], bytes]]:
    """The size of a VMDK, and what reads the next bytes of it."""
    import pyvmdk

    disk = pyvmdk.handle()
    disk.open(path)
    disk.open_extent_data_files()
    return disk.get_media_size(), disk.read_buffer


def of_dissect(path: str, kind: str) -> tuple[int, Callable[[int], bytes]]:
    """The same of a VMDK or qcow2 file."""
    if kind == "vmdk":
        from dissect.hypervisor.disk.vmdk import VMDK

        vmdk = VMDK(Path(path))
        return vmdk.size, vmdk.read
    from dissect.hypervisor.disk.qcow2 import QCow2

    qcow2 = QCow2(Path(path)).open()
    return qcow2.size, qcow2.read


def main() -> None:
    """Prints the sum."""
    library, kind, path = sys.argv[1:]
    size, read = of_libvmdk(path) if library == "libvmdk" else of_dissect(path, kind)
    digest = hashlib.sha256()
    left = size
    while left:
        piece = read(min(left, PIECE))
        if not piece:
            sys.exit(f"it ends {left} bytes early")
        digest.update(piece)
        left -= len(piece)
    print(digest.hexdigest())


if __name__ == "__main__":
    main()
