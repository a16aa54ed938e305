"""What vCenter says of its faults: ``faultstring`` and ``localizedMessage``, by type."""

from __future__ import annotations

import re
from typing import Any

_BLANK = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class _Fields(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return ""


def message_of(kind: Any, fields: dict[str, Any]) -> str:
    """The text of a fault: its own type's, or else the nearest base type's.

    A type without any gets its name in words, for a client shall see which fault it was.
    """
    shown = _Fields({name: _shown(value) for name, value in fields.items()})
    for one in kind.__mro__:
        text = _MESSAGES.get(getattr(one, "_wsdlName", ""))
        if text is not None:
            return text.format_map(shown)
    words = _BLANK.sub(" ", kind._wsdlName).split()
    return " ".join([words[0], *(word if word.isupper() else word.lower() for word in words[1:])])


def _shown(value: Any) -> str:
    if hasattr(value, "_moId"):
        return f"{type(value).__name__}:{value._moId}"
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    text = str(value)
    return {"poweredOn": "Powered on", "poweredOff": "Powered off"}.get(text, text)


_MESSAGES = {
    "AlreadyExists": "The specified key, name, or identifier '{name}' already exists.",
    "CannotAccessFile": "Unable to access file {file}",
    "ConcurrentAccess": "The operation cannot be allowed at the moment because the object was"
    " modified by another operation.",
    "DuplicateName": "The name '{name}' already exists.",
    "FileAlreadyExists": "Cannot complete the operation because the file or folder {file} already"
    " exists",
    "FileFault": "Cannot access file {file}",
    "FileLocked": "Unable to access file {file} since it is locked",
    "FileNotFound": "File {file} was not found",
    "GenericVmConfigFault": "{reason}",
    "HostCommunication": "Unable to communicate with the remote host.",
    "HostNotConnected": "Unable to communicate with the remote host, since it is disconnected.",
    "HttpFault": "The HTTP server answered {statusCode} {statusMessage}",
    "InsufficientResourcesFault": "The host does not have sufficient resources to satisfy the"
    " reservation.",
    "InvalidArgument": "A specified parameter was not correct: {invalidProperty}",
    "InvalidCollectorVersion": "The version is not one that this property collector has given.",
    "InvalidDatastore": "The datastore '{name}' is not valid.",
    "InvalidDatastorePath": "Invalid datastore path '{datastorePath}'.",
    "InvalidDeviceSpec": "Invalid configuration for device '{deviceIndex}'.",
    "InvalidLocale": "The locale is invalid or unknown.",
    "InvalidLogin": "Cannot complete login due to an incorrect user name or password.",
    "InvalidName": "The name '{name}' is invalid.",
    "InvalidPowerState": "The attempted operation cannot be performed in the current state"
    " ({existingState}).",
    "InvalidProperty": "The property '{name}' is not one of this type in this version.",
    "InvalidRequest": "The request refers to an unexpected or unknown type.",
    "InvalidState": "The operation is not allowed in the current state.",
    "InvalidType": "The request refers to an invalid type '{argument}'.",
    "ManagedObjectNotFound": "The object '{obj}' has already been deleted or has not been"
    " completely created",
    "MethodNotFound": "The method '{method}' is not supported by '{receiver}'.",
    "NoDiskSpace": "Insufficient disk space on datastore '{datastore}'.",
    "NoPermission": "Permission to perform this operation was denied.",
    "NotAuthenticated": "The session is not authenticated.",
    "NotEnoughLicenses": "There are not enough licenses installed to perform the operation.",
    "NotFound": "The object or item referred to could not be found.",
    "NotImplemented": "The requested operation is not implemented by the server.",
    "NotSupported": "The operation is not supported on the object.",
    "OutOfBounds": "The value of {argumentName} is out of bounds.",
    "OvfDuplicateElement": "Line {lineNumber}: Duplicate element '{name}'.",
    "OvfElementInvalidValue": "Line {lineNumber}: Invalid value '{value}' for element '{name}'.",
    "OvfInvalidValue": "Line {lineNumber}: Invalid value '{value}' for attribute '{attributeName}'"
    " on element '{elementName}'.",
    "OvfMissingAttribute": "Line {lineNumber}: Missing attribute '{attributeName}' on element"
    " '{elementName}'.",
    "OvfMissingElement": "Line {lineNumber}: Missing child element '{name}'.",
    "OvfNoSupportedHardwareFamily": "Line {lineNumber}: Unsupported hardware family '{version}'.",
    "OvfPropertyValue": "Line {lineNumber}: Invalid value '{value}' for a property of type"
    " '{type}'.",
    "OvfUnsupportedDiskProvisioning": "Disk provisioning type not supported: {diskProvisioning}",
    "OvfUnsupportedElement": "Line {lineNumber}: Unsupported element '{name}'.",
    "OvfUnsupportedSection": "Line {lineNumber}: Unsupported section '{name}' ({info}).",
    "OvfUnsupportedType": "Line {lineNumber}: OVF hardware element '{name}' with instance ID"
    " '{instanceId}': No support for the virtual hardware device type '{deviceType}'.",
    "OvfXmlFormat": "Line {lineNumber}: Could not parse the document: '{description}'.",
    "UnconfiguredPropertyValue": "Property '{label}' must be configured for the VM to power on.",
    "DeviceUnsupportedForVmPlatform": "The device is not supported on this platform: {property}",
    "OvfImportFailed": "The OVF package could not be imported.",
    "RequestCanceled": "The task was canceled by a user.",
    "ResourceInUse": "The resource '{name}' is in use.",
    "RestrictedVersion": "The operation is not supported by this version of the host.",
    "SSLVerifyFault": "Authenticity of the host's SSL certificate is not verified.",
    "SnapshotFault": "An error occurred while taking a snapshot.",
    "SystemError": "A general system error occurred: {reason}",
    "TaskInProgress": "Another task is already in progress.",
    "Timedout": "Operation timed out.",
    "ToolsUnavailable": "Cannot complete operation because VMware Tools is not running in this"
    " virtual machine.",
}
