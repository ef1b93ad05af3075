"""The proof of rewards: that every charge recomputes from stored rows, and that what was booked is what was charged."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from accounts.proof import Finding, findings_of
from copytrade.domain.reward_charges import Marks, charge, managed_base, unused_part
from copytrade.domain.rewards_terms import RewardType
from copytrade.services.rewards import stored_terms
from core.rounding import ZERO, plain
from infra.tenancy import tenant_scope
from rewards.domain.pairs import FOR_EVER
from rewards.domain.payout import Payout, payout_of
from rewards.models import AccrualState, RewardAccrual, RewardAgreement
from rewards.selectors_days import ended_days

_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)

PROOFS: Final[dict[str, str]] = {
    "a settled charge must be two balance operations that name it": """
        SELECT r.id AS reward, r.fee_amount, c.profit AS charged, r.payout_amount, p.profit AS paid
        FROM rewards_rewardaccrual r
        LEFT JOIN trading_trade c ON c.id = r.charge_order AND c.account_id = r.follower_id AND c.reason = 100
        LEFT JOIN trading_trade p ON p.id = r.payout_order AND p.account_id = r.payout_account_id AND p.reason = 100
        WHERE r.state = 2 AND (
          c.profit IS DISTINCT FROM -r.fee_amount OR p.profit IS DISTINCT FROM r.payout_amount
          OR (nullif(c.api_data, '')::jsonb ->> 'copy_reward_accrual_id')::bigint IS DISTINCT FROM r.id
          OR (nullif(p.api_data, '')::jsonb ->> 'copy_reward_accrual_id')::bigint IS DISTINCT FROM r.id) ORDER BY r.id
    """,
    "a balance operation of a reward must belong to one settled charge": """
        SELECT t.id AS record, count(r.id) AS rewards FROM trading_trade t
        LEFT JOIN rewards_rewardaccrual r ON r.state = 2 AND t.id IN (r.charge_order, r.payout_order)
        WHERE t.reason = 100 AND t.cmd IN (6, 8) GROUP BY t.id HAVING count(r.id) <> 1 ORDER BY t.id
    """,
    "the tenant's share must be one transfer to its revenue": """
        SELECT r.id AS reward, r.share_amount, m.amount AS booked FROM rewards_rewardaccrual r
        LEFT JOIN ledger_transfer m ON m.id = r.share_order AND m.reason = 'COPY_REWARD' AND m.currency = r.currency
        LEFT JOIN ledger_ledgeraccount a ON a.kind = 'REVENUE'
             AND a.id = CASE WHEN r.share_amount > 0 THEN m.credit_id ELSE m.debit_id END
        WHERE r.state = 2 AND (r.share_amount <> 0 OR r.share_order IS NOT NULL)
          AND (m.amount IS DISTINCT FROM abs(r.share_amount) OR a.id IS NULL) ORDER BY r.id
    """,
    "a closed copy must be the share of its record that it says": """
        SELECT w.id AS copy, w.record, w.lots, w.net FROM rewards_rewardtrade w
        JOIN rewards_rewardagreement g ON g.id = w.agreement_id
        LEFT JOIN trading_trade t ON t.id = w.record AND t.account_id = g.follower_id AND t.state IN (3, 4)
        WHERE t.id IS NULL OR w.lots <> round(t.volume * w.share, 10) OR w.share NOT BETWEEN 0 AND 1
           OR w.net <> round((t.profit + t.commission + t.storage) * w.share, 10) OR w.closed_at <> t.close_at
        ORDER BY w.id
    """,
    "a charge on closed copies must be on their sum": """
        SELECT r.id AS reward, r.base_amount, coalesce(sum(CASE WHEN r.reward_type = 2 THEN w.lots ELSE w.net END), 0) AS found
        FROM rewards_rewardaccrual r LEFT JOIN rewards_rewardtrade w ON w.accrual_id = r.id
        WHERE r.reward_type IN (1, 2, 3)
        GROUP BY r.id
        HAVING r.base_amount <> coalesce(sum(CASE WHEN r.reward_type = 2 THEN w.lots ELSE w.net END), 0) ORDER BY r.id
    """,
    "nothing may be charged between accounts of one customer": """
        SELECT r.id AS reward, f.login FROM rewards_rewardaccrual r
        JOIN accounts_tradingaccount f ON f.id = r.follower_id JOIN accounts_tradingaccount p ON p.id = r.payout_account_id
        WHERE f.customer_id = p.customer_id ORDER BY r.id
    """,
}

FEE, DAYS, PAYOUT, MARKS, STANDING = RECOMPUTED = (
    "a charge must recompute",
    "a management fee must be on its days",
    "a payout must be the fee less the tenant's share",
    "marks must follow each other",
    "a pair must stand where its last charge left it",
)
"""What is computed once more rather than asked in SQL."""


def rewards_prove(tenant_id: int) -> list[Finding]:
    """What is wrong with a tenant's rewards; nothing when all is well."""
    with tenant_scope(tenant_id):
        return findings_of(PROOFS) + _fees_prove() + _marks_prove()


def fee_again(accrual: RewardAccrual) -> Decimal:
    """The fee of a charge, computed once more from its frozen terms (`terms` and `refund_of` loaded)."""
    paid = accrual.refund_of
    if paid is not None:
        assert paid.period_from is not None
        assert paid.period_to is not None
        assert accrual.period_from is not None
        return -unused_part(paid.fee_amount, paid.period_from, paid.period_to, accrual.period_from, accrual.currency)
    terms, marks = stored_terms(accrual.terms), marks_before(accrual)
    return charge(terms, plain(accrual.base_amount), accrual.currency, rate=plain(accrual.rate), marks=marks)[0]


def marks_before(accrual: RewardAccrual) -> Marks | None:
    """Where the performance fee stood before a charge; None for other types."""
    if accrual.result_before is None or accrual.paid_before is None or accrual.mark_before is None:
        return None
    return Marks(plain(accrual.result_before), plain(accrual.paid_before), plain(accrual.mark_before))


def _fees_prove() -> list[Finding]:
    found = []
    managed = RewardAccrual.objects.filter(reward_type=RewardType.MANAGEMENT_FEE).values_list("follower_id", flat=True)
    all_days = ended_days(set(managed), _EVER, FOR_EVER)
    for accrual in RewardAccrual.objects.select_related("terms", "refund_of", "payout_account").order_by("pk"):
        if accrual.fee_amount != fee_again(accrual):
            found.append(Finding(FEE, f"reward {accrual.pk}, fee {accrual.fee_amount}"))
        if accrual.reward_type == RewardType.MANAGEMENT_FEE and accrual.period_from and accrual.period_to:
            begin, end = accrual.period_from, accrual.period_to
            days = [(one.day, one.equity) for one in all_days.get(accrual.follower_id, ()) if begin < one.at <= end]
            if accrual.base_amount != managed_base(stored_terms(accrual.terms), days):
                found.append(Finding(DAYS, f"reward {accrual.pk}"))
        if accrual.state == AccrualState.SETTLED and payout_again(accrual) != (
            accrual.share_amount,
            accrual.payout_amount,
        ):
            found.append(Finding(PAYOUT, f"reward {accrual.pk}"))
    return found


def payout_again(accrual: RewardAccrual) -> Payout:
    """The tenant's share and the payout of a charge, computed once more; no payout while none was tried."""
    return payout_of(
        accrual.fee_amount,
        share_percent=accrual.share_percent,
        rate=accrual.payout_rate or ZERO,
        currency=accrual.currency,
        payout_currency=accrual.payout_currency,
    )


def _marks_prove() -> list[Finding]:
    """Each performance fee of a pair begins where the one before it ended, and the pair stands where the last one did."""
    found, after = [], dict[int, Marks]()
    performance = RewardAccrual.objects.filter(reward_type=RewardType.PERFORMANCE_FEE_HWM).select_related("terms")
    for accrual in performance.order_by("agreement_id", "period_number"):
        marks = marks_before(accrual)
        if marks != after.get(accrual.agreement_id, Marks()):
            found.append(Finding(MARKS, f"reward {accrual.pk}"))
        base, terms = plain(accrual.base_amount), stored_terms(accrual.terms)
        after[accrual.agreement_id] = charge(terms, base, accrual.currency, marks=marks)[1]
    for agreement in RewardAgreement.objects.order_by("pk"):
        stands = Marks(agreement.result, agreement.paid, agreement.mark)
        if stands != after.get(agreement.pk, Marks()):
            found.append(Finding(STANDING, f"pair {agreement.pk}"))
    return found
