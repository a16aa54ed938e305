"""N: what a network does to a transfer."""

from __future__ import annotations

import socket
import subprocess
import threading
import time

from nfclease import (
    ConnectError,
    HttpStatusError,
    StallError,
    TlsError,
    TruncatedError,
)

from ...support.waiting import wait_for
from ..harness.case import EXPORTS, FACES, IMPORTS, LEASES, case
from ..harness.hosts import Relay, nobodys_host, reset
from ..harness.world import DISK, DISK_SIZE, LARGE_SIZE, World

SHARES = {"1 %": 0.01, "50 %": 0.5, "99.9 %": 0.999}


@case(
    "N01",
    "the connection is reset at 1, 50 and 99.9 % of a disk",
    "the whole disk again on the same lease, verified",
    variants=SHARES,
    stars=2,
)
def reset_once(world: World, share: float) -> None:
    place = int((world.package / "disk-0.vmdk").stat().st_size * share)
    world.simulator.inject("cut", disk=DISK, after_bytes=place, how="reset", count=1)
    world.job()
    world.expect(len(world.requests()) == 2, "the disk was asked for twice")


@case("N02", "it is reset every time", "TruncatedError after three attempts, an Abort")
def reset_always(world: World) -> None:
    world.simulator.inject("cut", disk=DISK, after_bytes=DISK_SIZE // 2, how="reset")
    with world.fails(TruncatedError, attempts=3):
        world.job(max_retries=2)
    world.expect(len(world.requests()) == 3, "the disk was asked for three times")


@case(
    "N03",
    "the connection is reset in the middle of an upload",
    "ConnectError with the bytes that went, not tried again, and the VM is gone",
    faces=IMPORTS,
    stars=2,
)
def upload_reset(world: World) -> None:
    world.large()
    world.simulator.inject("cut", disk=DISK, after_bytes=LARGE_SIZE // 2, how="reset")
    with world.fails(ConnectError, attempts=1, bytes_done=lambda count: count > 0):
        world.job(max_retries=2)
    world.expect(len(world.requests()) == 1, "the disk was sent once")


@case(
    "N04",
    "an upload is refused before it was read",
    "HttpStatusError with that status, and not a broken pipe",
    faces=IMPORTS,
    variants={"413": 413, "507": 507},
)
def refused_early(world: World, code: int) -> None:
    world.large()
    world.simulator.inject("status", disk=DISK, code=code)
    with world.fails(HttpStatusError, status=code):
        world.job(max_retries=0)


def needs_own_network() -> str:
    """Why no process can have a network of its own; empty where one can."""
    tried = subprocess.run(
        [*own_network(""), "true"], capture_output=True, check=False, shell=False
    )
    return "" if tried.returncode == 0 else "no network namespace of one's own here"


def own_network(_: str) -> list[str]:
    """A process that alone sees its loopback."""
    script = 'ip link set lo up && exec "$@"'
    return ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", script, "sh"]


def _link(state: str) -> None:
    subprocess.run(["ip", "link", "set", "lo", state], check=True)


def _cut_off(world: World, seconds: float | None) -> threading.Thread:
    """Takes the network away in the middle of the disk, and gives it back after so long."""
    ended = threading.Event()

    def cut() -> None:
        wait_for(world.simulator.requests)
        time.sleep(0.3)
        _link("down")
        ended.wait(seconds)
        _link("up")

    thread = threading.Thread(target=cut, daemon=True)
    thread.start()

    def give_back() -> None:
        ended.set()
        thread.join()

    world.stack.callback(give_back)
    return thread


@case(
    "N05",
    "no packet arrives any more, either way, and nobody says so",
    "StallError after the timeout",
    faces=LEASES,
    needs=needs_own_network,
    within=own_network,
    stars=2,
    deadline=60.0,
)
def half_open(world: World) -> None:
    world.simulator.inject("bandwidth", disk=DISK, bytes_per_second=DISK_SIZE / 4)
    with world.fails(StallError, ends=(), lease_outcome="abort_failed"):
        _cut_off(world, None)
        world.job(max_retries=0)
    world.held = 1  # nothing reaches the server, Abort neither
    world.stack.close()


@case(
    "N06",
    "no packet arrives for three seconds, and then they do",
    "it goes on, and is verified",
    faces=LEASES,
    needs=needs_own_network,
    within=own_network,
    deadline=60.0,
)
def heals(world: World) -> None:
    world.simulator.inject("bandwidth", disk=DISK, bytes_per_second=DISK_SIZE / 4)
    _cut_off(world, 3.0)
    world.job(max_retries=0, timeout=30.0)
    world.stack.close()


@case(
    "N07",
    "a host stops reading in an upload",
    "StallError after the timeout",
    faces=IMPORTS,
)
def upload_stalls(world: World) -> None:
    world.large()
    world.simulator.inject("stall", disk=DISK, after_bytes=1 << 20)
    with world.fails(StallError):
        world.job(max_retries=0)


@case(
    "N08",
    "an upload that is slow all along, and takes many times the timeout",
    "it works: nothing counts but that bytes move",
    faces=IMPORTS,
    stars=2,
)
def slow_upload(world: World) -> None:
    world.large()
    world.simulator.inject("bandwidth", disk=DISK, bytes_per_second=LARGE_SIZE / 8)
    world.job(max_retries=0, timeout=1.5)


@case("N09", "a host that no name server knows", "ConnectError, tried again before", faces=FACES)
def unknown_host(world: World) -> None:
    url = f"https://no-such-host.invalid/nfc/{'6' * 36}/disk-0.vmdk"
    world.ticket(url)
    world.simulator.inject("device_url", disk=DISK, url=url)
    with world.fails(ConnectError):
        world.job()


@case(
    "N10",
    "a host refuses connections for some seconds",
    "it works when it is there again",
    faces=LEASES,
)
def comes_later(world: World) -> None:
    relay = Relay(world, lambda piece, *_: piece)
    relay.close()
    port = relay.port

    def come() -> None:
        time.sleep(2.0)
        later.append(Relay(world, lambda piece, *_: piece, port=port))

    later: list[Relay] = []
    thread = threading.Thread(target=come)
    thread.start()
    world.job(max_retries=8)
    thread.join()
    world.expect(later[0].connections >= 1, "the host was asked when it had come")


@case("N11", "503 twice, with Retry-After: 1", "the disk, after at least two seconds")
def unavailable(world: World) -> None:
    wishes = {"Retry-After": "1"}
    world.simulator.inject("status", disk=DISK, code=503, headers=wishes, count=2)
    began = time.monotonic()
    world.job(max_retries=2)
    world.expect(time.monotonic() - began >= 2.0, "the host's wish was respected")


@case("N12", "503, with Retry-After: 86400", "HttpStatusError, without the day", faces=EXPORTS)
def unavailable_for_a_day(world: World) -> None:
    wishes = {"Retry-After": "86400"}
    world.simulator.inject("status", disk=DISK, code=503, headers=wishes)
    with world.fails(HttpStatusError, status=503):
        world.job(max_retries=2, retry_timeout=5.0)


STATUSES = {str(code): code for code in (500, 502, 504, 408, 429, 404, 401, 403, 410)}
_AGAIN = (500, 502, 504, 408, 429)


@case(
    "N13",
    "a host answers one of nine statuses",
    "those that may pass are tried again, the others are not",
    variants=STATUSES,
)
def statuses(world: World, code: int) -> None:
    world.simulator.inject("status", disk=DISK, code=code)
    attempts = 2 if code in _AGAIN else 1
    with world.fails(HttpStatusError, status=code, attempts=attempts):
        world.job()
    world.expect(len(world.requests()) == attempts, f"asked for {attempts} times")


class _Handshakes:
    """A host that ends the handshake, as told."""

    def __init__(self, world: World, answer: bytes) -> None:
        self.asked = 0
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        world.stack.callback(self._close)
        port = self._listener.getsockname()[1]
        url = f"https://127.0.0.1:{port}/nfc/{'7' * 36}/disk-0.vmdk"
        world.ticket(url)
        world.simulator.inject("device_url", disk=DISK, url=url)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
                with connection:
                    connection.recv(4096)
                    self.asked += 1
                    connection.sendall(self._answer)
                    connection.shutdown(socket.SHUT_WR)
            except ConnectionError:
                continue
            except OSError:
                return

    def _close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)


HANDSHAKES = {"cut": b"", "refused": b"\x15\x03\x03\x00\x02\x02\x28"}


@case(
    "N14",
    "a handshake of TLS is cut, or refused by an alert",
    "a broken one is tried again, a refused one is a TlsError at once",
    faces=FACES,
    variants=HANDSHAKES,
)
def handshakes(world: World, answer: bytes) -> None:
    host = _Handshakes(world, answer)
    with world.fails(TlsError if answer else ConnectError):
        world.job()
    world.expect(host.asked == (1 if answer else 2), f"{host.asked} handshakes")


@case(
    "N15",
    "a byte of a TLS record is another",
    "the disk again, never wrong bytes",
    faces=LEASES,
)
def bad_record(world: World) -> None:
    def spoil(piece: bytes, at: int, number: int, _: socket.socket) -> bytes:
        if number == 0 and at <= 200_000 < at + len(piece):
            index = 200_000 - at
            return piece[:index] + bytes([piece[index] ^ 1]) + piece[index + 1 :]
        return piece

    relay = Relay(world, spoil)
    [result] = world.job()
    world.expect(result.attempts == 2, "the disk was fetched twice")
    world.expect(relay.connections == 2, "on a connection of its own")


@case("N16", "one of two disks breaks for good", "its error, one Abort", faces=("asyncio",))
def one_of_two(world: World) -> None:
    world.vm = world.named("two")
    world.simulator.inject("cut", disk="disk-1", after_bytes=5000, how="reset")
    world.simulator.inject("bandwidth", disk="disk-0", bytes_per_second=DISK_SIZE / 4)
    with world.fails(TruncatedError, file="disk-1.vmdk"):
        world.job()


@case("N17", "a stream in segments of a few bytes", "verified", faces=LEASES, deadline=60.0)
def slices(world: World) -> None:
    def spoil(piece: bytes, at: int, number: int, target: socket.socket) -> bytes:
        if at > 65536:
            return piece
        target.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for index in range(0, len(piece), 7):
            target.sendall(piece[index : index + 7])
        return b""

    Relay(world, spoil)
    world.job(timeout=20.0)


@case(
    "N18",
    "a host ends the connection as the next request comes",
    "the request again on another connection",
    faces=LEASES[:1],
)
def idle_connection(world: World) -> None:
    from nfclease import HttpNfcLease

    from ...support.leases import disk_of

    cut = threading.Event()

    def spoil(piece: bytes, at: int, number: int, target: socket.socket) -> bytes:
        if cut.is_set() and number == 0:
            reset(target)
        return piece

    Relay(world, spoil)
    assert world.moved is not None
    with HttpNfcLease(world.vm.ExportVm(), **world.options) as lease:
        disk = world.moved(disk_of(lease))
        lease.download(disk, world.target / "first")
        cut.set()
        result = lease.download(disk, world.target / "second")
    world.expect(result.verified == "manifest", "the second is verified")
    world.wanted.append(("Complete",))


@case("N19", "the environment names a proxy", "nobody asks it", faces=FACES)
def proxy_in_the_environment(world: World) -> None:
    import os

    host = nobodys_host(world)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        before = os.environ.get(name)
        os.environ[name] = f"http://127.0.0.1:{host.port}"
        world.stack.callback(_restore, name, before)
    world.job()
    world.expect(host.asked == 0, "no connection to the proxy")


def _restore(name: str, before: str | None) -> None:
    import os

    if before is None:
        del os.environ[name]
    else:
        os.environ[name] = before


@case(
    "N20",
    "vCenter is away for a third of the lease's time while data flows",
    "it works, and Progress goes on",
    faces=LEASES,
    options={"lease_timeout": 12.0},
)
def vcenter_away(world: World) -> None:
    world.simulator.inject("bandwidth", disk=DISK, bytes_per_second=DISK_SIZE / 8)
    fault = world.simulator.inject("drop", method="HttpNfcLeaseProgress")

    def come_back() -> None:
        time.sleep(4.0)
        world.simulator.clear(fault)

    thread = threading.Thread(target=come_back)
    thread.start()
    world.job()
    thread.join()
    progress = world.simulator.calls("HttpNfcLeaseProgress")
    world.expect(any(call["result"] == "ok" for call in progress), "Progress went on")
