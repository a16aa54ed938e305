"""Cases that have a number and a title, and no body yet: they count as not run."""

from __future__ import annotations

TITLES = {
    "E12": "the answer to ExportVm or ImportVApp is lost",
    "E13": "vCenter starts again, and knows none of its objects",
    "E15": "a lease with no device, with 1,000, without info, with keys twice",
    "E16": "addresses with * in the place of the host, and a vCenter of IPv6",
    "E17": "what can happen to a lease, in any order, against a model of it",
    "E19": "keep-alive, cancel and Complete in every order that threads can have",
    "F10": "the tests under miri, AddressSanitizer or valgrind",
}
