"""The reads of quarantines. Those for request code take the actor and never give what it may not see."""

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.selectors import accounts
from copytrade.models import Quarantine
from core.errors import forbidden, not_found
from infra.actor import Actor


def quarantines(actor: Actor) -> QuerySet[Quarantine]:
    """Living quarantines of the accounts that the actor may see: own ones, or for staff all of the tenant."""
    seen = Quarantine.objects.filter(released_at__isnull=True)
    if actor.is_staff:
        return seen
    return seen.filter(follower_id__in=accounts(actor).order_by().values("pk"))


def quarantine_owned(actor: Actor, quarantine_id: int) -> Quarantine:
    """A living quarantine: 404 for an unknown one, 403 for another customer's; staff may name any."""
    found = Quarantine.objects.select_related("follower").filter(pk=quarantine_id, released_at__isnull=True).first()
    if found is None:
        raise not_found(_("There is no such quarantine."))
    if not actor.is_staff and found.follower.customer_id != actor.user_id:
        raise forbidden("PERMISSION_DENIED", _("This quarantine is not of your account."))
    return found
