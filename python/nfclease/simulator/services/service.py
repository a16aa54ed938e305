"""ServiceInstance and its content."""

from __future__ import annotations

from typing import Any

from nfclease.simulator.registry import Call, handles
from nfclease.simulator.services.managers import make_managers
from nfclease.simulator.soap.vsphere import vim
from nfclease.simulator.world import Managed, World, now


def about(world: World) -> Any:
    """What the server says it is."""
    options = world.options
    short = world.product_version
    product = "VMware ESXi" if options.esx else "VMware vCenter Server"
    return vim.AboutInfo(
        name=product,
        fullName=f"{product} {short} build-24674346 (nfclease simulator)",
        vendor="VMware, Inc.",
        version=short,
        build="24674346",
        localeVersion="INTL",
        localeBuild="000",
        osType="vmnix-x86" if options.esx else "linux-x64",
        productLineId="embeddedEsx" if options.esx else "vpx",
        apiType="HostAgent" if options.esx else "VirtualCenter",
        apiVersion=world.api_version,
        instanceUuid=None if options.esx else world.uuid(),
        licenseProductName="VMware ESX Server" if options.esx else "VMware VirtualCenter Server",
        licenseProductVersion=f"{short.split('.')[0]}.0",
    )


class ServiceInstance(Managed):
    """vim.ServiceInstance."""

    def __init__(self, world: World, root: Managed) -> None:
        super().__init__(world, vim.ServiceInstance, "ServiceInstance", serverClock=now)
        self.content: Any = vim.ServiceInstanceContent(
            rootFolder=root.ref,
            propertyCollector=world.objects["propertyCollector"].ref,
            viewManager=world.objects["ViewManager"].ref,
            about=about(world),
            sessionManager=world.objects["SessionManager"].ref,
            searchIndex=world.objects["SearchIndex"].ref,
            taskManager=world.objects["TaskManager"].ref,
            ovfManager=world.objects["OvfManager"].ref,
            **make_managers(world, root),
        )
        self.props.update(
            content=self.content,
            capability=vim.Capability(
                provisioningSupported=True,
                multiHostSupported=not world.options.esx,
                userShellAccessSupported=False,
                supportedEVCMode=[],
            ),
        )


@handles(vim.ServiceInstance, "RetrieveServiceContent")
async def retrieve_content(instance: ServiceInstance, call: Call) -> Any:
    """The roots of everything."""
    return instance.content


@handles(vim.ServiceInstance, "CurrentTime")
async def current_time(instance: ServiceInstance, call: Call) -> Any:
    """The server's clock."""
    return now()
