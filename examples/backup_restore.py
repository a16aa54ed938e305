"""Exports a VM to an OVA, verifies that, imports it as a new VM, and compares every sum.

    python examples/backup_restore.py --host vcenter.example --user me --password ... --vm my-vm

Host, user and password may also come from GOVC_URL, GOVC_USERNAME and GOVC_PASSWORD; with
GOVC_INSECURE=1 (or --insecure) certificates of the session are not verified, with
GOVC_TLS_CA_CERTS (or --ca-file) by a CA of your own. The VM must be powered off, or --snapshot
given. The new VM stays; its name is printed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import ssl
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim

import nfclease
from nfclease import ExportedFile, ImportedFile


def main() -> int:
    """Exits with 0 only when every sum agrees, both ways."""
    args = arguments()
    progress = True if sys.stderr.isatty() else None
    with session(args) as service, tempfile.TemporaryDirectory(prefix="nfclease-") as temporary:
        vm = find(service, args.vm)
        path = args.ova or Path(temporary, f"{vm.name}.ova")
        exported = nfclease.export_vm(vm, path, snapshot=args.snapshot, progress=progress)
        print(f"exported {vm.name} to {path}, {path.stat().st_size} bytes")
        good = show(path, exported.files)
        verified = nfclease.verify(path)
        print(f"verified {path}: {'; '.join(verified.problems) or 'all is well'}")
        name = args.new_name or f"{vm.name}-copy"
        imported = nfclease.import_vapp(path, vm.resourcePool, name=name, progress=progress)
        print(f"imported {path} as {imported.name}")
        good = show(path, imported.files) and good
    return 0 if good and verified else 1


def show(path: Path, files: Sequence[ExportedFile | ImportedFile]) -> bool:
    """Prints a row for each file; true when its sum is that of the bytes in the archive."""
    print(f"  {'file':<14} {'bytes':>10} {'verified':<9} sum, and that of the archive by hashlib")
    good = bool(files)
    with tarfile.open(path) as ova:
        for file in files:
            digest = hashlib.new(file.checksum_type)
            member = ova.extractfile(file.name)
            while member and (block := member.read(1 << 20)):
                digest.update(block)
            agree = digest.hexdigest() == file.checksum
            good = good and agree and file.verified == "manifest"
            print(f"  {file.name:<14} {file.size:>10} {file.verified:<9} {file.checksum}")
            print(f"  {'':<35} {digest.hexdigest()}{'' if agree else '  DIFFERENT'}")
    return good


@contextmanager
def session(args: argparse.Namespace) -> Iterator[Any]:
    """Is logged in for the block."""
    context = ssl.create_default_context(cafile=args.ca_file)
    if args.insecure:
        context = ssl._create_unverified_context()
    where = urlsplit(args.host if "//" in args.host else f"//{args.host}")
    service = SmartConnect(
        host=where.hostname,
        port=where.port or 443,
        user=args.user,
        pwd=args.password,
        sslContext=context,
    )
    try:
        yield service
    finally:
        Disconnect(service)


def find(service: Any, name: str) -> Any:
    """The one VM with this name."""
    views = service.content.viewManager
    view = views.CreateContainerView(service.content.rootFolder, [vim.VirtualMachine], True)
    try:
        found = [vm for vm in view.view if vm.name == name]
    finally:
        view.Destroy()
    if len(found) != 1:
        raise SystemExit(f"{len(found)} VMs are named {name!r}, need exactly one")
    return found[0]


def arguments() -> argparse.Namespace:
    """The command line, with govc's environment variables as defaults."""
    env = os.environ.get
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--host", default=env("GOVC_URL"), help="host, host:port or URL")
    parser.add_argument("--user", default=env("GOVC_USERNAME"))
    parser.add_argument("--password", default=env("GOVC_PASSWORD"))
    parser.add_argument("--vm", required=True, help="name of the VM")
    parser.add_argument(
        "--snapshot", action="store_true", help="export one, so that the VM may run"
    )
    parser.add_argument("--new-name", help="name of the imported VM (default: <vm>-copy)")
    parser.add_argument("--ova", type=Path, help="where to (default: a temporary directory)")
    parser.add_argument(
        "--insecure",
        action="store_true",
        default=(env("GOVC_INSECURE") or "").lower() in ("1", "t", "true"),
        help="do not verify the session's certificate",
    )
    parser.add_argument("--ca-file", default=env("GOVC_TLS_CA_CERTS"), help="PEM file of CAs")
    args = parser.parse_args()
    missing = [name for name in ("host", "user", "password") if not getattr(args, name)]
    if missing:
        parser.error("missing: " + ", ".join("--" + name for name in missing))
    return args


if __name__ == "__main__":
    sys.exit(main())
