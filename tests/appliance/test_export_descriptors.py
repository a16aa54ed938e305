"""What the server says when it describes a VM: errors are raised, warnings returned."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from nfclease import ProtocolError
from nfclease.simulator import Simulator

from ..support.inventory import find, unique
from ..support.jobs import Export
from ..support.leases import endings


def test_warnings_are_returned_and_logged(
    export: Export,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fault = "vim.fault.OvfUnsupportedDeviceExport"
    simulator.inject("ovf_warning", method="CreateDescriptor", fault=fault, message="no floppy")
    with caplog.at_level(logging.WARNING, "nfclease"):
        result = export(demo_vm, tmp_path / "out")
    [warning] = result.warnings
    assert warning.startswith("OvfUnsupportedDeviceExport: no floppy")
    assert any(warning in message for message in caplog.messages)


def test_an_error_is_raised_before_a_byte_moves(
    export: Export, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("ovf_error", method="CreateDescriptor", message="cannot be exported")
    with pytest.raises(vim.fault.OvfInternalError):
        export(demo_vm, tmp_path / "out")
    assert simulator.requests() == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert list(tmp_path.iterdir()) == []


def test_an_option_of_the_server(
    export: Export, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    export(demo_vm, tmp_path / "out", export_options=["mac", "extraconfig"])
    for call in simulator.calls("CreateDescriptor"):
        assert "<exportOption>mac</exportOption>" in call["raw"]


def test_a_vapp_of_three(
    export: Export, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    name = unique("vapp")
    simulator.add_vapp(name, vms=3, disks=2)
    result = export(find(service, vim.VirtualApp, name), tmp_path / "out")
    assert len(result.files) == 6
    text = (tmp_path / "out" / f"{name}.ovf").read_text()
    assert text.count("<VirtualSystem ovf:id=") == 3
    assert all(f'href="{file.name}" ovf:size="{file.size}"' in text for file in result.files)


def test_eight_disks(export: Export, simulator: Simulator, service: Any, tmp_path: Path) -> None:
    name = unique("eight")
    simulator.add_vm(name, disks=8, disk_size=1 << 18)
    result = export(find(service, vim.VirtualMachine, name), tmp_path / "out")
    assert sum(file.disk for file in result.files) == 8
    assert {file.verified for file in result.files} == {"manifest"}


def test_progress_is_told(export: Export, demo_vm: Any, tmp_path: Path) -> None:
    told: list[Any] = []
    result = export(demo_vm, tmp_path / "out", progress=told.append)
    last = {each.name: each.bytes_done for each in told}
    assert last == {file.name: file.size for file in result.files}


BARE = """<?xml version="1.0"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"
 xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">
 <References><File ovf:id="f" ovf:href="{href}" ovf:size="5"/></References>
 <VirtualSystem ovf:id="x"><Info>x</Info></VirtualSystem>
</Envelope>"""


def reply(text: str) -> str:
    """What a server answers that describes a VM so."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return (
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">'
        '<soapenv:Body><CreateDescriptorResponse xmlns="urn:vim25"><returnval>'
        f"<ovfDescriptor>{escaped}</ovfDescriptor></returnval>"
        "</CreateDescriptorResponse></soapenv:Body></soapenv:Envelope>"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "neither a descriptor nor an error"),
        (BARE.format(href="other.vmdk"), "did not send: other.vmdk"),
    ],
)
def test_a_descriptor_of_other_files_is_refused(
    export: Export, demo_vm: Any, simulator: Simulator, tmp_path: Path, text: str, says: str
) -> None:
    simulator.inject("raw_reply", method="CreateDescriptor", body=reply(text))
    with pytest.raises(ProtocolError, match=says):
        export(demo_vm, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_descriptor_that_says_other_sizes_is_told(
    export: Export, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    body = reply(BARE.format(href="demo-vm.nvram"))
    simulator.inject("raw_reply", method="CreateDescriptor", body=body)
    result = export(demo_vm, tmp_path / "out")
    assert "the descriptor does not name disk-1.vmdk" in result.warnings
    assert any("gives demo-vm.nvram 5 bytes, and it has" in text for text in result.warnings)
