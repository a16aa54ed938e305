"""Many VMs: as many jobs at once as hosts and vCenters take, on any executor.

A journal says what is done, so that the next run goes on.

Examples:
    >>> from nfclease import fleet
    >>> fleet.register_session("lab", simulator.connect)
    >>> jobs = [fleet.ExportJob("lab", vm, "{vm}.ova") for vm in ("demo-vm", "vapp-vm")]
    >>> len(fleet.run(jobs, per_host=4).done)
    2
"""

from nfclease.fleet.copy_job import CopyJob
from nfclease.fleet.errors import FleetError, JobFailedError, SessionSourceError
from nfclease.fleet.events import Event, JsonLines
from nfclease.fleet.failures import Failure, judge
from nfclease.fleet.jobs import ExportJob, ImportJob
from nfclease.fleet.journal import Journal
from nfclease.fleet.lines import Lines
from nfclease.fleet.metrics import Metrics
from nfclease.fleet.outcomes import Outcome, WrittenFile
from nfclease.fleet.planned import plan
from nfclease.fleet.progress import HostProgress, JobProgress, Progress
from nfclease.fleet.run_plan import PlannedHost, PlannedJob, RunPlan
from nfclease.fleet.running import run
from nfclease.fleet.sessions import SessionFrom, register_session
from nfclease.fleet.status import read_status
from nfclease.fleet.summary import Summary

__all__ = [
    "CopyJob",
    "Event",
    "ExportJob",
    "Failure",
    "FleetError",
    "HostProgress",
    "ImportJob",
    "JobFailedError",
    "JobProgress",
    "Journal",
    "JsonLines",
    "Lines",
    "Metrics",
    "Outcome",
    "PlannedHost",
    "PlannedJob",
    "Progress",
    "RunPlan",
    "SessionFrom",
    "SessionSourceError",
    "Summary",
    "WrittenFile",
    "judge",
    "plan",
    "read_status",
    "register_session",
    "run",
]
