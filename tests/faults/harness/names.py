"""A name server of a case, which this process asks alone: it says what it likes."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import struct
import subprocess
import threading
from collections.abc import Mapping

from .world import World

_SERVER_FAILED, _NO_SUCH_NAME = 2, 3
_ADDRESS, _ADDRESS_6 = 1, 28


class NameServer:
    """Answers at 127.0.0.1, in a network and with mounts of its own.

    Args:
        world: Whose case it ends with.
        names: The addresses of each name; others do not exist.
        broken: It answers everything with SERVFAIL.

    Attributes:
        asked: How many questions came.
    """

    def __init__(
        self, world: World, names: Mapping[str, tuple[str, ...]], broken: bool = False
    ) -> None:
        self._names, self._broken, self.asked = names, broken, 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        world.stack.callback(self._end)
        mine = world.folder / "resolv.conf"
        mine.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        system = os.path.realpath("/etc/resolv.conf")
        subprocess.run(["mount", "--bind", str(mine), system], check=True)
        world.stack.callback(subprocess.run, ["umount", system], check=True)

    def _end(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                question, whom = self._socket.recvfrom(4096)
                if not question:
                    return
                self.asked += 1
                self._socket.sendto(self._answer(question), whom)

    def _answer(self, question: bytes) -> bytes:
        labels, at = [], 12
        while length := question[at]:
            labels.append(question[at + 1 : at + 1 + length].decode())
            at += 1 + length
        (kind,) = struct.unpack_from(">H", question, at + 1)
        known = self._names.get(".".join(labels).lower())
        code = _SERVER_FAILED if self._broken else _NO_SUCH_NAME if known is None else 0
        records = []
        for text in () if code else known or ():
            address = ipaddress.ip_address(text)
            if kind == (_ADDRESS if address.version == 4 else _ADDRESS_6):
                head = struct.pack(">HHHIH", 0xC00C, kind, 1, 1, len(address.packed))
                records.append(head + address.packed)
        flags = 0x8180 | code
        header = question[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 0)
        return header + question[12 : at + 5] + b"".join(records)
