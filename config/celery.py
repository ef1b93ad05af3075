"""The Celery application. Workers are told apart by queue: `copy`, `default`."""

import os
from typing import Any

from celery import Celery, bootsteps

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("copytrade")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


class DoorbellStep(bootsteps.StartStopStep):
    """Starts the doorbell in workers that consume the `copy` queue."""

    requires = {"celery.worker.components:Pool"}

    def __init__(self, worker: Any, **kwargs: Any) -> None:
        super().__init__(worker, **kwargs)
        self._thread: Any = None

    def start(self, worker: Any) -> None:
        if "copy" not in worker.app.amqp.queues.consume_from:
            return
        from copytrade.engine.doorbell import DoorbellThread  # needs Django to be ready, which it is only now

        self._thread = DoorbellThread()
        self._thread.start()

    def stop(self, worker: Any) -> None:
        if self._thread is not None:
            self._thread.stop()
            self._thread.join(timeout=10)


app.steps["worker"].add(DoorbellStep)
