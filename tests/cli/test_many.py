"""``nfclease export`` of many VMs: which ones, what is said of them, and how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from nfclease import verify
from nfclease.simulator import Simulator

from ..support.command import Command, objects
from ..support.importing import calls_of
from ..support.inventory import unique
from ..support.journals import states
from ..support.leases import endings

SIMULATOR = {"disk_size": 1 << 19}


def add_vms(simulator: Simulator, count: int, stem: str = "many") -> list[str]:
    names = [unique(stem) for _ in range(count)]
    for name in names:
        simulator.add_vm(name, disks=1, nvram=False)
    return names


def test_a_list(nfclease: Command, simulator: Simulator, folder: Path) -> None:
    """By path, name and moId; what is empty or a comment is none; what is there twice is one."""
    one, two, three = add_vms(simulator, 3)
    moid = next(
        row["moid"] for row in objects(nfclease("ls", "--json").stdout) if row["name"] == three
    )
    before = calls_of(simulator, "Login")
    text = f"\ufeff# all\n\n/DC0/vm/{one}\n  {two}\n{moid}\n{two}\n"
    (folder / "vms.txt").write_text(text, encoding="utf-8")
    target = folder / "out" / "{date}" / "{vm}.ova"
    done = nfclease("export", "--list", folder / "vms.txt", "-o", target)
    assert done.code == 0, done.stderr
    assert done.stdout.startswith("3 VMs: 3 done; ")
    assert done.stdout.count("\n") == 1
    assert f"names {two} 2 times: it is exported once" in done.stderr
    made = sorted((folder / "out").glob("????-??-??/*.ova"))
    assert [path.stem for path in made] == sorted([one, two, three])
    assert all(verify(path) for path in made)
    assert endings(simulator) == ["HttpNfcLeaseComplete"] * 3
    assert calls_of(simulator, "Login") - before == calls_of(simulator, "Logout") - before == 1


def test_standard_input_with_a_datacenter(
    nfclease: Command, simulator: Simulator, folder: Path
) -> None:
    [name] = add_vms(simulator, 1)
    done = nfclease(
        *("export", "--list", "-", "--datacenter", "DC0", "-o", folder / "{vm}.ova", "--quiet"),
        stdin=f"{name}\n",
    )
    assert done == (0, "", "")
    assert verify(folder / f"{name}.ova")
    logins = calls_of(simulator, "Login")
    assert logins == calls_of(simulator, "Logout") == 1


@pytest.mark.parametrize(
    "text",
    ["", "# nothing\n\n", "web\x1b[31m\n", "\udcff"],
    ids=["empty", "comment", "esc", "bytes"],
)
def test_a_list_that_is_none(nfclease: Command, folder: Path, text: str) -> None:
    (folder / "vms.txt").write_bytes(text.encode("utf-8", "surrogateescape"))
    done = nfclease("export", "--list", folder / "vms.txt", "-o", folder / "{vm}.ova")
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"nfclease: --list {folder / 'vms.txt'}")
    assert "\x1b" not in done.stderr


def test_a_list_that_is_not_there(nfclease: Command, folder: Path) -> None:
    done = nfclease("export", "--list", folder / "none", "-o", folder / "{vm}.ova")
    text = f"nfclease: --list {folder / 'none'} cannot be read: No such file or directory\n"
    assert done == (2, "", text)


@pytest.mark.parametrize("place", ["/DC0/vm/demo-vapp", "demo-vapp"])
def test_all_in_a_vapp(nfclease: Command, folder: Path, place: str) -> None:
    done = nfclease("export", "--all-in", place, "-o", folder / "{vm}.ova", "--quiet")
    assert done == (0, "", "")
    assert [path.name for path in folder.iterdir()] == ["vapp-vm.ova"]


@pytest.mark.parametrize("place", ["/", "DC0", "/DC0/vm", "Cluster", "Resources", "esx-1.example"])
def test_all_in_what_has_all(
    nfclease: Command, simulator: Simulator, folder: Path, place: str
) -> None:
    """The folders, the pools and the host of a VM all have it; the plan says which are meant."""
    [name] = add_vms(simulator, 1)
    done = nfclease("export", "--all-in", place, "-o", folder / "{vm}", "--json", "--dry-run")
    rows = objects(done.stdout)
    found = {row["vm"]: row for row in rows if row["type"] == "vm"}
    assert {f"/DC0/vm/{name}", "/DC0/vm/demo-vm", "/DC0/vm/demo-vapp/vapp-vm"} <= set(found)
    assert found["/DC0/vm/running-vm"]["failure"]["verdict"] == "never"
    assert done.code == 1


def test_all_in_a_folder_alone(nfclease: Command, simulator: Simulator, folder: Path) -> None:
    stem = unique("crowd")
    simulator.add_vms(stem, 4, folders=2)
    rows = objects(nfclease("ls", f"{stem}*", "--json").stdout)
    place = rows[0]["path"].rpartition("/")[0]
    wanted = {row["path"] for row in rows if row["path"].startswith(f"{place}/")}
    assert 0 < len(wanted) < 4
    done = nfclease("export", "--all-in", place, "-o", folder / "{vm}.ova", "--json", "--dry-run")
    assert {row["vm"] for row in objects(done.stdout) if row["type"] == "vm"} == wanted


def test_a_place_that_is_not_there(nfclease: Command, folder: Path) -> None:
    done = nfclease("export", "--all-in", "no-such", "-o", folder / "{vm}.ova")
    assert (done.code, done.stdout) == (1, "")
    word = "folder, host, cluster, resource pool or datacenter"
    assert done.stderr.startswith(f"nfclease: {word} 'no-such' not found")


def test_failures_have_verdict_and_reason(
    nfclease: Command, simulator: Simulator, folder: Path
) -> None:
    [name] = add_vms(simulator, 1)
    given = ["export", "--list", "-", "-o", str(folder / "{vm}.ova"), "--retries", "0"]
    text = f"{name}\nno-such-vm\nrunning-vm\n"
    done = nfclease(*given, "--quiet", stdin=text)
    assert (done.code, done.stdout) == (1, "")
    assert "nfclease: no-such-vm: never: VM 'no-such-vm' not found" in done.stderr
    assert "nfclease: running-vm: never: " in done.stderr
    assert verify(folder / f"{name}.ova")
    done = nfclease(*given, "--overwrite", "--json", stdin=text)
    *events, summary = objects(done.stdout)
    assert {row["type"] for row in events} == {"event"}
    assert [row["kind"] for row in events if row["vm"] == name][:2] == ["planned", "started"]
    assert (summary["done"], summary["failed"], summary["command"]) == (1, 2, "export")
    failures = {each["vm"]: each for each in summary["failures"]}
    assert failures["running-vm"]["error"] == "vim.fault.InvalidPowerState"
    advice = "; export a snapshot of it, or switch it off"
    assert failures["running-vm"]["reason"].endswith(f"(InvalidPowerState){advice}")
    assert failures["no-such-vm"]["error"] == "NotFoundError"
    assert {each["verdict"] for each in failures.values()} == {"never"}


def test_sums_that_are_wrong_have_their_exit_code(
    nfclease: Command, simulator: Simulator, folder: Path
) -> None:
    [name] = add_vms(simulator, 1)
    simulator.inject("flip", offset=66_000, mask=1)
    given = ("export", "--list", "-", "-o", folder / "{vm}.ova", "--retries", "0")
    done = nfclease(*given, stdin=name)
    simulator.clear()
    assert done.code == 3, done.stderr
    assert [*folder.iterdir()] == []


def test_stop_on_failure(nfclease: Command, simulator: Simulator, folder: Path) -> None:
    names = add_vms(simulator, 2)
    done = nfclease(
        *("export", "--list", "-", "-o", folder / "{vm}.ova", "--stop-on-failure", "--json"),
        stdin="no-such-vm\n" + "\n".join(names),
    )
    summary = objects(done.stdout)[-1]
    assert (done.code, summary["failed"], summary["cancelled"]) == (1, 1, 2)
    assert [*folder.iterdir()] == []


def test_a_journal_skips_what_is_done(
    nfclease: Command, simulator: Simulator, folder: Path, tmp_path: Path
) -> None:
    names = add_vms(simulator, 2)
    given = ["export", "--list", "-", "-o", str(folder / "{vm}.ova"), "--json"]
    given += ["--journal", str(tmp_path / "nightly.db")]
    text = "\n".join(names)
    assert nfclease(*given, stdin=text).code == 0
    assert set(states(tmp_path / "nightly.db").values()) == {"done"}
    simulator.reset()
    done = nfclease(*given, "--verify-journal", stdin=text)
    assert (done.code, objects(done.stdout)[-1]["skipped"]) == (0, 2)
    assert endings(simulator) == []
    (folder / f"{names[0]}.ova").unlink()
    done = nfclease(*given, stdin=text)
    summary = objects(done.stdout)[-1]
    assert (done.code, summary["done"], summary["skipped"]) == (0, 1, 1)
    done = nfclease(*given, "--dry-run", stdin=text)
    summary = objects(done.stdout)[-1]
    assert (done.code, summary["skipped"], summary["bytes"]) == (0, 2, 0)


def test_one_at_a_time(nfclease: Command, simulator: Simulator, folder: Path) -> None:
    names = add_vms(simulator, 3)
    done = nfclease(
        *("export", "--list", "-", "-o", folder / "{vm}.ova", "--jobs", "1", "--json"),
        stdin="\n".join(names),
    )
    assert done.code == 0, done.stderr
    kinds = [
        row["kind"] for row in objects(done.stdout)[:-1] if row["kind"] in ("started", "ended")
    ]
    assert kinds == ["started", "ended"] * 3


def test_a_dry_run_is_a_plan(nfclease: Command, simulator: Simulator, folder: Path) -> None:
    [name] = add_vms(simulator, 1)
    (folder / "demo-vm.ova").write_bytes(b"mine")
    given = ["export", "--list", "-", "-o", str(folder / "{vm}.ova"), "--dry-run"]
    given += ["--journal", str(folder / "a.db")]
    text = f"{name}\ndemo-vm\nno-such-vm\n"
    done = nfclease(*given, stdin=text)
    assert done.code == 1
    head, row, last = done.stdout.splitlines()
    assert head.split() == ["HOST", "VMS", "DISKS", "AT", "MOST", "TIME"]
    assert row.split()[:3] == ["esx-1.example", "2", "4"]
    assert last.startswith("3 VMs: 4 disks, ")
    assert last.endswith(" at 25 MB/s a stream; 2 would fail")
    taken = f"nfclease: warning: demo-vm: never: {folder / 'demo-vm.ova'} exists already\n"
    assert taken in done.stderr
    assert "nfclease: warning: no-such-vm: never: VM 'no-such-vm' not found" in done.stderr
    assert [path.name for path in folder.iterdir()] == ["demo-vm.ova"]
    *rows, summary = objects(nfclease(*given, "--json", stdin=text).stdout)
    assert [row["type"] for row in rows] == ["vm", "vm", "vm", "host"]
    assert rows[-1]["disks"] == summary["disks"] == 4
    assert (summary["dry_run"], len(summary["problems"])) == (True, 2)
    assert simulator.leases() == []
