"""An answer of a server that does not grant a privilege; the simulator grants each."""

from __future__ import annotations

DENIED = """<?xml version="1.0"?>
<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>
<HasPrivilegeOnEntitiesResponse xmlns="urn:vim25"><returnval>
<entity type="VirtualMachine">vm-101</entity>
<privAvailability><privId>VApp.Export</privId><isGranted>false</isGranted></privAvailability>
</returnval></HasPrivilegeOnEntitiesResponse></e:Body></e:Envelope>"""
