"""Ending quarantines: by the follower's owner, by staff, or because the leader holds nothing there any more (D08)."""

from datetime import datetime

from django.utils.translation import gettext as _

from copytrade.models import EntryRejections, Quarantine
from copytrade.services.roles import accounts_lock
from core.errors import not_found
from infra.bulk import hot_cursor

# Once the leader is flat in the contract there is nothing left that a new entry could contradict.
_FLAT = b"""
q.released_at IS NULL AND q.release = 'WHEN_LEADER_FLAT' AND q.tenant_id = %s
AND NOT EXISTS (SELECT 1 FROM trading_trade t JOIN trading_instrument i ON i.id = t.instrument_id
                WHERE t.account_id = q.leader_id AND t.state = 0 AND t.cmd < 2 AND i.symbol = q.leader_symbol)
"""
_WAITING_SQL = b"SELECT DISTINCT q.follower_id FROM copytrade_quarantine q WHERE " + _FLAT
_FLAT_SQL = (
    b"UPDATE copytrade_quarantine q SET released_at = %s WHERE q.follower_id = ANY(%s::bigint[]) AND "
    + _FLAT
    + b"RETURNING q.follower_id, q.symbol"
)
_FORGET_SQL = b"""
DELETE FROM copytrade_entryrejections r USING unnest(%s::bigint[], %s::text[]) AS f (follower_id, symbol)
WHERE r.follower_id = f.follower_id AND r.symbol = f.symbol
"""


def quarantine_release(*, quarantine_id: int, user_id: int, at: datetime) -> Quarantine:
    """Ends a quarantine by hand; who did it and when stays written. The count of rejections begins anew.

    404 for an unknown one and for one that has ended.
    """
    accounts_lock([_living(quarantine_id).follower_id])
    quarantine = _living(quarantine_id)
    quarantine.released_at = at
    quarantine.released_by_id = user_id
    quarantine.save(update_fields=["released_at", "released_by"])
    EntryRejections.objects.filter(follower_id=quarantine.follower_id, symbol=quarantine.symbol).delete()
    return quarantine


def quarantines_release_flat(*, tenant_id: int, at: datetime) -> int:
    """Ends the tenant's quarantines that wait for a flat leader and need not wait any longer; gives their number."""
    cursor = hot_cursor()
    followers = [number for (number,) in cursor.execute(_WAITING_SQL, [tenant_id])]
    if not followers:
        return 0
    accounts_lock(followers)
    released = cursor.execute(_FLAT_SQL, [at, followers, tenant_id]).fetchall()
    if released:
        cursor.execute(_FORGET_SQL, [[row[0] for row in released], [row[1] for row in released]])
    return len(released)


def _living(quarantine_id: int) -> Quarantine:
    found = Quarantine.objects.filter(pk=quarantine_id, released_at__isnull=True).first()
    if found is None:
        raise not_found(_("There is no such quarantine."))
    return found
