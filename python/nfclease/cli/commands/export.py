"""``nfclease export``."""

from __future__ import annotations

from nfclease.cli.arguments import add_connection, add_moving, add_output, moving

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from nfclease.cli.console import Console
    from nfclease.cli.target import Target

HELP = "export a VM to an OVF directory or an .ova, verified"
EPILOG = """\
examples:
  nfclease export demo-vm -o demo-vm.ova
  nfclease export running-vm --snapshot -o running-vm
  nfclease export demo-vm --format qcow2 -o demo-vm-qcow2"""


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    add = parser.add_argument
    add("vm", metavar="VM", help="a VM or vApp: inventory path, name or moId")
    add("-o", "--output", metavar="TARGET", required=True, help="DIR, FILE.ova, or - for a pipe")
    add("--datacenter", metavar="NAME", help="where VM is looked for [GOVC_DATACENTER]")
    add("--snapshot", action="store_true", help="of a running VM: take one, export it, remove it")
    add("--name", metavar="NAME", help="what the VM is called in the package")
    add("--overwrite", action="store_true", help="replace a package, once the new one is whole")
    add(
        "--include",
        metavar="PATTERN",
        action="append",
        help="files beside the disks (all but *.iso and *.flp)",
    )
    add("--exclude", metavar="PATTERN", action="append", help="files to leave out, disks too")
    add(
        "--checksum",
        choices=("sha256", "sha1", "sha512", "none"),
        default="sha256",
        metavar="TYPE",
        help="of the .mf file: sha256, sha1, sha512 or none",
    )
    add(
        "--format",
        choices=("raw", "qcow2"),
        help="of the disks in a DIR, for another hypervisor than VMware's",
    )
    add(
        "--qcow2-compression",
        choices=("none", "deflate", "transplant"),
        metavar="HOW",
        help="none (the default), deflate or transplant: see convert",
    )
    add("--export-option", metavar="OPTION", action="append", help="of the server: mac, uuid, ...")
    add("--resume", action="store_true", help="keep verified disks after a failure, and use them")
    add_moving(add)
    add("--dry-run", action="store_true", help="say what would be done, and do nothing")
    add_output(parser)
    add_connection(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Exports it."""
    from nfclease.cli.session import session
    from nfclease.cli.target import Target

    target = Target(args.output, overwrite=args.overwrite)
    _check(args, target)
    if target.is_pipe and not args.dry_run:
        target.check_pipe()
        console.take_stdout()
    with session(args, console) as service_instance:
        vm = _found(service_instance, args)
        if args.dry_run:
            from nfclease.cli.dry_export import say

            return say(service_instance, vm, target, args, console)
        row, text = _exported(vm, target, args, console)
    console.done(row, text)
    return 0


def _check(args: argparse.Namespace, target: Target) -> None:
    """Refuses options that do not go together.

    Raises:
        UsageError: Two of them do not.
    """
    from nfclease.cli.failure import UsageError

    if args.format and target.is_archive:
        raise UsageError("--format is for a directory: an OVA is for vSphere, which takes streams")
    if args.resume and args.snapshot:
        raise UsageError(
            "--resume has nothing to go on from with --snapshot: each export takes another "
            "snapshot, whose disks are of another moment"
        )
    if args.resume and args.format:
        raise UsageError("--resume is for disks as the host sends them: not with --format")
    if args.resume and target.is_pipe:
        raise UsageError("--resume is for a DIR or FILE.ova: a pipe has no place beside it")


def _found(service_instance: Any, args: argparse.Namespace) -> Any:
    """The VM or vApp."""
    from pyVmomi import vim

    from nfclease.cli.place import datacenter_of, entity_of

    kinds = (vim.VirtualMachine, vim.VirtualApp)
    datacenter = datacenter_of(service_instance, args)
    vm = entity_of(service_instance, args.vm, kinds, datacenter)
    if args.snapshot and not isinstance(vm, vim.VirtualMachine):
        from nfclease.cli.failure import UsageError

        raise UsageError(f"{args.vm} is a vApp, and --snapshot is for a VM")
    return vm


def _exported(
    vm: Any, target: Target, args: argparse.Namespace, console: Console
) -> tuple[dict[str, Any], str]:
    from nfclease import export_vm
    from nfclease.cli import moved
    from nfclease.cli.selection import Selection

    selection = Selection(args.include, args.exclude)
    with target.opened() as file:
        result = export_vm(
            vm,
            file,
            snapshot=args.snapshot or None,
            include=selection.choice,
            manifest=None if args.checksum == "none" else args.checksum,
            name=args.name,
            overwrite=args.overwrite,
            export_options=args.export_option or (),
            disk_format=args.format,
            qcow2_compression=args.qcow2_compression,
            resume=args.resume,
            progress=console.progress,
            **moving(args),
        )
    for pattern in selection.unmatched():
        console.warn(f"no file is called like {pattern!r}")
    for each in result.files:
        moved.show_file(console, each)
    return moved.export_summary(result, target.name)
