"""How fast all leases of the process may move bytes, or one of them."""

from __future__ import annotations

from nfclease import _core
from nfclease._arguments import check_options
from nfclease.lease import HttpNfcLease

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nfclease.async_lease import AsyncHttpNfcLease

__all__ = ["set_max_bytes_per_second"]


def set_max_bytes_per_second(
    rate: int | None, lease: HttpNfcLease | AsyncHttpNfcLease | None = None
) -> int | None:
    """Limits how fast bytes move, from now on and also in transfers that run.

    All leases of the process share one limit, and all transfers of a lease share the lease's: what
    runs has it in equal parts, and what ends leaves its part to the others. A transfer is under
    both. The bytes of the files count, downloads and uploads together; vSphere's calls and the
    keep-alive wait for no limit, and neither does a cancellation or an Abort.

    Args:
        rate: Bytes per second, 1024 or more; None means without a limit, which is how a process
            begins.
        lease: The lease whose limit it is, in place of its ``max_bytes_per_second``. None means the
            limit of the process.

    Returns:
        What the limit was before.

    Raises:
        TypeError: `rate` is not an int.
        ValueError: `rate` is out of its range.
        RuntimeError: `lease` is not open yet: ``async with`` opens it.

    Examples:
        >>> import nfclease
        >>> nfclease.set_max_bytes_per_second(50_000_000)  # all leases of the process together
        >>> nfclease.set_max_bytes_per_second(None)
        50000000
    """
    check_options({"max_bytes_per_second": rate})
    if lease is None:
        return _core.set_max_bytes_per_second(rate)
    shared = lease._nfc_shared if isinstance(lease, HttpNfcLease) else lease._shared
    return shared.native.set_max_bytes_per_second(rate)
