"""Short ways to say what nearly every test does."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from pyVmomi import vim


def by_path(service: Any, path: str) -> Any:
    found = service.content.searchIndex.FindByInventoryPath(f"DC0/{path}")
    assert found is not None
    return found


def ready(lease: Any) -> Any:
    wait_until(lambda: lease.state != "initializing")
    assert lease.state == "ready", lease.error
    return lease


def wait_until(condition: Callable[[], Any], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def disks(lease: Any) -> list[Any]:
    return [url for url in lease.info.deviceUrl if url.disk]


def request(
    method: str, url: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[http.client.HTTPResponse, bytes]:
    """One request on a connection of its own, with a certificate that is not checked."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(
            parts.hostname, parts.port, context=context, timeout=20
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    try:
        connection.request(method, parts.path, body, headers or {})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def get(url: str) -> bytes:
    response, body = request("GET", url)
    assert response.status == 200
    return body


def manifest(lease: Any) -> dict[str, Any]:
    return {entry.key: entry for entry in lease.GetManifest()}


def running(entity: Any) -> list[Any]:
    """The tasks of an entity that have not ended."""
    return [task for task in entity.recentTask if task.info.state == "running"]


def wait_for_task(task: Any) -> Any:
    wait_until(lambda: task.info.state not in ("queued", "running"))
    info = task.info
    if info.error is not None:
        raise info.error
    assert info.state == vim.TaskInfo.State.success
    return info.result
