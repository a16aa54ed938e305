"""Import with PUT for everything, as one library does, and the manifest at the end."""

import hashlib
import uuid

import requests
from session import find_vm, import_spec, open_session, report

si = open_session()
pool, spec = import_spec(si, find_vm(si, "demo-vm"), "put-" + uuid.uuid4().hex)
lease = pool.ImportVApp(spec=spec.importSpec)
while str(lease.state) == "initializing":
    pass
sent = {}
for item in spec.fileItem:
    for device_url in list(lease.info.deviceUrl or []):
        if device_url.importKey != item.deviceId:
            continue
        data = item.path.encode() * 1000
        response = requests.put(
            device_url.url,
            data=data,
            headers={"Overwrite": "t", "Content-Type": "application/x-vnd.vmware-streamVmdk"},
            verify=False,
        )
        sent[device_url.key] = (response.status_code, hashlib.sha1(data).hexdigest())
    lease.HttpNfcLeaseProgress(percent=round(100 * len(sent) / len(spec.fileItem)))
sums = {entry.key: entry.sha1 for entry in lease.HttpNfcLeaseGetManifest()}
entity = lease.info.entity
lease.HttpNfcLeaseComplete()
equal = sorted(sums.values()) == sorted(digest for _, digest in sent.values())
report(
    si,
    lease,
    equal=equal,
    state=lease.state,
    statuses=sorted(s for s, _ in sent.values()),
    named=entity.name.startswith("put-"),
)
