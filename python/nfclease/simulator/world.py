"""Everything that one simulator holds, and the base of its managed objects."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import random
import time
import uuid
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from nfclease.simulator.options import Options
from nfclease.simulator.soap.neutral import neutral, required
from nfclease.simulator.soap.vsphere import cast, fault, support, vim

if TYPE_CHECKING:
    from nfclease.simulator.faults import Faults
    from nfclease.simulator.recorder import Recorder


@dataclasses.dataclass
class Session:
    """A login. The ``key`` is public, in currentSession; the ``cookie`` is the secret."""

    key: str
    cookie: str
    user: str
    user_agent: str
    login_time: datetime.datetime
    #: Objects that go with the session: views, collectors, filters.
    owned: list[Managed] = dataclasses.field(default_factory=list)
    calls: int = 0

    def user_session(self) -> Any:
        """The session as the API shows it."""
        return vim.UserSession(
            key=self.key,
            userName=self.user,
            fullName=self.user,
            loginTime=self.login_time,
            lastActiveTime=now(),
            locale="en",
            messageLocale="en",
            extensionSession=False,
            ipAddress="127.0.0.1",
            userAgent=self.user_agent,
            callCount=self.calls,
        )


class Managed:
    """A managed object: its reference and its properties by name.

    A property's value may be a function, called at each read.
    """

    def __init__(self, world: World, kind: Any, moid: str, **props: Any) -> None:
        self.world = world
        self.ref: Any = kind(moid)
        self.props: dict[str, Any] = props
        world.objects[moid] = self

    @property
    def moid(self) -> str:
        """The managed object's id."""
        return str(self.ref._moId)

    @property
    def name(self) -> str:
        """The entity's name, empty for objects that have none."""
        return str(self.props.get("name", ""))

    def knows(self, name: str, version: str | None = None) -> bool:
        """Whether the API has this property on this type, in a version or at all."""
        return any(
            info.name == name and (version is None or support.IsChildVersion(version, info.version))
            for info in type(self.ref)._GetPropertyList()
        )

    def get(self, name: str) -> Any:
        """The value of one property; None if unset, which only an optional one can be."""
        value = self.props.get(name)
        if isinstance(value, (FunctionType, MethodType)):
            value = value()
        info = type(self.ref)._GetPropertyInfo(name)
        if value is None and required(info):
            value = self.props[name] = neutral(info.type)
        return cast(value, info.type)

    def forget(self) -> None:
        """Takes the object out of the world."""
        self.world.objects.pop(self.moid, None)
        self.world.touch()


class World:
    """The state of one simulator; lives on one event loop, so nothing here is locked."""

    def __init__(self, options: Options, faults: Faults, recorder: Recorder) -> None:
        self.options = options
        self.faults = faults
        self.recorder = recorder
        self.objects: dict[str, Managed] = {}
        self.sessions: dict[str, Session] = {}
        self.bandwidth: float | None = None
        self.random: random.Random = (
            random.SystemRandom() if options.seed is None else random.Random(options.seed)
        )
        self.version: str = version_of(options.api_version)
        #: As servers spell it: ``8.0.3.0`` for 8.0.3, but 6.7.
        self.api_version: str = support.versionIdMap[self.version]
        #: Where the bytes of leases are served, and the PEM and SHA-1 of that listener.
        self.data_url = ""
        self.data_thumbprint = ""
        self.data_certificate = ""
        self.background: set[asyncio.Task[Any]] = set()
        self._numbers = 100
        self._changed: asyncio.Event = asyncio.Event()

    @property
    def product_version(self) -> str:
        """The version in three numbers, as products have it: 6.7.0, 8.0.3."""
        return ".".join([*self.api_version.split("."), "0"][:3])

    def uuid(self) -> str:
        """A random UUID; the same ones in each run with ``--seed``."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def session_moid(self) -> str:
        """An id as objects of a session have it: leases, views, filters."""
        return f"session[{self.uuid()}]{self.uuid()}"

    def number(self) -> int:
        """A number that no other object has in its id."""
        self._numbers += 1
        return self._numbers

    def find(self, ref: Any) -> Managed:
        """The object of a reference.

        Raises:
            vmodl.fault.ManagedObjectNotFound: It is not there, or not any more.
        """
        found = self.objects.get(ref._moId)
        if found is None:
            raise fault("vmodl.fault.ManagedObjectNotFound", obj=ref)
        return found

    def expect(self, ref: Any, kind: Any, argument: str) -> Managed:
        """The object of a reference, which has to be of a kind.

        Raises:
            vmodl.fault.ManagedObjectNotFound: It is not there.
            vmodl.fault.InvalidArgument: It is of another kind, whatever the reference says.
        """
        found = self.find(ref)
        if not isinstance(found.ref, kind):
            raise fault("vmodl.fault.InvalidArgument", invalidProperty=argument)
        return found

    def touch(self) -> None:
        """Tells waiting clients that something may have changed."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def changed(self, timeout: float | None) -> bool:
        """Waits for the next ``touch``; False when the time is over."""
        try:
            await asyncio.wait_for(self._changed.wait(), timeout)
        except asyncio.TimeoutError:
            return False
        return True

    def start(self, work: Any) -> asyncio.Task[Any]:
        """Runs a coroutine beside the calls, and keeps it from being collected."""
        task: asyncio.Task[Any] = asyncio.ensure_future(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)
        return task

    @staticmethod
    def clock() -> float:
        """Seconds of the clock that all records carry."""
        return time.monotonic()


def now() -> datetime.datetime:
    """The time, with its zone."""
    return datetime.datetime.now(datetime.timezone.utc)


def version_of(text: str) -> str:
    """The version name that pyVmomi has for an API version such as ``8.0.3.0`` or ``8.0``."""
    for spelling in (text, f"{text}.0", f"{text}.0.0"):
        version = support.versionMap.get(f"vim25/{spelling}")
        if version is not None and text:
            return str(version)
    raise ValueError(f"this pyvmomi does not know the API version {text!r}")
