"""What `import nfclease` refuses, and what it does not load."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)


def test_a_free_threaded_python_is_refused() -> None:
    """By what such a Python says of itself; there is none of them on most machines."""
    there = "3.14.0 free-threading build (main, Oct  7 2025, 10:00:00) [GCC 12.2.0]"
    done = run(f"import sys; sys.version = {there!r}; import nfclease")
    assert done.returncode == 1
    assert "ImportError: nfclease was never tried on a free-threaded Python" in done.stderr


def test_what_is_not_needed_is_not_loaded() -> None:
    """What costs an import the most, beyond what pyvmomi has loaded already."""
    heavy = {"asyncio", "html", "logging", "rich", "IPython", "aiohttp", "requests"}
    heavy |= {"typing", "dataclasses", "inspect", "concurrent.futures", "collections.abc"}
    heavy |= {
        f"nfclease.{name}"
        for name in ("async_lease", "progress", "_backends.asyncio", "_local.places")
    }
    done = run(
        "import sys, pyVmomi; before = set(sys.modules); from nfclease import HttpNfcLease\n"
        f"print(*sorted({heavy!r} & (sys.modules.keys() - before)))"
    )
    assert (done.stdout, done.stderr) == ("\n", "")


def test_what_is_loaded_later_is_there() -> None:
    done = run(
        "import nfclease\n"
        "print(nfclease.async_lease.AsyncHttpNfcLease is nfclease.AsyncHttpNfcLease)\n"
        "from nfclease import *\n"
        "print(TransferProgress.__name__, hasattr(nfclease, 'no_such_name'))"
    )
    assert (done.stdout, done.stderr) == ("True\nTransferProgress False\n", "")


#: What neither ``import nfclease`` nor the command's help needs.
NOT_FOR_HELP = {"pyVmomi", "pyVim", "asyncio", "logging", "ssl", "socket", "http", "json", "typing"}
NOT_FOR_HELP |= {"dataclasses", "inspect", "concurrent", "email", "urllib", "subprocess", "rich"}
NOT_FOR_HELP |= {"nfclease._core", "nfclease.lease"}


@pytest.mark.parametrize(
    "use",
    [
        "import nfclease",
        "from nfclease import NfcError",
        "from nfclease.cli.main import main; main(['--help'])",
        "from nfclease.cli.main import main; main(['export', '--help'])",
        "from nfclease.cli.main import main; main(['no-such-command'])",
    ],
)
def test_pyvmomi_is_loaded_by_who_uses_it(use: str) -> None:
    done = run(f"import sys\n{use}\nprint('loaded', *sorted({NOT_FOR_HELP!r} & {{*sys.modules}}))")
    assert done.stdout.splitlines()[-1] == "loaded"


def test_what_a_script_registers_after_the_import_runs_before_our_end() -> None:
    """As it was when the import loaded all: a script may wait for its threads there."""
    done = run(
        "import atexit, nfclease\n"
        "atexit.register(print, 'the script')\n"
        "from nfclease import HttpNfcLease, _open_leases\n"
        "_open_leases.abort_at_exit = lambda: print('nfclease')"
    )
    assert (done.stdout, done.stderr) == ("the script\nnfclease\n", "")
