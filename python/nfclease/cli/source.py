"""What an import reads: a path, an address, or the bytes of a pipe."""

from __future__ import annotations

import os
import re
import sys

from nfclease.cli.failure import UsageError
from nfclease.cli.packages import standard_input

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

__all__ = ["source_of"]

#: As the API tells an address from a path.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def source_of(args: argparse.Namespace) -> Any:
    """What ``import_vapp`` gets.

    Raises:
        UsageError: It is a terminal, or an option is for an address and this is none.
        OSError: There is no such file.
    """
    if not _ADDRESS.match(args.source):
        for option in ("pull", "ca_file", "ssl_thumbprint"):
            if getattr(args, option):
                name = option.replace("_", "-")
                raise UsageError(f"--{name} is for an https URL, and SOURCE is a file or a pipe")
        if args.source != "-":
            os.stat(args.source)  # before anybody logs in
    if args.source != "-":
        return args.source
    if sys.stdin is None:
        raise UsageError("import - needs a standard input")
    if sys.stdin.isatty():
        raise UsageError("import - reads an OVA, and standard input is a terminal: pipe one in")
    return standard_input()
