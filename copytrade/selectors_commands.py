"""The reads of the copy panel. Those for request code take the actor and never give what it may not see."""

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.selectors import accounts
from copytrade.models import FailedExit, SyncLight, TradeLink
from core.errors import forbidden, not_found
from core.states import LinkState
from infra.actor import Actor


def failed_exits(actor: Actor) -> QuerySet[FailedExit]:
    """Exits that failed on the accounts that the actor may see: own ones, or for staff all of the tenant."""
    if actor.is_staff:
        return FailedExit.objects.all()
    return FailedExit.objects.filter(follower_id__in=accounts(actor).order_by().values("pk"))


def sync_lights(actor: Actor) -> QuerySet[SyncLight]:
    """The stored comparisons of the actor's accounts."""
    return SyncLight.objects.filter(follower_id__in=accounts(actor).order_by().values("pk"))


def copied_position_account(actor: Actor, trade_id: int) -> int:
    """The follower account of an open copied position: 404 where nothing is copied, 403 for another customer's."""
    found = TradeLink.objects.filter(follower_trade_id=trade_id, state=LinkState.ACTIVE).first()
    if found is None:
        raise not_found(_("There is no such copied position."))
    if not accounts(actor).filter(pk=found.follower_id).exists():
        raise forbidden("PERMISSION_DENIED", _("This position is not yours."))
    return int(found.follower_id)
