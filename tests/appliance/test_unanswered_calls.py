"""A call of a whole job that pyvmomi makes has no answer, or one that nobody can read."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

HOW: dict[str, tuple[dict[str, Any], type[nfclease.NfcError]]] = {
    "drop": ({}, nfclease.ConnectError),
    "soap_status": ({"code": 504}, nfclease.HttpStatusError),
    "raw_reply": ({"body": "<a"}, nfclease.ProtocolError),
}


@pytest.mark.parametrize("kind", HOW)
@pytest.mark.parametrize("face", ["blocking", "asyncio"])
def test_the_error_is_ours_and_names_the_call(
    demo_vm: Any, simulator: Simulator, tmp_path: Path, kind: str, face: str
) -> None:
    params, expected = HOW[kind]
    simulator.inject(kind, method="CreateDescriptor", **params)
    with pytest.raises(expected, match="CreateDescriptor") as caught:
        if face == "blocking":
            nfclease.export_vm(demo_vm, tmp_path / "demo")
        else:
            asyncio.run(nfclease.export_vm_async(demo_vm, tmp_path / "demo"))
    assert getattr(caught.value, "status", 504) == 504
    assert caught.value.__cause__ is not None
    assert not list(tmp_path.iterdir())


def test_an_answer_that_is_no_lease_is_said(
    demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("raw_reply", method="ExportVm", body="<a/>")
    with pytest.raises(nfclease.ProtocolError, match="opens a lease"):
        nfclease.export_vm(demo_vm, tmp_path / "demo")


@pytest.mark.parametrize("body", ["<a/>", "<a>" * 9])
def test_an_answer_that_says_nothing_is_said(
    demo_vm: Any, simulator: Simulator, tmp_path: Path, body: str
) -> None:
    pool = demo_vm.resourcePool
    nfclease.export_vm(demo_vm, tmp_path / "demo")
    simulator.inject("raw_reply", method="Fetch", body=body)
    with pytest.raises(nfclease.ProtocolError, match="server's answer"):
        nfclease.import_vapp(tmp_path / "demo", pool, name="said-nothing")


def test_an_error_of_a_file_object_stays_what_it_is(demo_vm: Any) -> None:
    class Gone:
        def write(self, data: Any) -> int:
            raise BrokenPipeError(32, "the reader has gone")

    with pytest.raises(BrokenPipeError) as caught:
        nfclease.export_vm(demo_vm, Gone())
    assert not isinstance(caught.value, nfclease.NfcError)


@pytest.mark.parametrize("face", ["blocking", "asyncio"])
def test_what_a_lease_that_is_ready_says_has_another_status(
    demo_vm: Any, simulator: Simulator, face: str
) -> None:
    made = demo_vm.ExportVm()
    simulator.inject("soap_status", method="Fetch", code=401)

    async def awaited() -> None:
        async with nfclease.AsyncHttpNfcLease(made) as lease:
            await lease.wait_ready(10)

    with pytest.raises(nfclease.HttpStatusError, match=r"Fetch at .*401") as caught:  # noqa: PT012
        if face == "asyncio":
            asyncio.run(awaited())
        with nfclease.HttpNfcLease(made) as lease:
            lease.wait_ready(10)
    assert caught.value.status == 401
