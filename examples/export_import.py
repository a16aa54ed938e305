"""Exports a VM, imports it again as a new one, and compares every sum both ways.

    python examples/export_import.py --host vcenter.example --user me --password ... --vm my-vm

Host, user and password may also come from GOVC_URL, GOVC_USERNAME and GOVC_PASSWORD; with
GOVC_INSECURE=1 (or --insecure) certificates of the session are not verified, with
GOVC_TLS_CA_CERTS (or --ca-file) by a CA of your own. The VM must be powered off. The new VM stays;
its name is printed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import ssl
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim

from nfclease import HttpNfcLease, Transfer, TransferResult


def main() -> int:
    """Exits with 0 only when every sum agrees both ways."""
    args = arguments()
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
        vm = find(service, vim.VirtualMachine, args.vm)
        with tempfile.TemporaryDirectory(prefix="nfclease-") as temporary:
            directory = Path(args.directory or temporary)
            directory.mkdir(parents=True, exist_ok=True)
            exported = export_vm(service, vm, directory)
            imported = import_vm(service, vm, directory, args.new_name or f"{vm.name}-copy")
    finally:
        Disconnect(service)
    return 0 if exported and imported else 1


def export_vm(service: Any, vm: Any, directory: Path) -> bool:
    """Downloads all files of a VM and writes its descriptor beside them."""
    print(f"export of {vm.name} to {directory}")
    with HttpNfcLease(vm.ExportVm()) as lease:
        devices = [url for url in lease.wait_ready().deviceUrl if url.targetId]
        results = show_progress(
            [lease.start_download(url, directory / Path(url.targetId).name) for url in devices]
        )
        sums = {entry.key: entry.sha1 for entry in lease.GetManifest()}
        descriptor = service.content.ovfManager.CreateDescriptor(
            obj=vm,
            cdp=vim.OvfManager.CreateDescriptorParams(
                name=vm.name,
                ovfFiles=[
                    vim.OvfManager.OvfFile(deviceId=r.key, path=r.name, size=r.bytes)
                    for r in results
                ],
            ),
        )
        if descriptor.error:
            raise descriptor.error[0]
        (directory / f"{vm.name}.ovf").write_text(descriptor.ovfDescriptor, encoding="utf-8")
    return show_table(results, sums, directory)


def import_vm(service: Any, vm: Any, directory: Path, name: str) -> bool:
    """Uploads the files of a directory as a new VM beside the old one."""
    print(f"import of {directory} as {name}")
    pool = vm.resourcePool or find(service, vim.ResourcePool, "Resources")
    spec = service.content.ovfManager.CreateImportSpec(
        (directory / f"{vm.name}.ovf").read_text(encoding="utf-8"),
        pool,
        vm.datastore[0],
        vim.OvfManager.CreateImportSpecParams(entityName=name),
    )
    if spec.error:
        raise spec.error[0]
    with HttpNfcLease(pool.ImportVApp(spec.importSpec, vm.parent)) as lease:
        lease.wait_ready()
        results = show_progress(
            [lease.start_upload(item, directory / Path(item.path).name) for item in spec.fileItem]
        )
        sums = {entry.key: entry.sha1 for entry in lease.GetManifest()}
    print(f"imported as {name}")
    return show_table(results, sums, directory)


def show_progress(transfers: list[Transfer]) -> list[TransferResult]:
    """Draws one bar over all transfers until they have ended."""
    tty = sys.stderr.isatty()
    while not all(transfer.done() for transfer in transfers):
        done = sum(transfer.progress.bytes_done for transfer in transfers)
        ended = sum(transfer.done() for transfer in transfers)
        if tty:
            bar = "#" * ended + "." * (len(transfers) - ended)
            print(f"\r  [{bar}] {done / 1e6:8.1f} MB", end="", file=sys.stderr, flush=True)
        time.sleep(0.1)
    results = [transfer.result() for transfer in transfers]
    total = sum(result.bytes for result in results)
    start = "\r" if tty else ""
    print(f"{start}  [{'#' * len(transfers)}] {total / 1e6:8.1f} MB", file=sys.stderr)
    return results


def show_table(results: list[TransferResult], sums: dict[str, str], directory: Path) -> bool:
    """Prints one row per file; true when all sums agree."""
    titles = f"{'SHA-1 here':<40} {'SHA-1 server':<40} {'s':>6} {'MB/s':>7}"
    print(f"  {'file':<18} {'bytes':>11} {titles}")
    good = bool(results)
    for result in results:
        here = sha1_of(directory / result.name)
        server = sums.get(result.key, "(not listed)")
        agree = here == result.checksum == server
        good = good and agree
        rate = result.bytes / 1e6 / max(result.seconds, 1e-9)
        print(
            f"  {result.name:<18} {result.bytes:>11} {here:<40} {server:<40} "
            f"{result.seconds:>6.2f} {rate:>7.1f}{'' if agree else '  DIFFERENT'}"
        )
    return good


def sha1_of(path: Path) -> str:
    """The SHA-1 of what is on the disk now, by other means than nfclease's."""
    digest = hashlib.sha1()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def find(service: Any, kind: Any, name: str) -> Any:
    """The one managed object of a kind with this name."""
    views = service.content.viewManager
    view = views.CreateContainerView(service.content.rootFolder, [kind], True)
    try:
        found = [entity for entity in view.view if entity.name == name]
    finally:
        view.Destroy()
    if len(found) != 1:
        raise SystemExit(f"{len(found)} objects are named {name!r}, need exactly one")
    return found[0]


def arguments() -> argparse.Namespace:
    """The command line, with govc's environment variables as defaults."""
    env = os.environ.get
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default=env("GOVC_URL"), help="host, host:port or URL")
    parser.add_argument("--user", default=env("GOVC_USERNAME"))
    parser.add_argument("--password", default=env("GOVC_PASSWORD"))
    parser.add_argument("--vm", required=True, help="name of a powered-off VM")
    parser.add_argument("--new-name", help="name of the imported VM (default: <vm>-copy)")
    parser.add_argument("--directory", help="where the files go (default: a temporary directory)")
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
