"""A script that runs exports into a directory, twice where it has a spare file to remove.

Arguments: port, user, CA, directory, journal, "stop" or "go on", options of the jobs as JSON, spare
(a path, or "-"), VMs. It prints a line of JSON for each run: the outcomes, and what is there then.
"""

from __future__ import annotations

import json
import os
import sys

from nfclease import fleet, verify

port, user, ca_file, directory, journal, how, options, spare, *vms = sys.argv[1:]
source = fleet.SessionFrom(
    "127.0.0.1", user, "FLEET_TEST_PASSWORD", port=int(port), ca_file=ca_file
)
given = json.loads(options)
suffix = given.pop("suffix", ".ova")


def run() -> None:
    """One run, and what it leaves."""
    summary = fleet.run(
        [fleet.ExportJob(source, vm, directory + "/{vm}" + suffix, given) for vm in vms],
        per_host=1,
        journal=journal,
        retry_delay=0.1,
        stop_on_failure=how == "stop",
        check=False,
    )
    said = {
        "outcomes": [each.to_dict() for each in summary.outcomes],
        "there": sorted(os.listdir(directory)),
        "verified": [bool(verify(each.target)) for each in summary.done],
        "text": str(summary),
    }
    print(json.dumps(said), flush=True)


run()
if spare != "-":
    os.unlink(spare)
    run()
