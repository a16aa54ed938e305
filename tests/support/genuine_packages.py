"""Packages that VMware's own tools made, by what is particular about each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .genuine import VCD_PROVIDER, VCLOUD_DIRECTOR, go_module_file, pyvcloud_file


@dataclass(frozen=True)
class Genuine:
    """A package, how many VMs are in it, and whether it has a manifest file."""

    path: Callable[[], Path]
    machines: int = 1
    manifest: bool = False


def of_pyvcloud(name: str, **facts: Any) -> Genuine:
    return Genuine(lambda: pyvcloud_file(name), **facts)


def of_module(module: str, name: str, digest: str, **facts: Any) -> Genuine:
    return Genuine(lambda: go_module_file(module, f"test-resources/{name}", digest), **facts)


PACKAGES = {
    "with data": of_pyvcloud("yVM_OS_with_VMTools.ova", manifest=True),
    "smallest": of_pyvcloud("test_vapp_template.ova"),
    "in chunks": of_pyvcloud("template_with_custom_chunk_size.ova"),
    "no size": of_module(
        VCLOUD_DIRECTOR,
        "template_without_vmdk_size.ova",
        "78a6456029b91b2bd331337dc0acd598db53dca917775504fb2c0d8f2e67adbc",
    ),
    "three VMs": of_module(
        VCLOUD_DIRECTOR,
        "vapp_with_3_vms.ova",
        "dd7b0907d02a195e561ec0cfdd4b0ba5f0c04ef2a8862bbc1fd4481a1969b3b4",
        machines=3,
        manifest=True,
    ),
    "disk of its own class": of_module(
        VCD_PROVIDER,
        "test_vapp_template.ova",
        "943e497681ab4dfab359096d75d746d91a13e3af65b653ccb06d3c9569ce3532",
        manifest=True,
    ),
    "directory": of_module(
        VCLOUD_DIRECTOR,
        "test_vapp_template_ovf/descriptor.ovf",
        "ce716b387108de5423b9ec9fca3e31a267b5bea0194ceb42e8658c2d55c6d078",
    ),
}
