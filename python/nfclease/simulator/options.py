"""What a simulator is started with."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Options:
    """The command line, parsed; see ``python -m nfclease.simulator --help``.

    No dataclass: the module of these costs a third of the start of ``nfclease --help``, which
    knows the options of its ``simulator``, too.
    """

    host: str = "127.0.0.1"
    port: int = 0
    disk_host: str | None = None
    tls: bool = True
    user: str = "administrator@vsphere.local"
    password: str | None = None
    disk_size: int = 32 << 20
    disks: int = 3
    lease_timeout: float = 300.0
    initializing: float = 0.3
    stable_streams: bool = False
    esx: bool = False
    api_version: str = "8.0.3.0"
    client_ca: str | None = None
    upload_status: int | None = None
    chunked_uploads: bool = False
    octet_stream: bool = False
    exclusive_leases: bool = False
    seed: int | None = None
    watch_stdin: bool = True

    def __init__(self, **given: Any) -> None:
        for name, value in given.items():
            if name not in type(self).__annotations__:
                raise TypeError(f"option {name!r} is unknown")
            setattr(self, name, value)

    @classmethod
    def names(cls) -> list[str]:
        """All options."""
        return [*cls.__annotations__]


def parse_size(text: str) -> int:
    """Bytes, with an optional k, m, g or t for powers of 1024."""
    units = {"k": 10, "m": 20, "g": 30, "t": 40}
    text = text.strip().lower().removesuffix("ib").removesuffix("b")
    shift = units.get(text[-1:], 0)
    size = int(float(text[:-1]) * (1 << shift)) if shift else int(text)
    if size < 0:
        raise ValueError("a size cannot be negative")
    return size
