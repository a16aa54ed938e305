"""Cases that have a number and a title, and no body yet: they count as not run."""

from __future__ import annotations

TITLES = {
    "H22": "a thumbprint that is right, of a certificate whose key the host does not have",
    "L10": "the power is lost after each system call",
    "L16": "a target in S3 that refuses a part",
    "P18": "canaries of secrets through each case that fails",
    "F02": "the scanner of VMDK streams on made-up bytes",
    "F03": "the reader of archives on made-up bytes, beside Python's",
    "F04": "the reader of descriptors on made-up bytes",
    "F05": "the reader of manifest files on made-up bytes",
    "F06": "the reader of addresses of devices on made-up bytes",
    "F07": "made-up bytes as the answer of a host",
    "F08": "names made safe: never a separator, and no two become one",
    "F09": "digests of a stream that is split anywhere",
    "F10": "the tests under miri, AddressSanitizer or valgrind",
    "F11": "a fault at each call of a small export and import",
    "F12": "1,000 seeds of faults of chance over an export of three disks",
}
