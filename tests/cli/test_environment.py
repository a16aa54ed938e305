"""GOVC_* and the options that win over them; govc's own reading is the judge."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

from nfclease.cli.arguments import add_connection
from nfclease.cli.environment import Settings, settings
from nfclease.cli.failure import UsageError

from ..peers.run import govc


def read(*options: str, **environ: str) -> Settings:
    parser = argparse.ArgumentParser()
    add_connection(parser)
    return settings(parser.parse_args(options), environ)


URLS = [
    "host",
    "host/",
    "host:8989",
    "https://host/sdk",
    "HTTPS://host",
    "http://host",
    "http://host:8080/sdk/",
    "root@host",
    "root:secret@host",
    "root:pa%40%2Fs%3As@host",
    "administrator@vsphere.local:p@ss@host:444/x/y/",
    "host?q=1#f",
    "host/%73dk",
    "host:",
    "u:p:q@host",
]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("more", [{}, {"GOVC_USERNAME": "other"}, {"GOVC_PASSWORD": "another"}])
def test_a_url_as_govc_reads_it(url: str, more: dict[str, str]) -> None:
    done = govc("env", "-x", env={"GOVC_URL": url, **more})
    theirs = dict(line.split("=", 1) for line in done.stdout.splitlines())
    ours = read(GOVC_URL=url, **more)
    assert ours.username == theirs.get("GOVC_USERNAME", "")
    assert (ours.password or "") == theirs.get("GOVC_PASSWORD", "")
    assert ours.scheme == theirs["GOVC_URL_SCHEME"]
    assert ours.host == theirs["GOVC_URL_HOST"]
    assert ours.path == theirs["GOVC_URL_PATH"]
    default = 443 if ours.scheme == "https" else 80
    assert ours.port == int(theirs.get("GOVC_URL_PORT") or default)


@pytest.mark.parametrize("url", ["u:a/b@h", "u:a#b@h", "ftp://h", "https://", "h:x", "h h", "[::1"])
def test_a_url_that_cannot_be_read(url: str) -> None:
    with pytest.raises(UsageError, match="GOVC_URL cannot be read") as caught:
        read(GOVC_URL=url)
    assert "a/b" not in str(caught.value)
    assert "a#b" not in str(caught.value)


@pytest.mark.parametrize("url", ["[::1]:8989", "[fe80::1%25eth0]:8989"])
def test_ipv6(url: str) -> None:
    made = read(GOVC_URL=url)
    assert (made.port, made.host.partition("%")[0] in ("::1", "fe80::1")) == (8989, True)
    assert read(GOVC_URL="[::1]").address == "[::1]:443"


def test_no_url() -> None:
    with pytest.raises(UsageError, match="give --url or set GOVC_URL"):
        read()


@pytest.mark.parametrize(("value", "insecure"), [("1", True), ("TRUE", True), ("yes", False)])
def test_insecure(value: str, insecure: bool) -> None:
    assert read(GOVC_URL="h", GOVC_INSECURE=value).insecure is insecure
    assert read("-k", GOVC_URL="h", GOVC_INSECURE=value).insecure is True


def test_options_win() -> None:
    environ = {"GOVC_URL": "a:b@h", "GOVC_USERNAME": "c", "GOVC_PASSWORD": "d"}
    assert read(**environ).username == "c"
    made = read("--url", "e:f@g", **environ)
    assert (made.host, made.username, made.password) == ("g", "e", "f")
    assert made.password_shown
    made = read("--url", "g", "--username", "x", **environ)
    assert (made.host, made.username, made.password) == ("g", "x", "d")
    assert not made.password_shown
    made = read("--tls-ca-certs", "x:y", GOVC_URL="h", GOVC_TLS_CA_CERTS="z")
    assert made.ca_files == ("x", "y")


def test_secrets_in_files(tmp_path: Path) -> None:
    """As ``session.Secret`` of govmomi: a value that is a file's path means what is in it."""
    (tmp_path / "user").write_text(" someone \n")
    (tmp_path / "password").write_text(" with spaces \n")
    environ = {
        "GOVC_URL": "h",
        "GOVC_USERNAME": str(tmp_path / "user"),
        "GOVC_PASSWORD": str(tmp_path / "password"),
    }
    theirs = govc("env", env=environ).stdout.splitlines()
    made = read(**environ)
    assert f"GOVC_USERNAME={made.username}" in theirs
    assert f"GOVC_PASSWORD={made.password}" in theirs
    made = read("--password-file", str(tmp_path / "password"), **environ)
    assert (made.password, made.password_from) == (" with spaces ", "--password-file")
    made = read(GOVC_URL="h", GOVC_PASSWORD=str(tmp_path))  # a directory is no such file
    assert made.password == str(tmp_path)


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe", b"x" * (1 << 17)])
def test_a_password_file_that_has_none(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=str(path)):
        read("--password-file", str(path), GOVC_URL="h")


def test_no_secret_in_its_text() -> None:
    assert "hush" not in repr(read(GOVC_URL="u:hush@h"))


@pytest.mark.parametrize(
    ("environ", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://proxy:3128"}, ("proxy", 3128)),
        ({"https_proxy": "proxy"}, ("proxy", 80)),
        ({"HTTPS_PROXY": "http://[::2]:3128/"}, ("::2", 3128)),
        ({"HTTPS_PROXY": "proxy:1", "NO_PROXY": "other,vc.example.com"}, None),
        ({"HTTPS_PROXY": "proxy:1", "NO_PROXY": ".example.com"}, None),
        ({"HTTPS_PROXY": "proxy:1", "no_proxy": "example.com:443"}, None),
        ({"HTTPS_PROXY": "proxy:1", "NO_PROXY": "ample.com"}, ("proxy", 1)),
        ({"HTTPS_PROXY": "proxy:1", "NO_PROXY": "*"}, None),
    ],
)
def test_a_proxy(environ: dict[str, str], proxy: Any) -> None:
    assert read(GOVC_URL="vc.example.com", **environ).proxy == proxy
    for local in ("localhost", "127.0.0.1", "[::1]", "http://vc.example.com"):
        assert read(GOVC_URL=local, **environ).proxy is None


def test_a_network_without_proxy() -> None:
    environ = {"HTTPS_PROXY": "proxy:1", "NO_PROXY": "10.0.0.0/8"}
    assert read(GOVC_URL="10.1.2.3", **environ).proxy is None
    assert read(GOVC_URL="11.1.2.3", **environ).proxy == ("proxy", 1)


def test_a_proxy_that_pyvmomi_cannot_use() -> None:
    for proxy in ("http://user:hush@proxy:1", "https://proxy", "socks5://proxy:1"):
        with pytest.raises(UsageError, match="HTTPS_PROXY") as caught:
            read(GOVC_URL="vc.example.com", HTTPS_PROXY=proxy)
        assert "hush" not in str(caught.value)
