"""What a notebook shows of leases, transfers and results."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from pathlib import Path
from typing import Any

from nfclease import HttpNfcLease, TransferResult
from nfclease._display.results import Results
from nfclease.simulator import Simulator

from ..support.leases import disk_of


def result_of(key: str, name: str, checksum: str, checksum_type: str) -> TransferResult:
    return TransferResult(
        key=key,
        name=name,
        bytes=1,
        checksum=checksum,
        checksum_type=checksum_type,
        verified="stream",
        seconds=1.0,
        attempts=1,
    )


def test_tables_without_calls_and_secrets(
    demo_vm: Any, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    with HttpNfcLease(demo_vm.ExportVm(), keep_alive=False) as lease:
        disk = disk_of(lease)
        transfer = lease.start_download(disk, tmp_path / "disk")
        result = transfer.result()
        before = len(simulator.calls())
        shown = [lease._repr_html_(), transfer._repr_html_(), result._repr_html_()]
        assert len(simulator.calls()) == before
    ticket = disk.url.rsplit("/", 2)[1]
    cookie = service._stub.cookie.split('"')[1]
    for html in shown:
        assert html.startswith("<table>")
        assert ticket not in html
        assert cookie not in html
        assert "http" not in html.replace("HttpNfcLease", "")
    assert result.checksum in shown[2]
    assert "ready" in shown[0]


def test_a_list_of_results_is_one_table(demo_vm: Any, simulator: Simulator, tmp_path: Path) -> None:
    with HttpNfcLease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        results: Any = lease.download_all(tmp_path)
    html = results._repr_html_()
    assert html.count("<table>") == 1
    assert html.count("<tr>") == 6
    assert "5 files, " in html
    for result in results:
        assert result.name in html
        assert result.checksum in html
    assert isinstance(results, list)
    assert repr(results) == repr(list(results))
    assert results == list(results)
    rows = json.loads(json.dumps([dataclasses.asdict(each) for each in results]))
    assert rows[0]["name"] == "disk-0.iso"
    assert pickle.loads(pickle.dumps(results)) == results
    assert copy.deepcopy(results) == results


def test_names_of_a_server_are_escaped() -> None:
    name = "<script>alert(1)</script>"
    html = result_of(name, name, name, "sha1")._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_long_values_wrap_and_short_ones_do_not() -> None:
    """A cell that cannot wrap is cut at the edge of the notebook, or hides behind a scroll bar."""
    result = result_of("/1/VirtualDisk", "a.vmdk", "f" * 128, "sha512")
    for html in (result._repr_html_(), Results([result])._repr_html_()):
        cells = html.split("<td ")[1:]
        [long] = [cell for cell in cells if "f" * 128 in cell]
        assert "white-space:normal" in long
        assert "word-break:break-all" in long
        assert "white-space:nowrap" in cells[0]
