"""Agreements of pairs: begun when somebody subscribes, accepted when terms become dearer, read and written as working
values."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _

from accounts.models import Tenant
from copytrade.domain.reward_charges import Marks
from copytrade.models import CopyMaster, CopySubscription
from copytrade.services.rewards import stored_terms
from core.errors import conflict, not_found
from core.rounding import plain
from infra.bulk import hot_cursor, update_objects
from infra.tenancy import tenant_scope
from rewards.domain.pairs import Agreed, ClosedCopy, Pair, pair_begin
from rewards.domain.terms_change import is_dearer
from rewards.models import RewardAgreement, TermsVersion
from rewards.services.terms import terms_note
from trading.services.snapshots import boundary_of

AT_ONCE: Final = 250

# Nothing is owed between accounts of one customer, nor by play money. A pair that is known takes its new subscription over
# by itself, once the last one is settled.
_NEW_SQL = b"""
SELECT s.id, coalesce((SELECT max(e.seq) FROM trading_accountevent e
                       WHERE e.account_id = s.follower_id AND e.at < s.created_at), 0)
FROM copytrade_copysubscription s
JOIN copytrade_copymaster m ON m.id = s.master_id
JOIN accounts_tradingaccount f ON f.id = s.follower_id AND f.customer_id <> m.customer_id
JOIN accounts_accountgroup g ON g.id = f.group_id AND g.account_mode = 'REAL'
WHERE s.tenant_id = %s AND NOT EXISTS (
  SELECT 1 FROM rewards_rewardagreement a
  WHERE a.follower_id = s.follower_id AND a.leader_id = s.leader_id
    AND (a.forgotten_at IS NULL OR a.subscription_id >= s.id))
ORDER BY s.id LIMIT %s
"""
_SEQS_SQL = b"""
SELECT b.follower_id, coalesce((SELECT max(e.seq) FROM trading_accountevent e
                                WHERE e.account_id = b.follower_id AND e.at < b.at), 0)
FROM unnest(%s::bigint[], %s::timestamptz[]) AS b (follower_id, at)
"""
_FIELDS: Final = (
    "subscription", "master", "terms", "next_terms", "next_dearer", "accepted_at", "anchor_day", "anchor_number",
    "period_number", "period_from", "period_to", "counted_seq", "days_until", "result", "paid", "mark",
    "prepaid_until", "ended_at", "closed_at",
)  # fmt: skip


def agreements_begin(*, tenant_id: int) -> int:
    """Begins agreements of subscriptions that have none, by the terms that stood when they were made; gives how many.

    Idempotent; of two that try at once the second one's are refused by the constraint and left out.
    """
    with tenant_scope(tenant_id):
        # Profiles that were made before their terms were kept.
        terms_note(CopyMaster.objects.filter(terms_versions__isnull=True).values_list("pk", flat=True))
        seqs = dict(hot_cursor().execute(_NEW_SQL, [tenant_id, AT_ONCE], prepare=True).fetchall())
        boundary = boundary_of(Tenant.objects.get(pk=tenant_id))
        begun: dict[tuple[int, int], RewardAgreement] = {}
        subscriptions = list(CopySubscription.objects.filter(pk__in=list(seqs)).order_by("pk"))
        versions = versions_of({subscription.master_id for subscription in subscriptions})
        for subscription in subscriptions:
            pair = (subscription.leader_id, subscription.follower_id)
            if pair in begun:
                continue  # its first one begins; the next ones follow it
            terms = terms_at(subscription, versions[subscription.master_id])
            made = pair_begin(agreed_of(terms), subscription.created_at, boundary)
            begun[pair] = agreement = RewardAgreement(
                tenant_id=tenant_id,
                leader_id=subscription.leader_id,
                follower_id=subscription.follower_id,
                master_id=terms.master_id,
                subscription=subscription,
                counted_seq=seqs[subscription.pk],
                begun_at=subscription.created_at,
            )
            agreement.terms = terms
            agreement_apply(agreement, made)
        RewardAgreement.objects.bulk_create(begun.values(), ignore_conflicts=True)
    return len(begun)


def reward_terms_accept(*, subscription_id: int, version: int, at: datetime) -> RewardAgreement:
    """The follower accepts the terms that wait for the next period. Whoever calls has looked whether it is the follower's
    owner. Accepting twice is accepting once.

    404 where nothing waits; 409 `CHANGED_MEANWHILE` with the `version` that waits by now.
    """
    agreement = _asked_about(subscription_id, version)
    if agreement.accepted_at is None:
        agreement.accepted_at = at
        agreement.save(update_fields=["accepted_at"])
    return agreement


def reward_terms_refuse(*, subscription_id: int, version: int) -> RewardAgreement:
    """The follower does not want the terms that wait, also when they were accepted before: dearer ones end the
    subscription with its period. Otherwise as `reward_terms_accept`."""
    agreement = _asked_about(subscription_id, version)
    if agreement.accepted_at is not None:
        agreement.accepted_at = None
        agreement.save(update_fields=["accepted_at"])
    return agreement


def _asked_about(subscription_id: int, version: int) -> RewardAgreement:
    """The subscription's agreement, locked, whose follower is asked about this version."""
    agreement = (
        RewardAgreement.objects.select_for_update(no_key=True, of=("self",))
        .select_related("next_terms")
        .filter(subscription_id=subscription_id, ended_at__isnull=True, forgotten_at__isnull=True)
        .first()
    )
    if agreement is None or agreement.next_terms is None:
        raise not_found(_("No new terms are waiting for this subscription."))
    if agreement.next_terms.number != version:
        message = _("The master has changed the terms again. Look at them once more.")
        raise conflict("CHANGED_MEANWHILE", message, version=agreement.next_terms.number)
    return agreement


def terms_wait(agreement: RewardAgreement, last: TermsVersion) -> bool:
    """Puts the master's newest terms behind those in force; whether there is something to tell the follower."""
    known = agreement.next_terms or agreement.terms
    if last.number <= known.number:
        return False
    agreement.next_terms, agreement.accepted_at = last, None
    agreement.next_dearer = dearer(agreement.terms, last)
    return agreement.ended_at is None


def dearer(old: TermsVersion, new: TermsVersion) -> bool:
    """Whether a version of terms asks more of a follower than another."""
    return is_dearer(
        stored_terms(old) if old.enabled else None,
        stored_terms(new) if new.enabled else None,
        same_currency=old.currency == new.currency,
    )


def versions_of(master_ids: Collection[int | None]) -> dict[int | None, list[TermsVersion]]:
    """All versions of these masters' terms, the newest first."""
    found: defaultdict[int | None, list[TermsVersion]] = defaultdict(list)
    for version in TermsVersion.objects.filter(master_id__in=list(master_ids)).order_by("master_id", "-number"):
        found[version.master_id].append(version)
    return found


def terms_at(subscription: CopySubscription, versions: Sequence[TermsVersion]) -> TermsVersion:
    """The terms of a subscription's master as they stood when it was made; `versions` come newest first."""
    stood = (version for version in versions if version.created_at <= subscription.created_at)
    return next(stood, versions[-1])


def agreed_of(version: TermsVersion) -> Agreed:
    """A version as a decision reads it."""
    return Agreed(version.pk, stored_terms(version), version.currency, version.enabled)


def pair_of(agreement: RewardAgreement, trades: Sequence[ClosedCopy]) -> Pair:
    """The stored agreement as working values."""
    waiting = agreement.next_terms
    return Pair(
        agreed=agreed_of(agreement.terms),
        anchor_day=agreement.anchor_day,
        period_from=agreement.period_from,
        period_to=agreement.period_to,
        next_agreed=None if waiting is None else agreed_of(waiting),
        next_allowed=not agreement.next_dearer or agreement.accepted_at is not None,
        anchor_number=agreement.anchor_number,
        period_number=agreement.period_number,
        marks=Marks(plain(agreement.result), plain(agreement.paid), plain(agreement.mark)),
        prepaid_until=agreement.prepaid_until,
        ended_at=agreement.ended_at,
        closed_at=agreement.closed_at,
        trades=list(trades),
    )


def agreement_apply(agreement: RewardAgreement, pair: Pair) -> None:
    """Puts working values into the row, which is not written yet."""
    if agreement.next_terms is not None and pair.next_agreed is None:
        if pair.agreed.id == agreement.next_terms.pk:
            agreement.terms = agreement.next_terms
        agreement.next_terms, agreement.next_dearer, agreement.accepted_at = None, False, None
    agreement.anchor_day, agreement.anchor_number = pair.anchor_day, pair.anchor_number
    agreement.period_number = pair.period_number
    agreement.period_from, agreement.period_to = pair.period_from, pair.period_to
    agreement.result, agreement.paid, agreement.mark = pair.marks.result, pair.marks.paid, pair.marks.mark
    agreement.prepaid_until = pair.prepaid_until
    agreement.ended_at, agreement.closed_at = pair.ended_at, pair.closed_at


def pairs_write(agreements: Sequence[RewardAgreement]) -> None:
    """Writes rows whose locks the caller holds."""
    update_objects(agreements, _FIELDS)


def seqs_before(instants: Sequence[tuple[int, datetime]]) -> dict[int, Any]:
    """The number of each account's last event before an instant, by account."""
    if not instants:
        return {}
    ids, ats = zip(*instants, strict=True)
    return dict(hot_cursor().execute(_SEQS_SQL, [list(ids), list(ats)]).fetchall())
