"""JupyterLab in a real browser: the rows move, the table shows, the stop button aborts.

Run by ``make test-browser``. Needs a Chromium on the machine, and says so where there is none.
With ``--pictures`` the pictures of the docs are taken anew; ``terminal_picture.py`` takes that of
the bars.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from nfclease.simulator import Simulator

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "images"
SECONDS = 60.0
WIDTH, HEIGHT = 1100, 1400
TOKEN = "only-on-loopback"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")

DOWNLOAD = """\
import tempfile
from nfclease import HttpNfcLease

with HttpNfcLease(vm.ExportVm()) as lease:
    lease.wait_ready()
    results = lease.download_all(tempfile.mkdtemp(), progress=True)
results
"""


def wait_for(what: str, condition: Callable[[], Any]) -> Any:
    """The value of the condition, once it is true."""
    deadline = time.monotonic() + SECONDS
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {SECONDS:.0f} s")
        time.sleep(0.1)


def notebook(folder: Path) -> None:
    """The cells of the export example that log in, and a download."""
    text = (ROOT / "examples" / "notebooks" / "export.ipynb").read_text(encoding="utf-8")
    made = json.loads(text)
    cell: dict[str, Any] = {"cell_type": "code", "id": "download", "metadata": {}, "outputs": []}
    cell |= {"execution_count": None, "source": DOWNLOAD}
    made["cells"] = [*made["cells"][1:3], cell]
    (folder / "download.ipynb").write_text(json.dumps(made), encoding="utf-8")


@contextmanager
def jupyterlab(folder: Path, simulator: Simulator) -> Iterator[str]:
    """Its URL."""
    runtime = folder / "runtime"
    environment = {
        **os.environ,
        "GOVC_URL": simulator.url,
        "GOVC_USERNAME": simulator.user,
        "GOVC_PASSWORD": simulator.password,
        "GOVC_TLS_CA_CERTS": str(simulator.ca_file),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
    }
    news = folder / "settings" / "@jupyterlab" / "apputils-extension"
    news.mkdir(parents=True)
    quiet = json.dumps({"fetchNews": "false", "checkForUpdates": False})
    (news / "notification.jupyterlab-settings").write_text(quiet)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += ["--ServerApp.port=0", f"--IdentityProvider.token={TOKEN}"]
    command += [f"--ServerApp.root_dir={folder}"]
    with (folder / "jupyterlab.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
        try:
            [found] = wait_for("JupyterLab", lambda: list(runtime.glob("jpserver-*.json")))
            port = json.loads(found.read_text())["port"]
            yield f"http://127.0.0.1:{port}/lab/tree/download.ipynb?token={TOKEN}"
        finally:
            process.terminate()
            process.wait(20)


def run_all(page: Page) -> None:
    """The menu's own command, once the kernel listens."""
    page.get_by_text("| Idle").wait_for(timeout=SECONDS * 1000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.get_by_text("| Busy").wait_for(timeout=SECONDS * 1000)


def endings(simulator: Simulator) -> list[str]:
    """Completes and Aborts."""
    wanted = ("HttpNfcLeaseComplete", "HttpNfcLeaseAbort")
    return [call["method"] for call in simulator.calls() if call["method"] in wanted]


def picture(page: Page, name: str, wanted: bool, until: float | None = None) -> None:
    """One for the docs: the notebook, from its last cell to a height of the page."""
    if not wanted:
        return
    cell = page.locator(".jp-Notebook .jp-CodeCell").last.bounding_box()
    assert cell is not None
    end = min(until or HEIGHT - 40, cell["y"] + cell["height"])
    area = {**cell, "height": end - cell["y"]}
    page.screenshot(path=str(PICTURES / f"{name}.png"), clip=area)  # type: ignore[arg-type, unused-ignore]


def nothing_is_cut(page: Page) -> None:
    """Every table is as wide as its place in the notebook, or less, in narrow windows too."""
    for width in (1000, 1440, WIDTH):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        time.sleep(0.5)  # the notebook follows the window
        areas = page.locator(".jp-OutputArea-output:has(table)")
        assert areas.count() > 0
        for area in areas.all():
            inner, outer = area.evaluate("each => [each.scrollWidth, each.clientWidth]")
            assert inner <= outer, f"{inner} pixels in {outer}, in a window of {width}"


def rows_move_and_table_shows(page: Page, simulator: Simulator, pictures: bool) -> None:
    """Rows whose bytes grow, with bars wide enough to see, and the table of the results below."""
    simulator.set(bandwidth=2 << 20)
    run_all(page)
    rows = page.locator(".jp-OutputArea-output table tr", has_text="MB/s")
    seen: set[str] = set()

    def grown() -> bool:
        if rows.count() == 6:
            seen.add(" | ".join(rows.all_inner_texts()))
        return len(seen) > 3

    wait_for("rows that move", grown)
    bar = rows.first.locator("div").first.bounding_box()
    assert bar is not None
    assert bar["width"] > 100, "a bar, no square"
    picture(page, "progress", pictures)
    nothing_is_cut(page)
    table = page.locator(".jp-OutputArea-output table", has_text="verified")
    wait_for("the table of the result", lambda: table.count() == 1)
    assert "manifest" in table.inner_text()
    nothing_is_cut(page)
    picture(page, "result", pictures)
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def stop_button_aborts(page: Page, simulator: Simulator, pictures: bool) -> None:
    """Pressed while nothing moves."""
    simulator.reset()
    simulator.inject("stall", disk=".vmdk", after_bytes=1 << 20)
    run_all(page)
    wait_for("requests for disks", lambda: len(simulator.requests()) >= 3)
    time.sleep(1)
    page.get_by_role("button", name="Interrupt the kernel").first.click()
    pressed = time.monotonic()
    wait_for("one Abort", lambda: endings(simulator) == ["HttpNfcLeaseAbort"])
    print(f"aborted {time.monotonic() - pressed:.1f} s after the button")
    error = page.get_by_text("KeyboardInterrupt")
    wait_for("the interrupt in the notebook", lambda: error.count() >= 1)
    place = error.first.bounding_box()
    assert place is not None
    picture(page, "stopped", pictures, until=place["y"] + 20)


def main() -> int:
    """Runs both in one browser; returns 0 when they hold, or where there is no browser."""
    chromium = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    if chromium is None:
        print("not run: no Chromium on this machine (Debian: apt install chromium)")
        return 0
    pictures = "--pictures" in sys.argv[1:]
    with (
        tempfile.TemporaryDirectory() as name,
        Simulator(disk_size="16m", initializing=0.1) as simulator,
        sync_playwright() as playwright,
    ):
        folder = Path(name)
        notebook(folder)
        with jupyterlab(folder, simulator) as url:
            browser = playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox"], headless=True
            )
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            page.goto(url)
            page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=SECONDS * 1000)
            try:
                rows_move_and_table_shows(page, simulator, pictures)
                stop_button_aborts(page, simulator, pictures)
            except BaseException:
                page.screenshot(path=str(Path(tempfile.gettempdir()) / "nfclease-browser.png"))
                raise
            browser.close()
    print("passed: the rows move, the table shows, the stop button aborts")
    return 0


if __name__ == "__main__":
    sys.exit(main())
