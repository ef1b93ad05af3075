"""How much of what a subscription owns an exit takes (D06), and who pays when somebody else reduces a ticket."""

from collections.abc import Sequence
from decimal import Decimal

from copytrade.domain.sizing import exit_rounded
from copytrade.domain.values import LeaderEvent, Link, Rounding
from core.rounding import ZERO, floor_to_step


def exit_shares(
    event: LeaderEvent, links: Sequence[Link], rounding: Rounding = Rounding.ENTRY_DOWN_EXIT_UP
) -> list[tuple[Link, Decimal]]:
    """What each active link (oldest first) gives up for the leader's exit: lots per link, never more than it owns.

    The leader's closed share is taken once of the sum, rounded up to the lot step (an exit leaves no remainder behind),
    capped to what is held; what would be left below the contract's minimum is closed as well. What a link owes from
    exits that failed is not held any more for a partial exit; the full one takes it along.
    """
    active = [link for link in links if link.active]
    partial = bool(event.volume_after)
    owns = {id(link): max(ZERO, link.volume - link.owed) if partial else link.volume for link in active}
    held = sum(owns.values(), ZERO)
    if not held:
        return []
    target = held
    if partial:
        spec = active[0].spec
        target = min(held, exit_rounded(held * event.volume / event.volume_before, spec.lot_step, rounding))
        if held - target < spec.lot_min:
            target = held
    shares: list[tuple[Link, Decimal]] = []
    for link in active:
        taken = min(owns[id(link)], target)
        if taken:
            shares.append((link, taken))
            target -= taken
    return shares


def outside_reduction(
    ticket_volume: Decimal, reduced: Decimal, owned: Sequence[Decimal], step: Decimal
) -> list[Decimal]:
    """What each link loses when someone other than its subscription takes `reduced` lots off a ticket of `ticket_volume`.

    Unlinked lots go first; the rest is shared pro rata in whole steps, largest remainder first.
    """
    total = sum(owned, ZERO)
    loss = max(ZERO, reduced - max(ZERO, ticket_volume - total))
    loss = min(loss, total)
    if not loss:
        return [ZERO for _ in owned]
    exact = [loss * volume / total for volume in owned]
    losses = [floor_to_step(share, step) for share in exact]
    # Whole steps cannot always be shared exactly; the largest remainders take one step more, the oldest first on a tie.
    waiting = sorted(range(len(owned)), key=lambda index: (losses[index] - exact[index], index))
    rest = loss - sum(losses, ZERO)
    for index in waiting:
        extra = min(step, rest, owned[index] - losses[index])
        losses[index] += extra
        rest -= extra
    return losses
