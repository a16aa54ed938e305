"""What ``verify`` and ``inspect`` have in common: where a package is."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

#: How a package may be named on the command line.
KINDS = ".ova, .ovf, directory, https URL, or - for a pipe"


def add_web(parser: argparse.ArgumentParser) -> None:
    """Whom to trust where a package is a URL."""
    group = parser.add_argument_group("packages at an https URL")
    group.add_argument("--ca-file", metavar="FILE", help="PEM file of CAs to trust for it")
    group.add_argument("--ssl-thumbprint", metavar="AA:BB", help="of the server's certificate")


def web(args: argparse.Namespace) -> dict[str, Any]:
    """These options, as the API has them."""
    return {"ca_file": args.ca_file, "ssl_thumbprint": args.ssl_thumbprint}


def source_of(name: str, args: argparse.Namespace) -> Any:
    """What the API reads for it.

    Raises:
        UsageError: It is standard input, and nobody has put an archive there, or an option is for
            an address and this is not one.
        OSError: The file does not exist.
    """
    from nfclease.cli.source import package_of

    return package_of(name, args, web(args))


def shown(name: str) -> str:
    """A package as messages name it: of a URL neither login nor ticket."""
    if "://" not in name:
        return "standard input" if name == "-" else name
    from urllib.parse import urlsplit, urlunsplit

    try:
        parts = urlsplit(name)
    except ValueError:
        return name.partition("://")[0] + "://..."
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))
