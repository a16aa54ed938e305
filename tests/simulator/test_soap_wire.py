"""Envelopes as they are on the wire: what other encoders send, and what nobody should."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest

from nfclease.simulator import Simulator

from .support.wire import SOAP, Wire, envelope

NAME = envelope("Fetch", "group-d1", "Folder", "<prop>name</prop>")
#: As Go's encoder writes it: default namespaces everywhere, no prefix, no declaration.
GO = (
    f'<Envelope xmlns="{SOAP}"><Body><Fetch xmlns="urn:vim25">'
    '<_this xmlns="urn:vim25" type="Folder">group-d1</_this><prop xmlns="urn:vim25">name</prop>'
    "</Fetch></Body></Envelope>"
)


@pytest.fixture
def wire(simulator: Simulator) -> Iterator[Wire]:
    wire = Wire(simulator)
    login = f"<userName>{simulator.user}</userName><password>{simulator.password}</password>"
    answer = wire.call("Login", "SessionManager", "SessionManager", login)
    assert answer.cookie is not None
    wire.cookie = answer.cookie.partition(";")[0]
    yield wire
    wire.call("Logout", "SessionManager", "SessionManager")


def test_the_cookie_is_quoted_and_kept_from_scripts(simulator: Simulator, wire: Wire) -> None:
    login = f"<userName>{simulator.user}</userName><password>{simulator.password}</password>"
    cookie = wire.call("Login", "SessionManager", "SessionManager", login).cookie
    assert cookie is not None
    value, *attributes = (part.strip() for part in cookie.split(";"))
    assert value.startswith('vmware_soap_session="')
    assert value.endswith('"')
    assert {"Path=/", "HttpOnly", "Secure"} <= set(attributes)


@pytest.mark.parametrize("chunked", [False, True])
def test_default_namespaces_and_chunks_as_go_sends_them(wire: Wire, chunked: bool) -> None:
    answer = wire.post(GO, action="urn:vim25/9.1.0.0", chunked=chunked)
    assert (answer.status, ">Datacenters<" in answer.text) == (200, True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        GO[:-20],
        f'<Envelope xmlns="{SOAP}"/>',
        f'<Envelope xmlns="{SOAP}"><Body/></Envelope>',
        "<!DOCTYPE a [<!ENTITY x 'y'>]>" + GO,
        GO.replace(' type="Folder"', ""),
        GO.replace('type="Folder"', 'type="Nope"'),
        envelope("HttpNfcLeaseProgress", "x", "HttpNfcLease", "<percent>abc</percent>"),
        envelope("HttpNfcLeaseProgress", "x", "HttpNfcLease", "<unknown>1</unknown>"),
        envelope("CreateContainerView", "ViewManager", "ViewManager"),
        envelope("NoSuchMethod", "group-d1", "Folder", "<a><b>1</b></a>"),
        GO.replace("<prop", "<a>" * 20000),
    ],
)
def test_what_cannot_be_read_is_an_invalid_request(wire: Wire, body: str | bytes) -> None:
    answer = wire.post(body)
    assert answer.status == 500
    assert "InvalidRequestFault" in answer.text
    assert wire.post(NAME).status == 200  # and the server lives on


def test_a_method_that_an_object_does_not_have_is_named(wire: Wire) -> None:
    answer = wire.call("AcquireTicket", "group-d1", "Folder", "<ticketType>webmks</ticketType>")
    assert answer.status == 500
    assert "<faultcode>ServerFaultCode</faultcode>" in answer.text
    assert '<MethodNotFoundFault xmlns="urn:vim25" xsi:type="MethodNotFound">' in answer.text
    assert "<method>AcquireTicket</method>" in answer.text


def test_only_the_way_in_is_open(simulator: Simulator) -> None:
    stranger = Wire(simulator)
    service = ("ServiceInstance", "ServiceInstance")
    assert stranger.call("RetrieveServiceContent", *service).status == 200
    assert stranger.call("CurrentTime", *service).status == 200
    assert stranger.call("Fetch", *service, "<prop>content</prop>").status == 200
    for refused in (NAME, envelope("Logout", "SessionManager", "SessionManager")):
        assert "NotAuthenticatedFault" in stranger.post(refused).text
    wrong = f"<userName>{simulator.user}</userName><password>wrong</password>"
    answer = stranger.call("Login", "SessionManager", "SessionManager", wrong)
    assert (answer.status, answer.cookie) == (500, None)
    assert "InvalidLoginFault" in answer.text


def test_the_versions_that_a_client_may_choose_from(simulator: Simulator) -> None:
    connection = http.client.HTTPSConnection(
        simulator.host, simulator.port, context=simulator.ssl_context()
    )
    try:
        connection.request("GET", "/sdk/vimServiceVersions.xml")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    assert "<name>urn:vim25</name><version>8.0.3.0</version>" in text
    assert "<version>6.5</version>" in text
