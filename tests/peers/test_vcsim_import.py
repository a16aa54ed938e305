"""`import_vapp` into vcsim, a server that nobody here wrote."""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

import nfclease

from ..support.genuine import cut_file
from ..support.genuine_packages import PACKAGES
from ..support.importing import Importing, vm_names
from ..support.inventory import unique
from ..support.packages import ova, package, stream_disk
from .run import Vcsim

FILES = {"a.vmdk": stream_disk(100), "b.vmdk": stream_disk(30, 2)}


@pytest.fixture
def service(vcsim: Vcsim) -> Iterator[Any]:
    with vcsim.connect() as session:
        yield session


@pytest.fixture
def imported(face: str, service: Any) -> Importing:
    views = service.content.viewManager
    view = views.CreateContainerView(service.content.rootFolder, [vim.VirtualMachine], True)
    return Importing(face, view.view[0])


def test_an_archive(imported: Importing, tmp_path: Path) -> None:
    path = tmp_path / "demo.ova"
    path.write_bytes(ova(package(FILES)))
    result = imported(path, name=unique("imported"))
    assert isinstance(result.entity, vim.VirtualMachine)
    assert {file.name: file.checksum for file in result.files} == {
        name: hashlib.sha1(data).hexdigest() for name, data in FILES.items()
    }
    assert {file.verified for file in result.files} == {"manifest"}


def test_a_manifest_file_that_lies(imported: Importing, tmp_path: Path) -> None:
    """The lease is aborted; vcsim keeps the VM then, as no vCenter does."""
    path = tmp_path / "demo.ova"
    path.write_bytes(ova({**package(FILES), "b.vmdk": stream_disk(30, 3)}))
    with pytest.raises(nfclease.ChecksumMismatchError) as raised:
        imported(path, name=unique("lie"))
    assert (raised.value.file, raised.value.lease_outcome) == ("b.vmdk", "aborted")


def test_a_chosen_name_of_a_network(imported: Importing, tmp_path: Path) -> None:
    path = tmp_path / "demo.ova"
    path.write_bytes(ova(package()))
    with pytest.raises(ValueError, match=r"no network here is called 'nowhere' \(.*'DC0_DVPG0'"):
        imported(path, networks={"VM Network": "nowhere"})
    chosen = {"VM Network": "DC0_DVPG0"}
    assert imported(path, name=unique("chosen"), networks=chosen, strict=True).notes == ()


#: What is around the VMs of a collection.
AROUND = re.compile(
    rb"<ovf:VirtualSystemCollection .*?(?=<ovf:VirtualSystem )|</ovf:VirtualSystemCollection>",
    re.DOTALL,
)


def members_of(path: Path) -> dict[str, bytes]:
    """The files of a genuine package, the descriptor first."""
    if path.suffix == ".ovf":
        beside = (each for each in sorted(path.parent.iterdir()) if each != path)
        return {each.name: each.read_bytes() for each in (path, *beside)}
    with tarfile.open(path) as packed:
        members = {each.name: packed.extractfile(each) for each in packed}
        return {name: member.read() for name, member in members.items() if member}


@pytest.mark.parametrize("name", PACKAGES)
def test_a_genuine_disk(imported: Importing, name: str, tmp_path: Path) -> None:
    """A disk of VMware's own, with the VM taken out of its collection, which vcsim does not know.

    Of three VMs vcsim makes the first. No file but the descriptor is edited.
    """
    files = members_of(PACKAGES[name].path())
    descriptor, *others = (each for each in files if not each.endswith(".mf"))
    files[descriptor], taken = AROUND.subn(b"", files[descriptor])
    assert taken == 2
    path = tmp_path / "genuine.ova"
    path.write_bytes(ova({each: files[each] for each in (descriptor, *others)}))
    result = imported(path, name=unique("genuine"))
    [disk] = result.files
    in_chunks = disk.name not in files
    sent = b"".join(files[each] for each in others) if in_chunks else files[disk.name]
    assert (disk.verified, disk.checksum) == ("manifest", hashlib.sha1(sent).hexdigest())


@pytest.mark.parametrize("name", PACKAGES)
def test_a_genuine_package_as_it_is(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    """All are collections, and vcsim dies of each: it looks for a VM beside them."""
    with Vcsim() as server, server.connect() as connected:
        session: Any = connected
        views = session.content.viewManager
        view = views.CreateContainerView(session.content.rootFolder, [vim.VirtualMachine], True)
        pool, datastore = view.view[0].resourcePool, view.view[0].datastore[0]
        with pytest.raises(ConnectionError):
            nfclease.import_vapp(
                PACKAGES[name].path(), pool, datastore=datastore, name=unique("genuine")
            )
        server.stop()
    told = capfd.readouterr().err
    assert "nil pointer dereference" in told
    assert "simulator.(*OvfManager).CreateImportSpec" in told


def test_a_real_truncation(imported: Importing, service: Any) -> None:
    before = vm_names(service)
    with pytest.raises(nfclease.SizeMismatchError, match=r"ttylinux-pc_i486-16\.1-disk1\.vmdk"):
        imported(cut_file(), networks={"nat": "DC0_DVPG0"}, name=unique("cut"))
    assert vm_names(service) == before
