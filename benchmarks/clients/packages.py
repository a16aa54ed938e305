"""One client that moves a whole package: nfclease, govc, or the community sample's way.

    python -m benchmarks.clients.packages CLIENT export|import --vcenter FILE PATH NAME

It prints what ``common.main`` prints; what govc uses counts, since this process waits for it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import ssl
import subprocess
import sys
import tarfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim

import nfclease

from .common import usage


@dataclass(frozen=True)
class Job:
    """What a client is to do.

    Attributes:
        at: Where the vCenter is, and govc.
        service: A session.
        vm: The VM that is exported.
        path: The package.
        name: What an imported VM is called.
    """

    at: dict[str, str]
    service: Any
    vm: Any
    path: str
    name: str


@contextmanager
def session(at: dict[str, str]) -> Iterator[tuple[Any, Any]]:
    """Logs in for the block, and finds the VM."""
    context = ssl.create_default_context(cafile=at["ca_file"])
    service = SmartConnect(
        host=at["host"],
        port=int(at["port"]),
        user=at["user"],
        pwd=at["password"],
        sslContext=context,
    )
    try:
        index: Any = service.content.searchIndex
        yield service, index.FindByInventoryPath("DC0/vm/demo-vm")
    finally:
        Disconnect(service)


def export_nfclease(job: Job) -> None:
    nfclease.export_vm(job.vm, job.path, overwrite=True)


def export_one_by_one(job: Job) -> None:
    nfclease.export_vm(job.vm, job.path, overwrite=True, max_concurrency=1)


def import_nfclease(job: Job) -> None:
    nfclease.import_vapp(job.path, job.vm.resourcePool, name=job.name)


def import_sample(job: Job) -> None:
    """One tar member after the other by urllib, no digest: as the community's deploy_ova.py."""
    with tarfile.open(job.path) as ova:
        member = next(each for each in ova if each.name.endswith(".ovf"))
        descriptor = ova.extractfile(member)
        assert descriptor is not None
        params: Any = vim.OvfManager.CreateImportSpecParams
        pool = job.vm.resourcePool
        spec = job.service.content.ovfManager.CreateImportSpec(
            descriptor.read().decode(), pool, job.vm.datastore[0], params(entityName=job.name)
        )
        lease = pool.ImportVApp(spec.importSpec, job.vm.parent)
        while lease.state != vim.HttpNfcLease.State.ready:
            time.sleep(0.1)
        urls = {each.importKey: each.url for each in lease.info.deviceUrl}
        for item in spec.fileItem:
            _send(ova, item, urls[item.deviceId])
            lease.Progress(50)
        lease.Complete()


def _send(ova: tarfile.TarFile, item: Any, url: str) -> None:
    body = ova.extractfile(item.path)
    assert body is not None
    headers = {"Content-length": str(ova.getmember(item.path).size)}
    if item.create:
        headers["Overwrite"] = "t"
    method = "PUT" if item.create else "POST"
    request = urllib.request.Request(url, body, headers, method=method)
    context = ssl._create_unverified_context()
    urllib.request.urlopen(request, context=context).close()


def govc_environment(at: dict[str, str]) -> dict[str, str]:
    """How govc, and all that reads its variables, logs in."""
    return {
        **os.environ,
        "GOVC_URL": f"https://{at['host']}:{at['port']}/sdk",
        "GOVC_USERNAME": at["user"],
        "GOVC_PASSWORD": at["password"],
        "GOVC_TLS_CA_CERTS": at["ca_file"],
        "GOVC_PERSIST_SESSION": "false",
    }


def import_govc(job: Job) -> None:
    _govc(job, "import.ova", "-name", job.name, job.path)


def export_govc(job: Job) -> None:
    _govc(job, "export.ovf", "-sha", "256", "-vm", "demo-vm", job.path)


def _govc(job: Job, *words: str) -> None:
    command, environment = [job.at["govc"], *words], govc_environment(job.at)
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)


JOBS: dict[tuple[str, str], Callable[[Job], None]] = {
    ("nfclease", "export"): export_nfclease,
    ("one-by-one", "export"): export_one_by_one,
    ("nfclease", "import"): import_nfclease,
    ("govc", "export"): export_govc,
    ("govc", "import"): import_govc,
    ("sample", "import"): import_sample,
}


def main() -> None:
    """Does what the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("client")
    parser.add_argument("verb", choices=["export", "import"])
    parser.add_argument("--vcenter", type=Path, required=True)
    parser.add_argument("path")
    parser.add_argument("name")
    args = parser.parse_args()
    at = json.loads(args.vcenter.read_text())
    with session(at) as (service, vm):
        startup, begin = usage(), time.perf_counter()
        JOBS[args.client, args.verb](Job(at, service, vm, args.path, args.name))
        seconds, total = time.perf_counter() - begin, usage()
    if args.client == "govc":
        total["peak_kib"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    json.dump({"files": [], "seconds": seconds, "startup": startup, "total": total}, sys.stdout)


if __name__ == "__main__":
    main()
