"""Envelopes, posted as they are."""

from __future__ import annotations

import http.client
from typing import NamedTuple
from urllib.parse import urlsplit

from nfclease.simulator import Simulator

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"


class Answer(NamedTuple):
    status: int
    text: str
    cookie: str | None


class Wire:
    """Posts envelopes as they are."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.cookie: str | None = None

    def post(
        self,
        body: str | bytes,
        action: str | None = '"urn:vim25/8.0.3.0"',
        cookie: str | None = None,
        chunked: bool = False,
    ) -> Answer:
        connection = http.client.HTTPSConnection(
            self.simulator.host, self.simulator.port, context=self.simulator.ssl_context()
        )
        headers = {"Content-Type": "text/xml"}
        if action is not None:
            headers["SOAPAction"] = action
        if cookie or self.cookie:
            headers["Cookie"] = cookie or self.cookie or ""
        data = body.encode() if isinstance(body, str) else body
        path = urlsplit(self.simulator.url).path
        try:
            payload = iter([data]) if chunked else data
            connection.request("POST", path, payload, headers, encode_chunked=chunked)
            response = connection.getresponse()
            text = response.read().decode()
            return Answer(response.status, text, response.getheader("Set-Cookie"))
        finally:
            connection.close()

    def call(self, method: str, moid: str, kind: str, arguments: str = "") -> Answer:
        return self.post(envelope(method, moid, kind, arguments))


def envelope(method: str, moid: str, kind: str, arguments: str = "") -> str:
    return (
        f'<?xml version="1.0"?><s:Envelope xmlns:s="{SOAP}" xmlns:xsi="{XSI}"><s:Body>'
        f'<{method} xmlns="urn:vim25"><_this type="{kind}">{moid}</_this>{arguments}</{method}>'
        "</s:Body></s:Envelope>"
    )
