"""Extremes and nonsense in every field that a server fills: no panic, no overflow, no hang."""

from __future__ import annotations

import io
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

import nfclease
from nfclease._arguments import core_device_url, core_file_item, display_name
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.leases import endings, methods
from ..support.plain_host import answering
from ..support.waiting import wait_for

NUMBERS = [
    *("-9223372036854775809", "-1", "0", "1", "7", "2147483648", "9007199254740993"),
    *("17179869184000000", "9223372036854775807", "9223372036854775808"),
    *("18446744073709551615", "18446744073709551616", "9" * 40),
    *(" 7 ", "+7", "007", "1e9", "0x10", "1.5", "abc", "", "NaN", "\u0661", "7\u202e"),
]
FLAGS = [" true ", "TRUE", "1", "\n1\n", "yes", "2", ""]
INFO = ("totalDiskCapacityInKB", "leaseTimeout")
DEVICE = ("fileSize",)

ENVELOPE = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
    '<{name}Response xmlns="urn:vim25">{body}</{name}Response></soapenv:Body></soapenv:Envelope>'
)


def plain_info(raw: Any) -> Any:
    wait_for(lambda: raw.state == "ready", 10)
    return raw.info


def info_xml(info: Any, fields: dict[str, str], flag: str | None = None) -> str:
    """The lease's own info with these fields instead."""

    def element(name: str, value: object) -> str:
        return "" if value is None else f"<{name}>{escape(fields.get(name, str(value)))}</{name}>"

    devices = ""
    for url in info.deviceUrl:
        disk = str(bool(url.disk)).lower() if flag is None or not url.disk else flag
        size = fields.get("fileSize") or url.fileSize
        devices += (
            f"<deviceUrl><key>{escape(url.key)}</key><importKey>{escape(url.importKey)}</importKey>"
            f"<url>{escape(url.url)}</url><sslThumbprint>{url.sslThumbprint}</sslThumbprint>"
            f"<disk>{disk}</disk><targetId>{escape(url.targetId)}</targetId>"
            f"{element('fileSize', size)}</deviceUrl>"
        )
    return (
        f'<lease type="HttpNfcLease">{info.lease._moId}</lease>'
        f'<entity type="VirtualMachine">{info.entity._moId}</entity>{devices}'
        f"{element('totalDiskCapacityInKB', info.totalDiskCapacityInKB)}"
        f"{element('leaseTimeout', info.leaseTimeout)}"
    )


def say(simulator: Simulator, info: str | None, moid: str, state: str = "ready") -> None:
    """What the core and pyvmomi read of the lease from now on."""
    value = f'<val xsi:type="HttpNfcLeaseInfo">{info}</val>' if info is not None else ""
    given = f"<propSet><name>info</name>{value}</propSet>" if value else ""
    simulator.inject(
        "raw_reply",
        method="RetrievePropertiesEx",
        body=ENVELOPE.format(
            name="RetrievePropertiesEx",
            body=f'<returnval><objects><obj type="HttpNfcLease">{moid}</obj><propSet><name>state'
            f'</name><val xsi:type="HttpNfcLeaseState">{state}</val></propSet>{given}'
            "</objects></returnval>",
        ),
    )
    returned = f'<returnval xsi:type="HttpNfcLeaseInfo">{info}</returnval>' if value else ""
    simulator.inject("raw_reply", method="Fetch", body=ENVELOPE.format(name="Fetch", body=returned))


def exported(open_lease: OpenLease, simulator: Simulator, raw: Any, folder: Path) -> set[str]:
    """Exports it all, and sees that the lease is renewed before, meanwhile and after."""

    def renewals() -> int:
        return len(methods(simulator, "HttpNfcLeaseProgress"))

    with open_lease(raw, keep_alive_interval=0.02) as lease:
        lease.wait_ready(10)
        wait_for(lambda: renewals() > 0)
        verified: set[str] = {result.verified for result in lease.download_all(folder)}
        seen = renewals()
        wait_for(lambda: renewals() > seen + 1)
    assert endings(simulator) == ["HttpNfcLeaseComplete"]
    return verified


@pytest.mark.parametrize("number", NUMBERS)
def test_any_number_in_the_info(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path, number: str
) -> None:
    raw = demo_vm.ExportVm()
    fields = dict.fromkeys((*INFO, *DEVICE), number)
    say(simulator, info_xml(plain_info(raw), fields), raw._moId)
    assert exported(open_lease, simulator, raw, tmp_path) == {"manifest"}


@pytest.mark.parametrize("flag", FLAGS)
def test_any_flag_in_the_info(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path, flag: str
) -> None:
    raw = demo_vm.ExportVm()
    say(simulator, info_xml(plain_info(raw), {}, flag), raw._moId)
    assert exported(open_lease, simulator, raw, tmp_path) == {"manifest"}


def test_disks_that_are_said_to_be_huge_renew_their_lease(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    """The sum of their sizes is more than fits: the keep-alive died of it, and nobody was told."""
    raw = demo_vm.ExportVm()
    say(simulator, info_xml(plain_info(raw), {"fileSize": str(2**63 - 1)}), raw._moId)
    simulator.inject("stall", disk=".vmdk", after_bytes=1 << 20)
    with pytest.raises(KeyboardInterrupt), open_lease(raw, keep_alive_interval=0.02) as lease:
        started = [
            lease.start_download(url, tmp_path / url.targetId)
            for url in lease.wait_ready(10).deviceUrl
            if url.disk
        ]
        wait_for(lambda: all(transfer.progress.bytes_done for transfer in started))
        seen = len(methods(simulator, "HttpNfcLeaseProgress"))
        wait_for(lambda: len(methods(simulator, "HttpNfcLeaseProgress")) > seen + 5)
        raise KeyboardInterrupt
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@pytest.mark.parametrize("number", NUMBERS)
def test_any_size_in_the_manifest(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path, number: str
) -> None:
    raw = demo_vm.ExportVm()
    with open_lease(raw, max_retries=0) as lease:
        [disk] = [d for d in lease.wait_ready(10).deviceUrl if d.targetId == "disk-1.vmdk"]
        entry = f"<key>{disk.key}</key><sha1></sha1><size>{escape(number)}</size>"
        body = f"<returnval>{entry}</returnval>"
        reply = ENVELOPE.format(name="HttpNfcLeaseGetManifest", body=body)
        simulator.inject("raw_reply", method="HttpNfcLeaseGetManifest", body=reply)
        try:
            verified: str = lease.download(disk, tmp_path / "disk").verified
        except nfclease.SizeMismatchError as error:
            verified = str(error.expected)
    digits = number.strip().lstrip("+")
    size = int(digits) if digits.isascii() and digits.isdigit() else 1 << 63
    assert verified == ("stream" if size >= 1 << 63 else str(size))


@pytest.mark.parametrize("field", ["size", "capacity", "populatedSize", "disk"])
def test_any_number_in_the_manifest_that_a_script_reads(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, field: str
) -> None:
    """A whole export failed for it: its descriptor is made of these."""
    fields = {"key": "k", "sha1": "0" * 40, "size": "1", "disk": "true"}
    with open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        for said in FLAGS if field == "disk" else NUMBERS:
            values = {**fields, field: said}
            entry = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items())
            body = f"<returnval>{entry}</returnval>"
            reply = ENVELOPE.format(name="HttpNfcLeaseGetManifest", body=body)
            fault = simulator.inject("raw_reply", method="HttpNfcLeaseGetManifest", body=reply)
            [read] = lease.HttpNfcLeaseGetManifest()
            simulator.clear(fault)
            assert isinstance(read.size, int)
            kind = bool if field == "disk" else int
            assert getattr(read, field) is None or isinstance(getattr(read, field), kind)


def test_ready_without_info_is_not_ready(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator
) -> None:
    raw = demo_vm.ExportVm()
    info = plain_info(raw)
    say(simulator, None, raw._moId)
    with open_lease(raw, keep_alive_interval=0.05) as lease:
        with pytest.raises(nfclease.LeaseInitError, match="gives no info"):
            lease.wait_ready(0.5)
        assert not methods(simulator, "HttpNfcLeaseProgress"), "it was taken for ready"
        simulator.clear()
        say(simulator, info_xml(info, {}), raw._moId)
        assert len(lease.wait_ready(10).deviceUrl) == len(info.deviceUrl)


@pytest.mark.parametrize("number", [-(2**63), -1, 0, 1, 2**31, 2**63 - 1, 2**63, 2**64 - 1, 2**70])
def test_any_number_of_pyvmomis_objects(number: int) -> None:
    device: Any = vim.HttpNfcLease.DeviceUrl(key="k", url="https://[", disk=True, targetId="")
    item: Any = vim.OvfManager.FileItem(deviceId="/x", path="x", create=False)
    for thing, name in ((device, "fileSize"), (item, "size")):
        thing.__dict__[name] = number  # as a parser sets it that does not look
    core_device_url(device)
    core_file_item(item)
    assert display_name(device) == "["


@pytest.mark.parametrize("length", [2**63 - 1, 2**63, 2**64 - 1])
def test_lengths_that_are_said_to_be_huge_renew_their_lease(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, length: int
) -> None:
    """Two of them are more than fits: the keep-alive died of their sum, and nobody was told."""
    begun = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n12345678".encode()
    with answering(begun, and_ends=False) as (port, _):
        url = f"http://127.0.0.1:{port}/nfc/t1/disk.iso"
        simulator.inject("device_url", disk="iso", url=url, ssl_thumbprint="", file_size=None)
        options = {"max_retries": 0, "timeout": 2, "keep_alive_interval": 0.02}
        lease = open_lease(demo_vm.ExportVm(), allow_http=True, **options)
        with pytest.raises(KeyboardInterrupt), lease:
            device = next(d for d in lease.wait_ready(10).deviceUrl if d.targetId.endswith("iso"))
            for transfer in [lease.start_download(device, io.BytesIO()) for _ in range(2)]:
                with pytest.raises(nfclease.NfcError):
                    transfer.result(30)
            seen = len(methods(simulator, "HttpNfcLeaseProgress"))
            wait_for(lambda: len(methods(simulator, "HttpNfcLeaseProgress")) > seen + 5)
            raise KeyboardInterrupt
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


HEADERS = [
    *(f"200 OK\r\nContent-Length: {number}" for number in NUMBERS if number.isascii()),
    *(f"503 Busy\r\nRetry-After: {number}" for number in NUMBERS if number.isascii()),
    "200 OK\r\nContent-Length: 8\r\nContent-Length: 9",
    "200 OK\r\nTransfer-Encoding: chunked",
    "200 OK\r\nTransfer-Encoding: 18446744073709551616",
    "999 \x01",
    "600 x",
    "18446744073709551616 x",
    "-1 x",
]


@pytest.mark.parametrize("head", HEADERS)
def test_any_number_in_a_header(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path, head: str
) -> None:
    """Two files at once, so that their lengths are added."""
    with answering(f"HTTP/1.1 {head}\r\n\r\n12345678".encode()) as (port, _):
        url = f"http://127.0.0.1:{port}/nfc/t1/disk.iso"
        simulator.inject("device_url", disk="iso", url=url, ssl_thumbprint="", file_size=None)
        raw = demo_vm.ExportVm()
        lease = open_lease(
            raw, allow_http=True, max_retries=1, retry_timeout=0.2, keep_alive_interval=0.02
        )
        with suppress(nfclease.NfcError), lease:
            device = next(d for d in lease.wait_ready(10).deviceUrl if d.targetId.endswith("iso"))
            names = ("one", "two")
            for transfer in [lease.start_download(device, tmp_path / name) for name in names]:
                transfer.result(30)
    assert len(endings(simulator)) == 1
    assert not list(tmp_path.glob("*.part"))
