"""ServiceInstance with its content, and the OVF manager."""

from __future__ import annotations

from typing import Any

from nfclease.simulator.inventory.machines import Machine
from nfclease.simulator.inventory.pools import VirtualApp
from nfclease.simulator.lease.imports import create_import_spec
from nfclease.simulator.ovf import reader
from nfclease.simulator.ovf.products import product_infos
from nfclease.simulator.ovf.writer import create_descriptor
from nfclease.simulator.services.managers import make_managers
from nfclease.simulator.services.session import now
from nfclease.simulator.soap.vsphere import fault, vim
from nfclease.simulator.world import Call, Managed, World, answers


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

    @answers("RetrieveServiceContent")
    async def retrieve_content(self, call: Call) -> Any:
        """The roots of everything."""
        return self.content

    @answers("CurrentTime")
    async def current_time(self, call: Call) -> Any:
        """The server's clock."""
        return now()


class OvfManager(Managed):
    """vim.OvfManager."""

    def __init__(self, world: World, moid: str) -> None:
        super().__init__(world, vim.OvfManager, moid)

    @answers("CreateDescriptor")
    async def create_descriptor(self, call: Call) -> Any:
        """The descriptor of a VM or a vApp."""
        found = self.world.find(call.arg("obj"))
        vapp = found if isinstance(found, VirtualApp) else None
        if isinstance(found, VirtualApp):
            machines = found.machines()
        elif isinstance(found, Machine):
            machines = [found]
        else:
            raise fault("vmodl.fault.InvalidArgument", invalidProperty="obj")
        return create_descriptor(found.name, machines, vapp, call.arg("cdp"))

    @answers("CreateImportSpec")
    async def create_import_spec(self, call: Call) -> Any:
        """What ImportVApp takes, and the files that the lease will want."""
        for name in ("resourcePool", "datastore"):
            self.world.find(call.arg(name))
        return create_import_spec(self.world, call.arg("ovfDescriptor", ""), call.arg("cisp"))

    @answers("ParseDescriptor")
    async def parse_descriptor(self, call: Call) -> Any:
        """What a descriptor is about."""
        result = vim.OvfManager.ParseDescriptorResult(annotation="", defaultEntityName="")
        params = call.arg("pdp")
        try:
            option = params.deploymentOption if params else ""
            read = reader.parse(call.arg("ovfDescriptor", ""), option=option or "")
        except vim.fault.OvfFault as error:
            result.error = [error]
            return result
        result.defaultEntityName = read.name
        result.virtualApp = read.vapp
        result.annotation = read.systems[0].annotation
        result.defaultDeploymentOption = read.option
        result.deploymentOption = [
            vim.OvfManager.DeploymentOption(
                key=one.id, label=one.label, description=one.description
            )
            for one in read.options
        ]
        result.network = [
            vim.OvfManager.NetworkInfo(name=name, description=text)
            for name, text in read.networks.items()
        ]
        infos, properties = product_infos(read.all_products())
        result.property, result.productInfo = properties, next(iter(infos), None)
        result.approximateDownloadSize = sum(file.size or 0 for file in read.files.values())
        capacity = sum(disk.capacity for disk in read.disks.values())
        result.approximateFlatDeploymentSize = capacity
        return result
