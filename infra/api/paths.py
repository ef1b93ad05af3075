"""Addresses of the contract: from the root of the domain, a trailing slash may or may not be there."""

import re
from collections.abc import Sequence
from typing import Any

from django.urls import re_path
from django.urls.resolvers import URLPattern

_ID_NAMES = re.compile(r"record_id|user_id")
_CONVERTERS = {"int": r"[0-9]{1,19}", "str": r"[^/]+"}


def api_path(address: str, view: type[Any], name: str | None = None) -> URLPattern:
    """A URL pattern for `address`, such as "copytrade/master/<int:id>", that also matches with a trailing slash.

    Parameters reach the view as text for `str` and as text of digits for `int`; views read them with `int()`.
    """
    pattern = re.sub(r"<(int|str):(\w+)>", lambda m: f"(?P<{m[2]}>{_CONVERTERS[m[1]]})", address)
    return re_path(rf"^{pattern}/?$", view.as_view(), name=name)


def described_paths(endpoints: Sequence[tuple[str, str, str, Any]], **_options: Any) -> list[tuple[str, str, str, Any]]:
    """The addresses as the contract writes them: no slash at the end, `{id}` for a record.

    For drf-spectacular's `PREPROCESSING_HOOKS`.
    """
    return [
        (_ID_NAMES.sub("id", path.rstrip("/")), _ID_NAMES.sub("id", regex), method, callback)
        for path, regex, method, callback in endpoints
    ]
