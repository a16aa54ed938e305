"""Messages of the API with the command's options in place of its keywords."""

from __future__ import annotations

import re

__all__ = ["in_options", "without_password"]

#: From how the API says it to how the command does; the first ones are at a message's start.
_WORDS = [
    (r"^networks\[(.+?)\]:", r"--network \1=...:"),
    (r"^properties\[(.+?)\] is", r"--property \1=... is"),
    (r"^networks:", "--network:"),
    (r"^properties:", "--property:"),
    (r"^deployment_option:", "--deployment-option:"),
    (r"^disk_provisioning must", "--disk-provisioning must"),
    (r"^export_options:", "--export-option:"),
    (r"^datastore= must", "--datastore must"),
    (r"^folder= is", "--folder is"),
    (r"^qcow2_compression is", "--qcow2-compression is"),
    (r"^vmdk_compression is", "--vmdk-compression is"),
    (r"\bfor disk_format='qcow2'", "for --format qcow2"),
    (r"\bfor to='vmdk'", "for --to vmdk"),
    (r"\bsay with to= what", "say with --to what"),
    (r"\bpass name= to", "give --name to"),
    (r"\bpass snapshot=True\b", "give --snapshot"),
    (r"\bnetworks=\{(.+?): \.\.\.\} maps it", r"--network \1=... maps it"),
    (r"\b(overwrite|strict|pull|convert|resume)=True\b", r"--\1"),
    (r"; try (the same call again|again with a new lease)$", "; run it again"),
    (r"\bca_file and ssl_thumbprint are\b", "--ca-file and --ssl-thumbprint are"),
]


def in_options(text: str) -> str:
    """The message, with options in the place of keywords."""
    for pattern, words in _WORDS:
        text = re.sub(pattern, words, text)
    return text


def without_password(text: str) -> str:
    """Where an address with a password in it was given for something else, it is not repeated."""
    return re.sub(r"(:/[^\s:@]*):[^\s/@]+@", r"\1:...@", text)
