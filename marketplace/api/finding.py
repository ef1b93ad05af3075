"""The list of masters that can be followed."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from copytrade.api.management import CopyView
from infra.api.asking import Asked
from infra.api.schema import describe
from infra.api.shapes import Shape, many, record, whole
from infra.api.tables import FLAG, TEXT, WHOLE, Column, Limits, Table, csv_response
from infra.bulk import pipelined
from marketplace.api.bodies import PeriodQuery
from marketplace.api.columns import FIGURES, HISTORY, PROFILE
from marketplace.api.objects import MASTER_ROW
from marketplace.domain.periods import Period
from marketplace.models import MasterStats
from marketplace.selectors_finding import Found, Made, masters_found

MASTERS: Final = Table(
    MasterStats,
    {
        **PROFILE,
        "own": Column("own", FLAG),
        "followers": Column("living_followers", WHOLE),
        "stats.period": Column("period", TEXT),
        **{f"stats.{name}": column for name, column in FIGURES.items()},
    },
    filters={"stats.days": HISTORY},
    order=[("stats.roi", "desc")],
    tie="master_id",
    limits=Limits(standard=100, most=500),
)
"""The rows are objects; the columns are what conditions and sorting know, and those of the CSV."""
_ANNOTATED: Final = frozenset({"own", "followers"})
_ANSWER: Final = record(rows=many(MASTER_ROW), count=whole())


class MastersView(CopyView):
    @describe(
        "Masters that can be followed, with their figures",
        query=[*MASTERS.parameters(), PeriodQuery],
        answer=Shape(_ANSWER.schema, _ANSWER.example, csv=True),
    )
    def get(self, request: Request) -> HttpResponse:
        """Active, enabled, public masters, and the own ones in any state; the best return first unless asked otherwise.

        Conditions and sorting take every field of the profile, of `reward_policy` as `reward_policy.fee_percent`, of the
        figures as `stats.roi`; `stats.days` is how many closed days of history the period has. What is undefined stands
        last.
        """
        query = self.query(PeriodQuery)
        asked = MASTERS.asked(self.payload)
        period = query.get("period") or query.get("stats_period") or Period.MONTH
        found = masters_found(self.actor, period)
        if asked.as_csv:
            rows, _count = masters_page(asked, found, MASTERS.values_of)
            return csv_response(list(MASTERS.columns), rows)
        objects, count = masters_page(asked, found, MASTERS.objects_of)
        return Response({"rows": objects, "count": count})


def masters_page(asked: Asked, found: Found, made: Callable[[list[tuple[Any, ...]]], Made]) -> tuple[Made, int]:
    """The asked page in its order as `made` makes it of what `MASTERS.paths` hold, and how many masters match.

    First it is found which masters stand on the page, from as little as the question needs.
    """
    worked_out = not _ANNOTATED.isdisjoint(asked.named)
    with pipelined():
        ranking = found.ranking(partial(MASTERS.matches, asked), worked_out=worked_out)
        return found.page(ranking, slice(asked.offset, asked.offset + asked.limit), MASTERS.paths, made)
