"""What was moved: an object for each file and the last line, of an export and of an import."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from nfclease import (
        CopiedFile,
        CopyResult,
        ExportedFile,
        ExportResult,
        ImportedFile,
        ImportResult,
    )
    from nfclease.cli.console import Console

__all__ = ["copy_summary", "export_summary", "import_summary", "rate_of", "show_file"]


def show_file(console: Console, file: CopiedFile | ExportedFile | ImportedFile) -> None:
    """A row for a file: with ``--json``, and for who wants to know more."""
    if not console.json and not console.verbose:
        return
    from dataclasses import asdict

    from nfclease.cli.tables import size

    text = f"{file.name}: {size(file.size)}, {file.checksum_type} {file.checksum}"
    console.done({"type": "file", **asdict(file)}, f"{text}, {_how([file])}")


def export_summary(result: ExportResult, where: str) -> tuple[dict[str, Any], str]:
    """The object and the line for what was exported."""
    row = {
        "type": "summary",
        "command": "export",
        "name": result.name,
        "path": result.path,
        "descriptor": result.descriptor,
        "manifest": result.manifest,
        **_numbers(result.files, result.seconds),
        "warnings": list(result.warnings),
    }
    beside = f"; {result.files[0].checksum_type} in {result.manifest}" if result.manifest else ""
    return row, f"{where}: {_counted(result.files, result.seconds)}, {_how(result.files)}{beside}"


def import_summary(
    result: ImportResult, path: str, seconds: float, *, is_on: bool
) -> tuple[dict[str, Any], str]:
    """The object and the line for what was imported."""
    proved = sum(file.file_checksum_type is not None for file in result.files)
    beside = ""
    if result.files:
        all_of = "each" if proved == len(result.files) else f"{proved} of {len(result.files)}"
        beside = f"; {all_of} as its manifest file says" if proved else "; no manifest file"
    row, text = _new("import", result, path, seconds, is_on=is_on)
    return row, f"{text}{beside}"


def copy_summary(result: CopyResult, path: str, *, is_on: bool) -> tuple[dict[str, Any], str]:
    """The object and the line for what was copied."""
    return _new("copy", result, path, result.seconds, is_on=is_on)


def _new(
    command: str, result: ImportResult | CopyResult, path: str, seconds: float, *, is_on: bool
) -> tuple[dict[str, Any], str]:
    """The object and the line for what is new on a server."""
    row = {
        "type": "summary",
        "command": command,
        "name": result.name,
        "path": path,
        "entity": result.entity._moId,
        "powered_on": is_on,
        **_numbers(result.files, seconds),
        "warnings": list(result.warnings),
        "notes": list(result.notes),
    }
    on = ", powered on" if is_on else ""
    counted = _counted(result.files, seconds)
    return row, f"{path} ({result.entity._moId}){on}: {counted}, {_how(result.files)}"


def rate_of(count: int, seconds: float) -> float:
    """Bytes per second of the whole job."""
    return count / seconds if seconds > 0 else 0.0


def _numbers(files: Sequence[Any], seconds: float) -> dict[str, Any]:
    count = sum(file.size for file in files)
    verified = {file.verified for file in files}
    return {
        "files": len(files),
        "bytes": count,
        "seconds": round(seconds, 3),
        "rate": round(rate_of(_moved(files), seconds)),
        # Of the least that any file has.
        "verified": "stream" if "stream" in verified else "manifest" if verified else None,
    }


def _counted(files: Sequence[Any], seconds: float) -> str:
    from nfclease.cli.tables import size

    count = sum(file.size for file in files)
    number = "1 file" if len(files) == 1 else f"{len(files)} files"
    speed = f"{rate_of(_moved(files), seconds) / 1e6:.1f} MB/s"
    kept = sum(getattr(file, "reused", False) for file in files)
    before = f", {kept} kept from before" if kept else ""
    return f"{number}, {size(count)}{before} in {seconds:.1f} s ({speed})"


def _moved(files: Sequence[Any]) -> int:
    """Bytes that came now."""
    return sum(file.size for file in files if not getattr(file, "reused", False))


def _how(files: Sequence[Any]) -> str:
    """By what the files were verified."""
    if not files:
        return "nothing to verify"
    compared = sum(file.verified == "manifest" for file in files)
    if compared == len(files):
        return "verified by the server's checksums"
    if not compared:
        return "verified by length and end alone: the server has no checksums"
    return f"{compared} of {len(files)} verified by the server's checksums, the rest by their ends"
