"""The errors of a fleet."""

from __future__ import annotations

from nfclease.exceptions import NfcError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from nfclease.fleet.outcomes import Outcome
    from nfclease.fleet.summary import Summary

__all__ = ["FleetError", "SessionSourceError"]


class SessionSourceError(NfcError):
    """It is not known how to log in: no such session, no password, nothing to import.

    Examples:
        >>> from nfclease import fleet
        >>> try:
        ...     fleet.run([fleet.ExportJob("nowhere", "demo-vm", "{vm}.ova")])
        ... except fleet.SessionSourceError as error:
        ...     error.remedy
        'fix_input'
    """

    remedy: Literal["retry", "new_lease", "fix_input", "none"] = "fix_input"


class FleetError(NfcError):
    """Jobs of a run failed for good; all others have ended.

    Attributes:
        summary: The whole run.

    Examples:
        >>> from nfclease import fleet
        >>> fleet.register_session("lab", simulator.connect)
        >>> try:
        ...     fleet.run([fleet.ExportJob("lab", "no-such-vm", "{vm}.ova")])
        ... except fleet.FleetError as error:
        ...     [each.failure.verdict for each in error.failures]
        ['never']
    """

    summary: Summary

    def __init__(self, message: str, summary: Summary) -> None:
        super().__init__(message, summary)  # what it pickles by
        self.summary = summary

    def __str__(self) -> str:
        return str(self.args[0])

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The outcomes of the jobs that failed, each with its ``failure``."""
        return self.summary.failed
