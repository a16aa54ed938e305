"""What a caller gave as ``progress``: checked, and made into what shows it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from nfclease._display.reporter import Reporter
    from nfclease.progress import Callback, ProgressOption
    from nfclease.transfer import Transfer


def checked_callback(progress: Callback) -> Callback:
    """Refuses what cannot be called of a transfer in the background.

    Raises:
        TypeError: It is not a callable that takes one argument.
    """
    if isinstance(progress, bool):
        raise TypeError(
            "a bar belongs to a call that waits: use download, upload or download_all, "
            "or pass a callable as progress"
        )
    checked(progress)
    return progress


def checked(progress: ProgressOption) -> ProgressOption:
    """Refuses what cannot show progress, before anything is asked of a server.

    Raises:
        TypeError: It is neither a bool nor a callable that takes one argument.
        ImportError: It is True and rich is not installed.
    """
    if progress is None or progress is False:
        return None
    if progress is True:
        from nfclease._display.shown import check_bars

        check_bars()
        return True
    if not callable(progress):
        raise TypeError(f"progress must be True, None or a callable, not {type(progress).__name__}")
    import inspect  # costs as much as half of the package

    if any(inspect.iscoroutinefunction(form) for form in _forms(progress)):
        raise TypeError("progress is called, not awaited: it must not be a coroutine function")
    try:
        inspect.signature(progress).bind(None)
    except ValueError:
        return progress  # some builtins have no signature to ask
    except TypeError as error:
        raise TypeError(f"progress is called with one snapshot, but: {error}") from None
    return progress


def _forms(progress: Any) -> tuple[Any, ...]:
    """A callable, and what it stands for as a ``functools.partial`` or an object."""
    return (progress, getattr(progress, "func", None), type(progress).__call__)


def reporter(progress: ProgressOption, transfers: Sequence[Transfer]) -> Reporter | None:
    """What shows these transfers; None for nothing."""
    if progress is None or progress is False:
        return None
    if progress is not True:
        from nfclease._display.reporter import Reporter

        return Reporter(transfers, progress)
    from nfclease._display.shown import display

    return display(transfers)
