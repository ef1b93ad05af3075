"""Objects of rewards, and their shapes for the description of the API."""

from typing import Any, Final

from copytrade.api import shapes
from copytrade.api.objects import policy_object
from core.clock import unix
from infra.api.shapes import extended, seconds, whole
from rewards.models import TermsVersion

TERMS: Final = extended(shapes.POLICY, version=whole(2), since=seconds())


def terms_object(version: TermsVersion) -> dict[str, Any]:
    """A version of a master's terms (needs `payout_account` loaded); `since`: when the master set them."""
    return {**policy_object(version), "version": version.number, "since": unix(version.created_at)}
