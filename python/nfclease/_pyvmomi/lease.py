"""How a subclass answers for pyvmomi's class: every member goes to a plain lease that it holds."""

from __future__ import annotations

import functools
import operator

from pyVmomi import vim, vmodl

from nfclease._pyvmomi.signatures import LeaseSignatures
from nfclease._pyvmomi.stub import native_stub

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from typing_extensions import Self

    from nfclease import _core

    _F = TypeVar("_F", bound=Callable[..., Any])
    _PyvmomiType = type
else:
    _PyvmomiType = type(vim.HttpNfcLease)


class LeaseType(_PyvmomiType):
    """Finds nested types such as ``State`` where pyvmomi looks them up: by its own class's name."""

    if not TYPE_CHECKING:

        def __getattr__(cls, name: str) -> Any:  # noqa: N805
            return getattr(vim.HttpNfcLease, name)


def _sent_by(name: str) -> Callable[..., Any]:
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._nfc_plain, name)(*args, **kwargs)

    call.__name__ = name
    call.__doc__ = f"``HttpNfcLease.{name}``; pyvmomi's arguments, result and faults."
    return call


def vsphere_call(signature: _F) -> _F:
    """Makes a method that is one call of vSphere; the function gives signature and docstring."""
    return functools.wraps(signature)(_sent_by(signature.__name__))  # type: ignore[return-value]


class MirroredLease(LeaseSignatures, metaclass=LeaseType):
    """A ``vim.HttpNfcLease`` whose calls go over the core's connections."""

    if TYPE_CHECKING:
        _nfc_core: _core.Lease
        _nfc_plain: vim.HttpNfcLease
        _moId: str  # noqa: N815
        _stub: Any
        _serverGuid: str | None  # noqa: N815

    def __init__(self, lease: vim.HttpNfcLease, core: _core.Lease) -> None:
        # pyvmomi makes attributes of managed objects read-only; private state goes in beneath.
        object.__setattr__(self, "_nfc_core", core)  # first: what fails from here on ends it
        of: Any = lease
        super().__init__(of._moId, of._stub, of._serverGuid)  # type: ignore[no-untyped-call]
        plain = vim.HttpNfcLease(of._moId, native_stub(of._stub, core), of._serverGuid)
        object.__setattr__(self, "_nfc_plain", plain)

    # pyvmomi compares classes and prints the class name; to both this is a plain lease.

    def __eq__(self, other: object) -> bool:
        if isinstance(other, MirroredLease):
            other = other._nfc_plain
        return bool(self._nfc_plain == other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._nfc_plain)

    def __repr__(self) -> str:  # type: ignore[override]
        return repr(self._nfc_plain)

    def __str__(self) -> str:  # type: ignore[override]
        return str(self._nfc_plain)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name == "_nfc_plain":  # not there yet
                raise AttributeError(name)
            return getattr(self._nfc_plain, name)

    # A lease is held once, whatever refers to it: a copy that is dropped must not abort it.

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> str:
        from pickle import PicklingError  # not worth the import's time before

        raise PicklingError(
            "a lease cannot be pickled: it belongs to this process's session; "
            "pass its _moId, and open it there with HttpNfcLease(moId, stub)"
        )

    # What a waiting caller reads, over the native connection.

    @property
    def state(self) -> vim.HttpNfcLease.State:
        """``HttpNfcLease.state``; one call."""
        value: vim.HttpNfcLease.State = self._nfc_plain.state
        if value in ("done", "error") and self._nfc_core.is_held():
            self._nfc_core.refresh()
        return value

    @property
    def info(self) -> vim.HttpNfcLease.Info | None:
        """``HttpNfcLease.info``, None until the lease is ready; one call."""
        return self._nfc_plain.info

    @property
    def error(self) -> Any:
        """``HttpNfcLease.error``: a fault that can be raised, or None; one call."""
        return self._nfc_plain.error

    @property
    def initializeProgress(self) -> int:  # noqa: N802
        """``HttpNfcLease.initializeProgress``, 0 to 100; one call."""
        return self._nfc_plain.initializeProgress

    # One vSphere call each, under both of vSphere's names.

    @vsphere_call
    def HttpNfcLeaseProgress(self, percent: int) -> None:  # noqa: N802
        """``HttpNfcLeaseProgress(percent)``: reports progress and renews the lease.

        Raises:
            vim.fault.Timedout: The lease timed out before.
        """

    @vsphere_call
    def HttpNfcLeaseComplete(self) -> None:  # noqa: N802
        """``HttpNfcLeaseComplete()``: ends the keep-alive, then the lease.

        It verifies nothing; leaving the ``with`` block does.

        Raises:
            vim.fault.Timedout: The lease timed out before.
            vim.fault.InvalidState: The lease was completed or aborted before.
        """

    @vsphere_call
    def HttpNfcLeaseAbort(self, fault: vmodl.MethodFault | None = None) -> None:  # noqa: N802
        """``HttpNfcLeaseAbort(fault=None)``: cancels transfers, then ends keep-alive and lease.

        Raises:
            vim.fault.Timedout: The lease timed out before.
            vim.fault.InvalidState: The lease was completed or aborted before.
        """

    @vsphere_call
    def HttpNfcLeaseGetManifest(  # type: ignore[empty-body]  # noqa: N802
        self,
    ) -> list[vim.HttpNfcLease.ManifestEntry]:
        """``HttpNfcLeaseGetManifest()``: the server's sizes and checksums so far.

        Raises:
            vim.fault.Timedout: The lease timed out before.
            vim.fault.InvalidState: The lease was completed or aborted before.
        """

    if not TYPE_CHECKING:  # signatures.py has them
        Progress = HttpNfcLeaseProgress
        Complete = HttpNfcLeaseComplete
        Abort = HttpNfcLeaseAbort
        GetManifest = HttpNfcLeaseGetManifest


def mirror_the_rest(ours: Any) -> None:
    """Sends what `ours` does not describe, future versions' members included, the same way."""
    made: dict[int, Any] = {}
    for name in dir(vim.HttpNfcLease):
        theirs = getattr(vim.HttpNfcLease, name)
        if name in ours.__dict__:
            continue
        if isinstance(theirs, property):
            read = operator.attrgetter(f"_nfc_plain.{name}")
            setattr(ours, name, property(read, doc=f"``HttpNfcLease.{name}``; one call."))
        elif hasattr(theirs, "info"):  # a method; both of its names are one object
            setattr(ours, name, made.setdefault(id(theirs), _sent_by(name)))


mirror_the_rest(MirroredLease)
