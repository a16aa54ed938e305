"""Real errors, and what is said of each: try again, try later, or leave it."""

from __future__ import annotations

import concurrent.futures.process
import errno
import http.client
import json
import os
import pickle
import socket
import ssl
import xml.parsers.expat
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim, vmodl

import nfclease
from nfclease.fleet import Failure, judge
from nfclease.simulator import Simulator

from ..support.inventory import find, unique


def made(kind: type[Any], *args: Any, **attributes: Any) -> Any:
    """An error with attributes, as the core sets them."""
    error = kind(*args)
    for name, value in attributes.items():
        setattr(error, name, value)
    return error


def ours(name: str, **attributes: Any) -> Any:
    return made(getattr(nfclease, name), f"{name} of disk-1", **attributes)


def fault(name: str, **fields: Any) -> Any:
    found = getattr(vim.fault, name, None) or getattr(vmodl.fault, name)
    return found(**fields)


class KilledWorker(Exception):  # noqa: N818 - distributed's name of it
    """As Dask calls it; its own needs a cluster to be raised."""


AGAIN = [
    ours("AmbiguousLeaseError"),
    ours("ConnectError"),
    ours("StallError"),
    ours("CallTimeoutError"),
    ours("TruncatedError"),
    ours("ChecksumMismatchError"),
    ours("SizeMismatchError"),
    ours("LeaseLostError"),
    ours("LeaseLostError", fault=fault("Timedout")),
    ours("SessionExpiredError", fault=fault("NotAuthenticated")),
    ours("LeaseInitError"),
    ours("LeaseInitError", fault=vmodl.MethodFault()),
    ours("LeaseCompleteError"),
    ours("HttpStatusError", status=503, remedy="retry"),
    fault("HostNotConnected"),
    fault("HostNotReachable"),
    fault("Timedout"),
    fault("NotAuthenticated"),
    fault("SystemError"),
    fault("ApplicationQuiesceFault"),
    ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
    ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
    OSError(errno.EHOSTUNREACH, "No route to host"),
    TimeoutError("timed out"),
    concurrent.futures.TimeoutError(),
    socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
    ssl.SSLEOFError(8, "EOF occurred in violation of protocol"),
    http.client.HTTPException("503 Service Unavailable"),
    http.client.BadStatusLine(""),
    xml.parsers.expat.ExpatError("no element found: line 1, column 0"),
    concurrent.futures.process.BrokenProcessPool("A process was terminated abruptly"),
    KilledWorker("export-1", "tcp://10.0.0.1:4711"),
]
LATER = [
    ours("BlockedError"),
    fault("TaskInProgress"),
    fault("VAppTaskInProgress"),
    fault("InvalidState"),
    fault("InvalidHostState"),
    fault("InvalidDatastoreState"),
    fault("FileLocked"),
    fault("ResourceInUse"),
    fault("InsufficientResourcesFault"),
    fault("InsufficientMemoryResourcesFault"),
    ours("LeaseInitError", fault=fault("FileLocked"), fault_name="FileLocked"),
    ours("LeaseInitError", fault_name="TaskInProgress"),
    OSError(errno.EMFILE, "Too many open files"),
    MemoryError(),
]
NEVER = [
    ours("TlsError"),
    ours("ThumbprintMismatchError"),
    ours("NotFoundError"),
    ours("AmbiguousNameError"),
    ours("PackageError"),
    ours("UnsafePathError"),
    ours("ManifestError"),
    ours("ChecksumMismatchError", remedy="fix_input", retryable=False),
    ours("TransferCancelledError"),
    ours("JournalError"),
    ours("HttpStatusError", status=405),
    ours("LeaseInitError", fault=fault("NoPermission")),
    ours("LeaseInitError", fault_name="NoDiskSpace"),
    fault("NoPermission"),
    fault("InvalidLogin"),
    fault("InvalidPowerState"),
    fault("EncryptionKeyRequired"),
    fault("MemorySnapshotOnIndependentDisk"),
    fault("NotSupported"),
    fault("InvalidArgument"),
    fault("ManagedObjectNotFound"),
    fault("NoDiskSpace"),
    fault("InsufficientStorageSpace"),
    fault("FileNotFound"),
    vmodl.MethodFault(),
    OSError(errno.ENOSPC, "No space left on device", "/backup/web.ova"),
    PermissionError(errno.EACCES, "Permission denied", "/backup"),
    FileExistsError(errno.EEXIST, "File exists", "/backup/web.ova"),
    ssl.SSLCertVerificationError(1, "certificate verify failed"),
    socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
    http.client.HTTPException("401 Unauthorized"),
    SystemError("of the interpreter, not of a server"),
    ValueError("target has no {vm}"),
    KeyboardInterrupt(),
]


def named(error: BaseException) -> str:
    inside = getattr(error, "fault", None)
    return f"{type(error).__name__}-{type(inside).__name__ if inside is not None else ''}"


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        *(pytest.param(error, "again", id=f"again-{named(error)}") for error in AGAIN),
        *(pytest.param(error, "later", id=f"later-{named(error)}") for error in LATER),
        *(pytest.param(error, "never", id=f"never-{named(error)}") for error in NEVER),
    ],
)
def test_the_verdict_on_each(error: BaseException, verdict: str) -> None:
    failure = judge(error)
    assert failure.verdict == verdict
    assert failure.error == type(error).__name__
    assert failure.reason
    assert pickle.loads(pickle.dumps(failure)) == failure
    json.dumps([failure.reason, failure.task])


@pytest.mark.parametrize("error", [error for error in AGAIN + LATER if named(error)[0] != "v"])
def test_an_error_of_another_process_is_judged_alike(error: BaseException) -> None:
    """Pickled as a worker's: what an error loses on the way is not needed."""
    if type(error) is concurrent.futures.process.BrokenProcessPool or type(error) is KilledWorker:
        error.args = ("gone",)
    assert judge(pickle.loads(pickle.dumps(error))).verdict == judge(error).verdict


@pytest.fixture
def held(simulator: Simulator, service: Any) -> Any:
    """A VM that a task of somebody else holds."""
    name = unique("held")
    simulator.add_vm(name, disks=1)
    simulator.hold_vm(name)
    return find(service, vim.VirtualMachine, name)


def test_the_fault_of_a_real_server(held: Any) -> None:
    with pytest.raises(vim.fault.TaskInProgress) as caught:
        held.ExportVm()
    failure = judge(caught.value)
    assert (failure.verdict, failure.error) == ("later", "vim.fault.TaskInProgress")
    assert failure.task == caught.value.task._moId
    assert failure.reason.endswith("TaskInProgress)")


def test_who_holds_the_vm_is_named(held: Any, tmp_path: Path) -> None:
    with pytest.raises(nfclease.BlockedError) as caught:
        nfclease.export_vm(held, tmp_path / "out")
    failure = judge(caught.value)
    [task] = caught.value.tasks
    assert failure.verdict == "later"
    assert failure.task == str(task)
    assert "VirtualMachine.exportVm" in failure.task
    assert failure.task in failure.reason
    assert judge(pickle.loads(pickle.dumps(caught.value))).reason == failure.reason


def test_a_missing_privilege_is_named() -> None:
    error = vim.fault.NoPermission(
        object=vim.VirtualMachine("vm-12"), privilegeId="VApp.Export", msg="Permission denied."
    )
    assert judge(error) == Failure(
        "never",
        "the server refused: Permission denied. (NoPermission, VApp.Export on vm-12)",
        "vim.fault.NoPermission",
    )


HOSTILE = "\x1b[2J\0\u202e\n\r" + "\U0001f600\x9b" * 5000


@pytest.mark.parametrize(
    "error",
    [
        ValueError(HOSTILE),
        nfclease.ConnectError(HOSTILE),
        vim.fault.FileLocked(msg=HOSTILE, file=HOSTILE),
        vim.fault.NoPermission(msg="x", privilegeId=HOSTILE, object=vim.Folder(HOSTILE)),
        vim.fault.TaskInProgress(msg="x", task=vim.Task(HOSTILE)),
        type("Error" + HOSTILE.replace("\0", ""), (Exception,), {})("x"),
        OSError(HOSTILE),
    ],
    ids=lambda error: type(error).__name__[:20].encode("ascii", "replace").decode(),
)
def test_a_hostile_text_is_one_short_line(error: BaseException) -> None:
    failure = judge(error)
    for text in (failure.reason, failure.error, failure.task):
        assert len(text) <= 500
        assert all(char.isprintable() for char in text)


def test_a_password_in_an_address_is_not_repeated() -> None:
    failure = judge(ValueError("cannot log in to https://me:pa55word@vcenter.example.com/sdk"))
    assert "pa55word" not in repr(failure)
    assert "vcenter.example.com" in failure.reason


class Strange(Exception):  # noqa: N818 - it is strange
    """With methods that fail, and nothing that pickles."""

    def __init__(self) -> None:
        self.socket = socket.socket()
        self.socket.close()

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__

    @property
    def msg(self) -> str:
        raise RuntimeError("no message")

    @property
    def task(self) -> str:
        raise RuntimeError("no task")

    tasks = task


class StrangeFault(vim.fault.InvalidState):
    """A fault whose message cannot be read."""

    def __getattribute__(self, name: str) -> object:
        if name == "msg":
            raise RuntimeError("no message")
        return super().__getattribute__(name)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Strange(), Failure("never", "Strange", "Strange")),
        (made(StrangeFault), Failure("later", "StrangeFault", "StrangeFault")),
        (Exception(), Failure("never", "Exception", "Exception")),
        (ValueError(os.fsdecode(b"\xff")), Failure("never", "ValueError: \\udcff", "ValueError")),
        (made(nfclease.LeaseInitError, "x", fault_name=7), Failure("again", "x", "LeaseInitError")),
        (
            made(nfclease.LeaseInitError, "x", fault_name="No.Such-Fault"),
            Failure("again", "x", "LeaseInitError"),
        ),
    ],
    ids=["nothing works", "a fault", "no text", "surrogates", "a number", "no such fault"],
)
def test_a_strange_error_is_judged_all_the_same(error: BaseException, expected: Failure) -> None:
    assert judge(error) == expected
