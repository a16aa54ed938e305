"""A session with the vSphere that the options and the environment name."""

from __future__ import annotations

from contextlib import contextmanager

from nfclease.cli.environment import settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    import ssl
    from collections.abc import Iterator
    from typing import Any

    from nfclease.cli.console import Console
    from nfclease.cli.environment import Settings


@contextmanager
def session(args: argparse.Namespace, console: Console) -> Iterator[Any]:
    """A logged-in ``vim.ServiceInstance`` for the block; it logs out on every way out.

    Raises:
        UsageError: It is not said where to log in, or as whom.
        Exception: Of the connection or the login.
    """
    from pyVim.connect import Disconnect, SmartConnect

    where = settings(args)
    given: dict[str, Any] = {"sslContext": _trust(where)} if where.scheme == "https" else {}
    service_instance = SmartConnect(
        protocol=where.scheme,
        host=where.host,
        port=where.port,
        path=where.path,
        user=where.username,
        pwd=where.password or "",
        **given,
    )
    try:
        yield service_instance
    finally:
        Disconnect(service_instance)


def _trust(where: Settings) -> ssl.SSLContext:
    import ssl

    if where.insecure:
        return ssl._create_unverified_context()
    context = ssl.create_default_context()
    if where.ca_files:
        context = ssl.create_default_context(cafile=where.ca_files[0])
        for file in where.ca_files[1:]:
            context.load_verify_locations(file)
    return context
