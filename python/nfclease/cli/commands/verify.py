"""``nfclease verify``."""

from __future__ import annotations

from nfclease.cli.arguments import add_output
from nfclease.cli.packages import KINDS, add_web, shown, source_of, web

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from nfclease import VerifiedDisk, VerifiedFile, VerifyResult
    from nfclease.cli.console import Console

HELP = "say whether packages are whole: each file, size and sum"
EPILOG = """\
Compared are the sums of the manifest file (.mf), the sizes in the descriptor,
and both ends of each disk; with --grains every grain of each disk, which has a
checksum of its own. No vSphere is asked, nothing is unpacked.
Ends with 3 where a package is not whole.

example:
  nfclease verify demo-vm.ova
  nfclease verify --grains demo-vm.ova
"""


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("packages", metavar="PACKAGE", nargs="+", help=f"{KINDS}; or a .vmdk")
    parser.add_argument("--grains", action="store_true", help="check each disk to the grain")
    parser.add_argument("--strict", action="store_true", help="what is only odd is wrong, too")
    add_web(parser)
    add_output(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Reads all of each; one that cannot be read does not keep the others from it."""
    if len(args.packages) == 1:
        return _verify(args.packages[0], args, console)
    return max(_or_reported(name, args, console) for name in args.packages)


def _or_reported(name: str, args: argparse.Namespace, console: Console) -> int:
    from nfclease.cli.failure import report

    try:
        return _verify(name, args, console)
    except Exception as error:
        return report(error, args)


def _verify(name: str, args: argparse.Namespace, console: Console) -> int:
    import time

    from nfclease import verify
    from nfclease.cli.failure import NOT_VERIFIED

    begun = time.monotonic()
    source = source_of(name, args)
    result = verify(
        source, grains=args.grains, strict=args.strict, progress=console.progress, **web(args)
    )
    _print(shown(name), result, time.monotonic() - begun, console)
    return 0 if result else NOT_VERIFIED


def _print(name: str, result: VerifyResult, seconds: float, console: Console) -> None:
    from dataclasses import asdict

    from nfclease.cli.described import plain
    from nfclease.cli.tables import size, table, terminal_width

    if console.json:
        for file in result.files:
            console.row({"type": "file", "package": name, **_row(file)}, "")
    elif not console.quiet:
        rows = [(_state(file), size(file.size), plain(file.name)) for file in result.files]
        for line in table(("sum", "size", "file"), rows, terminal_width(), ("size",)):
            console.row({}, line)
    for disk in result.disks if console.json or not console.quiet else ():
        console.row({"type": "disk", "package": name, **asdict(disk)}, _disk(disk))
    for note in result.notes:
        console.line(f"odd: {note}")
    for problem in result.problems:
        text = problem.removeprefix("<stream>: ").removeprefix("<file object>: ")
        console.error(text if name in text else f"{plain(name)}: {text}")
    row = {
        "type": "summary",
        "command": "verify",
        "package": name,
        "ok": result.ok,
        "files": len(result.files),
        "bytes": sum(file.size for file in result.files),
        "seconds": round(seconds, 3),
        "problems": list(result.problems),
        "notes": list(result.notes),
    }
    console.done(row, f"{plain(name)}: {_summary(result, seconds)}")


def _row(file: VerifiedFile) -> dict[str, object]:
    return {
        "file": file.name,
        "size": file.size,
        "checksum_type": file.checksum_type,
        "checksum": file.checksum,
        "verified": file.verified,
    }


def _disk(disk: VerifiedDisk) -> str:
    from nfclease.cli.described import plain
    from nfclease.cli.tables import capacity

    if disk.flaw:
        return f"{plain(disk.name)}: WRONG ({disk.flaw})"
    held = "" if disk.capacity is None else f" of {capacity(disk.capacity)}"
    grains = f"{_many(disk.grains, 'grain')} right"
    return f"{plain(disk.name)}: {grains}, {capacity(disk.populated)}{held}"


def _state(file: VerifiedFile) -> str:
    return "right" if file.verified else "WRONG" if file.checksum_type else "no line"


def _summary(result: VerifyResult, seconds: float) -> str:
    """The last line: how it is, by how many sums, how much was read in which time."""
    from nfclease.cli.tables import size

    words = ["whole" if result else f"NOT whole, {_many(len(result.problems), 'problem')}"]
    if result.files:
        right = [file.checksum_type for file in result.files if file.verified]
        types = ", ".join(sorted({*right}))
        if right:
            words.append(f"{_many(len(right), 'right sum')} ({types})")
        elif any(file.checksum_type for file in result.files):
            words.append("no sum is right")
        else:
            words.append("no sum to compare")
        total = sum(file.size for file in result.files)
        rate = f"{total / 1e6 / max(seconds, 0.001):.1f} MB/s"
        words += [_many(len(result.files), "file"), f"{size(total)} in {seconds:.1f} s ({rate})"]
    return ", ".join(words)


def _many(count: int, name: str) -> str:
    return f"{count} {name}{'' if count == 1 else 's'}"
