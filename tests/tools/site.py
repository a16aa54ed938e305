"""What `make docs` built shows nothing that a browser would load from elsewhere, and is searchable.

Run as ``python tests/tools/site.py site``; test_documentation.py shows that it can fail.
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

#: What a browser loads unasked. A plain link (`<a href>`) is followed only by the reader.
LOADING = {
    "audio": {"src"},
    "embed": {"src"},
    "iframe": {"src"},
    "img": {"src", "srcset"},
    "link": {"href"},
    "object": {"data"},
    "script": {"src"},
    "source": {"src", "srcset"},
    "video": {"src", "poster"},
}
ELSEWHERE = re.compile(r"(?:https?:)?//", re.IGNORECASE)
IN_CSS = re.compile(r"""(?:url\(\s*|@import\s+)["']?((?:https?:)?//[^"')\s]+)""", re.IGNORECASE)
#: The theme's script fetches mermaid from a CDN where a page has a diagram of it.
DIAGRAM = "mermaid"


class Page(HTMLParser):
    """Collects what one page loads from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Looks at one element."""
        for name, value in attrs:
            if name in LOADING.get(tag, ()) and ELSEWHERE.match(value or ""):
                self.loads.append(f"<{tag} {name}={value}>")
            if name == "class" and DIAGRAM in (value or "").split():
                self.loads.append(f"<{tag} class={value}>")
            if name == "style":
                self.loads.extend(IN_CSS.findall(value or ""))


def loads_from_elsewhere(site: Path) -> list[str]:
    """One line for each thing that a page or style sheet would load from another host."""
    found = []
    for path in sorted(site.rglob("*")):
        if path.suffix == ".html":
            text = path.read_text(encoding="utf-8")
            page = Page()
            page.feed(text)
            loads = page.loads + IN_CSS.findall(text)
        elif path.suffix == ".css":
            loads = IN_CSS.findall(path.read_text(encoding="utf-8"))
        else:
            continue
        found += [f"{path.relative_to(site)}: {load}" for load in loads]
    return found


def search_from_disk(site: Path) -> list[str]:
    """What the search lacks where no server answers it: an index that a script can load."""
    index = site / "search" / "search_index.js"
    if not index.is_file():
        return [f"{index.relative_to(site)} is missing: the search needs a server"]
    pages = (path for path in site.rglob("*.html") if path.name != "404.html")
    return [
        f"{path.relative_to(site)}: nothing that starts the search from the disk"
        for path in sorted(pages)
        if "iframe-worker" not in path.read_text(encoding="utf-8")
    ]


def main(arguments: list[str]) -> int:
    """Prints what it found; the exit status is 1 when that is anything, or no site is there."""
    site = Path(arguments[0])
    pages = len(list(site.rglob("*.html")))
    found = loads_from_elsewhere(site) + search_from_disk(site)
    for line in found:
        print(line, file=sys.stderr)
    print(f"{site}: {pages} pages, {len(found)} things that come from elsewhere or are missing")
    return 0 if pages and not found else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
