"""The marketplace: finding masters, and looking at one."""

from typing import Any

from django.core.paginator import Page, Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from copytrade.models import CopyMaster
from copytrade.selectors import subscriptions_followed
from copytrade.selectors_masters import followers_of_master, is_owner, masters_of_same_customer
from core.states import Cmd
from marketplace.domain.periods import Period
from marketplace.selectors_stats import masters_totals
from portal import market
from portal.exports import csv_answer
from portal.http import PortalRequest, copying_page
from portal.master_reads import closed_trades, gap_parts, master_seen, master_shown, with_figures
from portal.reads import ROWS_SHOWN
from portal.report import figures_by_period, report_of
from portal.speed import DAYS, speed_of_master
from portal.statistics import PERIODS, USUAL_PERIOD
from portal.terms import terms_of


@copying_page
def listing(request: PortalRequest) -> HttpResponse:
    """The visible masters that fit the question in the address; with htmx the results alone."""
    actor = request.viewer.actor
    form = market.MarketForm(request.GET, currencies=market.currencies_offered())
    page, rows = market.market_page(actor, form, request.GET.get("page"))
    followed = set(subscriptions_followed(actor).values_list("master_id", flat=True))
    context: dict[str, Any] = {
        "form": form,
        "asked": form.asked,
        "narrowed": form.narrowed,
        "page": page,
        "query": form.address(),
        "as_cards": form.address(view="cards"),
        "as_table": form.address(view="table"),
        "columns": market.columns(form),
        "totals": masters_totals(),
        "masters": [master_shown(row.master) | {"row": row, "followed": row.master.pk in followed} for row in rows],
    }
    if request.htmx.target != "market-results":
        return render(request, "portal/masters.html", context)
    response = render(request, "portal/parts/market_results.html", context | {"part": True})
    # Typing replaces the address, choosing makes a new step to go back to.
    header = "HX-Replace-Url" if request.htmx.trigger_name == "q" else "HX-Push-Url"
    response[header] = f"{request.path}?{form.address(page=str(page.number) if page.number > 1 else '')}".rstrip("?&")
    return response


@copying_page
def export(request: PortalRequest) -> HttpResponse:
    """The page of masters that is shown, as CSV with exact figures: fractions, seconds, account currency."""
    form = market.MarketForm(request.GET, currencies=market.currencies_offered())
    _page, rows = market.market_page(request.viewer.actor, form, request.GET.get("page"))
    columns = ["login", "strategy_name", "currency", "period", "history_days", "terms", *market.EXPORTED]
    told = (
        [
            row.master.account.login,
            row.master.strategy_name,
            row.master.account.currency,
            form.asked["period"],
            row.history_days,
            terms_of(row.master),
            *[row.stats[name] for name in market.EXPORTED],
        ]
        for row in rows
    )
    return csv_answer("masters", columns, told)


@copying_page
def master(request: PortalRequest, login: int) -> HttpResponse:
    """One master: what it made, how deep it fell, what its followers really got, its terms, and all that it shows."""
    actor = request.viewer.actor
    found = master_seen(actor, login)
    period = Period(request.GET["period"]) if request.GET.get("period") in set(Period) else USUAL_PERIOD
    report = report_of(found, period, request.at)
    others = list(masters_of_same_customer(actor, found))
    trades, followers = _trades(request, found), _followers(request, found)
    subscriptions = list(subscriptions_followed(actor).filter(master_id=found.pk))
    context: dict[str, Any] = master_shown(found) | {
        "period": period,
        "periods": list(PERIODS.items()),
        "stats": report.stats,
        "gap_parts": gap_parts(report.stats),
        "figure_rows": figures_by_period(found),
        "report": report,
        "curve": {"points": [point.drawn() for point in report.points], "currency": found.account.currency},
        "subscriptions": subscriptions,
        # Only to whom some of the copies belong.
        "speed": speed_of_master(actor, found.pk, request.at) if found.own or subscriptions else None,
        "speed_days": DAYS,
        "others": with_figures(others, Period.ALL),
        "trades": trades,
        "trades_query": _without(request, "trades"),
        "trades_csv": f"{reverse('portal:master-trades-csv', args=[login])}?trades={trades.number if trades else 1}",
        "followers": followers,
        "followers_query": _without(request, "followers"),
    }
    return render(request, "portal/master.html", context)


def _without(request: PortalRequest, name: str) -> str:
    """The address's other parameters, with a trailing `&`."""
    query = request.GET.copy()
    query.pop(name, None)
    return f"{query.urlencode()}&" if query else ""


def _trades(request: PortalRequest, found: CopyMaster) -> Page[Any] | None:
    """The closed trades, the newest first; None where the master does not show them."""
    if not (found.show_trade_history or is_owner(request.viewer.actor, found)):
        return None
    return Paginator(closed_trades(found), ROWS_SHOWN).get_page(request.GET.get("trades"))


def _followers(request: PortalRequest, found: CopyMaster) -> Page[Any] | None:
    """Who follows, with masked addresses; None where the master does not show them."""
    if not (found.show_followers or is_owner(request.viewer.actor, found)):
        return None
    rows = followers_of_master(found).select_related("follower__customer").order_by("-created_at", "-pk")
    return Paginator(rows, ROWS_SHOWN).get_page(request.GET.get("followers"))


@copying_page
def trades_export(request: PortalRequest, login: int) -> HttpResponse:
    """The page of closed trades that is shown, as CSV."""
    page = _trades(request, master_seen(request.viewer.actor, login))
    if page is None:
        raise Http404
    columns = (
        "id", "symbol", "side", "volume", "open_at", "open_price", "close_at", "close_price", "profit", "commission",
        "storage", "net",
    )  # fmt: skip
    for trade in page:
        trade.side = Cmd(trade.cmd).side
    rows = ([getattr(trade, column) for column in columns] for trade in page)
    return csv_answer(f"trades-{login}", ["order", *columns[1:]], rows)
