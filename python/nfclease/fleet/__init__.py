"""Many VMs: what a run of many jobs keeps on disk, says of failures, and shows while it runs.

Examples:
    >>> from nfclease.fleet import Journal, read_status
    >>> with Journal("nightly.db") as journal:
    ...     journal.plan(
    ...         "export demo-vm", kind="export", vm="demo-vm", host="esx1", disks=1, bytes=0,
    ...         settings="{}",
    ...     )
    >>> [(job["vm"], job["state"]) for job in read_status("nightly.db")]
    [('demo-vm', 'planned')]
"""

from nfclease.fleet.events import Event, JsonLines
from nfclease.fleet.failures import Failure, judge
from nfclease.fleet.journal import Journal
from nfclease.fleet.metrics import Metrics
from nfclease.fleet.outcomes import Outcome, WrittenFile
from nfclease.fleet.status import read_status

__all__ = [
    "Event",
    "Failure",
    "Journal",
    "JsonLines",
    "Metrics",
    "Outcome",
    "WrittenFile",
    "judge",
    "read_status",
]
