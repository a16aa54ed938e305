"""A driver that writes files and its journal until it is killed, or the disk fails.

Arguments: the journal, a folder for the targets, a name for its jobs, and a file that is removed
after a failure so that there is room to look again; "-" for none. It prints a line after each call
that came back: what it says has to be in the journal, whatever comes after.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys

from nfclease import JournalError
from nfclease.fleet import Journal, Outcome, WrittenFile

path, folder, name, spare = sys.argv[1:]


def write(target: str, data: bytes) -> WrittenFile:
    """As an export does it: the name comes last."""
    with open(f"{target}.part", "wb") as opened:
        opened.write(data)
    os.replace(f"{target}.part", target)
    found = os.stat(target)
    digest = hashlib.sha256(data).hexdigest()
    return WrittenFile(target, found.st_size, found.st_mtime_ns, "sha256", digest)


def work(journal: Journal) -> None:
    """Job after job, each with a second attempt."""
    for number in range(100_000):
        key = f"{name}-{number}"
        target = os.path.join(folder, f"{key}.ova")
        journal.plan(key, kind="export", vm=key, host="esx1", disks=1, bytes=9, settings="{}")
        for attempt in (1, 2):
            journal.start(key, attempt=attempt, target=target, worker="here")
            print(f"started {key}", flush=True)
            file = write(target, f"{key} {attempt}".encode())
        outcome = Outcome(key, "export", key, target, "done", 9, 0.1, 2, (file,))
        journal.end(outcome)
        print(f"ended {key}", flush=True)  # in one piece


journal = Journal(path)
print("opened", name, flush=True)
try:
    work(journal)
except JournalError as error:
    print("failed", json.dumps([type(error).__name__, str(error)]), flush=True)
    if spare != "-":
        journal.close()
        os.unlink(spare)
        with Journal(path) as again:
            kept = [each.key for each in again.outcomes()]
            print("kept", json.dumps([kept, again.interrupted()]), flush=True)
