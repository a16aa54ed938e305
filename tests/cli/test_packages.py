"""``verify`` and ``inspect``: what they say of packages, whole ones and others."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nfclease.cli.main import main

from ..support.command import Command, objects
from ..support.packages import manifest, ova, package, stream_disk, written
from ..support.web import serving

Run = Callable[..., tuple[int, str, str]]

SECTIONS = """
  <DeploymentOptionSection><Info>o</Info>
    <Configuration ovf:id="small"><Label>Small</Label>
      <Description>2 CPUs</Description></Configuration>
    <Configuration ovf:id="big" ovf:default="true"><Label>Big</Label>
      <Description>8</Description></Configuration>
  </DeploymentOptionSection>
"""
PRODUCT = """
    <ProductSection ovf:class="app" ovf:instance="1"><Info>p</Info><Product>Shop</Product>
      <Vendor>Acme</Vendor><FullVersion>1.2-b3</FullVersion>
      <Property ovf:key="ip" ovf:type="string" ovf:userConfigurable="true" ovf:value="10.0.0.1">
        <Label>Address</Label><Description>Where it listens</Description></Property>
      <Property ovf:key="pw" ovf:type="string" ovf:userConfigurable="true" ovf:password="true"
        ovf:value="hunter2"><Label>Password</Label></Property>
      <Property ovf:key="mode" ovf:type="string" ovf:userConfigurable="true" ovf:value="a"
        ovf:qualifiers='ValueMap{"a","b"}'/>
      <Property ovf:key="id" ovf:type="int" ovf:value="7"/>
    </ProductSection>
    <EulaSection><Info>e</Info><License>You may.\nYou may not.</License></EulaSection>
"""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """The command in this process: exit code and what it printed."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([*map(str, arguments)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def appliance() -> bytes:
    """With one of everything that is shown."""
    members = package(sections=SECTIONS)
    text = members["demo.ovf"].replace(b"</VirtualSystem>", PRODUCT.encode() + b"</VirtualSystem>")
    files = {"disk.vmdk": members["disk.vmdk"], "demo.nvram": b"nvram"}
    text = text.replace(
        b"</References>", b'<File ovf:id="n" ovf:href="demo.nvram" ovf:size="5"/></References>'
    )
    return ova({"demo.ovf": text, "demo.mf": manifest({"demo.ovf": text, **files}), **files})


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.ova"
    path.write_bytes(appliance())
    return path


def test_inspect_shows_tables(run: Run, shop: Path) -> None:
    code, out, err = run("inspect", shop)
    assert (code, err) == (0, "")
    for line in (
        f"package     {shop} (OVF 1, demo.ovf)",
        "product     Shop 1.2-b3 by Acme",
        "manifest    3 lines, sha256",
        "licence     21 characters; --eula shows them",
        "demo       1  64 MiB  vmx-13",
        "vmdisk1     1 MiB  5.6 kB  disk.vmdk",
        " 5 B  demo.nvram",
        "VM Network  d",
        "small                       Small",
        "big                yes      Big",
        "app.ip.1    string    10.0.0.1     Address",
        "app.pw.1    password  (not shown)  Password",
        "app.mode.1  a|b       a",
    ):
        assert line in out.splitlines(), f"{line}\n{out}"
    assert "app.id.1" not in out, "hidden"
    assert "hunter2" not in out


def test_inspect_shows_more_where_it_is_asked(run: Run, shop: Path) -> None:
    _, out, _ = run("inspect", shop, "--all")
    assert "Address: Where it listens" in out
    assert "app.id.1" in out
    code, out, _ = run("inspect", shop, "--eula")
    assert (code, out) == (0, "You may.\nYou may not.\n")


def test_inspect_as_json(run: Run, shop: Path) -> None:
    """One object, by the names of the API; no password."""
    code, out, err = run("inspect", shop, "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    said = json.loads(out)
    assert (said["type"], said["package"]) == ("package", str(shop))
    assert [one["key"] for one in said["properties"]] == [
        f"app.{name}.1" for name in ("ip", "pw", "mode", "id")
    ]
    assert said["properties"][1]["default"] is None
    assert "hunter2" not in out
    assert said["files"][0]["stored_size"] == 5632
    assert said["manifest"]["entries"][0]["checksum_type"] == "sha256"


def test_inspect_says_what_is_odd(run: Run, tmp_path: Path) -> None:
    members = package(algorithm=None)
    del members["disk.vmdk"]
    code, out, _ = run("inspect", written(tmp_path, members) / "demo.ovf")
    assert code == 0
    assert "manifest  none: no file can be compared" in out.splitlines()
    assert "odd: the file 'disk.vmdk' is missing" in out.splitlines()
    assert "files     1, 0 B, 1 missing" in out.splitlines()


def test_verify_says_how_each_file_is(run: Run, shop: Path) -> None:
    code, out, _ = run("verify", shop)
    lines = out.splitlines()
    assert code == 0
    assert [line.split()[-1] for line in lines[1:4]] == ["demo.ovf", "disk.vmdk", "demo.nvram"]
    assert lines[2] == "right  5.6 kB  disk.vmdk"
    assert lines[-1].startswith(f"{shop}: whole, 3 right sums (sha256), 3 files, ")
    assert lines[-1].endswith(" MB/s)")


def broken() -> bytes:
    members = package()
    members["disk.vmdk"] = stream_disk(seed=2)
    return ova(members)


def test_verify_ends_with_three(run: Run, shop: Path, tmp_path: Path) -> None:
    """And goes on to the next package, one that is not there as well."""
    bad = tmp_path / "bad.ova"
    bad.write_bytes(broken())
    cut = tmp_path / "cut.ova"
    cut.write_bytes(appliance()[:4000])
    code, out, err = run("verify", bad, cut, tmp_path / "none.ova", shop)
    assert code == 3
    assert "WRONG  5.6 kB  disk.vmdk" in out
    said = [line for line in out.splitlines() if "whole" in line]
    assert [line.partition(", ")[0].removeprefix(f"{tmp_path}/") for line in said] == [
        "bad.ova: NOT whole",
        "cut.ova: NOT whole",
        "shop.ova: whole",
    ]
    assert f"nfclease: {bad}: disk.vmdk: its sha256 is " in err
    assert "none.ova" in err
    assert run("verify", tmp_path / "none.ova")[0] == 1


def test_verify_is_strict_where_it_is_asked(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "bare.ova"
    path.write_bytes(ova(package(algorithm=None)))
    code, out, err = run("verify", path)
    assert code == 0
    assert "no line  5.6 kB  disk.vmdk" in out.splitlines()
    assert "no sum to compare" in out
    assert "odd: " in err
    code, out, err = run("verify", path, "--strict")
    assert code == 3
    assert "NOT whole" in out
    assert f"nfclease: {path}: " in err


def test_verify_as_json_and_in_quiet(run: Run, shop: Path, tmp_path: Path) -> None:
    code, out, err = run("verify", shop, "--json")
    rows = objects(out)
    assert (code, err) == (0, "")
    assert [row.get("file") for row in rows] == ["demo.ovf", "disk.vmdk", "demo.nvram", None]
    assert all(row["verified"] for row in rows[:-1])
    assert {row["type"] for row in rows[:-1]} == {"file"}
    assert (rows[-1]["type"], rows[-1]["command"], rows[-1]["ok"]) == ("summary", "verify", True)
    assert rows[-1]["bytes"] == sum(row["size"] for row in rows[:-1])
    assert run("verify", shop, "--quiet") == (0, "", "")
    bad = tmp_path / "bad.ova"
    bad.write_bytes(broken())
    code, out, err = run("verify", bad, "--quiet")
    assert (code, out, err.count("\n")) == (3, "", 1)
    code, out, _ = run("verify", bad, "--json")
    assert code == 3
    assert json.loads(out.splitlines()[-1])["problems"]


def test_an_address(run: Run, tmp_path: Path) -> None:
    """A login or a ticket in it is not shown; whom to trust is said by option."""
    with serving({"shop.ova": appliance()}, tmp_path) as web:
        url = web.url("shop.ova").replace("https://", "https://me:secret-word@")
        code, out, err = run("inspect", url, "--ca-file", web.ca_file)
        assert code == 0, err
        assert f"package     {web.url('shop.ova')} (OVF 1, demo.ovf)" in out.splitlines()
        code, said, err = run("verify", url, "--ca-file", web.ca_file)
        assert code == 0, err
        refused, nothing, why = run("verify", url)
        assert (refused, nothing) == (1, "")
    assert "secret-word" not in out + said + err + why


def test_options_for_an_address_alone(run: Run, shop: Path) -> None:
    for command in ("verify", "inspect"):
        code, out, err = run(command, shop, "--ca-file", "ca.pem")
        assert (code, out) == (2, "")
        assert "--ca-file is for an https URL" in err


def test_standard_input(shop: Path) -> None:
    """A file that is put there is read by position, a pipe as it comes."""
    command = Command({})
    with shop.open("rb") as file:
        process = command.start("verify", "-", stdin=file)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "standard input: whole, 3 right sums (sha256)" in out
    with subprocess.Popen(["cat", shop], stdout=subprocess.PIPE) as cat:
        process = command.start("inspect", "-", stdin=cat.stdout)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "app.ip.1    string" in out


def test_what_no_package_is(run: Run, tmp_path: Path) -> None:
    """One or two lines, and no traceback, whatever the file holds."""
    for number, data in enumerate((b"", b"no tar", bytes(2048), b"PK\3\4" * 200)):
        path = tmp_path / f"{number}.ova"
        path.write_bytes(data)
        code, out, err = run("inspect", path)
        assert (code, out) == (1, "")
        assert err.startswith("nfclease: ")
        assert err.count("\n") <= 3
        assert run("verify", path)[0] == 3


@pytest.mark.parametrize("columns", [100, 60, 30])
def test_tables_fit_a_terminal(shop: Path, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert main(["inspect", str(shop)]) == 0
    out: Any = sys.stdout
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= columns
    for word in ("vmdisk1", "app.mode.1", "VM Network"):
        assert word in out.getvalue()
