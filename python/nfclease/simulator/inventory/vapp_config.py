"""Products and properties: the ``vAppConfig`` of a VM."""

from __future__ import annotations

from typing import Any

from nfclease.simulator.soap.neutral import complete, is_set
from nfclease.simulator.soap.vsphere import fault, vim

_LISTS = ("product", "property", "ovfSection")


def change(config: Any, spec: Any) -> None:
    """Does what ``vAppConfig`` of a ConfigSpec says to a ConfigInfo.

    Raises:
        vmodl.fault.InvalidArgument: It changes a product or property that is not there.
    """
    if spec.vAppConfigRemoved:
        config.vAppConfig = None
    if spec.vAppConfig is not None:
        config.vAppConfig = config.vAppConfig or complete(vim.vApp.VmConfigInfo())
        apply(config.vAppConfig, spec.vAppConfig)


def apply(info: Any, asked: Any) -> None:
    """Does what a VmConfigSpec, or the VAppConfigSpec of a vApp, says to its info.

    Raises:
        vmodl.fault.InvalidArgument: It changes a product, property or section that is not there.
    """
    for field in asked._GetPropertyList():
        name, value = field.name, getattr(asked, field.name)
        if name in _LISTS:
            setattr(info, name, _changed(getattr(info, name), value, name))
        elif is_set(value):
            setattr(info, name, value)


def _changed(old: list[Any], changes: list[Any], name: str) -> list[Any]:
    found = {one.key: one for one in old}
    for one in changes:
        key = one.removeKey if one.info is None else one.info.key
        if key is None and one.operation == "add":
            key = one.info.key = max(found, default=-1) + 1
        if (one.operation == "add") == (key in found):
            raise fault("vmodl.fault.InvalidArgument", invalidProperty=f"vAppConfig.{name}.key")
        if one.operation == "remove":
            del found[key]
        elif one.operation == "edit":
            for field in one.info._GetPropertyList():
                value = getattr(one.info, field.name)
                if is_set(value):
                    setattr(found[key], field.name, value)
        else:
            found[key] = complete(one.info)
    return list(found.values())
