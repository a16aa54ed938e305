"""What type checkers are told of a lease where pyvmomi's own declarations are vague or missing.

None of this exists at run time: ``_pyvmomi/lease.py`` and ``async_lease.py`` make the methods.
"""

from __future__ import annotations

from pyVmomi import vim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyVmomi import vmodl

    class LeaseSignatures(vim.HttpNfcLease):
        """The other names of each call, and which arguments may be left out."""

        #: pyvmomi's makes every misspelt name an Any.
        __getattr__: None  # type: ignore[assignment, misc]

        def Progress(self, percent: int) -> None: ...  # noqa: N802
        def Complete(self) -> None: ...  # noqa: N802
        def Abort(self, fault: vmodl.MethodFault | None = None) -> None: ...  # noqa: N802
        def GetManifest(self) -> list[vim.HttpNfcLease.ManifestEntry]: ...  # noqa: N802

        def HttpNfcLeaseSetManifestChecksumType(  # noqa: N802
            self,
            deviceUrlsToChecksumTypes: list[vim.KeyValue],  # noqa: N803
        ) -> None: ...
        def HttpNfcLeasePullFromUrls_Task(  # noqa: N802
            self, files: list[vim.HttpNfcLease.SourceFile]
        ) -> vim.Task: ...
        def HttpNfcLeaseProbeUrls(  # noqa: N802
            self, files: list[vim.HttpNfcLease.SourceFile], timeout: int | None = None
        ) -> list[vim.HttpNfcLease.ProbeResult]: ...
        def ProbeUrls(  # noqa: N802
            self, files: list[vim.HttpNfcLease.SourceFile], timeout: int | None = None
        ) -> list[vim.HttpNfcLease.ProbeResult]: ...

    class AsyncLeaseSignatures:
        """The calls that ``async_lease.py`` makes by name alone."""

        async def HttpNfcLeaseSetManifestChecksumType(  # noqa: N802
            self,
            deviceUrlsToChecksumTypes: list[vim.KeyValue],  # noqa: N803
        ) -> None: ...
        async def SetManifestChecksumType(  # noqa: N802
            self,
            deviceUrlsToChecksumTypes: list[vim.KeyValue],  # noqa: N803
        ) -> None: ...
        async def HttpNfcLeasePullFromUrls_Task(  # noqa: N802
            self, files: list[vim.HttpNfcLease.SourceFile]
        ) -> vim.Task: ...
        async def PullFromUrls(  # noqa: N802
            self, files: list[vim.HttpNfcLease.SourceFile]
        ) -> vim.Task: ...
        async def HttpNfcLeaseProbeUrls(  # noqa: N802
            self, files: list[vim.HttpNfcLease.SourceFile], timeout: int | None = None
        ) -> list[vim.HttpNfcLease.ProbeResult]: ...
        async def ProbeUrls(  # noqa: N802
            self, files: list[vim.HttpNfcLease.SourceFile], timeout: int | None = None
        ) -> list[vim.HttpNfcLease.ProbeResult]: ...

else:
    LeaseSignatures = vim.HttpNfcLease
    AsyncLeaseSignatures = object
