"""Account groups: the terms that trading accounts share."""

from decimal import Decimal

from django.utils.translation import gettext as _

from accounts.models import AccountGroup
from accounts.services.common import CURRENCY, checked_leverage, tenant_id, unique_or_conflict
from core.errors import invalid
from core.states import AccountMode, PositionMode

NAME_LONGEST = 100
LEVEL_MAX = Decimal(1_000_000)


def account_group_create(
    *,
    name: str,
    account_mode: str,
    currency: str = "USD",
    leverage: int = 100,
    position_mode: str = PositionMode.HEDGING,
    margin_call: Decimal = Decimal(100),
    stop_out: Decimal = Decimal(50),
    commission_per_lot: Decimal = Decimal(0),
    public_opening: bool = False,
) -> AccountGroup:
    """A new group of the current tenant; 409 for a name that it has already.

    `margin_call` and `stop_out` are margin levels in per cent; `commission_per_lot` is account currency per lot and
    side.
    """
    if not name.strip() or len(name) > NAME_LONGEST:
        raise invalid("name", _("must have 1 to %(most)s characters") % {"most": NAME_LONGEST})
    if account_mode not in list(AccountMode):
        raise invalid("account_mode", _("must be REAL or DEMO"))
    if position_mode not in list(PositionMode):
        raise invalid("position_mode", _("must be HEDGING or NETTING"))
    if not CURRENCY.fullmatch(currency):
        raise invalid("currency", _("must be 3 to 8 capital letters or digits"))
    for field, level in (("margin_call", margin_call), ("stop_out", stop_out)):
        if not 0 <= level <= LEVEL_MAX:
            raise invalid(field, _("must be from 0 to %(most)s") % {"most": LEVEL_MAX})
    if commission_per_lot < 0:
        raise invalid("commission_per_lot", _("must not be negative"))
    with unique_or_conflict(_("There is a group of this name already.")):
        return AccountGroup.objects.create(
            tenant_id=tenant_id(),
            name=name,
            account_mode=account_mode,
            currency=currency,
            leverage=checked_leverage(leverage),
            position_mode=position_mode,
            margin_call=margin_call,
            stop_out=stop_out,
            commission_per_lot=commission_per_lot,
            public_opening=public_opening,
        )
