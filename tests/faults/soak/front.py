"""Between the leases and vCenter: it writes down when each renewal came, and hands it on.

    python -m tests.faults.soak.front PORT CA_FILE FOLDER

The simulator is busy with the disks of all leases, and would note a renewal when it gets to it.
This process does nothing else. It prints a line of JSON that says where it is, and ends with its
input.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from nfclease.simulator.server.certificates import issued

HOST = "127.0.0.1"
#: A call of a lease, and whose it is.
_CALL = re.compile(
    rb"<(?:\w+:)?HttpNfcLease(Progress|Complete|Abort)\b.*?<_this[^>]*>([^<]+)<", re.S
)
_GOOD = b"HTTP/1.1 200 "
_PIECE = 1 << 16
#: Seconds between two looks at how late this process itself is.
_TICK = 0.05


class Front:
    """Hands on bytes both ways, over TLS of its own.

    Args:
        port: Of the vCenter.
        ca_file: Whom it is known by.
        notes: Gets a line for each call of a lease and each answer to one.
    """

    def __init__(self, port: int, ca_file: str, notes: TextIO) -> None:
        self._port, self._notes = port, notes
        self._trust = ssl.create_default_context(cafile=ca_file)
        #: The loop itself forgets what it does not run at the moment.
        self._serving: set[asyncio.Task[None]] = set()

    def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begins to serve a connection."""
        task = asyncio.create_task(self.serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the process that is watched."""
        waiting: list[str] = []
        with suppress(OSError):
            up_reader, up = await asyncio.open_connection(HOST, self._port, ssl=self._trust)
            asked = self._asked(reader, up, waiting)
            answered = self._answered(up_reader, writer, waiting)
            await asyncio.gather(asked, answered)
        # A connection that ends is an answer, too.
        self._note("refused", waiting)
        writer.close()

    async def _asked(
        self, reader: asyncio.StreamReader, up: asyncio.StreamWriter, waiting: list[str]
    ) -> None:
        kept = b""
        try:
            while piece := await reader.read(_PIECE):
                kept = kept[-_PIECE:] + piece
                if found := _CALL.search(kept):
                    waiting.append(found[2].decode())
                    self._note(found[1].decode(), waiting[-1:])
                    kept = b""
                up.write(piece)
                await up.drain()
        finally:
            up.close()

    async def _answered(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, waiting: list[str]
    ) -> None:
        try:
            while piece := await reader.read(_PIECE):
                self._note("answered" if piece.startswith(_GOOD) else "refused", waiting)
                waiting.clear()
                writer.write(piece)
                await writer.drain()
        finally:
            writer.close()

    def _note(self, what: str, leases: list[str]) -> None:
        for lease in leases:
            self._notes.write(f"{time.monotonic()} {what} {lease}\n")

    async def say_how_late(self) -> None:
        """A line each time that this process itself was not run in time."""
        while True:
            due = time.monotonic() + _TICK
            await asyncio.sleep(_TICK)
            if (late := time.monotonic() - due) > _TICK:
                self._notes.write(f"{time.monotonic()} late {late}\n")


async def _main(port: int, ca_file: str, folder: Path) -> None:
    certificate = issued(HOST, folder / "front-ca.pem")
    with (folder / "front.txt").open("w", buffering=1) as notes:
        front = Front(port, ca_file, notes)
        server = await asyncio.start_server(front.take, HOST, ssl=certificate.context)
        late = asyncio.create_task(front.say_how_late())
        at = {"port": server.sockets[0].getsockname()[1], "ca_file": str(folder / "front-ca.pem")}
        print(json.dumps({**at, "notes": str(folder / "front.txt")}), flush=True)
        await asyncio.to_thread(sys.stdin.read)
        late.cancel()
        server.close()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
