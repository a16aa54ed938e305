"""The other vSphere of a copy: its login and its places, by ``--to...`` and ``NFCLEASE_TO_...``."""

from __future__ import annotations

import argparse
import os
import re
from contextlib import contextmanager

from nfclease.cli.failure import LoginError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: What the variables of the other vSphere begin with.
PREFIX = "NFCLEASE_TO_"
#: The group of the options that log in there.
TITLE = f"connection there [{PREFIX}...]"
#: Variables that are of both, where the other has none: they are lists, with a line for each host.
_SHARED = ("TLS_CA_CERTS", "TLS_KNOWN_HOSTS")
#: From the options of ``second_of`` to those of the command.
_NAMES = ("username", "password-file", "insecure", "tls-ca-certs", "tls-known-hosts", "datacenter")


def add_second(parser: argparse.ArgumentParser) -> None:
    """Where the copy goes and who logs in there."""
    add = parser.add_argument
    add("--to", metavar="URL", help=f"vCenter or host that gets it [{PREFIX}URL]")
    add("--to-datacenter", metavar="NAME", help=f"of the places below [{PREFIX}DATACENTER]")
    add = parser.add_argument_group(TITLE).add_argument
    add("--to-username", metavar="NAME", help=f"who logs in there [{PREFIX}USERNAME]")
    add("--to-password-file", metavar="FILE", help=f"with the password [{PREFIX}PASSWORD]")
    add("--to-insecure", action="store_true", help=f"verify no certificate [{PREFIX}INSECURE]")
    add("--to-tls-ca-certs", metavar="FILES", help=f"CAs [{PREFIX}TLS_CA_CERTS, GOVC_...]")
    add("--to-tls-known-hosts", metavar="FILES", help="thumbprints [likewise]")


def second_of(args: argparse.Namespace) -> argparse.Namespace:
    """The options for the other vSphere, by the names that a login and a place know."""
    given = vars(args) | {name.replace("-", "_"): None for name in _NAMES}
    for name in _NAMES:
        key = name.replace("-", "_")
        given[key] = getattr(args, f"to_{key}")
    return argparse.Namespace(**given | {"url": args.to})


def environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables for it, by govc's names; what govc has for itself is for the source."""
    made = {name: value for name, value in environ.items() if not name.startswith("GOVC_")}
    for name in _SHARED:
        if f"GOVC_{name}" in environ:
            made[f"GOVC_{name}"] = environ[f"GOVC_{name}"]
    for name, value in environ.items():
        if name.startswith(PREFIX):
            made[f"GOVC_{name.removeprefix(PREFIX)}"] = value
    return made


@contextmanager
def named() -> Iterator[None]:
    """A block whose errors name the options and variables of the other vSphere."""
    from nfclease.exceptions import NfcError

    try:
        yield
    except (UsageError, LoginError, NfcError) as error:
        if error.args and isinstance(error.args[0], str):
            error.args = (_renamed(error.args[0]), *error.args[1:])
        raise


def _renamed(text: str) -> str:
    text = re.sub(r"--url\b", "--to", text.replace("GOVC_", PREFIX))
    return re.sub(rf"(?<![\w-])--({'|'.join(_NAMES)})\b", r"--to-\1", text)
