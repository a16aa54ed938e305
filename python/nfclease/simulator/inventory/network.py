"""The network of the host, as its NetworkSystem tells it."""

from __future__ import annotations

from typing import Any

from nfclease.simulator.soap.neutral import complete
from nfclease.simulator.soap.vsphere import vim

_SWITCH = "vSwitch0"
_GROUPS = ("VM Network", "Lab Network", "Management Network")


def info() -> Any:
    """One switch with its port groups, and the management's adapter."""
    groups = [
        complete(
            vim.host.PortGroup(
                key=f"key-vim.host.PortGroup-{name}",
                vswitch=f"key-vim.host.VirtualSwitch-{_SWITCH}",
                spec=complete(
                    vim.host.PortGroup.Specification(name=name, vlanId=0, vswitchName=_SWITCH)
                ),
            )
        )
        for name in _GROUPS
    ]
    switch = vim.host.VirtualSwitch(
        name=_SWITCH,
        key=f"key-vim.host.VirtualSwitch-{_SWITCH}",
        numPorts=2560,
        numPortsAvailable=2550,
        mtu=1500,
        portgroup=[group.key for group in groups],
        spec=vim.host.VirtualSwitch.Specification(numPorts=128, policy=vim.host.NetworkPolicy()),
    )
    return vim.host.NetworkInfo(
        vswitch=[switch], portgroup=groups, vnic=[_management()], ipV6Enabled=False
    )


def _management() -> Any:
    ip = vim.host.IpConfig(dhcp=False, ipAddress="192.0.2.10", subnetMask="255.255.255.0")
    spec = vim.host.VirtualNic.Specification(
        ip=ip, mac="00:50:56:80:00:0a", portgroup=_GROUPS[-1], mtu=1500
    )
    return complete(
        vim.host.VirtualNic(
            device="vmk0", key="key-vim.host.VirtualNic-vmk0", portgroup=_GROUPS[-1], spec=spec
        )
    )


def of_system(name: str) -> dict[str, Any]:
    """The properties of a host's system that tell of the network, and of storage."""
    if name == "networkSystem":
        return {"networkInfo": info()}
    if name == "storageSystem":
        return {"storageDeviceInfo": complete(vim.host.StorageDeviceInfo())}
    if name == "virtualNicManager":
        config = vim.host.VirtualNicManager.NetConfig(
            nicType="management",
            multiSelectAllowed=True,
            candidateVnic=[_management()],
            selectedVnic=["key-vim.host.VirtualNic-vmk0"],
        )
        return {"info": vim.host.VirtualNicManagerInfo(netConfig=[config])}
    return {}
