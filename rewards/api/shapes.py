"""Objects of rewards, and their shapes for the description of the API."""

from typing import Any, Final

from copytrade.api import shapes
from copytrade.services.rewards import TERMS_FIELDS
from core.clock import unix
from infra.api.shapes import extended, seconds, whole
from rewards.models import TermsVersion

FLAGS: Final = ("enabled", "hwm_enabled")
TERMS: Final = extended(shapes.POLICY, version=whole(2), since=seconds())


def terms_object(version: TermsVersion) -> dict[str, Any]:
    """A version of a master's terms (needs `payout_account` loaded); `since`: when the master set them."""
    values = {name: getattr(version, name) for name in TERMS_FIELDS}
    values |= {name: int(values[name]) for name in FLAGS}
    return {
        **values,
        "payout_account_login": version.payout_account.login,
        "version": version.number,
        "since": unix(version.created_at),
    }
