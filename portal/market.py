"""The marketplace: which masters a viewer asked for, in which order, with the figures of one period.

The address holds the whole question, so it can be shared and gone back to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final

from django import forms
from django.core.paginator import Page, Paginator
from django.db.models import CharField, F, FilteredRelation, Q, QuerySet
from django.db.models.functions import Cast
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import AccountGroup
from copytrade.domain.rewards_terms import RewardType
from copytrade.models import CopyMaster
from copytrade.selectors import masters_visible
from core.returns import chained_index
from core.rounding import ONE
from infra.actor import Actor
from marketplace.domain.periods import Period
from marketplace.models import COUNTED
from marketplace.selectors_finding import Ranking, masters_found
from portal.forms import OptionalField
from portal.statistics import BY_NAME, PERIODS, STATISTICS, USUAL_PERIOD
from portal.words import FEE_TYPES
from trading.models import EquitySnapshot

ROWS: Final = 24
SPARK_POINTS: Final = 48
FREE: Final = "free"
_HUNDRED: Final = Decimal(100)
_LESS_IS_BETTER: Final = ("max_drawdown", "risk_score")
_HISTORIES: Final = [
    ("", _("Any history")),
    ("30", _("At least 30 days")),
    ("90", _("At least 90 days")),
    ("180", _("At least 180 days")),
    ("365", _("At least a year")),
]


class MarketForm(forms.Form):
    """What is asked for. Percentages are typed as such; a field left empty asks for nothing."""

    q = forms.CharField(
        label=_("Search"),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    period = forms.ChoiceField(label=_("Period"), choices=[(p.value, word) for p, word in PERIODS.items()])
    view = forms.ChoiceField(label=_("Shown as"), choices=[("cards", _("Cards")), ("table", _("Table"))])
    sort = forms.ChoiceField(
        label=_("Sorted by"), choices=[*((s.name, s.label) for s in STATISTICS), ("history", _("Length of history"))]
    )
    dir = forms.ChoiceField(label=_("Order"), choices=[("desc", _("Highest first")), ("asc", _("Lowest first"))])
    roi_min = OptionalField(label=_("Return of at least"), least=Decimal(-100_000), most=Decimal(1_000_000))
    drawdown_max = OptionalField(label=_("Drawdown of at most"), most=_HUNDRED)
    risk_max = OptionalField(label=_("Risk score of at most"), least=ONE, most=Decimal(10))
    win_min = OptionalField(label=_("Win rate of at least"), most=_HUNDRED)
    followers_min = OptionalField(label=_("Followers, at least"), most=Decimal(1_000_000))
    history = forms.ChoiceField(label=_("History"), choices=_HISTORIES, required=False)
    currency = forms.ChoiceField(label=_("Currency"), required=False)
    fee = forms.ChoiceField(
        label=_("Fee"),
        choices=[("", _("Any fee")), (FREE, _("Free")), *((str(kind.value), FEE_TYPES[kind]) for kind in RewardType)],
        required=False,
    )
    places = forms.BooleanField(label=_("Only with free places"), required=False)

    def __init__(self, data: QueryDict | None, *, currencies: Sequence[str]) -> None:
        given = {name: value for name, value in (data or {}).items() if name in self.base_fields}
        super().__init__({**_USUAL, **given})
        currency: Any = self.fields["currency"]
        currency.choices = [("", _("Any currency")), *((code, code) for code in currencies)]
        self.is_valid()

    @property
    def asked(self) -> dict[str, Any]:
        """What was understood; what was not is told beside its field and asks for nothing."""
        return {**_USUAL, **{name: value for name, value in self.cleaned_data.items() if name not in self.errors}}

    @property
    def narrowed(self) -> int:
        """How many filters are set."""
        return sum(self.asked.get(name) not in (None, "", False) for name in _FILTERS)

    def address(self, **changes: str) -> str:
        """The question as a query string with a trailing `&`, without what is usual."""
        query = QueryDict(mutable=True)
        for name in (*self.fields, "page"):
            value = changes.get(name, "" if name == "page" else str(self.data.get(name) or ""))
            if value and value != _USUAL.get(name):
                query[name] = value
        return f"{query.urlencode()}&" if query else ""


_USUAL: Final = {"period": USUAL_PERIOD.value, "view": "cards", "sort": "roi", "dir": "desc"}
_FILTERS: Final = (
    "q", "roi_min", "drawdown_max", "risk_max", "win_min", "followers_min", "history", "currency", "fee", "places",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MasterRow:
    """A master with the figures of the period. `line`: what one unit became, for the sparkline."""

    master: Any
    stats: dict[str, Any]
    history_days: int | None
    line: list[Decimal]


def currencies_offered() -> list[str]:
    """The currencies that accounts of the tenant may have."""
    return list(AccountGroup.objects.order_by("currency").values_list("currency", flat=True).distinct())


def masters_asked(actor: Actor, asked: dict[str, Any]) -> Ranking:
    """The masters that fit, in order; nothing that is undefined fits a bound, and it stands last."""
    found = masters_found(actor, Period(asked["period"]))
    return found.ranking(partial(_narrowed, asked), worked_out=bool(asked.get("places")))


def _narrowed(asked: dict[str, Any], figures: QuerySet[Any]) -> QuerySet[Any]:
    whole = FilteredRelation("master__stats", condition=Q(master__stats__period=Period.ALL))
    figures = figures.alias(whole=whole).filter(_bounds(asked))
    if text := asked.get("q", "").strip():
        named = Q(master__strategy_name__icontains=text)
        if text.isdecimal():
            figures = figures.alias(login_text=Cast("master__account__login", CharField()))
            named |= Q(login_text__startswith=text)
        figures = figures.filter(named)
    if currency := asked.get("currency"):
        figures = figures.filter(master__account__currency=currency)
    if fee := asked.get("fee"):
        free = Q(master__reward_policy__enabled=False)
        figures = figures.filter(free if fee == FREE else ~free & Q(master__reward_policy__reward_type=int(fee)))
    if asked.get("places"):
        figures = figures.filter(Q(master__max_followers=0) | Q(living_followers__lt=F("master__max_followers")))
    sort = "whole__days" if asked["sort"] == "history" else asked["sort"]
    if asked["dir"] == "asc":
        return figures.order_by(F(sort).asc(), "master_id")
    # The clause where there are no nulls would keep an index from being used.
    nulls_last = None if sort in COUNTED else True
    return figures.order_by(F(sort).desc(nulls_last=nulls_last), "-master_id")


def _bounds(asked: dict[str, Any]) -> Q:
    fits = Q()
    for name, lookup, share in (
        ("roi_min", "roi__gte", _HUNDRED),
        ("drawdown_max", "max_drawdown__lte", _HUNDRED),
        ("win_min", "win_rate__gte", _HUNDRED),
        ("risk_max", "risk_score__lte", ONE),
        ("followers_min", "followers__gte", ONE),
    ):
        if asked.get(name) is not None:
            fits &= Q(**{lookup: asked[name] / share})
    if asked.get("history"):
        fits &= Q(whole__days__gte=int(asked["history"]))
    return fits


def market_page(actor: Actor, form: MarketForm, number: str | None) -> tuple[Page[Any], list[MasterRow]]:
    """One page of masters; the same number of queries however many there are."""
    asked = form.asked
    ranking: Any = masters_asked(actor, asked)
    page: Page[Any] = Paginator(ranking, ROWS).get_page(number)
    masters = _with_figures(actor, list(page.object_list), Period(asked["period"]))
    lines = equity_lines(masters, Period(asked["period"]))
    return page, [
        MasterRow(
            master,
            {name: getattr(master, f"stat_{name}") for name in BY_NAME},
            master.history_days,
            lines[master.account_id],
        )
        for master in masters
    ]


def _with_figures(actor: Actor, ids: Sequence[int], period: Period) -> list[Any]:
    """These masters in their order, as far as they are visible."""
    visible = masters_visible(actor).filter(pk__in=ids)
    figures = FilteredRelation("stats", condition=Q(stats__period=period))
    whole = FilteredRelation("stats", condition=Q(stats__period=Period.ALL))
    columns = {f"stat_{name}": F(f"figures__{name}") for name in BY_NAME}
    masters = visible.annotate(figures=figures, whole=whole).annotate(**columns, history_days=F("whole__days"))
    return sorted(masters.order_by(), key=lambda master: ids.index(master.pk))


def equity_lines(masters: Sequence[CopyMaster], period: Period) -> dict[int, list[Decimal]]:
    """For each master's account what one unit became, day by day, payments left out; thinned to what a sparkline can
    show."""
    series: dict[int, tuple[list[Decimal], list[Decimal]]] = {master.account_id: ([], []) for master in masters}
    snapshots = EquitySnapshot.objects.filter(account_id__in=series)
    last = snapshots.order_by("-day").values_list("day", flat=True).first()
    if last is None:
        return {account: [] for account in series}
    begins = period.begins(last + timedelta(days=1))
    if begins is not None:
        snapshots = snapshots.filter(day__gte=begins)
    for account, equity, flow in snapshots.order_by("account_id", "day").values_list("account_id", "equity", "flow"):
        series[account][0].append(equity)
        series[account][1].append(flow)
    return {account: _thinned(chained_index(*held)) for account, held in series.items()}


def _thinned(values: list[Decimal]) -> list[Decimal]:
    """At most `SPARK_POINTS` of the values, the first and the last among them."""
    if len(values) <= SPARK_POINTS:
        return values
    return [values[place * (len(values) - 1) // (SPARK_POINTS - 1)] for place in range(SPARK_POINTS)]


def columns(form: MarketForm) -> list[dict[str, Any]]:
    """The table's columns of figures with the address that sorts by each."""
    asked = form.asked
    shown: list[tuple[str, Promise, Promise]] = [
        (name, BY_NAME[name].label, BY_NAME[name].hint) for name in TABLE_COLUMNS
    ]
    found = []
    for name, label, hint in shown:
        current = asked["sort"] == name
        first = "asc" if name in _LESS_IS_BETTER else "desc"
        other = "asc" if asked["dir"] == "desc" else "desc"
        direction = other if current else first
        found.append(
            {
                "name": name,
                "label": label,
                "hint": hint,
                "current": ("ascending" if asked["dir"] == "asc" else "descending") if current else "",
                "address": form.address(sort=name, dir=direction),
            }
        )
    return found


TABLE_COLUMNS: Final = (
    "roi", "max_drawdown", "risk_score", "win_rate", "profit_factor", "trades", "followers", "aum",
)  # fmt: skip
EXPORTED: Final = tuple(BY_NAME)
