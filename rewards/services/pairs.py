"""Charges what is due: each pair of accounts is claimed, counted, walked to the present and written, in one transaction.

The pair's row is the only lock, and it is never waited for; trading and copying are never held up. A transaction serves up
to `AT_ONCE` pairs with a fixed number of statements. Killed anywhere it is done or never was: what was counted, charged
and moved on is written together, and the constraints of accruals and closed copies refuse everything twice.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

import psycopg
from django.db.models import Max

from accounts.models import Tenant
from copytrade.domain.rewards_terms import RewardType
from copytrade.models import CopySubscription, RewardPolicy, SubscriptionStatus
from copytrade.services.unpaid import PAUSED_FOR_REWARDS
from core.rounding import plain, stored
from infra.bulk import hot_cursor, ids_array, update_rows
from infra.faults import fault
from infra.push import publish_on_commit
from infra.retry import retried_apart
from infra.tenancy import tenant_scope
from rewards.domain.pairs import BY_TRADES, KEPT, ClosedCopy, DayEquity, Facts, Pair, Walked, pair_resume, pair_walk
from rewards.models import RewardAgreement, RewardTrade, TermsVersion
from rewards.notices import terms_frames
from rewards.selectors_days import ended_days
from rewards.services.agreements import (
    agreed_of,
    agreement_apply,
    pair_of,
    pairs_write,
    seqs_before,
    terms_at,
    terms_wait,
    versions_of,
)
from rewards.services.charges import Walk, charges_write, given_back
from rewards.services.counting import copies_count
from rewards.services.terms import last_versions
from trading.domain.values import Market
from trading.models import DayEnd
from trading.services.desk import desk_open
from trading.services.snapshots import boundary_of

logger = logging.getLogger("rewards.pairs")

AT_ONCE: Final = 100
"""Pairs of one transaction."""


# Everything is seen at one moment: whoever is seen flat has no close that the counter does not have.
_CLAIM_SQL = b"""
SELECT g.id, a.event_seq, s.ended_at, n.id,
       NOT EXISTS (SELECT 1 FROM copytrade_tradelink l JOIN copytrade_copysubscription o ON o.id = l.subscription_id
                   WHERE l.follower_id = g.follower_id AND l.leader_id = g.leader_id AND l.state = 0
                     AND o.master_id IS NOT NULL) AS flat
FROM rewards_rewardagreement g
JOIN rewards_termsversion v ON v.id = g.terms_id
LEFT JOIN rewards_termsversion w ON w.id = g.next_terms_id
JOIN copytrade_copysubscription s ON s.id = g.subscription_id
JOIN copytrade_copymaster m ON m.id = g.master_id
JOIN copytrade_rewardpolicy p ON p.master_id = g.master_id
JOIN accounts_tradingaccount a ON a.id = g.follower_id
LEFT JOIN LATERAL (
  SELECT o.id FROM copytrade_copysubscription o
  WHERE o.follower_id = g.follower_id AND o.leader_id = g.leader_id AND o.master_id IS NOT NULL AND o.id > g.subscription_id
  ORDER BY o.id LIMIT 1) n ON true
WHERE g.tenant_id = %(tenant)s AND g.id > %(after)s AND g.forgotten_at IS NULL AND (
  n.id IS NOT NULL
  OR g.closed_at IS NULL AND (
    (v.reward_type = ANY(%(by_trades)s::int[]) AND a.event_seq > g.counted_seq)
    OR (g.period_to <= %(at)s AND (v.reward_type <> 4 OR g.ended_at IS NOT NULL OR g.period_to <= g.days_until))
    OR (v.reward_type = 4 AND g.ended_at IS NULL AND coalesce(g.days_until, '-infinity') < %(days)s)
    OR (s.ended_at IS NOT NULL AND g.ended_at IS NULL)
    OR (g.ended_at IS NOT NULL AND NOT EXISTS (
          SELECT 1 FROM copytrade_tradelink l JOIN copytrade_copysubscription o ON o.id = l.subscription_id
          WHERE l.follower_id = g.follower_id AND l.leader_id = g.leader_id AND l.state = 0 AND o.master_id IS NOT NULL))
    OR (v.reward_type = 0 AND v.enabled AND p.enabled AND m.enabled AND m.status = 'ACTIVE' AND m.ended_at IS NULL
        AND g.ended_at IS NULL AND s.pause_reason <> 'REWARD_UNPAID'
        AND (g.prepaid_until IS NULL OR g.prepaid_until <= g.period_from))
    OR EXISTS (SELECT 1 FROM rewards_termsversion x
               WHERE x.master_id = g.master_id AND x.number > coalesce(w.number, v.number))))
ORDER BY g.id LIMIT %(most)s FOR NO KEY UPDATE OF g SKIP LOCKED
"""

# Most of what followers do closes nothing: such pairs are moved on by one statement and not walked.
_PASS_SQL = b"""
WITH quiet AS (
  SELECT g.id, a.event_seq FROM rewards_rewardagreement g
  JOIN rewards_termsversion v ON v.id = g.terms_id AND v.reward_type = ANY(%s::int[])
  JOIN accounts_tradingaccount a ON a.id = g.follower_id AND a.event_seq > g.counted_seq
  WHERE g.tenant_id = %s AND g.closed_at IS NULL AND g.forgotten_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM trading_accountevent e
    WHERE e.account_id = g.follower_id AND e.seq > g.counted_seq AND e.kind IN ('REDUCE', 'CLOSE'))
  ORDER BY g.id FOR NO KEY UPDATE OF g SKIP LOCKED
)
UPDATE rewards_rewardagreement g SET counted_seq = quiet.event_seq FROM quiet WHERE g.id = quiet.id
"""


@dataclass(slots=True)
class _Claim:
    """What was seen of a pair when its row was claimed."""

    event_seq: int
    ended_at: datetime | None
    next_subscription: int | None
    flat: bool


def pairs_charge(*, tenant_id: int, at: datetime) -> tuple[int, list[int]]:
    """Brings the tenant's pairs up to date that are behind; gives how many that were, and the subscriptions that have to end
    because their followers did not accept dearer terms.

    Idempotent, and safe to run beside itself. A pair that cannot be walked is logged and stays behind; it holds nobody up.
    """
    with tenant_scope(tenant_id):
        hot_cursor().execute(_PASS_SQL, [ids_array(map(int, BY_TRADES)), tenant_id], prepare=True)
    done, after, refused = 0, 0, set[int]()
    while True:
        claimed, found = retried_apart(partial(_chunk, tenant_id, at), after, AT_ONCE, _cannot)
        if not claimed:
            return done, sorted(refused)
        refused.update(*found)
        done, after = done + len(claimed), claimed[-1]


def _cannot(number: int) -> None:
    logger.exception("the rewards of pair %s cannot be charged", number)


def _chunk(tenant_id: int, at: datetime, after: int, most: int, claimed: list[int]) -> set[int]:
    """Charges the next pairs; `claimed` has them at once. Gives the subscriptions whose terms were refused."""
    with tenant_scope(tenant_id):
        cursor = hot_cursor()
        days_until = DayEnd.objects.filter(finished_at__isnull=False).aggregate(last=Max("boundary_at"))["last"]
        values = {
            "tenant": tenant_id, "after": after, "at": at, "days": days_until, "most": most,
            "by_trades": [int(one) for one in BY_TRADES],
        }  # fmt: skip
        claims = {row[0]: _Claim(*row[1:]) for row in cursor.execute(_CLAIM_SQL, values, prepare=True).fetchall()}
        claimed[:] = list(claims)
        if not claims:
            return set()
        house = _House(cursor, tenant_id, at, days_until, claims)
        copies_count(cursor, {number: claim.event_seq for number, claim in claims.items()})
        fault("rewards.counted")
        refused = house.charge()
        fault("rewards.charged")
        return refused


class _House:
    """Everything that the walks of one transaction need, read with a fixed number of statements."""

    def __init__(
        self,
        cursor: psycopg.Cursor[Any],
        tenant_id: int,
        at: datetime,
        days_until: datetime | None,
        claims: dict[int, _Claim],
    ) -> None:
        self._cursor, self._at, self._days_until, self._claims = cursor, at, days_until, claims
        self._boundary = boundary_of(Tenant.objects.get(pk=tenant_id))
        rows = RewardAgreement.objects.select_related("terms", "next_terms", "subscription", "follower", "leader")
        self._agreements = list(rows.filter(pk__in=list(claims)).order_by("pk"))
        following = [claim.next_subscription for claim in claims.values() if claim.next_subscription is not None]
        resumed = CopySubscription.objects.select_related("master").filter(pk__in=following)
        self._resumed = {subscription.pk: subscription for subscription in resumed}
        masters = {a.master_id for a in self._agreements} | {s.master_id for s in self._resumed.values() if s.master_id}
        self._last = last_versions(masters)
        self._versions = versions_of({subscription.master_id for subscription in self._resumed.values()})
        policies = RewardPolicy.objects.select_related("master").filter(master_id__in=masters)
        self._policies = {policy.master_id: policy for policy in policies}
        self._market: Market | None = None

    def charge(self) -> set[int]:
        """Walks every pair and writes what came of it."""
        trades, days = self._trades(), self._days()
        told, refused, walks = [], set(), []
        for agreement in self._agreements:
            if terms_wait(agreement, self._last[agreement.master_id]):
                told.append(agreement)
            pair = pair_of(agreement, trades[agreement.pk])
            walked = pair_walk(pair, self._facts(agreement, days.get(agreement.follower_id, ())))
            if walked.refused:
                refused.add(agreement.subscription_id)
            walks.append((agreement, pair, walked, agreement.subscription_id))
            self._move_cursors(agreement, pair)
            agreement_apply(agreement, pair)
            self._resume(agreement, pair, walks)
        self._cursors_of_resumed(walks)
        self._write(walks)
        publish_on_commit(terms_frames(told, self._at))
        return refused

    def _resume(self, agreement: RewardAgreement, pair: Pair, walks: list[Walk]) -> None:
        """A new subscription of a pair whose last one is settled takes the agreement over."""
        number = self._claims[agreement.pk].next_subscription
        if number is None or pair.closed_at is None:
            return
        subscription = self._resumed[number]
        agreement.subscription, agreement.master_id = subscription, subscription.master_id or agreement.master_id
        agreement.terms = terms_at(subscription, self._versions[subscription.master_id])
        agreement.next_terms, agreement.next_dearer, agreement.accepted_at = None, False, None
        pair_resume(pair, agreed_of(agreement.terms), subscription.created_at, self._boundary)
        walks.append((agreement, pair, Walked(), number))
        agreement_apply(agreement, pair)

    def _facts(self, agreement: RewardAgreement, days: Sequence[DayEquity]) -> Facts:
        claim, policy = self._claims[agreement.pk], self._policies[agreement.master_id]
        master, subscription = policy.master, agreement.subscription
        following = None if claim.next_subscription is None else self._resumed[claim.next_subscription]
        unpaid = subscription.status == SubscriptionStatus.PAUSED and subscription.pause_reason == PAUSED_FOR_REWARDS
        return Facts(
            at=self._at,
            boundary=self._boundary,
            currency=agreement.follower.currency,
            rates=self._rates(agreement),
            policy_enabled=policy.enabled,
            running=master.running and not unpaid,
            stop=claim.ended_at,
            master_stopped=master.ended_at is not None
            and claim.ended_at is not None
            and claim.ended_at >= master.ended_at,
            flat=claim.flat,
            resumed_at=None if following is None else following.created_at,
            days=days,
            days_until=self._days_until,
        )

    def _rates(self, agreement: RewardAgreement) -> dict[str, Any]:
        """What the amounts of the terms in force, and of those that may follow them, are converted at now."""
        found = {}
        for version in (agreement.terms, agreement.next_terms):
            if version is None or version.currency == agreement.follower.currency:
                continue
            if self._market is None:
                self._market = desk_open(self._cursor, [], lock=False).market
            rate = self._market.rate(version.currency, agreement.follower.currency)
            if rate is None:
                logger.warning("pair %s waits for a rate from %s", agreement.pk, version.currency)
            else:
                found[version.currency] = stored(rate)
        return found

    def _trades(self) -> dict[int, list[ClosedCopy]]:
        found: defaultdict[int, list[ClosedCopy]] = defaultdict(list)
        waiting = RewardTrade.objects.filter(agreement_id__in=list(self._claims), counted_at__isnull=True)
        for row in waiting.order_by("closed_at", "record"):
            found[row.agreement_id].append(
                ClosedCopy(row.pk, row.record, row.closed_at, plain(row.lots), plain(row.net))
            )
        return found

    def _days(self) -> dict[int, list[DayEquity]]:
        """The ended days of followers whose equity is charged, since their period began."""
        managed = [a for a in self._agreements if _is_managed(a.terms) or _is_managed(a.next_terms)]
        if not managed or self._days_until is None:
            return {}
        since = min(agreement.period_from for agreement in managed)
        return ended_days({agreement.follower_id for agreement in managed}, since, self._days_until)

    def _move_cursors(self, agreement: RewardAgreement, pair: Pair) -> None:
        """What was counted, or looked at; terms that begin to look at closed copies have nothing to do with earlier ones."""
        seq = self._claims[agreement.pk].event_seq
        now_counted = pair.agreed.terms.reward_type in BY_TRADES
        if now_counted or agreement.terms.reward_type in BY_TRADES:
            agreement.counted_seq = max(agreement.counted_seq, seq)
        agreement.days_until = self._days_until

    def _cursors_of_resumed(self, walks: Sequence[Walk]) -> None:
        """A resumed pair whose closed copies were not looked at before begins with those of its new subscription."""
        resumed = [
            agreement
            for agreement, pair, _walked, number in walks
            if number == self._claims[agreement.pk].next_subscription and pair.agreed.terms.reward_type in BY_TRADES
        ]
        seqs = seqs_before([(agreement.follower_id, agreement.period_from) for agreement in resumed])
        for agreement in resumed:
            agreement.counted_seq = max(agreement.counted_seq, seqs[agreement.follower_id])

    def _write(self, walks: Sequence[Walk]) -> None:
        written = charges_write(walks, self._at)
        counted = [(number, self._at, written.get(number)) for _a, _p, walked, _s in walks for number in walked.counted]
        update_rows(self._cursor, RewardTrade, ("counted_at", "accrual_id"), counted)
        given_back(walks, self._at)
        pairs_write(self._agreements)


def _is_managed(version: TermsVersion | None) -> bool:
    return version is not None and version.reward_type == RewardType.MANAGEMENT_FEE


def pairs_forget(*, tenant_id: int, at: datetime) -> int:
    """Forgets the marks and prepaid periods of pairs that ended longer ago than they are kept; gives how many."""
    with tenant_scope(tenant_id):
        settled = RewardAgreement.objects.filter(closed_at__isnull=False, ended_at__lt=at - KEPT, forgotten_at=None)
        return settled.update(forgotten_at=at)
