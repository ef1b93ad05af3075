"""Work that commits on its own while the caller's transaction stays open: PostgreSQL has no autonomous transactions, so a
thread with a connection of its own does it.

The caller waits, and the database cannot see that it does: the work must not need a lock that the caller holds, and
gives up after `LOCK_TIMEOUT_MS` if it does all the same.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import Final, TypeVar

from django.db import connection, connections, transaction
from django_scopes import scope

T = TypeVar("T")

LOCK_TIMEOUT_MS: Final = 5_000

_one_at_a_time = threading.Lock()
"""Callers hold a connection of the pool while they wait for a second one: one of them at a time can always get it."""


def autonomous(work: Callable[[], T], *, tenant_id: int) -> T:
    """Runs `work` inside a tenant scope, and commits, on a fresh thread and connection; gives its result or raises.

    Context variables are the caller's, so that what is held back or kept quiet there is so here.
    """
    answer: Future[T] = Future()
    context = copy_context()

    def run() -> None:
        try:
            answer.set_result(context.run(_committed, work, tenant_id))
        except BaseException as error:
            answer.set_exception(error)
        finally:
            connections.close_all()

    with _one_at_a_time:
        threading.Thread(target=run, name="autonomous", daemon=True).start()
        return answer.result()


def _committed(work: Callable[[], T], tenant_id: int) -> T:
    # Not `tenant_scope`: it would take the caller's scope, which came along, for one that this connection knows of.
    with scope(tenant=tenant_id), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('app.tenant', %s, true), set_config('lock_timeout', %s, true)",
                [str(tenant_id), str(LOCK_TIMEOUT_MS)],
            )
        return work()
