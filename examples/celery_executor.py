"""Jobs of a fleet on the workers of Celery: an executor over its ``AsyncResult``.

The workers are started in this folder, beside a ``celeryconfig.py`` that names broker and backend:
``celery -A celery_executor worker --pool threads --concurrency 8``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from celery import Celery

app = Celery("exports")
app.config_from_object("celeryconfig")
# Jobs and outcomes are objects of Python. Pickles are code: keep the broker to yourself.
app.conf.update(task_serializer="pickle", result_serializer="pickle", accept_content=["pickle"])
app.conf.update(worker_prefetch_multiplier=1)


@app.task(name="fleet.work")  # type: ignore[untyped-decorator, unused-ignore]
def work(call: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """What a worker does with a job."""
    return call(*arguments)


class CeleryExecutor(Executor):
    """Hands jobs to Celery's workers.

    Args:
        timeout: Seconds after which a job has failed: Celery does not say that a worker died.
    """

    def __init__(self, timeout: float = 8 * 3600.0) -> None:
        self._timeout = timeout
        self._pending: dict[Any, tuple[Future[Any], float]] = {}
        threading.Thread(target=self._follow, daemon=True).start()

    def submit(self, call: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        """Sends a job to the broker."""
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()  # nobody knows whether a worker has begun
        self._pending[work.delay(call, args)] = future, time.monotonic() + self._timeout
        return future

    def _follow(self) -> None:
        """Asks for each result. One thread does: few backends can be used by several."""
        while True:
            time.sleep(0.2)
            for result, (future, until) in list(self._pending.items()):
                try:
                    if result.ready():
                        future.set_result(result.get())
                    elif time.monotonic() > until:
                        raise TimeoutError("no worker of Celery has ended the job in time")
                    else:
                        continue
                except Exception as error:
                    future.set_exception(error)
                del self._pending[result]
