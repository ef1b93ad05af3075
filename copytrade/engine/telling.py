"""What terminals and pages hear of a turn.

The frames of a few copies are made while PostgreSQL commits, for everybody. Those of many are made after the commit and only
for people who listen: most followers of a large leader do not, and their frames would take longer than their copies.
"""

import logging
from typing import Final

from copytrade.engine.outcome import Outcome
from copytrade.frames import copy_frames
from infra.audience import ANYBODY, Audience, audience_of
from infra.push import publish
from infra.tenancy import Meanwhile
from trading.frames import account_frames

logger = logging.getLogger("copytrade.engine")

ASKED_FROM: Final = 100
"""From so many copies on it is asked who listens."""


def frames_beside(outcome: Outcome, meanwhile: Meanwhile) -> None:
    """Has the frames of a few copies made beside the commit."""
    if len(outcome.copies) < ASKED_FROM:
        meanwhile.do(lambda: _add_frames(outcome, ANYBODY))


def turn_publish(outcome: Outcome) -> None:
    """Sends what is to be heard of a turn that has been committed. Never raises: it is a hint, the rows are the truth."""
    if len(outcome.copies) >= ASKED_FROM:
        try:
            _add_frames(outcome, _audience(outcome))
        except Exception:
            logger.exception("the frames of a turn could not be made")
    publish(outcome.frames)


def _audience(outcome: Outcome) -> Audience:
    followers = {account.customer_id for account in outcome.journal.accounts.values()}
    followers |= {copy.account.customer_id for copy in outcome.copies}
    return audience_of(outcome.claim.tenant_id, {outcome.claim.leader_customer_id, *followers})


def _add_frames(outcome: Outcome, audience: Audience) -> None:
    """Puts what is heard of every copy before the frames about debts and quarantines that are on `outcome` already."""
    if outcome.stand is not None:
        frames = account_frames(outcome.journal, outcome.stand.desk.market, audience)
        outcome.frames[:0] = frames + copy_frames(outcome, outcome.filled_at, audience)
