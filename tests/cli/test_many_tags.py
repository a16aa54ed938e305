"""``nfclease export --tag``, and templates, against vcsim: its REST API is govmomi's own."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pyVmomi import vim

from nfclease.simulator import Simulator

from ..peers.run import Vcsim, govc
from ..support.command import Command, govc_environment, objects


def environment(server: Vcsim, **changed: str) -> dict[str, str]:
    return {
        "GOVC_URL": server.url,
        "GOVC_USERNAME": server.user,
        "GOVC_PASSWORD": server.password,
        "GOVC_INSECURE": "1",
        **changed,
    }


@pytest.fixture(scope="module")
def tagged() -> Iterator[Vcsim]:
    """Three VMs: of the tag ``nightly`` of one category one VM, of another two and a folder."""
    with Vcsim(machines=3) as server:
        env = environment(server) | {"GOVC_PERSIST_SESSION": "false"}
        for line in (
            "tags.category.create backup",
            "tags.category.create -m team/a",
            "tags.create -c backup nightly",
            "tags.create -c team/a nightly",
            "tags.create -c team/a weekly",
            "tags.create -c backup never",
            "tags.attach -c backup nightly /DC0/vm/DC0_C0_RP0_VM0",
            "tags.attach -c team/a nightly /DC0/vm/DC0_C0_RP0_VM1",
            "tags.attach -c team/a weekly /DC0/vm/DC0_C0_RP0_VM1",
            "tags.attach -c team/a weekly /DC0/vm/DC0_C0_RP0_VM2",
            "tags.attach -c team/a weekly /DC0/vm",
        ):
            done = govc(*line.split(), env=env)
            assert done.returncode == 0, (line, done.stderr)
        yield server


def chosen(server: Vcsim, tag: str, folder: Path, **changed: str) -> tuple[set[str], str]:
    """The VMs of a tag, and what was said."""
    nfclease = Command(environment(server, **changed))
    done = nfclease("export", "--tag", tag, "-o", folder / "{vm}.ova", "--dry-run", "--json")
    assert done.code == 0, done.stderr
    rows = [row for row in objects(done.stdout) if row["type"] == "vm"]
    return {row["vm"].rpartition("_")[2] for row in rows}, done.stderr


def test_a_tag_of_a_category(tagged: Vcsim, tmp_path: Path) -> None:
    assert chosen(tagged, "backup/nightly", tmp_path) == ({"VM0"}, "")
    assert chosen(tagged, "team/a/nightly", tmp_path) == ({"VM1"}, "")


def test_a_tag_alone_and_what_is_not_a_vm(tagged: Vcsim, tmp_path: Path) -> None:
    names, said = chosen(tagged, "weekly", tmp_path)
    assert names == {"VM1", "VM2"}
    assert said == "nfclease: warning: 1 with the tag weekly are not VMs, and left out\n"


def test_a_pinned_server(tagged: Vcsim, tmp_path: Path) -> None:
    """The REST API is trusted as the other one is."""
    known = tmp_path / "known_hosts"
    known.write_text(f"{tagged.host}:{tagged.port} {tagged.sha256}\n")
    pinned = {"GOVC_INSECURE": "", "GOVC_TLS_KNOWN_HOSTS": str(known)}
    assert chosen(tagged, "backup/nightly", tmp_path, **pinned) == ({"VM0"}, "")


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("nightly", "tag 'nightly': there are 2: backup/nightly, team/a/nightly"),
        ("backup/weekly", "tag 'backup/weekly' not found, or this user cannot see it"),
        ("never", "found no VM with the tag never that this user can see"),
    ],
)
def test_a_tag_that_is_not_one(tagged: Vcsim, tmp_path: Path, tag: str, said: str) -> None:
    nfclease = Command(environment(tagged))
    done = nfclease("export", "--tag", tag, "-o", tmp_path / "{vm}.ova")
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"nfclease: {said}")


def test_a_server_without_tags(simulator: Simulator, tmp_path: Path) -> None:
    done = Command(govc_environment(simulator))("export", "--tag", "a", "-o", tmp_path / "{vm}")
    assert (done.code, done.stdout) == (2, "")
    assert "has no tags: --tag needs a vCenter" in done.stderr
    assert simulator.password not in done.stderr


def test_templates_are_left_out_and_named(vcsim: Vcsim, tmp_path: Path) -> None:
    with vcsim.connect() as connected:
        service: Any = connected
        view = service.content.viewManager.CreateContainerView(
            service.content.rootFolder, [vim.VirtualMachine], True
        )
        machine = view.view[0]
        machine.MarkAsTemplate()
        name = machine.name
    nfclease = Command(environment(vcsim))
    done = nfclease("export", "--all-in", "DC0", "-o", tmp_path / "{vm}.ova", "--dry-run")
    assert f"nfclease: warning: templates are left out: /DC0/vm/{name}\n" in done.stderr
    assert "found no VM in DC0" in done.stderr


class Newer(BaseHTTPRequestHandler):
    """The API of today, as Broadcom's reference has it, in front of the older one of vcsim."""

    old: tuple[str, int] = ("", 0)
    seen: list[str] = []  # noqa: RUF012

    def do(self) -> None:
        self.seen.append(f"{self.command} {self.path}")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        if path.startswith("/rest"):
            self.send_error(404)
            return
        if path.startswith("/api/"):
            head, _, key = path.removeprefix("/api/").removeprefix("cis/").rpartition("/")
            path = f"/rest/com/vmware/cis/{head}/{key}".replace("//", "/")
            if key.startswith("urn:"):
                path = f"/rest/com/vmware/cis/{head}/id:{key}"
            query = f"~{query}" if query else ""
        connection = http.client.HTTPConnection(*self.old)
        connection.request(self.command, f"{path}?{query}".rstrip("?"), body, dict(self.headers))
        answer = connection.getresponse()
        content = answer.read()
        if self.path.startswith("/api/") and content:
            content = json.dumps(json.loads(content)["value"]).encode()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() in ("content-type", "set-cookie"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = do  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def test_the_api_of_today(tmp_path: Path) -> None:
    with Vcsim(tls=False) as server:
        env = environment(server) | {"GOVC_PERSIST_SESSION": "false"}
        for line in (
            "tags.category.create backup",
            "tags.create -c backup nightly",
            "tags.attach -c backup nightly /DC0/vm/DC0_C0_RP0_VM0",
        ):
            assert govc(*line.split(), env=env).returncode == 0
        Newer.old = (server.host, server.port)
        with ThreadingHTTPServer(("127.0.0.1", 0), Newer) as front:
            Thread(target=front.serve_forever, daemon=True).start()
            try:
                url = f"http://127.0.0.1:{front.server_port}"
                assert chosen(server, "nightly", tmp_path, GOVC_URL=url) == ({"VM0"}, "")
            finally:
                front.shutdown()
    rest = [line for line in Newer.seen if "/sdk" not in line]
    assert rest[0] == "POST /api/session"
    assert rest[-1] == "DELETE /api/session"
    assert not any("/rest" in line for line in rest)
