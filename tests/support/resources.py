"""What this process holds of the system; Linux only."""

from __future__ import annotations

import os


def resources() -> tuple[int, list[str]]:
    """Native threads of this process, and what its descriptors are."""
    descriptors = [_target_of(name) for name in os.listdir("/proc/self/fd")]
    return len(os.listdir("/proc/self/task")), [target for target in descriptors if target]


def _target_of(descriptor: str) -> str:
    """What a descriptor is; empty when it was closed meanwhile, as the listing's own is."""
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except FileNotFoundError:
        return ""
