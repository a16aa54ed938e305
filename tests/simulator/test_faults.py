from __future__ import annotations

import hashlib
import http.client
import re
import ssl
import threading
import time
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from nfclease.simulator import Simulator, faults

from .support.calls import disks, get, manifest, ready, request, wait_until
from .support.rawtls import raw_get

MIDDLE = 1_000_003


@pytest.mark.parametrize(
    ("how", "ending", "last_chunk"),
    [
        ("reset", "reset", False),
        ("clean", "closed", False),
        ("fin", "fin", False),
        ("end", "closed", True),
        ("close_delimited", "closed", False),
    ],
)
def test_cut(simulator: Simulator, lease: Any, how: str, ending: str, last_chunk: bool) -> None:
    simulator.inject("cut", match="disk-1.vmdk", count=1, after_bytes=MIDDLE, how=how)
    received, ended = raw_get(disks(lease)[0].url)
    assert ended == ending
    head, _, body = received.partition(b"\r\n\r\n")
    assert (b"chunked" in head) == (how != "close_delimited")
    assert body.endswith(b"\r\n0\r\n\r\n") == last_chunk
    assert MIDDLE <= len(body) < MIDDLE + 100
    wait_until(lambda: simulator.requests()[0]["ended"])
    [recorded] = simulator.requests()
    assert recorded["bytes_sent"] == MIDDLE
    [entry] = lease.GetManifest()
    assert (entry.size, entry.sha1) == (MIDDLE, recorded["sha1"])
    assert len(get(disks(lease)[0].url)) > MIDDLE  # count=1


def test_the_third_call_alone(simulator: Simulator, lease: Any) -> None:
    simulator.inject("soap_fault", method="HttpNfcLeaseProgress", skip=2, count=1)
    told = []
    for _ in range(4):
        try:
            lease.Progress(1)
        except vmodl.fault.SystemError:
            told.append("refused")
        else:
            told.append("ok")
    assert told == ["ok", "ok", "refused", "ok"]
    with pytest.raises(ValueError, match="skip must be 0 or more"):
        simulator.inject("cut", skip=-1)


def test_close_delimited_to_the_end(simulator: Simulator, lease: Any) -> None:
    simulator.inject("cut", after_bytes=None, how="close_delimited")
    received, ended = raw_get(disks(lease)[0].url)
    body = received.partition(b"\r\n\r\n")[2]
    assert ended == "closed"
    assert lease.GetManifest()[0].sha1 == hashlib.sha1(body).hexdigest()


def test_flip(simulator: Simulator, lease: Any) -> None:
    simulator.set(stable_streams=True)
    simulator.inject("flip", disk="disk-1", count=1, offset=MIDDLE)
    disk = disks(lease)[0]
    bad, sums = get(disk.url), manifest(lease)[disk.key].sha1
    good = get(disk.url)
    simulator.set(stable_streams=False)
    assert sums == hashlib.sha1(good).hexdigest()
    assert [i for i, pair in enumerate(zip(bad, good, strict=True)) if pair[0] != pair[1]] == [
        MIDDLE
    ]


def test_stall(simulator: Simulator, lease: Any) -> None:
    simulator.inject("stall", after_bytes=MIDDLE, seconds=1, count=1)
    begun = time.monotonic()
    get(disks(lease)[0].url)
    assert 1 < time.monotonic() - begun < 10


def test_expire_on_the_way(simulator: Simulator, lease: Any) -> None:
    simulator.inject("expire", after_bytes=MIDDLE, count=1)
    assert raw_get(disks(lease)[0].url)[1] == "reset"
    assert lease.state == "error"
    assert isinstance(lease.error, vim.fault.Timedout)


def test_bandwidth(simulator: Simulator, lease: Any) -> None:
    simulator.inject("bandwidth", bytes_per_second=2 << 20, match={"disk": "disk-1"})
    for url, least, most in zip(disks(lease), (0.7, 0.0), (4, 1), strict=False):
        begun = time.monotonic()
        get(url.url)
        assert least < time.monotonic() - begun < most
    simulator.reset()
    simulator.set(bandwidth=2 << 20)
    begun = time.monotonic()
    get(disks(lease)[1].url)
    assert time.monotonic() - begun > 0.7


def test_other_answers(simulator: Simulator, lease: Any) -> None:
    url = disks(lease)[0].url
    simulator.inject("status", count=1, code=503, body="later", headers={"Retry-After": "7"})
    response, body = request("GET", url)
    assert (response.status, body, response.getheader("Retry-After")) == (503, b"later", "7")
    simulator.inject("html", count=1)
    response, body = request("GET", url)
    assert (response.status, response.getheader("Content-Type")) == (
        200,
        "text/html; charset=utf-8",
    )
    simulator.inject("empty", count=1)
    assert get(url) == b""
    simulator.inject("empty", count=1, size=3)
    assert get(url) == b"\0\0\0"
    simulator.inject("redirect", count=1, location="https://elsewhere.example/x")
    response, _ = request("GET", url)
    assert (response.status, response.getheader("Location")) == (302, "https://elsewhere.example/x")
    simulator.inject("redirect", count=1)
    response, _ = request("GET", url)
    location = response.getheader("Location")
    assert location is not None
    assert location.startswith(simulator.url.removesuffix("/sdk") + "/nfc/")
    assert lease.GetManifest() == []


def test_a_wrong_certificate(simulator: Simulator, lease: Any) -> None:
    def presented() -> str:
        pem = ssl.get_server_certificate((simulator.disk_host, simulator.disk_port))
        return hashlib.sha1(ssl.PEM_cert_to_DER_cert(pem)).digest().hex(":").upper()

    assert presented() == simulator.disk_thumbprint_sha1
    wrong = simulator.inject("wrong_certificate")
    assert presented() != simulator.disk_thumbprint_sha1
    assert lease.state == "ready"  # the other listener keeps its own
    simulator.clear(wrong)
    assert presented() == simulator.disk_thumbprint_sha1


def test_device_urls(simulator: Simulator, demo_vm: Any) -> None:
    simulator.inject("target_id", match="disk-1.vmdk", value="../../x")
    simulator.inject("http_url", match="disk-2.vmdk")
    simulator.inject("device_url", match="disk-3.vmdk", sslThumbprint="00", url="https://h/x")
    lease = ready(demo_vm.ExportVm())
    first, second, third = disks(lease)
    assert first.targetId == "../../x"
    assert second.url.startswith("http://")
    assert (third.url, third.sslThumbprint) == ("https://h/x", "00")
    lease.Abort()


def test_manifests(simulator: Simulator, lease: Any) -> None:
    for url in disks(lease):
        get(url.url)
    simulator.inject("no_manifest", count=1)
    assert lease.GetManifest() == []
    simulator.inject("manifest", match="disk-1.vmdk", sha1="0" * 40, size=5)
    simulator.inject("manifest", match="disk-2.vmdk", missing=True)
    edited, whole = lease.GetManifest()
    assert (edited.sha1, edited.size) == ("0" * 40, 5)
    assert whole.key == disks(lease)[2].key


def test_initializing(simulator: Simulator, demo_vm: Any) -> None:
    simulator.inject("init_error", count=1, fault="vim.fault.FileFault", message="no file")
    lease = demo_vm.ExportVm()
    wait_until(lambda: lease.state == "error")
    assert type(lease.error).__name__ == "vim.fault.FileFault"
    assert lease.error.msg == "no file"
    simulator.inject("init_forever", count=1)
    lease = demo_vm.ExportVm()
    time.sleep(0.4)
    assert (lease.state, lease.initializeProgress) == ("initializing", 50)
    lease.Abort()


def test_calls_that_fail(simulator: Simulator, lease: Any) -> None:
    simulator.inject(
        "soap_fault",
        method="HttpNfcLeaseProgress",
        count=1,
        fault="vim.fault.InvalidState",
        message="no",
    )
    with pytest.raises(vim.fault.InvalidState) as refused:
        lease.Progress(1)
    assert "msg = 'no'" in str(refused.value)
    simulator.inject("soap_fault", match="HttpNfcLeaseProgress", count=1)
    with pytest.raises(vmodl.fault.SystemError):
        lease.Progress(1)
    simulator.inject("soap_status", match="HttpNfcLeaseProgress", count=1, code=502)
    with pytest.raises(http.client.HTTPException, match="502"):
        lease.Progress(1)
    simulator.inject("raw_reply", match="HttpNfcLeaseProgress", count=1, body="<nothing")
    with pytest.raises(Exception, match="unclosed token"):
        lease.Progress(1)
    simulator.inject("soap_delay", match="HttpNfcLeaseProgress", count=1, seconds=0.5)
    begun = time.monotonic()
    lease.Progress(7)
    assert time.monotonic() - begun > 0.5
    results = [call["result"] for call in simulator.calls("HttpNfcLeaseProgress")]
    assert results == [
        "vim.fault.InvalidState",
        "vmodl.fault.SystemError",
        "soap_status",
        "raw_reply",
        "ok",
    ]


def test_a_call_is_held_until_its_fault_is_cleared(simulator: Simulator, lease: Any) -> None:
    held = simulator.inject("soap_delay", method="HttpNfcLeaseProgress", seconds=None)
    thread = threading.Thread(target=lease.Progress, args=(7,))
    thread.start()
    wait_until(lambda: simulator.calls("HttpNfcLeaseProgress"))
    simulator.clear(simulator.inject("soap_fault", method="nothing"))
    assert simulator.calls("HttpNfcLeaseProgress")[0]["result"] is None
    simulator.clear(held)
    thread.join()
    assert simulator.calls("HttpNfcLeaseProgress")[0]["result"] == "ok"


def test_a_task_is_held_until_its_fault_is_cleared(simulator: Simulator, demo_vm: Any) -> None:
    simulator.inject("task_delay", method="CreateSnapshot_Task", seconds=None, count=1)
    task = demo_vm.CreateSnapshot_Task("held", "", False, False)
    assert task.info.state == "running"
    simulator.clear()
    wait_until(lambda: task.info.state == "success")
    removed = task.info.result.RemoveSnapshot_Task(False)
    wait_until(lambda: removed.info.state == "success")


@pytest.mark.parametrize("after", [False, True])
def test_a_lost_answer(simulator: Simulator, lease: Any, after: bool) -> None:
    simulator.inject("drop", match="HttpNfcLeaseComplete", count=1, after=after)
    with pytest.raises((http.client.HTTPException, OSError)):
        lease.Complete()
    assert lease.state == ("done" if after else "ready")


def test_faults_can_be_cleared(simulator: Simulator, lease: Any) -> None:
    one = simulator.inject("soap_fault", match="HttpNfcLeaseProgress")
    simulator.inject("soap_fault", match="HttpNfcLeaseGetManifest")
    simulator.clear(one)
    lease.Progress(1)
    with pytest.raises(vmodl.fault.SystemError):
        lease.GetManifest()
    simulator.clear()
    lease.GetManifest()


def test_a_parameter_that_a_fault_has_not(simulator: Simulator) -> None:
    with pytest.raises(ValueError, match="flip has no at; it takes mask, offset"):
        simulator.inject("flip", at=3)
    with pytest.raises(ValueError, match="no parameter"):
        simulator.inject("no_manifest", count=1, always=True)


def test_the_docstring_tells_every_parameter() -> None:
    text = faults.__doc__ or ""
    rows = re.split(r"\n``", text)
    for kind, parameters in faults.KINDS.items():
        [row] = [row for row in rows if row.startswith(f"{kind}``")]
        assert [name for name in parameters or () if f"``{name}" not in row] == []


@pytest.mark.parametrize(
    ("kind", "params", "match"),
    [
        ("cut", {"how": "nope"}, "how must be one of reset, "),
        ("cut", {"after_bytes": "x"}, "after_bytes must be a number"),
        ("stall", {"seconds": -1}, "seconds must be a number"),
        ("status", {"code": "503"}, "code must be a number"),
        ("flip", {"count": -1}, "count must be 1 or more"),
        ("flip", {"count": "x"}, "count must be 1 or more"),
    ],
)
def test_values_that_no_fault_can_mean(
    simulator: Simulator, kind: str, params: dict[str, Any], match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        simulator.inject(kind, **params)


def test_a_reset_forgets_ended_leases(simulator: Simulator, demo_vm: Any) -> None:
    simulator.expire()
    held, ended = demo_vm.ExportVm(), demo_vm.ExportVm()
    ended.Abort()
    simulator.reset()
    assert [lease["moid"] for lease in simulator.leases()] == [held._moId]
    assert ended.state == "error", "clients are still told"
    assert simulator.expire() == 1
    simulator.reset()
    assert simulator.leases() == []
