"""The shape of oslo.vmware's handles, in our own words: 64 KiB through a read and a write handle.

It takes no digest of its own; one is taken inline here, so that both sides can be compared.
"""

from __future__ import annotations

import os

from .common import Asked, Digests, Result, main
from .with_http_client import connect

CHUNK = 64 * 1024


def get(url: str, path: str, asked: Asked) -> Result:
    """Downloads one disk."""
    connection, place = connect(url, asked)
    connection.request("GET", place)
    response = connection.getresponse()
    digests = Digests(asked)
    with open(path, "wb") as file:
        while data := response.read(CHUNK):
            digests.update(data)
            file.write(data)
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
    digests = Digests(asked)
    with open(path, "rb") as file:
        while data := file.read(CHUNK):
            digests.update(data)
            connection.send(data)
    connection.getresponse().read()
    connection.close()
    return digests.result()


if __name__ == "__main__":
    main(get, put)
