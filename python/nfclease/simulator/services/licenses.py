"""Licenses: an evaluation."""

from __future__ import annotations

from typing import Any

from nfclease.simulator.registry import Call, handles
from nfclease.simulator.soap.vsphere import fault, vim
from nfclease.simulator.world import Managed, World


class LicenseManager(Managed):
    """vim.LicenseManager, under evaluation."""

    def __init__(self, world: World, kind: Any, moid: str) -> None:
        evaluation = vim.LicenseManager.LicenseInfo(
            licenseKey="00000-00000-00000-00000-00000",
            editionKey="eval",
            name="Evaluation Mode",
            total=0,
            used=1,
            costUnit="",
        )
        assignments = Managed(world, vim.LicenseAssignmentManager, f"{moid}-assignments")
        super().__init__(
            world,
            kind,
            moid,
            source=vim.LicenseManager.EvaluationLicense(),
            sourceAvailable=True,
            licenses=[evaluation],
            licensedEdition="",
            licenseAssignmentManager=assignments.ref,
        )


@handles(vim.LicenseManager, "DecodeLicense")
async def decode(manager: LicenseManager, call: Call) -> Any:
    """The one key that is known."""
    for known in manager.props["licenses"]:
        if known.licenseKey == call.arg("licenseKey"):
            return known
    raise fault("vmodl.fault.InvalidArgument", invalidProperty="licenseKey")
