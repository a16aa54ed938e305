"""What scripts do with a lease, rightly and wrongly: one table, run on either class."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from pyVmomi import SoapAdapter, vim, vmodl
from pyVmomi.VmomiSupport import ManagedObject

#: Names of ``vim.HttpNfcLease`` in the pyvmomi at hand; newer ones have more.
METHODS = sorted(
    name
    for name in dir(vim.HttpNfcLease)
    if not name.startswith("_") and hasattr(getattr(vim.HttpNfcLease, name), "info")
)
PROPERTIES = (
    "initializeProgress",
    "info",
    "state",
    "error",
    "transferProgress",
    "mode",
    "capabilities",
)
_STATES: Any = vim.HttpNfcLease.State
#: The older name is that of pyvmomi before 8.
_serialize: Any = getattr(SoapAdapter, "SerializeToStr", None) or vars(SoapAdapter).get(
    "SerializeToUnicode"
)
#: Nested types and pyvmomi's aliases of them.
TYPES = (
    "State",
    "Mode",
    "Info",
    "DeviceUrl",
    "HostInfo",
    "DatastoreLeaseInfo",
    "ManifestEntry",
    "ChecksumType",
    "SourceFile",
    "Capabilities",
    "ProbeResult",
    "Array",
    "NoSuchType",
)


_NO_PERCENTS: list[Any] = ["a", "5", 12.5, None, [], object]


@dataclass(frozen=True)
class Operation:
    """One thing done with a lease."""

    name: str
    do: Callable[[Any], Any]
    #: Whether the lease is another one afterwards.
    ends: bool = False


def nested_fault() -> Any:
    """A fault with localized messages and a cause that has a cause."""
    message = vmodl.LocalizableMessage(
        key="com.example.key",
        arg=[vmodl.KeyAnyValue(key="name", value="<disk> & 'é'")],
        message="disk <1> & more",
    )
    cause = vmodl.fault.SystemError(reason="inner", faultCause=vim.fault.Timedout(msg="innermost"))
    return vim.fault.FileFault(
        file="[datastore1] a/b.vmdk", msg="outer", faultMessage=[message], faultCause=cause
    )


def _call(name: str, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
    return lambda lease: getattr(lease, name)(*args, **kwargs)


def _shown(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    parts = [short(value) for value in args]
    parts += [f"{name}={short(value)}" for name, value in kwargs.items()]
    return ", ".join(parts)


def short(value: Any) -> str:
    """A value in an operation's name."""
    text = repr(value)
    return text if len(text) < 30 else type(value).__name__


def _calls(
    names: tuple[str, str], cases: list[tuple[tuple[Any, ...], dict[str, Any]]], ends: bool = False
) -> list[Operation]:
    return [
        Operation(f"{name}({_shown(args, kwargs)})", _call(name, *args, **kwargs), ends)
        for name in names
        if name in METHODS
        for args, kwargs in cases
    ]


def _key_values() -> list[Any]:
    return [vim.KeyValue(key="no-such-device", value="sha1")]


def _sources() -> list[Any]:
    return [vim.HttpNfcLease.SourceFile(targetDeviceId="/x", url="https://h/x", create=False)]


def calls() -> list[Operation]:
    """Every method, under both of its names, with right and wrong arguments."""
    progress: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        *(((value,), {}) for value in (0, 37, 100, 150, -1, 2**31, 2**70, True)),
        *(((value,), {}) for value in _NO_PERCENTS),
        ((), {}),
        ((5, 6), {}),
        ((), {"percent": 5}),
        ((), {"pct": 5}),
        ((5,), {"percent": 5}),
    ]
    wrong: list[tuple[tuple[Any, ...], dict[str, Any]]] = [((1,), {}), ((), {"x": 1})]
    abort_wrong: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((Exception("a"),), {}),
        (("text",), {}),
        ((vmodl.MethodFault,), {}),
        ((None, None), {}),
        ((), {"faults": None}),
    ]
    abort: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((), {}),
        ((None,), {}),
        ((vmodl.fault.SystemError(reason="script"),), {}),
        ((), {"fault": nested_fault()}),
        ((vmodl.MethodFault(msg="plain"),), {}),
    ]
    checksum: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((), {}),
        ((_key_values(),), {}),
        ((), {"deviceUrlsToChecksumTypes": _key_values()}),
        (("sha1",), {}),
    ]
    pull: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        (("url",), {}),
        ((), {"file": _sources()}),
    ]
    probe: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((), {}),
        ((_sources(), 5), {}),
        ((), {"files": _sources(), "timeout": 5}),
        (("url",), {}),
    ]
    sums = ("SetManifestChecksumType", "HttpNfcLeaseSetManifestChecksumType")
    return [
        *_calls(("Progress", "HttpNfcLeaseProgress"), progress),
        *_calls(("GetManifest", "HttpNfcLeaseGetManifest"), [((), {}), *wrong]),
        *_calls(sums, checksum),
        *_calls(("PullFromUrls", "HttpNfcLeasePullFromUrls_Task"), pull),
        *_calls(("ProbeUrls", "HttpNfcLeaseProbeUrls"), probe),
        *_calls(("Complete", "HttpNfcLeaseComplete"), wrong),
        *_calls(("Abort", "HttpNfcLeaseAbort"), abort_wrong),
        *_calls(("Complete", "HttpNfcLeaseComplete"), [((), {})], ends=True),
        *_calls(("Abort", "HttpNfcLeaseAbort"), abort, ends=True),
    ]


def reads() -> list[Operation]:
    """Every attribute, and what scripts make of it."""
    states = ("ready", "initializing", "done", "error", "no such state")
    return [
        *(Operation(name, attrgetter(name)) for name in PROPERTIES),
        Operation("type(state)", lambda lease: type(lease.state)),
        *(Operation(f"state == {state!r}", _state_is(state)) for state in states),
        Operation("state is State.x", lambda lease: lease.state in _STATES.values),
        Operation("state.error", lambda lease: lease.state.error),
        Operation("state.error[0].fault", lambda lease: lease.state.error[0].fault),
        Operation("text + state", lambda lease: "state: " + lease.state),
        Operation("info.error or None", lambda lease: getattr(lease.info, "error", None)),
        Operation("info.deviceUrl or []", lambda lease: list(lease.info.deviceUrl or [])),
        Operation("info.lease == lease", lambda lease: lease.info.lease == lease),
        Operation("info.entity._moId", lambda lease: lease.info.entity._moId),
        Operation("str(info)", lambda lease: str(lease.info)),
        Operation("error.msg", lambda lease: lease.error.msg),
        Operation("f'{error}'", lambda lease: f"{lease.error}"),
        Operation("raise error", _raise_error),
        Operation("PropertyCollector", _collected),
    ]


def _state_is(state: str) -> Callable[[Any], Any]:
    return lambda lease: lease.state == state


def _nested_type(name: str) -> Callable[[Any], Any]:
    return lambda lease: getattr(type(lease), name)


def _raise_error(lease: Any) -> None:
    raise lease.error


def _collected(lease: Any) -> Any:
    """The lease as an argument of another call."""
    collector: Any = vmodl.query.PropertyCollector
    spec = collector.FilterSpec(
        objectSet=[collector.ObjectSpec(obj=lease, skip=False)],
        propSet=[
            collector.PropertySpec(all=False, type=vim.HttpNfcLease, pathSet=["state", "error"])
        ],
    )
    service = vim.ServiceInstance("ServiceInstance", lease._stub)
    return service.content.propertyCollector.RetrieveContents([spec])


def identity() -> list[Operation]:
    """What needs no server."""
    plain: Callable[[Any], Any] = lambda lease: vim.HttpNfcLease(lease._moId, lease._stub)  # noqa: E731
    other: Callable[[Any], Any] = lambda lease: vim.HttpNfcLease("other", lease._stub)  # noqa: E731
    return [
        Operation("repr", repr),
        Operation("str", str),
        Operation("'%s'", lambda lease: "%s" % lease),  # noqa: UP031
        Operation("hash", lambda lease: hash(lease) == hash(plain(lease))),
        Operation("== same", lambda lease: (lease == plain(lease), plain(lease) == lease)),
        Operation("!= same", lambda lease: (lease != plain(lease), plain(lease) != lease)),
        Operation("== other", lambda lease: (lease == other(lease), other(lease) == lease)),
        Operation(
            "== VM of that moId",
            lambda lease: lease == vim.VirtualMachine(lease._moId, lease._stub),
        ),
        Operation("== None", lambda lease: lease == None),  # noqa: E711
        Operation("== 3", lambda lease: lease == 3),
        Operation("in a set", lambda lease: lease in {plain(lease)} and plain(lease) in {lease}),
        Operation("bool", bool),
        Operation("isinstance", lambda lease: isinstance(lease, vim.HttpNfcLease)),
        Operation("ManagedObject", lambda lease: isinstance(lease, ManagedObject)),
        Operation("_GetMoId", lambda lease: lease._GetMoId() == lease._moId),
        Operation("_GetStub", lambda lease: lease._GetStub() is lease._stub),
        Operation("_GetServerGuid", lambda lease: lease._GetServerGuid()),
        Operation("_wsdlName", lambda lease: lease._wsdlName),
        Operation("_version", lambda lease: lease._version),
        Operation("_propInfo", lambda lease: sorted(lease._propInfo)),
        Operation(
            "_GetPropertyList", lambda lease: sorted(p.name for p in lease._GetPropertyList())
        ),
        Operation("_GetMethodList", lambda lease: sorted(m.name for m in lease._GetMethodList())),
        Operation("_GetMethodInfo", lambda lease: lease._GetMethodInfo("Progress").wsdlName),
        Operation("set an attribute", lambda lease: setattr(lease, "state", "ready")),
        Operation("set a new attribute", lambda lease: setattr(lease, "mine", 1)),
        Operation("delete an attribute", lambda lease: delattr(lease, "state")),
        Operation("no such attribute", lambda lease: lease.noSuchAttribute),
        Operation("getattr default", lambda lease: getattr(lease, "noSuchAttribute", "default")),
        Operation("copy ==", lambda lease: copy.copy(lease) == lease),
        Operation("copy, pickle", lambda lease: (copy.copy(lease) is lease, pickle.dumps(lease))),
        Operation("type(lease)", type),
        Operation(
            "names", lambda lease: [n for n in dir(vim.HttpNfcLease) if not hasattr(type(lease), n)]
        ),
        Operation("two names", lambda lease: _pairs(type(lease))),
        *(Operation(f"type {name}", _nested_type(name)) for name in TYPES),
        Operation("serialized", lambda lease: _serialize(lease)),
    ]


def _pairs(kind: Any) -> list[str]:
    pairs = [("Complete", "HttpNfcLeaseComplete"), ("Abort", "HttpNfcLeaseAbort")]
    pairs += [("Progress", "HttpNfcLeaseProgress"), ("GetManifest", "HttpNfcLeaseGetManifest")]
    pairs += [("PullFromUrls", "HttpNfcLeasePullFromUrls_Task")]
    return [short for short, long in pairs if getattr(kind, short) is not getattr(kind, long)]
