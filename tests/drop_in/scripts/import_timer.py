"""Import with a re-armed timer and POST for everything; the nvram is refused, the lease aborted."""

import io
import ssl
import urllib.error
import urllib.request
from threading import Timer

from pyVmomi import vim, vmodl
from session import find_vm, import_spec, open_session, report

INTERVAL = 0.2


def beat():
    global timer
    try:
        lease.HttpNfcLeaseProgress(int(percent))
        if lease.state not in [vim.HttpNfcLease.State.done, vim.HttpNfcLease.State.error]:
            timer = Timer(INTERVAL, beat)
            timer.daemon = True
            timer.start()
    except Exception as error:
        seen.append(type(error).__name__)


si = open_session()
pool, spec = import_spec(si, find_vm(si, "demo-vm"), "timer-" + __import__("uuid").uuid4().hex)
seen, percent, refused = [], 0, []
lease = pool.ImportVApp(spec.importSpec)
while lease.state != vim.HttpNfcLease.State.ready:
    pass
timer = Timer(INTERVAL, beat)
timer.daemon = True
timer.start()
try:
    for item in spec.fileItem:
        [target] = [url for url in lease.info.deviceUrl if url.importKey == item.deviceId]
        request = urllib.request.Request(target.url, data=io.BytesIO(b"x" * 4096), method="POST")
        request.add_header("Content-length", "4096")
        try:
            urllib.request.urlopen(request, context=ssl._create_unverified_context()).read()
        except urllib.error.HTTPError as error:
            refused.append((item.path, error.code))
        percent += 20
    if refused:
        raise vmodl.MethodFault(msg="refused")
    lease.Complete()
except vmodl.MethodFault as fault:
    timer.cancel()
    lease.Abort(fault)
report(si, lease, refused=refused, state=lease.state, error=lease.error.msg)
