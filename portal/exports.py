"""Tables as CSV: the rows that a page shows, with exact numbers and times with their offset."""

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.functional import Promise

from core.rounding import plain


def csv_answer(name: str, columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> HttpResponse:
    """The rows as a file `name`.csv to be saved."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    writer = csv.writer(response)
    writer.writerow(columns)
    writer.writerows([csv_cell(value) for value in row] for row in rows)
    return response


def csv_cell(value: Any) -> str:
    """A value for a spreadsheet, which must never take a text for a formula."""
    match value:
        case None:
            return ""
        case Decimal():
            return format(plain(value), "f")
        case datetime():
            return timezone.localtime(value).isoformat(timespec="seconds")
        case str() | Promise():
            text = str(value)
            return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
    return str(value)
