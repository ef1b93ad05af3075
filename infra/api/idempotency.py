"""Writes that may be repeated: the same `Idempotency-Key` with the same body gives the first answer again.

The record is inserted before the write and in its transaction. So a second, simultaneous request waits at the unique
index until the first has committed, and finds its answer; and a refused request leaves no record, because it is rolled
back. An answer that shows a secret once is stored sealed, so that nobody can read it out of the table.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core.errors import conflict, invalid
from infra.actor import Actor
from infra.api.renderers import JSON_TYPE
from infra.crypto import seal, unseal
from infra.models import IdempotencyRecord

HEADER: Final = "Idempotency-Key"
KEPT_FOR: Final = timedelta(hours=24)
WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})

_VISIBLE = re.compile(r"[\x21-\x7e]{1,128}")
_TABLE = IdempotencyRecord._meta.db_table

# A record older than a day is taken over; a living one makes the statement return nothing.
_CLAIM = f"""
INSERT INTO {_TABLE} AS held (tenant_id, user_id, account_id, key, request_hash, status, answer, created_at)
VALUES (%s, %s, %s, %s, %s, 0, '', %s)
ON CONFLICT (tenant_id, user_id, account_id, key) DO UPDATE
SET request_hash = EXCLUDED.request_hash, status = 0, answer = '', created_at = EXCLUDED.created_at
WHERE held.created_at <= %s
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to carry out one keyed write; `keep` stores its answer."""

    record_id: int
    tenant_id: int
    secret: bool

    def keep(self, response: HttpResponse) -> None:
        """Stores the answer, in the transaction of the write itself."""
        answer = response.content
        if self.secret:
            answer = seal(answer.decode(), tenant_id=self.tenant_id, table=_TABLE, row=self.record_id).encode()
        IdempotencyRecord.objects.filter(pk=self.record_id).update(status=response.status_code, answer=answer)


def claim(request: HttpRequest, actor: Actor, at: datetime, *, secret: bool = False) -> Claim | HttpResponse | None:
    """None for a request without a key; the stored answer of a repetition; else the claim to carry the write out.

    `secret` says that the answers of this address are kept sealed.

    Raises 400 for a key that is no key, 409 `IDEMPOTENCY_KEY_REUSED` for a key that was used with another request.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not _VISIBLE.fullmatch(key):
        raise invalid(HEADER, _("must have 1 to 128 visible ASCII characters"))
    if not connection.in_atomic_block:
        raise RuntimeError("a keyed write needs the transaction that the tenant scope opens")
    digest = _hash_of(request)
    owner = (actor.tenant_id, actor.user_id, actor.account_id, key)
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, (*owner, digest, at, at - KEPT_FOR))
        claimed = cursor.fetchone()
    if claimed is not None:
        return Claim(claimed[0], actor.tenant_id, secret)
    return _first_answer(owner, digest, secret)


def forget_idempotency_records(*, at: datetime) -> int:
    """Deletes the current tenant's records older than a day; gives their number. For the periodic clean-up."""
    deleted, _by_table = IdempotencyRecord.objects.filter(created_at__lte=at - KEPT_FOR).delete()
    return deleted


def _first_answer(owner: tuple[int, int, int | None, str], digest: bytes, secret: bool) -> HttpResponse:
    tenant_id, user_id, account_id, key = owner
    record = IdempotencyRecord.objects.get(tenant_id=tenant_id, user_id=user_id, account_id=account_id, key=key)
    if bytes(record.request_hash) != digest:
        raise conflict("IDEMPOTENCY_KEY_REUSED", _("This Idempotency-Key was used for another request."))
    answer = bytes(record.answer)
    if secret:
        answer = unseal(answer.decode(), tenant_id=tenant_id, table=_TABLE, row=record.pk).encode()
    return HttpResponse(answer, status=record.status, content_type=JSON_TYPE)


def _hash_of(request: HttpRequest) -> bytes:
    head = f"{request.method} {request.get_full_path()}\n".encode()
    return sha256(head + request.body).digest()
