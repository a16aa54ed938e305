"""The way to a streamOptimized VMDK: what is asked for, and the work."""

from __future__ import annotations

from dataclasses import dataclass

from nfclease import _core
from nfclease.appliance._reading import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SOURCE_FORMATS = ("raw", "qcow2", "vmdk")
COMPRESSIONS = ("libdeflate", "zlib")


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """How a stream is made, in the words of ``convert``.

    Raises:
        ValueError: A word is none of those.
    """

    source_format: str | None = None
    compression: str = "libdeflate"

    def __post_init__(self) -> None:
        if self.source_format not in (None, *SOURCE_FORMATS):
            known = ", ".join(SOURCE_FORMATS)
            raise ValueError(
                f"source_format must be one of {known} or None, not {self.source_format!r}"
            )
        if self.compression not in COMPRESSIONS:
            known = ", ".join(COMPRESSIONS)
            raise ValueError(f"vmdk_compression must be one of {known}, not {self.compression!r}")

    def check_target(self, to: str) -> None:
        """Refuses what another target than a stream does not use."""
        if to != "vmdk" and self.compression != COMPRESSIONS[0]:
            raise ValueError(f"vmdk_compression is for to='vmdk', not for {to!r}")


class Encoding(Reading):
    """A disk that is read while a stream is made of it."""

    def __init__(self, source: str, target: str, how: Encoded, **options: Any) -> None:
        super().__init__(source, sums=[])
        self._target, self._how, self._options = target, how, options

    def _begin(self, package: None) -> _core.Reading:
        return _core.Reading.of_encoding(
            self.name,
            self._target,
            format=self._how.source_format,
            compression=self._how.compression,
            **self._options,
        )

    def _keep(self, found: Any) -> None:
        self.disk = found
