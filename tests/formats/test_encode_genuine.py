"""A disk that VMware wrote, as `image.convert` writes it once more: the very same bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

import nfclease
from nfclease import image

from ..support.genuine import (
    VCD_PROVIDER,
    VCLOUD_DIRECTOR,
    disk_of_package,
    go_module_file,
    pyvcloud_file,
)


def genuine(tmp_path: Path, name: str) -> Path:
    """A disk that VMware wrote."""
    if name == "go-vcloud-director":
        digest = "bd2c3f568a6bb6a9346195987a38540c3eb2bc03aaec0f17edac33bbc94cbdff"
        path = "test-resources/test_vapp_template_ovf/yVMFromVcd-disk1.vmdk"
        return go_module_file(VCLOUD_DIRECTOR, path, digest)
    if name == "terraform-provider-vcd":
        digest = "943e497681ab4dfab359096d75d746d91a13e3af65b653ccb06d3c9569ce3532"
        package = go_module_file(VCD_PROVIDER, "test-resources/test_vapp_template.ova", digest)
    else:
        package = pyvcloud_file(name)
    return disk_of_package(package, tmp_path / "genuine.vmdk")


@pytest.mark.parametrize(
    "name",
    [
        "yVM_OS_with_VMTools.ova",
        "test_vapp_template.ova",
        "go-vcloud-director",
        "terraform-provider-vcd",
    ],
)
def test_vmware_s_own_bytes_come_out_again(tmp_path: Path, name: str) -> None:
    """Every grain is inflated, and compressed anew by zlib."""
    source = genuine(tmp_path, name)
    again = tmp_path / "again.vmdk"
    made = image.convert(source, again, to="vmdk", vmdk_compression="zlib")
    assert again.read_bytes() == source.read_bytes()
    [disk] = nfclease.verify(source, grains=True).disks
    assert (disk.capacity, disk.populated) == (made.capacity, made.populated)
    image.convert(source, again, to="vmdk", overwrite=True)
    assert again.read_bytes() != source.read_bytes() or not made.populated
    assert nfclease.verify(again, grains=True)
