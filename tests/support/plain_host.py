"""A host of plain HTTP that knows one answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress


@contextmanager
def answering(answer: bytes, and_ends: bool = True) -> Iterator[tuple[int, list[bytes]]]:
    """Its port, and the heads of what it was asked.

    A connection ends with the answer, or it stays and nothing more comes.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    asked: list[bytes] = []
    held = ExitStack()

    def answer_one(connection: socket.socket) -> None:
        with suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head and (data := connection.recv(65536)):
                head += data
            asked.append(head)
            connection.sendall(answer)

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                answer_one(connection)
                if and_ends:
                    connection.close()
                else:
                    held.enter_context(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], asked
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
        held.close()
