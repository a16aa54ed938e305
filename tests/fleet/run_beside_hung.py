"""A script that exports VMs, the last of them to another directory, and ends with that one.

Arguments: port, user, CA, directory, another directory, suffix, VMs.
"""

from __future__ import annotations

import os
import sys

from nfclease import fleet

port, user, ca_file, hung, alive, suffix, *vms = sys.argv[1:]
source = fleet.SessionFrom(
    "127.0.0.1", user, "FLEET_TEST_PASSWORD", port=int(port), ca_file=ca_file
)


def ended(outcome: fleet.Outcome) -> None:
    """Does not wait for the others, as nobody can who has a file system that hangs."""
    print(outcome.vm, outcome.state, flush=True)
    os._exit(0)


jobs = [fleet.ExportJob(source, vm, f"{hung}/{{vm}}{suffix}") for vm in vms[:-1]]
jobs.append(fleet.ExportJob(source, vms[-1], f"{alive}/{{vm}}{suffix}"))
fleet.run(jobs, per_host=len(vms), on_result=ended, check=False)
