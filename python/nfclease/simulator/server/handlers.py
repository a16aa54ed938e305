"""Every module with handlers: they register themselves when they are imported."""

from nfclease.simulator.inventory import browsers, hosts, machine_calls, vapp_calls
from nfclease.simulator.lease import calls, exports, imports
from nfclease.simulator.ovf import manager
from nfclease.simulator.services import (
    authorization,
    filters,
    history,
    licenses,
    managers,
    search,
    service,
    session,
    settings,
    statistics,
    tasks,
)

__all__ = [
    "authorization",
    "browsers",
    "calls",
    "exports",
    "filters",
    "history",
    "hosts",
    "imports",
    "licenses",
    "machine_calls",
    "manager",
    "managers",
    "search",
    "service",
    "session",
    "settings",
    "statistics",
    "tasks",
    "vapp_calls",
]
