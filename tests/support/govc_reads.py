"""govc's commands that only read, with arguments for the simulator, by what comes of them."""

from __future__ import annotations

#: Exit status 0.
ANSWERED = """\
about
about -l
about.cert
alarm.info
alarms
alarms -l
cluster.group.ls -cluster Cluster
cluster.override.info -cluster Cluster
cluster.rule.info -cluster Cluster
cluster.rule.ls -cluster Cluster
cluster.usage Cluster
collect -s / name
collect -s /DC0/vm/demo-vm
collect -s /DC0/host/Cluster
collect -s /DC0/host/Cluster/esx-1.example
collect -s /DC0/datastore/datastore1
collect -s /DC0/vm/demo-vm config.hardware.device
collect -json -type m / name
datacenter.info
datacenter.info DC0
datastore.info
datastore.ls -ds datastore1
datastore.ls -ds datastore1 -l demo-vm
datastore.ls -ds datastore1 -R
device.info -vm demo-vm
device.info -vm demo-vm -json
device.info -vm demo-vm disk-*
device.info -net "VM Network" -vm demo-vm
device.ls -vm demo-vm
device.ls -vm demo-vm -boot
device.model.tree
device.pci.ls -vm demo-vm
env
events
events -n 5 vm/demo-vm
events -type VmPoweredOnEvent
events -json
extension.info
extension.info -json
fields.info vm/demo-vm
fields.ls
find
find /
find / -type h
find / -type m -runtime.powerState poweredOn
find -l /
find -i /
find -p /
find . -type p
find . -type n
find . -type s
find . -type c
find . -type f
find . -type d
find . -type a
folder.info /
folder.info vm
gpu.host.info -host esx-1.example
gpu.vm.info -vm demo-vm
guest.df -vm running-vm
host.autostart.info -host esx-1.example
host.cert.info -host esx-1.example
host.date.info -host esx-1.example
host.info
host.info -json
host.info -host esx-1.example
host.option.ls -host esx-1.example
host.option.ls -host esx-1.example Config.
host.portgroup.info -host esx-1.example
host.service.ls -host esx-1.example
host.storage.info -host esx-1.example
host.storage.info -host esx-1.example -t hba
host.tpm.info
host.tpm.report -host esx-1.example
host.vnic.hint -json -host esx-1.example
host.vnic.info -host esx-1.example
host.vswitch.info -host esx-1.example
license.assigned.ls
license.decode 00000-00000-00000-00000-00000
license.ls
license.ls -json
logs.ls
logs.ls -host esx-1.example
ls
ls -l
ls /
ls -L vm-103
ls -i /DC0/vm
ls /DC0/vm
ls /DC0/host
ls /DC0/host/Cluster
ls /DC0/host/Cluster/*
ls /DC0/datastore
ls /DC0/network
ls /DC0/vm/demo-vapp
metric.info host/Cluster/esx-1.example
metric.info host/Cluster/esx-1.example cpu.usage.average
metric.interval.info
metric.ls /DC0/host/Cluster/esx-1.example
metric.ls vm/demo-vm
metric.ls -l vm/running-vm
metric.sample vm/running-vm cpu.usage.average
metric.sample -json vm/running-vm cpu.usage.average
object.save -d {folder}/saved -f /
option.ls
option.ls -json
option.ls VirtualCenter.
permissions.ls
permissions.ls vm
pool.info */Resources
pool.info -json *
role.ls
role.ls Admin
role.usage
session.ls
session.ls -S
session.ls -json
snapshot.tree -vm running-vm
snapshot.tree -vm running-vm -s -D -i -d
snapshot.tree -vm demo-vm
tasks
tasks -l
tasks -n 5
tasks vm/demo-vm
tasks -json
tree
tree -l /
tree -p /
tree /DC0/host
version
version -l
vm.console running-vm
vm.console -h5 running-vm
vm.info demo-vm
vm.info -r demo-vm
vm.info -e demo-vm
vm.info -g demo-vm
vm.info -t demo-vm
vm.info -json demo-vm
vm.info -waitip=false running-vm
vm.ip -wait 1s running-vm
vm.ip -a -wait 1s running-vm
vm.option.info -host esx-1.example
vm.option.info -cluster Cluster
vm.option.info -json -cluster Cluster
vm.option.ls -cluster Cluster
vm.option.ls -host esx-1.example
vm.question -vm running-vm
vm.rdm.ls -vm demo-vm
vm.target.cap.ls -host esx-1.example
vm.target.info -host esx-1.example
vm.target.info -cluster Cluster
vm.vnc demo-vm
"""
#: Refused by a fault, or found to be nothing: exit status 1.
REFUSED = """\
cluster.group.ls -cluster Cluster -name x
datastore.cluster.info
datastore.disk.info -ds datastore1 demo-vm/demo-vm.vmdk
datastore.download -ds datastore1 demo-vm/demo-vm.vmx /dev/null
datastore.tail -ds datastore1 demo-vm/vmware.log
datastore.vsan.dom.ls -ds datastore1
dvs.portgroup.info -pg x dvs
firewall.ruleset.find -host esx-1.example
firewall.ruleset.find -host esx-1.example -direction outbound -port 443
gpu.host.profile.ls -host esx-1.example
guest.download -vm running-vm -l a:b /etc/motd -
guest.getenv -vm running-vm -l a:b
guest.ls -vm running-vm -l a:b /
guest.ps -vm running-vm -l a:b
host.cert.csr -host esx-1.example
host.esxcli -host esx-1.example system version get
host.storage.info -host esx-1.example -unclaimed
host.storage.partition -host esx-1.example /dev/x
kms.ls
logs
logs -n 3
logs -host esx-1.example
vm.console -capture - running-vm
vm.ip -esxcli -wait 1s running-vm
"""
#: Of other services than vim25, none of which is here: exit status 1.
ELSEWHERE = """\
cluster.draft.baseimage.info -cluster-id domain-c7 -draft-id 1
cluster.draft.component.ls -cluster-id domain-c7 -draft-id 1
cluster.draft.component.info -cluster-id domain-c7 -draft-id 1 -component-id x
cluster.draft.info -cluster-id domain-c7 -draft-id 1
cluster.draft.ls -cluster-id domain-c7
cluster.module.ls
cluster.vlcm.info -cluster-id domain-c7
disk.ls
disk.ls -l
disk.metadata.ls x
disk.snapshot.ls x
library.info
library.ls
library.policy.ls
library.session.ls
library.subscriber.info x y
library.subscriber.ls x
library.trust.info x
library.trust.ls
library.vmtx.info x
namespace.cluster.ls
namespace.info x
namespace.ls
namespace.service.info x
namespace.service.ls
namespace.service.version.info x y
namespace.service.version.ls x
namespace.vmclass.info x
namespace.vmclass.ls
sso.group.ls
sso.idp.default.ls
sso.idp.ls
sso.lpp.info
sso.service.ls
sso.service.ls -l
sso.user.id
sso.user.ls
storage.policy.info
storage.policy.ls
tags.attached.ls x
tags.category.info
tags.category.ls
tags.info
tags.ls
vcsa.access.consolecli.get
vcsa.access.dcui.get
vcsa.access.shell.get
vcsa.access.ssh.get
vcsa.log.forwarding.info
vcsa.net.proxy.info
vcsa.shutdown.get
vlcm.depot.baseimages.ls
vlcm.depot.offline.info -depot-id x
vlcm.depot.offline.ls
vm.dataset.entry.get -vm demo-vm -dataset x y
vm.dataset.entry.ls -vm demo-vm -dataset x
vm.dataset.info -vm demo-vm x
vm.dataset.ls -vm demo-vm
vm.policy.ls -vm demo-vm
volume.ls
volume.ls -l
volume.snapshot.ls x
vsan.info
vsan.info /DC0/host/Cluster
"""
#: Those that change something, or only print.
OTHERS = """\
cluster.add cluster.change cluster.create cluster.draft.baseimage.set cluster.draft.commit
cluster.draft.component.add cluster.draft.component.rm cluster.draft.create cluster.draft.rm
cluster.group.change cluster.group.create cluster.group.remove cluster.module.create
cluster.module.rm cluster.module.vm.add cluster.module.vm.rm cluster.mv cluster.override.change
cluster.override.remove cluster.rule.change cluster.rule.create cluster.rule.remove
cluster.stretch cluster.vlcm.enable datacenter.create datastore.cluster.change datastore.cp
datastore.create datastore.disk.create datastore.disk.extend datastore.disk.inflate
datastore.disk.shrink datastore.maintenance.enter datastore.maintenance.exit datastore.mkdir
datastore.mv datastore.remove datastore.rm datastore.upload datastore.vsan.dom.rm device.boot
device.cdrom.add device.cdrom.eject device.cdrom.insert device.clock.add device.connect
device.disconnect device.floppy.add device.floppy.eject device.floppy.insert device.pci.add
device.pci.remove device.remove device.sata.add device.scsi.add device.serial.add
device.serial.connect device.serial.disconnect device.usb.add disk.attach disk.create
disk.detach disk.metadata.update disk.register disk.rm disk.snapshot.create disk.snapshot.rm
disk.tags.attach disk.tags.detach dvs.add dvs.change dvs.create dvs.portgroup.add
dvs.portgroup.change export.ovf extension.register extension.setcert extension.unregister
fields.add fields.rename fields.rm fields.set folder.create folder.place gpu.vm.add
gpu.vm.remove guest.chmod guest.chown guest.kill guest.mkdir guest.mktemp guest.mv guest.rm
guest.rmdir guest.run guest.start guest.touch guest.upload host.account.create
host.account.remove host.account.update host.add host.autostart.add host.autostart.configure
host.autostart.remove host.cert.import host.date.change host.disconnect host.maintenance.enter
host.maintenance.exit host.option.set host.portgroup.add host.portgroup.change
host.portgroup.remove host.reconnect host.remove host.service host.shutdown host.storage.mark
host.vnic.change host.vnic.service host.vswitch.add host.vswitch.remove import.ova import.ovf
import.spec import.vmdk kms.add kms.default kms.export kms.rm kms.trust library.checkin
library.checkout library.clone library.cp library.create library.deploy library.evict
library.export library.import library.publish library.rm library.session.rm
library.subscriber.create library.subscriber.rm library.sync library.trust.create
library.trust.rm library.update license.add license.assign license.label.set license.remove
logs.download metric.change metric.interval.change metric.reset namespace.cluster.disable
namespace.cluster.enable namespace.create namespace.logs.download namespace.registervm
namespace.rm namespace.service.activate namespace.service.create namespace.service.deactivate
namespace.service.rm namespace.service.version.activate namespace.service.version.create
namespace.service.version.deactivate namespace.service.version.rm namespace.update
namespace.vmclass.create namespace.vmclass.rm namespace.vmclass.update object.destroy
object.method object.mv object.reload object.rename option.set permissions.remove
permissions.set pool.change pool.create pool.destroy role.create role.remove role.update
session.login session.logout session.rm snapshot.create snapshot.export snapshot.remove
snapshot.revert sso.group.create sso.group.rm sso.group.update sso.idp.default.update
sso.idp.ldap.update sso.lpp.update sso.user.create sso.user.rm sso.user.update
storage.policy.create storage.policy.rm tags.attach tags.category.create tags.category.rm
tags.category.update tags.create tags.detach tags.rm tags.update task.cancel vapp.destroy
vapp.power vcsa.access.consolecli.set vcsa.access.dcui.set vcsa.access.shell.set
vcsa.access.ssh.set vcsa.shutdown.cancel vcsa.shutdown.poweroff vcsa.shutdown.reboot
vlcm.depot.offline.create vlcm.depot.offline.rm vm.change vm.clone vm.create vm.customize
vm.dataset.create vm.dataset.entry.rm vm.dataset.entry.set vm.dataset.rm vm.dataset.update
vm.destroy vm.disk.attach vm.disk.change vm.disk.create vm.disk.promote vm.guest.tools
vm.instantclone vm.keystrokes vm.markastemplate vm.markasvm vm.migrate vm.network.add
vm.network.change vm.power vm.rdm.attach vm.register vm.unregister vm.upgrade volume.extend
volume.relocate volume.rm volume.snapshot.create volume.snapshot.rm vsan.change
"""
