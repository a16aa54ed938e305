"""The tables of one disk as a picture for the docs: a bar for each client."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from .report import Row, heading

WIDTH, LABEL, FIGURE, LINE, TOP = 760, 210, 130, 26, 32
OURS, FLOOR, OTHERS = "#2f6fb0", "#7d8790", "#b9c2cb"
#: A slower one is cut off at the edge, and says how long it is.
LONGEST = 4.0
DRAWN = {"export-1": "Export of one disk", "import-1": "Import of one disk"}
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#333}.title{font-weight:600}"
    ".note{font-size:11px;fill:#777}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.note{fill:#999}}"
)


def draw(results: dict[str, dict[str, Row]], titles: dict[str, str], rounds: int) -> str:
    """CPU-seconds per GiB and MB/s, as SVG."""
    body: list[str] = []
    top = TOP
    for scenario, title in DRAWN.items():
        rows = results[scenario]
        body.append(
            f'<text x="8" y="{top}" class="title">{title}: CPU-seconds per GiB, MB/s</text>'
        )
        for name, row in sorted(rows.items(), key=lambda pair: pair[1].cpu):
            top += LINE
            body.extend(_bar(top, name, titles[name], row))
        top += LINE + TOP // 2
    notes = [
        f"Medians of {rounds} round(s), over TLS on the loopback; a shorter bar is better. "
        f"One beyond {LONGEST:.0f} s is cut off.",
        "The floor only moves the bytes and hashes them. The sample's import takes no digest.",
        heading(),
    ]
    for note in notes:
        body.append(f'<text x="8" y="{top}" class="note">{escape(note)}</text>')
        top += 18
    label = " and ".join(DRAWN.values()).lower()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" '
        f'role="img" aria-label="{label.capitalize()}, CPU-seconds per GiB of each client">'
        f"<style>{STYLE}</style>" + "\n".join(body) + "</svg>\n"
    )


def _bar(y: int, name: str, title: str, row: Row) -> Iterator[str]:
    color = {"nfclease": OURS, "core": OURS, "floor": FLOOR}.get(name, OTHERS)
    length = min(row.cpu, LONGEST) / LONGEST * (WIDTH - LABEL - FIGURE)
    speed = row.bytes / row.wall / 1e6
    yield f'<text x="8" y="{y}">{escape(title)}</text>'
    yield f'<rect x="{LABEL}" y="{y - 13}" width="{length:.0f}" height="17" fill="{color}"/>'
    yield f'<text x="{LABEL + length + 6:.0f}" y="{y}">{row.cpu:.2f} s, {speed:.0f} MB/s</text>'
