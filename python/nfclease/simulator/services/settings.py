"""Settings of the server, and of the host."""

from __future__ import annotations

from typing import Any

from nfclease.simulator.registry import Call, handles
from nfclease.simulator.soap.vsphere import fault, vim
from nfclease.simulator.world import Managed, World


class OptionManager(Managed):
    """vim.option.OptionManager."""

    def __init__(self, world: World, kind: Any, moid: str, options: dict[str, Any]) -> None:
        values = [vim.option.OptionValue(key=key, value=value) for key, value in options.items()]
        super().__init__(world, kind, moid, setting=values)


@handles(vim.option.OptionManager, "QueryOptions")
async def query(manager: OptionManager, call: Call) -> Any:
    """One option by its name, or all under a name that ends with a dot."""
    name = call.arg("name", "")
    settings = manager.props["setting"]
    found = [o for o in settings if o.key == name or (name[-1:] in ("", ".") and name in o.key)]
    if not found:
        raise fault("vim.fault.InvalidName", name=name)
    return found
