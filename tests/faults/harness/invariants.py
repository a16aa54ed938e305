"""What has to hold after every case, whatever it was: the invariants I1 to I9."""

from __future__ import annotations

import gc
import hashlib
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...support.resources import resources

#: How much a process may grow in a case, over what it had before; a stream has 8 MiB more.
GROWTH = 64 << 20
GROWTH_PER_STREAM = 8 << 20
#: How long what runs in the background may take to go, on a busy machine too.
_SETTLES = 15.0
#: How what is not whole is called: a file, the directory that a package is made in, a kept one.
_PARTIAL = re.compile(r"\.(part(-\w+)?|resume)$")
#: Not vSphere's own OvfInternalError.
_PANIC = re.compile(r"PanicException|panicked at|\bInternalError")

Tree = Mapping[str, str]


def tree_of(folder: Path) -> Tree:
    """What is below a directory: each path, and the digest of a file or where a link leads."""
    return {str(path.relative_to(folder)): _content(path) for path in sorted(folder.rglob("*"))}


def _content(path: Path) -> str:
    if path.is_symlink():
        return f"-> {path.readlink()}"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def final_names(before: Tree, after: Tree, failed: bool) -> list[str]:
    """I1: after a failure all is as it was, so that no final name is new and no file changed."""
    if not failed:
        return []
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    return [f"I1: {name} is not as it was" for name in sorted(changed) if not is_partial(name)]


def partial_files(after: Tree) -> list[str]:
    """I2: nothing that is not whole."""
    return [f"I2: {name} was left" for name in after if is_partial(name)]


def is_partial(name: str) -> bool:
    return any(_PARTIAL.search(part) for part in Path(name).parts)


def endings(
    calls: Iterable[Mapping[str, Any]],
    leases: Iterable[Mapping[str, Any]],
    wanted: Sequence[tuple[str, ...]],
    held: int = 0,
) -> list[str]:
    """I3: the server saw for each lease exactly these Completes and Aborts, and holds none.

    Args:
        calls: What the server saw.
        leases: All leases that it knows.
        wanted: The calls for each lease that is to have some.
        held: How many leases it may still hold.
    """
    seen: dict[str, tuple[str, ...]] = {}
    for call in calls:
        name = call["method"].removeprefix("HttpNfcLease")
        if name in ("Complete", "Abort"):
            seen[call["moid"]] = (*seen.get(call["moid"], ()), name)
    found = []
    if sorted(seen.values()) != sorted(wanted):
        found.append(f"I3: the leases were ended by {sorted(seen.values())}, not {sorted(wanted)}")
    open_ones = [one["moid"] for one in leases if one["state"] in ("ready", "initializing")]
    if len(open_ones) != held:
        found.append(f"I3: {len(open_ones)} leases are still held, not {held}")
    return found


class Held(NamedTuple):
    """Threads and descriptors of this process."""

    threads: int
    descriptors: list[str]

    @classmethod
    def now(cls) -> Held:
        gc.collect()
        return cls(*resources())


def settled(seconds: float = 1.0) -> Held:
    """What the process holds once that has not changed for a while."""
    held, since = Held.now(), time.monotonic()
    deadline = since + _SETTLES
    while time.monotonic() < min(since + seconds, deadline):
        time.sleep(0.05)
        now = Held.now()
        if (now.threads, len(now.descriptors)) != (held.threads, len(held.descriptors)):
            held, since = now, time.monotonic()
    return held


def resources_back(before: Held, now: Callable[[], Held] = Held.now) -> list[str]:
    """I4: no thread and no descriptor is left, once what runs in the background has gone."""
    deadline = time.monotonic() + _SETTLES
    while (found := _more(before, now())) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _more(before: Held, now: Held) -> list[str]:
    found = []
    if now.threads > before.threads:
        found.append(f"I4: {now.threads - before.threads} threads were left")
    if len(now.descriptors) > len(before.descriptors):
        new = [name for name in now.descriptors if name not in before.descriptors]
        found.append(f"I4: descriptors were left: {', '.join(new) or 'of a kind that was there'}")
    return found


def secrets_hidden(secrets: Mapping[str, str], texts: Iterable[str]) -> list[str]:
    """I5: no text has a secret in it.

    Args:
        secrets: What each of them is, by its text.
        texts: All that a reader of errors, logs and reprs sees.
    """
    seen = [text.lower() for text in texts]
    return [
        f"I5: {kind} is in {_around(text, secret.lower())!r}"
        for secret, kind in secrets.items()
        if secret
        for text in seen
        if secret.lower() in text
    ]


def _around(text: str, secret: str) -> str:
    at = text.index(secret)
    return text[max(0, at - 60) : at + len(secret) + 20].replace(secret, "***")


def memory(growth: int, most: int) -> list[str]:
    """I6: the process did not grow by more."""
    return [f"I6: grew by {growth >> 20} MiB, not by {most >> 20}"] if growth > most else []


def reset_peak() -> int:
    """Lets the kernel count the peak anew; the bytes that are resident now."""
    Path("/proc/self/clear_refs").write_text("5")
    return resident()


def resident() -> int:
    """The bytes that are resident now."""
    return _status("VmRSS")


def peak() -> int:
    """The most that was resident since then."""
    return _status("VmHWM")


def _status(name: str) -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) * 1024


def in_time(seconds: float, deadline: float) -> list[str]:
    """I7: the case kept its deadline."""
    return [f"I7: took {seconds:.1f} s, not {deadline:.1f}"] if seconds > deadline else []


def error_as_told(
    error: BaseException, kind: type[BaseException], wants: Mapping[str, Any]
) -> list[str]:
    """I8: exactly this class, with these attributes.

    Args:
        error: What was raised.
        kind: The class.
        wants: Attributes; a value that can be called has to be true of the attribute.
    """
    if type(error) is not kind:
        return [f"I8: {type(error).__name__}, not {kind.__name__}: {str(error)[:300]}"]
    found = []
    for name, wanted in wants.items():
        seen = getattr(error, name, None)
        if not (wanted(seen) if callable(wanted) else seen == wanted):
            found.append(f"I8: {name} of {kind.__name__} is {seen!r}: {str(error)[:200]}")
    return found


def readable(texts: Collection[str], longest: int = 500) -> list[str]:
    """I8: a message is as long as a person reads, and moves no cursor of a terminal."""
    found = [f"I8: a message of {len(text)} characters" for text in texts if len(text) > longest]
    odd = [text for text in texts if not text.replace("\n", "").replace("\t", "").isprintable()]
    return [*found, *(f"I8: not printable: {text[:100]!r}" for text in odd)]


def no_panic(texts: Iterable[str]) -> list[str]:
    """I9: no panic of Rust came through."""
    return [f"I9: {text[:300]}" for text in texts if _PANIC.search(text)]
