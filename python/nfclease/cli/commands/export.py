"""``nfclease export``."""

from __future__ import annotations

from nfclease.cli.arguments import add_connection, add_moving, add_output, moving
from nfclease.cli.many.options import add_many

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from nfclease.cli.console import Console
    from nfclease.cli.target import Target

HELP = "export VMs to OVF directories or .ova files, verified"
EPILOG = """\
examples:
  nfclease export running-vm --snapshot -o running-vm
  nfclease export --all-in DC0 --snapshot --journal all.db -o '{vm}.ova'"""


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    add = parser.add_argument
    add("vm", metavar="VM", nargs="?", help="a VM or vApp: inventory path, name or moId")
    add(
        *("-o", "--output"),
        metavar="TARGET",
        required=True,
        help="DIR, FILE.ova, - for a pipe; of many a template",
    )
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
        help="of the disks in a DIR, for KVM and others",
    )
    add(
        "--qcow2-compression",
        choices=("none", "deflate", "transplant"),
        metavar="HOW",
        help="none, deflate or transplant: see convert",
    )
    add("--export-option", metavar="OPTION", action="append", help="of the server: mac, uuid, ...")
    add("--resume", action="store_true", help="keep verified disks after a failure, and use them")
    add_moving(add)
    add("--dry-run", action="store_true", help="say what would be done, and do nothing")
    add_many(parser)
    add_output(parser)
    add_connection(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Exports it, or all of many."""
    from nfclease.cli.many.options import is_many
    from nfclease.cli.place import machine_of
    from nfclease.cli.session import session
    from nfclease.cli.target import Target

    many = is_many(args)
    _check(args)
    if many:
        from nfclease.cli.many import running

        return running.run(args, console)
    target = Target(args.output, overwrite=args.overwrite)
    if target.is_pipe and not args.dry_run:
        target.check_pipe()
        console.take_stdout()
    with session(args, console) as service_instance:
        vm = machine_of(service_instance, args)
        if args.dry_run:
            from nfclease.cli.dry_export import say

            return say(service_instance, vm, target, args, console)
        row, text = _exported(vm, target, args, console)
    console.done(row, text)
    return 0


def _check(args: argparse.Namespace) -> None:
    """Refuses options that do not go together.

    Raises:
        UsageError: Two of them do not.
    """
    from nfclease.cli.failure import UsageError

    is_pipe = args.output == "-"
    if args.format and (is_pipe or args.output.lower().endswith(".ova")):
        raise UsageError("--format is for a directory: an OVA is for vSphere, which takes streams")
    if args.resume and args.snapshot:
        raise UsageError(
            "--resume has nothing to go on from with --snapshot: each export takes another "
            "snapshot, whose disks are of another moment"
        )
    if args.resume and args.format:
        raise UsageError("--resume is for disks as the host sends them: not with --format")
    if args.resume and is_pipe:
        raise UsageError("--resume is for a DIR or FILE.ova: a pipe has no place beside it")


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
