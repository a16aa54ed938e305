# The native core. Private: the public face is the typed Python beside it.
from collections.abc import Awaitable
from os import PathLike
from typing import Any, Literal, TypeAlias, final

_Reply: TypeAlias = tuple[int, str, bytes]
_Row: TypeAlias = tuple[int, str, str, Literal["manifest", "stream"], float, int]

__all__ = [
    "DeviceUrl",
    "Lease",
    "Session",
    "Transfer",
    "Work",
    "__version__",
    "bench_get",
    "bench_put",
    "finish_at_exit",
    "safe_names",
]

__version__: str

@final
class Session:
    def __new__(
        cls,
        url: str,
        soap_action: str,
        *,
        verify: str,
        ca_certificates: list[bytes] | None = None,
        thumbprint: str | None = None,
        server_certificate: str | None = None,
        identity: tuple[bytes, bytes] | None = None,
        proxy: tuple[str, list[tuple[str, str]]] | None = None,
        timeout: float = 60.0,
    ) -> Session: ...
    def set_credentials(
        self, cookie: str, session_id: str, soap_header: str, headers: list[tuple[str, str]]
    ) -> None: ...

@final
class DeviceUrl:
    def __new__(
        cls,
        *,
        key: str,
        url: str,
        import_key: str,
        ssl_thumbprint: str,
        ssl_certificate: str,
        disk: bool | None,
        target_id: str,
        file_size: int | None,
    ) -> DeviceUrl: ...

@final
class Transfer:
    def wait(self, timeout: float | None = None) -> _Row | None: ...
    def ended(self) -> Awaitable[None]: ...
    def outcome(self) -> _Row | None: ...
    def seen(self) -> None: ...
    def done(self) -> bool: ...
    def cancel(self) -> None: ...
    def progress(self) -> tuple[int, int | None, int]: ...

@final
class Work:
    def wait(self) -> Any: ...
    def ended(self) -> Awaitable[None]: ...
    def result(self) -> Any: ...

@final
class Lease:
    def __new__(
        cls,
        session: Session,
        moid: str,
        *,
        checksum_type: str | None,
        keep_alive: bool,
        keep_alive_interval: float | None,
        max_concurrency: int,
        max_retries: int,
        retry_timeout: float,
        timeout: float,
        require_manifest: bool,
        verify_format: bool,
        allow_http: bool,
    ) -> Lease: ...
    def phase(self) -> str: ...
    def disk_capacity(self) -> int: ...
    def is_held(self) -> bool: ...
    def wait_ready(self, timeout: float) -> Work: ...
    def refresh(self) -> None: ...
    def call(self, method: str, envelope: bytes) -> _Reply: ...
    def progress(self, percent: int, envelope: bytes) -> _Reply: ...
    def complete(self, envelope: bytes) -> _Reply: ...
    def abort(self, envelope: bytes) -> _Reply: ...
    def finish(self) -> Work: ...
    def give_up(self, reason: str) -> Work: ...
    def abandon(self, reason: str) -> None: ...
    def let_go(self) -> None: ...
    def download_to_path(
        self, device_url: DeviceUrl, path: str | PathLike[str], overwrite: bool
    ) -> Transfer: ...
    def download_to_file(self, device_url: DeviceUrl, file: Any) -> Transfer: ...
    def upload_path(
        self, device_url: DeviceUrl, create: bool, path: str | PathLike[str]
    ) -> Transfer: ...
    def upload_bytes(self, device_url: DeviceUrl, create: bool, data: bytes) -> Transfer: ...
    def upload_file(
        self, device_url: DeviceUrl, create: bool, file: Any, length: int
    ) -> Transfer: ...

def finish_at_exit(timeout: float) -> None: ...
def safe_names(target_ids: list[str]) -> list[str]: ...
def bench_get(url: str, path: str | PathLike[str], *, thumbprint: str) -> tuple[int, str]: ...
def bench_put(
    url: str, path: str | PathLike[str], *, thumbprint: str, method: str = "POST"
) -> tuple[int, str]: ...
