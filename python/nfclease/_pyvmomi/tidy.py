"""Values of a lease's info and manifest that pyvmomi's parser raises over, before it sees them."""

from __future__ import annotations

import re

#: Of ``HttpNfcLeaseInfo`` and its devices, and of the entries of a manifest.
_FIELDS = rb"(disk|fileSize|leaseTimeout|totalDiskCapacityInKB|size|capacity|populatedSize)"
#: What answers have them.
_TYPES = (b"HttpNfcLeaseInfo", b"HttpNfcLeaseGetManifestResponse")
_ELEMENT = re.compile(rb"<" + _FIELDS + rb"((?:\s[^<>]*)?)>([^<>]*)</\1\s*>")
_NUMBER = re.compile(rb"[+-]?[0-9]{1,19}")
#: A field that must be there is 0 where it is nonsense; the others are left out.
_REQUIRED = (b"leaseTimeout", b"totalDiskCapacityInKB", b"size")


def tidy(answer: bytes) -> bytes:
    """An answer without malformed flags and numbers, and without blanks around the others.

    They inform, and no more: a lease with one of them wrong is usable.
    """
    if not any(name in answer for name in _TYPES):
        return answer
    return _ELEMENT.sub(_value, answer)


def _value(element: re.Match[bytes]) -> bytes:
    name, attributes, text = element.groups()
    value = text.strip()
    if name == b"disk":
        legal = value.lower() in (b"true", b"false", b"1", b"0")
    else:
        legal = bool(_NUMBER.fullmatch(value))
    if not legal and name not in _REQUIRED:
        return b""
    return b"<%b%b>%b</%b>" % (name, attributes, value if legal else b"0", name)
