"""The loop that most scripts have copied from the community samples, in our own words.

Export: blocks of 2 KiB, each flushed and synced; the digest is taken from the file afterwards.
Import: the file object is given to ``urlopen``; no digest.
"""

from __future__ import annotations

import hashlib
import os
import ssl
import urllib.request

import requests
import urllib3

from .common import BLOCK, Asked, Result, main

urllib3.disable_warnings()


def get(url: str, path: str, asked: Asked) -> Result:
    """Downloads one disk."""
    done = 0
    response = requests.get(url, stream=True, verify=False)
    with open(path, "wb") as file:
        for block in response.iter_content(chunk_size=2048):
            if block:
                file.write(block)
                file.flush()
                os.fsync(file.fileno())
                done += len(block)
    digest = hashlib.sha1()
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return Result(done, digest.hexdigest())


def put(url: str, path: str, asked: Asked) -> Result:
    """Uploads one disk."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    size = os.path.getsize(path)
    headers = {
        "Content-Length": str(size),
        "Content-Type": "application/x-vnd.vmware-streamVmdk",
    }
    with open(path, "rb") as file:
        request = urllib.request.Request(url, data=file, headers=headers, method="POST")
        with urllib.request.urlopen(request, context=context) as response:
            response.read()
    return Result(size, "")


if __name__ == "__main__":
    main(get, put)
