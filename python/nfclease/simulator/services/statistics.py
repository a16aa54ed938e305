"""Statistics: counters that nothing is counted with."""

from __future__ import annotations

from typing import Any

from nfclease.simulator.registry import Call, handles
from nfclease.simulator.soap.vsphere import fault, vim
from nfclease.simulator.world import Managed, World


class PerformanceManager(Managed):
    """vim.PerformanceManager: counters that nothing is counted with."""

    _COUNTERS = (
        ("cpu", "usage", "percent", "average"),
        ("cpu", "usagemhz", "megaHertz", "average"),
        ("mem", "usage", "percent", "average"),
        ("disk", "usage", "kiloBytesPerSecond", "average"),
        ("net", "usage", "kiloBytesPerSecond", "average"),
    )

    def __init__(self, world: World, kind: Any, moid: str) -> None:
        def described(key: str) -> Any:
            return vim.ElementDescription(key=key, label=key, summary=key)

        api = vim.PerformanceManager
        counters = [
            api.CounterInfo(
                key=key,
                groupInfo=described(group),
                nameInfo=described(name),
                unitInfo=described(unit),
                rollupType=rollup,
                statsType=api.CounterInfo.StatsType.rate,
                level=1,
                perDeviceLevel=3,
            )
            for key, (group, name, unit, rollup) in enumerate(self._COUNTERS, 1)
        ]
        intervals = [
            vim.HistoricalInterval(
                key=key, samplingPeriod=period, name=name, length=length, level=1, enabled=True
            )
            for key, (name, period, length) in enumerate(
                (("Past day", 300, 86400), ("Past week", 1800, 604800)), 1
            )
        ]
        super().__init__(world, kind, moid, perfCounter=counters, historicalInterval=intervals)


@handles(vim.PerformanceManager, "QueryPerfProviderSummary")
async def provider(manager: PerformanceManager, call: Call) -> Any:
    """Says that an entity has neither current nor summary statistics."""
    return vim.PerformanceManager.ProviderSummary(
        entity=call.arg("entity"), currentSupported=False, summarySupported=False
    )


@handles(vim.PerformanceManager, "QueryPerfCounter")
async def counters(manager: PerformanceManager, call: Call) -> Any:
    """Counters by their keys."""
    wanted = call.arg("counterId", [])
    found = [counter for counter in manager.props["perfCounter"] if counter.key in wanted]
    if len(found) != len(set(wanted)):
        raise fault("vmodl.fault.InvalidArgument", invalidProperty="counterId")
    return found
