"""The best that Python's own ``http.client`` can do: 1 MiB into one buffer, digest taken inline."""

from __future__ import annotations

import http.client
import os
import ssl
from urllib.parse import urlsplit

from .common import BLOCK, Asked, Digests, Result, main


def connect(url: str, asked: Asked) -> tuple[http.client.HTTPSConnection, str]:
    """A connection to the host of a URL, and what to ask it for."""
    parts = urlsplit(url)
    context = ssl.create_default_context(cafile=asked.certificate)
    connection = http.client.HTTPSConnection(
        parts.hostname or "", parts.port, context=context, blocksize=BLOCK
    )
    return connection, f"{parts.path}?{parts.query}"


def get(url: str, path: str, asked: Asked) -> Result:
    """Downloads one disk."""
    connection, place = connect(url, asked)
    connection.request("GET", place)
    response = connection.getresponse()
    digests, buffer = Digests(asked), memoryview(bytearray(BLOCK))
    with open(path, "wb", buffering=0) as file:
        while count := response.readinto(buffer):
            digests.update(buffer[:count])
            file.write(buffer[:count])
    connection.close()
    return digests.result()


def put(url: str, path: str, asked: Asked) -> Result:
    """Uploads one disk."""
    connection, place = connect(url, asked)
    size = os.path.getsize(path)
    connection.putrequest("POST", place)
    connection.putheader("Content-Length", str(size))
    connection.putheader("Content-Type", "application/x-vnd.vmware-streamVmdk")
    connection.endheaders()
    digests, buffer = Digests(asked), memoryview(bytearray(BLOCK))
    with open(path, "rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digests.update(buffer[:count])
            connection.send(buffer[:count])
    connection.getresponse().read()
    connection.close()
    return digests.result()


if __name__ == "__main__":
    main(get, put)
