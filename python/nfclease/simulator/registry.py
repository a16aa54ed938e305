"""Who answers what: handlers, by type of managed object and method."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from nfclease.simulator.world import Managed, Session

#: Takes the object and the call.
Handler = Callable[[Any, "Call"], Awaitable[Any]]
_Function = TypeVar("_Function", bound=Callable[..., Awaitable[Any]])
_handlers: dict[tuple[type, str], Handler] = {}


@dataclasses.dataclass
class Call:
    """A call on its way to the handler that answers it."""

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

    def own(self, made: Managed) -> Any:
        """Lets an object end with the session of the caller; returns its reference."""
        if self.session:
            self.session.owned.append(made)
        return made.ref


def handles(kind: Any, *methods: str) -> Callable[[_Function], _Function]:
    """Registers a coroutine function for methods of a type, and of the types derived from it.

    Raises:
        ValueError: Another one is registered for that, or the type has no such method.
    """

    def register(function: _Function) -> _Function:
        known = {info.wsdlName for info in kind._GetMethodList()}
        for method in methods:
            if method not in known or (kind, method) in _handlers:
                raise ValueError(f"{kind.__name__}.{method} is unknown, or registered already")
            _handlers[kind, method] = function
        return function

    return register


def handler_of(ref: Any, method: str) -> Handler | None:
    """What answers a method of an object; None if nothing does."""
    for kind in type(ref).__mro__:
        if (kind, method) in _handlers:
            return _handlers[kind, method]
    return None
