"""The docs' picture of bars in a terminal: what an emulator shows of a real export, as PNG.

Run as ``python -m tests.tools.terminal_picture`` with the group ``browser``; look at what it makes.
"""

from __future__ import annotations

import fcntl
import html
import os
import pty
import select
import shutil
import struct
import sys
import termios
from pathlib import Path
from typing import Any

import pyte
from playwright.sync_api import sync_playwright

from .browser import CHROMIUM, PICTURES

COLUMNS, LINES = 100, 9
SCRIPT = """
import sys, tempfile
from nfclease import HttpNfcLease
from nfclease.simulator import Simulator

with Simulator(disk_size="64m", initializing=0.05) as simulator:
    service = simulator.connect()
    vm = service.content.searchIndex.FindByInventoryPath("DC0/vm/demo-vm")
    simulator.inject("bandwidth", disk="disk-1.vmdk", bytes_per_second=48 << 20)
    simulator.inject("bandwidth", disk="disk-2.vmdk", bytes_per_second=12 << 20)
    simulator.inject("cut", disk="disk-3.vmdk", after_bytes=8 << 20, count=1)
    simulator.inject("bandwidth", disk="disk-3.vmdk", bytes_per_second=9 << 20, count=2)
    with tempfile.TemporaryDirectory() as out, HttpNfcLease(vm.ExportVm()) as lease:
        lease.wait_ready()
        lease.download_all(out, progress=True)
"""
#: What a terminal calls its colours, as a browser does.
COLOURS = {
    "default": "#d8d8d8",
    "brightblack": "#5c6370",
    "magenta": "#c678dd",
    "brightred": "#e06c75",
}
PAGE = (
    "<body style='margin:0;background:#1e2127'><pre style='display:inline-block;margin:0;"
    "padding:12px;color:#d8d8d8;font:14px/1.35 DejaVu Sans Mono,monospace'>{text}</pre></body>"
)


def shown(moment: str) -> list[str]:
    """The lines as HTML, when this text first stands among them."""
    pid, master = pty.fork()
    if pid == 0:
        os.environ |= {"TERM": "xterm", "COLUMNS": str(COLUMNS), "LINES": str(LINES)}
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        os.execv(sys.executable, [sys.executable, "-c", SCRIPT])
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(screen)
    found: list[str] = []
    try:
        while not found:
            if select.select([master], [], [], 0.05)[0]:
                stream.feed(os.read(master, 65536))
            elif any(moment in line for line in screen.display):
                found = [
                    coloured(screen.buffer[number])
                    for number, line in enumerate(screen.display)
                    if line.strip()
                ]
    finally:
        os.close(master)
        os.waitpid(pid, 0)
    return found


def coloured(line: Any) -> str:
    cells = (line[column] for column in range(COLUMNS))
    return "".join(
        f"<span style='color:{COLOURS.get(cell.fg, '#' + cell.fg)}'>{html.escape(cell.data)}</span>"
        for cell in cells
    )


def main() -> None:
    """Writes docs/images/terminal.png."""
    chromium = next(path for name in CHROMIUM if (path := shutil.which(name)))
    text = "\n".join(shown("attempt 2"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1000, "height": 400})
        page.set_content(PAGE.format(text=text))
        page.locator("pre").screenshot(path=str(Path(PICTURES) / "terminal.png"))
        browser.close()


if __name__ == "__main__":
    main()
