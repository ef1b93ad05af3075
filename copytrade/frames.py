"""The frames that tell terminals and pages about copies: `data` is the row of the matching GET as an object."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from copytrade import reasons
from core.clock import unix
from core.states import CopyStatus
from core.volume import wire_of
from infra.audience import Audience
from infra.push import Frame
from trading.domain.valuation import floating_profit

if TYPE_CHECKING:
    from copytrade.domain.quarantine import NewQuarantine
    from copytrade.engine.outcome import Copy, Outcome
    from trading.domain.values import AccountState

_MICROSECOND = timedelta(microseconds=1)
_encode = msgspec.json.Encoder(decimal_format="number").encode


def copy_frames(outcome: "Outcome", filled_at: datetime | None, audience: Audience) -> list[Frame]:
    """`copy.order` for both sides of every copy, `copy.position` and `copy.trade` for the follower."""
    frames: list[Frame] = []
    claim = outcome.claim
    leader_hears = audience.hears(claim.leader_customer_id)
    for copy in outcome.copies:
        theirs = audience.staff or audience.hears(copy.account.customer_id)
        leaders = leader_hears and claim.leader_customer_id != copy.account.customer_id
        if not theirs and not leaders:
            continue
        row = _order_row(copy, claim.leader_login, filled_at)
        text = _encode(row).decode()
        if theirs:
            frames.append(_frame(copy, copy.account.customer_id, "copy.order", text))
        if leaders:
            if copy.reason:
                # The figures of a refusal are the follower's own affair; the leader's owner reads the bare sentence.
                text = _encode({**row, "detail": reasons.detail(copy.reason)}).decode()
            frames.append(_frame(copy, claim.leader_customer_id, "copy.order", text, staff=False))
        if theirs and copy.status is CopyStatus.FILLED:
            frames += _position_frames(copy, outcome)
    return frames


def quarantine_frame(account: "AccountState", number: int, new: "NewQuarantine", at: datetime) -> Frame:
    """`quarantine`: one that begins, as the row of GET /copytrade/quarantines."""
    row = {
        "id": number,
        "login": account.login,
        "symbol": new.met.symbol,
        "group_id": new.met.group_id,
        "reason": new.reason.value,
        "detail": reasons.quarantine_detail(new.reason, new.params),
        "created_time": unix(at),
    }
    text = _encode(row).decode()
    return Frame(account.tenant_id, account.customer_id, account.login, "copy", text, "quarantine")


def _order_row(copy: "Copy", leader_login: int, filled_at: datetime | None) -> dict[str, Any]:
    filled = filled_at if copy.status is CopyStatus.FILLED else None
    known = copy.event.at if filled_at is not None else None
    filled_ms = _milliseconds(known, filled)
    return {
        "id": copy.id,
        "time": unix(copy.decided_at),
        "group_id": copy.settings.group_id,
        "subscription_id": copy.settings.subscription_id,
        "leader_login": leader_login,
        "follower_login": copy.account.login,
        "master_order": copy.event.trade_id,
        "follower_order": copy.ticket.id if copy.ticket else None,
        "action": copy.event.kind,
        "symbol": copy.event.symbol,
        "follower_symbol": copy.follower_symbol,
        "side": copy.side,
        "volume": wire_of(copy.volume),
        "status": copy.status,
        "reason": copy.reason,
        "detail": reasons.detail(copy.reason, copy.params) if copy.reason else "",
        "decide_ms": _milliseconds(known, copy.decided_at),
        "send_ms": filled_ms,
        "fill_ms": filled_ms,
        "slippage": copy.slippage,
        "slippage_money": copy.slippage_money,
    }


def _milliseconds(since: datetime | None, at: datetime | None) -> Decimal | None:
    """Milliseconds with three digits, None when one end is missing."""
    return None if since is None or at is None else Decimal((at - since) // _MICROSECOND).scaleb(-3)


def _position_frames(copy: "Copy", outcome: "Outcome") -> list[Frame]:
    ticket, account = copy.ticket, copy.account
    assert ticket is not None
    assert outcome.stand is not None
    market = outcome.stand.desk.market
    frames = []
    if ticket in account.tickets:
        quote = market.quote(ticket.spec)
        row = {
            "order": ticket.id,
            "login": account.login,
            "group_id": copy.settings.group_id,
            "subscription_id": copy.settings.subscription_id,
            "symbol": ticket.spec.symbol,
            "side": ticket.side,
            "volume": wire_of(ticket.volume),
            "entry_price": ticket.open_price,
            "current_price": None if quote is None else quote.exit_price(ticket.side),
            "pnl": floating_profit(account, market, ticket),
            "leader_login": outcome.claim.leader_login,
            "opened_time": unix(ticket.open_at),
        }
        frames.append(_frame(copy, account.customer_id, "copy.position", _encode(row).decode()))
    for order in copy.orders:
        closed = order.closed
        if closed is None:
            continue
        trade = {
            "order": closed.id,
            "login": account.login,
            "symbol": closed.spec.symbol,
            "side": closed.side,
            "volume": wire_of(closed.volume),
            "open_price": closed.open_price,
            "close_price": closed.close_price,
            "pnl": closed.profit + closed.commission + closed.storage,
            "close_time": unix(closed.close_at),
        }
        frames.append(_frame(copy, account.customer_id, "copy.trade", _encode(trade).decode()))
    return frames


def _frame(copy: "Copy", customer_id: int, event: str, text: str, *, staff: bool = True) -> Frame:
    account = copy.account
    return Frame(account.tenant_id, customer_id, account.login, "copy", text, event, staff)
