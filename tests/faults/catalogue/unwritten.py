"""Cases that have a number and a title, and no body yet: they count as not run."""

from __future__ import annotations

TITLES = {
    "F10": "the tests under miri, AddressSanitizer or valgrind",
}
