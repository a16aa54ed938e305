"""``CreateImportSpec``: what the caller chose, and what the server makes of it."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from pyVmomi import vim

from nfclease.appliance._said import raise_first, text_of
from nfclease.exceptions import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nfclease.appliance._import_choices import Choices
    from nfclease.appliance._import_place import Place

#: How a descriptor in UTF-16 begins, with a mark and without.
_UTF16 = {"utf-16-le": (codecs.BOM_UTF16_LE, b"<\0"), "utf-16-be": (codecs.BOM_UTF16_BE, b"\0<")}


class Spec(NamedTuple):
    """What the server answered.

    Attributes:
        import_spec: For ``ImportVApp``.
        items: The files that it wants, in the order in which it wants those of one device.
        warnings: What it finds odd.
    """

    import_spec: Any
    items: list[Any]
    warnings: list[str]


def spec_of(place: Place, choices: Choices, text: str, name: str) -> Spec:
    """Asks the server about a descriptor, by its text and its name. Blocks.

    Raises:
        vmodl.MethodFault: What is wrong with the descriptor or with a choice, as the server says.
    """
    api: Any = vim.OvfManager
    pair: Any = vim.KeyValue
    params = api.CreateImportSpecParams(
        locale="",
        deploymentOption=choices.deployment_option,
        entityName=choices.name,
        hostSystem=place.host,
        networkMapping=[
            api.NetworkMapping(name=name, network=network)
            for name, network in place.networks.items()
        ],
        propertyMapping=[pair(key=key, value=value) for key, value in choices.properties.items()],
    )
    if choices.disk_provisioning:
        params.diskProvisioning = choices.disk_provisioning
    manager: Any = place.content.ovfManager
    made = manager.CreateImportSpec(text, place.pool, place.datastore, params)
    if made is None:
        raise ProtocolError("CreateImportSpec answered with something else than a result")
    if made.error:
        raise_first(made.error, f"CreateImportSpec refused {name}")
    if made.importSpec is None:
        raise ProtocolError("CreateImportSpec answered with neither an importSpec nor an error")
    return Spec(
        made.importSpec, list(made.fileItem or ()), [text_of(each) for each in made.warning or ()]
    )


def descriptor_text(data: bytes) -> str:
    """The text of a descriptor that was read before, as a server takes it: without marks.

    What says that it is UTF-16 would be wrong of a text in a SOAP envelope.
    """
    for encoding, starts in _UTF16.items():
        if data.startswith(starts):
            text = data.decode(encoding).removeprefix("\ufeff")
            return re.sub(r"""(<\?xml[^>]*?)\s+encoding=["'][^"']*["']""", r"\1", text, count=1)
    return data.decode("utf-8-sig")
