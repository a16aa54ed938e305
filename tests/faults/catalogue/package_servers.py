"""A: the web server that a package is at breaks off, changes its mind, or sends elsewhere."""

from __future__ import annotations

from typing import Any

import nfclease
from nfclease import (
    NfcError,
    ProtocolError,
)

from ...support.packages import (
    both_forms,
    package,
    stream_disk,
)
from ...support.web import Web
from ..harness.case import IMPORTS, case
from ..harness.world import World

FILES = {"disk.vmdk": stream_disk(3000)}


def _at_web(world: World, name: str = "demo.ova", **habits: Any) -> Web:
    """Lets the case import a package from a web server."""
    folder = world.folder / "web"
    folder.mkdir()
    web = Web(both_forms(package(FILES)), folder, **habits)
    world.stack.callback(web.close)
    world.package = web.url(name)  # type: ignore[assignment]
    return web


FORMS = {"archive": "demo.ova", "files": "x/demo.ovf"}


@case(
    "A13",
    "a web server that answers no Range",
    "the import is verified, of an archive read once",
    faces=IMPORTS,
    variants=FORMS,
)
def without_range(world: World, name: str) -> None:
    web = _at_web(world, name, ranges=False)
    world.job(ca_file=web.ca_file)


@case(
    "A14",
    "a web server that ends each connection early",
    "the import is verified; without Range, where nothing can be asked for again, the VM is gone",
    faces=IMPORTS,
    variants={"with Range": True, "without": False},
)
def cut_again_and_again(world: World, ranges: bool) -> None:
    web = _at_web(world, ranges=ranges, cut_after=200_000)
    if ranges:
        world.job(ca_file=web.ca_file)
        return
    with world.fails(nfclease.TruncatedError):
        world.job(ca_file=web.ca_file)


BAD_PARTS: dict[str, dict[str, Any]] = {
    "changed in between": {"long_etag": '"other"'},
    "another part than asked for": {"long_shift": 512},
}


@case(
    "A15",
    "a web server that changes the file between two parts, or sends another part",
    "ProtocolError, and the VM is gone",
    faces=IMPORTS,
    variants=BAD_PARTS,
)
def bad_parts(world: World, habits: dict[str, Any]) -> None:
    web = _at_web(world, **habits)
    with world.fails(ProtocolError):
        world.job(ca_file=web.ca_file)


@case(
    "A16",
    "a web server whose certificate nobody vouches for, one that redirects to a stranger, one that "
    "wants a login",
    "an error of ours before there is a lease",
    faces=IMPORTS,
    variants={"certificate": {}, "redirect": {"redirects": True}, "login": {"login": "Basic x"}},
)
def refused_addresses(world: World, habits: dict[str, Any]) -> None:
    web = _at_web(world, **{name: value for name, value in habits.items() if name != "redirects"})
    if "redirects" in habits:
        web.habits.redirects["/demo.ova"] = "http://127.0.0.1:9/demo.ova"
    with world.refuses(NfcError):
        world.job(**({"ca_file": web.ca_file} if habits else {}))
    world.expect(not world.simulator.calls("ImportVApp"), "no lease was opened")
