"""Everything that one simulator holds, and the base of its managed objects."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, ClassVar

from nfclease.simulator.options import Options
from nfclease.simulator.soap.neutral import neutral, required
from nfclease.simulator.soap.vsphere import cast, fault, support

if TYPE_CHECKING:
    from nfclease.simulator.faults import Faults
    from nfclease.simulator.recorder import Recorder
    from nfclease.simulator.services.session import Session

Handler = Callable[["Call"], Awaitable[Any]]


@dataclasses.dataclass
class Call:
    """A call on its way to the object that answers it."""

    method: str
    this: Any
    args: dict[str, Any]
    version: str
    session: Session | None
    user_agent: str = ""
    #: Headers that the reply is to carry.
    reply_headers: dict[str, str] = dataclasses.field(default_factory=dict)

    def arg(self, name: str, default: Any = None) -> Any:
        """An argument, or the default where the client left it out."""
        value = self.args.get(name)
        return default if value is None else value


def answers(*methods: str) -> Callable[[Any], Any]:
    """Marks a coroutine function as the answer to vSphere methods."""

    def mark(function: Any) -> Any:
        function.answers = methods
        return function

    return mark


class Managed:
    """A managed object: properties by name, methods by ``answers``.

    A property's value may be a function, called at each read.
    """

    _answers: ClassVar[dict[str, str]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._answers = {
            method: name
            for name in dir(cls)
            for method in getattr(getattr(cls, name, None), "answers", ())
        }

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

    def handler(self, method: str) -> Handler | None:
        """What answers a method; None if this object does not know it."""
        name = self._answers.get(method)
        return getattr(self, name) if name else None

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


def version_of(text: str) -> str:
    """The version name that pyVmomi has for an API version such as ``8.0.3.0`` or ``8.0``."""
    for spelling in (text, f"{text}.0", f"{text}.0.0"):
        version = support.versionMap.get(f"vim25/{spelling}")
        if version is not None and text:
            return str(version)
    raise ValueError(f"this pyvmomi does not know the API version {text!r}")
