"""The errors of a fleet."""

from __future__ import annotations

import sys

from nfclease.exceptions import NfcError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from typing_extensions import Self

    from nfclease.fleet.outcomes import Outcome
    from nfclease.fleet.summary import Summary

__all__ = ["FleetError", "JobFailedError", "SessionSourceError"]


#: What a failure and an error have both.
_KNOWN = ("phase", "disk_key", "file", "host", "bytes_done", "attempts", "lease_outcome")


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


class JobFailedError(NfcError):
    """One job of a run failed for good.

    ``phase``, ``disk_key``, ``file``, ``host``, ``bytes_done``, ``attempts``, ``lease_outcome`` and
    ``files_left`` are those of the ``failure``, and ``remedy`` is what its verdict says.

    Attributes:
        outcome: How it ended, with the ``failure``: plain data, for it may come from another
            process.

    Examples:
        >>> from nfclease.fleet import Failure, JobFailedError, Outcome
        >>> failure = Failure("never", "no disk is there to export", "NotFoundError")
        >>> print(JobFailedError(Outcome("a", "export", "web", "", "failed", failure=failure)))
        web: NotFoundError: no disk is there to export
    """

    outcome: Outcome

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)  # what it pickles by
        self.outcome = outcome
        if (failure := outcome.failure) is not None:
            known = {name: getattr(failure, name) for name in _KNOWN}
            remedy = "fix_input" if failure.verdict == "never" else "new_lease"
            vars(self).update(known, files_left=[*failure.files_left], remedy=remedy)

    def __str__(self) -> str:
        return self.outcome.reason


if sys.version_info >= (3, 11):

    class _JobsError(NfcError, ExceptionGroup[JobFailedError]):  # noqa: F821 - of Python 3.11
        """A group of Python, for ``except*``; its traceback shows each of them."""

        if TYPE_CHECKING:  # a group may have groups in it, and this one has none

            @property
            def exceptions(self) -> tuple[JobFailedError, ...]: ...

else:

    class _JobsError(NfcError):
        """What a group has, for a Python without groups."""

        exceptions: tuple[JobFailedError, ...]

        def __new__(cls, message: str, jobs: Sequence[JobFailedError]) -> Self:
            self = super().__new__(cls, message, jobs)
            self.exceptions = tuple(jobs)
            return self

        def __str__(self) -> str:
            return "\n".join((str(self.args[0]), *map(str, self.exceptions)))


class FleetError(_JobsError):
    """Jobs of a run failed for good; all others have ended.

    From Python 3.11 on it is an ``ExceptionGroup``, for ``except*`` as well; before, an exception
    with the same attributes.

    Attributes:
        summary: The whole run.
        exceptions: A ``JobFailedError`` for each job that failed.

    Examples:
        >>> from nfclease import fleet
        >>> fleet.register_session("lab", simulator.connect)
        >>> try:
        ...     fleet.run([fleet.ExportJob("lab", "no-such-vm", "{vm}.ova")])
        ... except fleet.FleetError as error:
        ...     [each.outcome.failure.verdict for each in error.exceptions]
        ['never']
    """

    summary: Summary

    def __new__(cls, message: str, summary: Summary) -> Self:  # noqa: D102 - that of a group
        return super().__new__(cls, message, [JobFailedError(each) for each in summary.failed])

    def __init__(self, message: str, summary: Summary) -> None:
        super().__init__(message, summary)  # what it pickles by
        self.summary = summary

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The outcomes of the jobs that failed, each with its ``failure``."""
        return self.summary.failed
