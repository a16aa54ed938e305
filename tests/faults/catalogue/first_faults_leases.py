"""U20 to U27: leases forgotten, errors lost or mute. The numbers are those of the first report."""

from __future__ import annotations

import errno
import re
import signal
import subprocess
import sys
from concurrent import futures
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyVim.connect import Disconnect
from pyVmomi import vim

from nfclease import ConnectError, HttpNfcLease, HttpStatusError, SessionExpiredError

from ...support.front import Front, Visit, answer
from ...support.imports import import_vm, spec_of
from ...support.inventory import unique
from ...support.leases import disk_of
from ...support.packages import package, stream_disk
from ...support.smoke import login
from ...support.waiting import wait_for
from ..harness.case import LEASES, case
from ..harness.world import DISK, DISK_SIZE, World

BLOCKING = LEASES[:1]
_FACES = {"blocking": "HttpNfcLease", "asyncio": "AsyncHttpNfcLease"}
_OPEN = """
import atexit, os, resource, ssl, sys
import nfclease
from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim
from nfclease import AsyncHttpNfcLease, HttpNfcLease

moid, host, port, user, password, ca_file = sys.argv[1:]
context = ssl.create_default_context(cafile=ca_file)
service = SmartConnect(host=host, port=int(port), user=user, pwd=password, sslContext=context)
raw = vim.HttpNfcLease(moid, service._stub)
"""


def _script(world: World, code: str) -> subprocess.CompletedProcess[str]:
    """Runs it with a lease of this world's VM, and what came of it."""
    raw = world.vm.ExportVm()
    command = [sys.executable, "-c", _OPEN + code, raw._moId, *login(world.simulator)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    world.texts += [done.stdout, done.stderr]
    world.expect(done.returncode == 0, f"it ended with {done.returncode}: {done.stderr[-500:]}")
    return done


@case(
    "U20",
    "a lease is given to the first constructor of a process that has no descriptor left",
    "OSError(EMFILE), and the lease is aborted",
    faces=LEASES,
)
def no_descriptor(world: World) -> None:
    _script(
        world,
        f"""
raw.state  # a connection is there, as after ExportVm
lowest = os.dup(0)
os.close(lowest)
resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
try:
    {_FACES[world.face]}(raw)
except OSError as error:
    sys.exit(0 if error.errno == {errno.EMFILE} else repr(error))
sys.exit("it was made")
""",
    )
    world.wanted.append(("Abort",))
    world.failed = True


@case(
    "U21",
    "a script registers Disconnect at its exit, before or after its lease, or calls it first",
    "the lease is aborted, and the session closed after that",
    faces=LEASES,
    variants={
        "before": "atexit.register(Disconnect, service); lease = {}(raw)",
        "after": "lease = {}(raw); atexit.register(Disconnect, service)",
        "dropped": "lease = {}(raw); Disconnect(service); del lease",
    },
)
def exit_order(world: World, code: str) -> None:
    began = len(world.simulator.calls("Logout"))
    done = _script(world, code.format(_FACES[world.face]))
    world.expect(done.stderr == "", f"nothing is said, not {done.stderr[:300]!r}")
    calls = [call["method"] for call in world.simulator.calls()]
    world.expect(calls.count("Logout") == began + 1, "the session was closed")
    world.expect(
        calls.index("HttpNfcLeaseAbort") < len(calls) - 1 - calls[::-1].index("Logout"),
        f"the lease was ended first: {calls}",
    )
    world.wanted.append(("Abort",))


@case(
    "U22",
    "a lease is handed on by its moId to a session elsewhere, after detach(), and the object goes",
    "the other one completes it, and nobody aborts it",
    faces=BLOCKING,
)
def handed_on(world: World) -> None:
    with HttpNfcLease(world.vm.ExportVm()) as lease:
        lease.wait_ready(10)
        moid = lease.detach()._moId
    del lease
    other: Any = world.simulator.connect()
    try:
        plain: Any = vim.HttpNfcLease(moid, other._stub)
        world.expect(plain.state == "ready", "it is held")
        plain.Complete()
    finally:
        Disconnect(other)
        other._stub.DropConnections()
    world.wanted.append(("Complete",))


_PAGE = Path(__file__).parents[3] / "docs" / "stopping.md"
_EXPORT = """
with HttpNfcLease(raw) as lease:
    lease.wait_ready(10)
    lease.download_all({target!r})
"""


@case(
    "U23",
    "a script with the two lines of the docs gets SIGTERM or SIGHUP in the middle of a disk",
    "it ends by itself, the lease is aborted, no partial file is left",
    faces=BLOCKING,
    variants={"SIGTERM": signal.SIGTERM, "SIGHUP": signal.SIGHUP},
)
def signalled(world: World, number: signal.Signals) -> None:
    recipe = re.findall(r"^```python\n(.*?)^```$", _PAGE.read_text("utf-8"), re.DOTALL | re.M)[0]
    world.simulator.inject("bandwidth", disk=DISK, bytes_per_second=DISK_SIZE / 8)
    raw = world.vm.ExportVm()
    target = world.target / "signalled"
    code = _OPEN + recipe + _EXPORT.format(target=str(target))
    command = [sys.executable, "-c", code, raw._moId, *login(world.simulator)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as script:
        try:
            wait_for(lambda: list(target.glob("*.part")), 30)
            wait_for(world.simulator.requests)
            script.send_signal(number)
            ended = script.wait(30)
        finally:
            script.kill()
    world.expect(ended == 128 + number, f"it ended with {ended}")
    with suppress(FileNotFoundError):
        target.rmdir()
    world.failed = True
    world.wanted.append(("Abort",))


@case(
    "U24",
    "Complete is done, its answer is lost and its lease object gone; or somebody has logged out",
    "the first worked; the second is a SessionExpiredError, whatever is called",
    faces=BLOCKING,
    variants={"complete": "complete", "download_all": "download_all", "wait_ready": "wait_ready"},
)
def told_as_it_is(world: World, use: str) -> None:
    if use == "complete":
        gone = "vmodl.fault.ManagedObjectNotFound"
        world.simulator.inject("drop", method="HttpNfcLeaseComplete", after=True, count=1)
        with HttpNfcLease(world.vm.ExportVm(), keep_alive=False) as lease:
            lease.download(disk_of(lease), world.target / "disk-0.vmdk", overwrite=True)
            world.simulator.inject("soap_fault", method="RetrievePropertiesEx", fault=gone, count=1)
        world.wanted.append(("Complete",))
        return
    with world.fails(SessionExpiredError), HttpNfcLease(world.vm.ExportVm()) as lease:
        lease.wait_ready(10)
        Disconnect(world.service)
        given = {"download_all": (world.target,), "wait_ready": (10,)}[use]
        getattr(lease, use)(*given)


def _dies_when_used_again(visit: Visit) -> None:
    if visit.number:
        visit.reset()
        raise EOFError
    answer(visit)


def _loses_its_answer(visit: Visit) -> None:
    visit.hand_on(visit.body())
    visit.reset()
    raise EOFError


def _takes_nothing(visit: Visit) -> None:
    visit.body()
    raise EOFError


HOSTS: dict[str, tuple[Any, bool]] = {
    "a connection dies when it is used again": (_dies_when_used_again, True),
    "the answer to what was taken is lost": (_loses_its_answer, True),
    "the answer to what was not taken is lost": (_takes_nothing, False),
}


@case(
    "U25",
    "the connection of an upload dies when it is used again, or with the answer",
    "a new connection for each; where the manifest lists the whole file it worked, else an error",
    faces=BLOCKING,
    variants=HOSTS,
)
def dying(world: World, how: tuple[Any, bool]) -> None:
    serve, works = how
    disks = {f"{number}.vmdk": stream_disk(64, number) for number in range(3 if works else 1)}
    name = unique("u25")
    text = package(disks, algorithm=None)["demo.ovf"].decode()
    spec = spec_of(world.service, world.vm, text, name)
    lease = HttpNfcLease(import_vm(world.vm, spec), allow_http=True, **world.options)
    with Front(serve) as front:
        if not works:
            with world.fails(ConnectError, attempts=1), lease:
                _send(lease, front, spec, disks)
            return
        with lease:
            _send(lease, front, spec, disks)
        places = [place for place, _ in front.visits]
        world.expect(places == [0, 1, 2], f"a connection for each: {places}")
    world.wanted.append(("Complete",))


def _send(lease: Any, front: Front, spec: Any, disks: dict[str, bytes]) -> None:
    info = lease.wait_ready(10)
    for item in spec.fileItem:
        [device] = [url for url in info.deviceUrl if url.importKey == item.deviceId]
        result = lease.upload(front.device(device), disks[item.path])
        assert result.verified == "manifest"


REMEDIES = {
    "GET 401": (401, "new_lease"),
    "GET 404": (404, "new_lease"),
    "GET 405": (405, "none"),
    "GET 500": (500, "retry"),
    "GET 503": (503, "retry"),
    "no manifest": (0, ""),
}


@case(
    "U26",
    "a host refuses with one of several statuses; or the server has no manifests",
    "the error says what may help, and what that usually means; the other is verified as a stream",
    faces=BLOCKING,
    variants=REMEDIES,
)
def remedies(world: World, how: tuple[int, str]) -> None:
    status, remedy = how
    if not status:
        fault = "vmodl.fault.NotSupported"
        world.simulator.inject("soap_fault", method="HttpNfcLeaseGetManifest", fault=fault)
        with HttpNfcLease(world.vm.ExportVm(), **world.options) as lease:
            result = lease.download(disk_of(lease), world.target / "new.vmdk")
        world.expect(result.verified == "stream", f"it is verified as {result.verified}")
        world.wanted.append(("Complete",))
        return
    world.simulator.inject("status", disk=DISK, code=status)
    again = remedy == "retry"
    with world.fails(HttpStatusError, status=status, remedy=remedy, retryable=again, says=r" \("):
        world.job(max_retries=0)


@case(
    "U27",
    "a transfer fails, and one works",
    "the error names VM, lease, file and host; a transfer is a Future, its result names the file",
    faces=BLOCKING,
)
def which_vm(world: World) -> None:
    path = world.target / "disk-0.vmdk"
    called: list[Any] = []
    with HttpNfcLease(world.vm.ExportVm(), **world.options) as lease:
        transfer = lease.start_download(disk_of(lease), path, overwrite=True)
        transfer.add_done_callback(called.append)
        done, _ = futures.wait([transfer], timeout=20)
        world.expect(done == {transfer}, "concurrent.futures waits for it")
        world.expect(transfer.exception() is None and not transfer.cancelled(), "it worked")
        world.expect(str(transfer.result().path) == str(path), "the file is named")
        wait_for(lambda: called)
    world.wanted.append(("Complete",))
    world.before = {"disk-0.vmdk": _digest(path)}
    world.simulator.inject("status", disk=DISK, code=410)
    names = {"vm": world.vm._moId, "file": "disk-0.vmdk", "host": world.simulator.disk_host}
    with world.fails(HttpStatusError, says=world.vm._moId, lease=bool, **names):
        world.job()


def _digest(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()
