"""What a lease and the operations on it share; they know nothing else of each other."""

from __future__ import annotations

import weakref
from contextlib import contextmanager

from nfclease._notes import add_note
from nfclease._pyvmomi.faults import fault_of, tidied
from nfclease._pyvmomi.session import refresh_credentials, soap_stub
from nfclease._text import escaped
from nfclease.exceptions import LeaseError, NfcError, ServerFaultReply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from pyVmomi import vim

    from nfclease import _core
    from nfclease._tracking import Tracked


class LeaseCore:
    """One lease: the native one, and pyvmomi's own over the native connections."""

    def __init__(
        self, owner: Any, native: _core.Lease, plain: vim.HttpNfcLease, max_concurrency: int
    ) -> None:
        #: The caller's object, whose drop aborts the lease: a ``Transfer`` keeps it for that.
        self.owner: weakref.ref[Any] = weakref.ref(owner)
        #: State, transfers and the ways out.
        self.native: _core.Lease = native
        #: The lease to read attributes of.
        self.plain: vim.HttpNfcLease = plain
        #: How many transfers move at once.
        self.max_concurrency: int = max_concurrency
        #: The session's own stub, whose cookie of each moment goes with the native calls.
        self.stub: Any = owner._stub
        #: Its reference, for errors and for the plain lease that ``detach`` gives back.
        self.moid: str = owner._moId
        #: The vCenter's own id, which that one has too.
        self.server_guid: str | None = owner._serverGuid
        #: Every transfer that was started: some failures are raised at the end of the block.
        self.transfers: list[Tracked] = []
        #: For whom it was opened, where somebody wants to know.
        self.opener: object = None

    def native_now(self) -> _core.Lease:
        """The native lease, with the session's cookie of this moment."""
        refresh_credentials(self.stub)
        return self.native

    def session_host(self) -> str:
        """The host of the session, as its stub has it."""
        host: str = soap_stub(self.stub).host
        return host

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Turns the core's raw faults into pyvmomi's objects, and says which lease it was."""
        try:
            yield
        except ServerFaultReply as reply:
            raise self._fault_of(reply) from None
        except (NfcError, OSError) as error:
            self._name_place(error)
            if isinstance(error, LeaseError) and hasattr(error, "_fault_envelope"):
                error.fault = error.fault or self.shown(self._fault_of(error))
                raise error from error.fault
            raise

    @staticmethod
    def shown(fault: Any) -> Any:
        """A fault of an error of ours, without what must not be printed."""
        return tidied(fault)

    def _fault_of(self, carrier: Any) -> Any:
        return fault_of(self.stub, carrier._fault_envelope, carrier.fault_name, str(carrier))

    def _name_place(self, error: Any) -> None:
        """Sets lease, VM, file and host; the message gets the VM where it does not name it.

        The text of an ``OSError`` is made of errno and file name: what else is known is a note,
        which tracebacks of Python 3.11 and newer show, and the command.
        """
        if getattr(error, "lease", ""):
            return
        error.lease, error.vm = self.moid, self.native.vm()
        key = getattr(error, "disk_key", "")
        for tracked in self.transfers:
            if key and tracked.core.disk_key() == key:
                error.file, error.host = tracked.name, tracked.host
        if isinstance(error, OSError) and len(error.args) > 1:
            _say_place(error)
        text = error.args[0] if len(error.args) == 1 else None
        names = (error.vm, error.lease)
        if isinstance(text, str) and not any(name and name in text for name in names):
            error.args = (f"{error.vm or 'lease ' + error.lease}: {text}",)


def _say_place(error: Any) -> None:
    if getattr(error, "file", ""):
        whose = error.vm or f"lease {error.lease}"
        add_note(error, f"{escaped(error.file)} at {escaped(error.host)} ({whose})")
