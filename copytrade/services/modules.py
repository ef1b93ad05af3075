"""Whether a tenant has a module of the product switched on."""

from django.utils.translation import gettext as _

from accounts.selectors import product_config
from core.errors import forbidden
from infra.actor import Actor


def module_check(actor: Actor, module: str) -> None:
    """403 `MODULE_DISABLED` while the actor's tenant has `module` off; for `infra.api.views.set_module_check`.

    `module` is the name of a switch of the tenant's product configuration.
    """
    if not getattr(product_config(), module):
        raise forbidden("MODULE_DISABLED", _("This part of the product is switched off."))
