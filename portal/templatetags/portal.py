"""The parts that every page is made of. A page composes these and invents no others (templates/components/)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.core.exceptions import ValidationError
from django.core.paginator import Page
from django.forms import BoundField
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.dates import MONTHS_3
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from heroicons.templatetags.heroicons import heroicon_outline

from copytrade.domain.limits import LARGEST_HOLDS, Limit, Whose, tightest
from copytrade.models import CopySubscription
from core.masking import masked_email
from core.rounding import ZERO
from core.states import Cmd, Side
from portal import drawing, formats
from portal.reads import Total
from portal.statistics import BY_NAME, Kind
from portal.words import BADGES, BOUND_HOLDS, OWN_HOLDS, subscription_state

register = template.Library()


@register.simple_tag
def icon(name: str, size: int = 18, css: str = "") -> SafeString:
    """An inline icon. It repeats what a word beside it says, so it is hidden from screen readers."""
    attributes = {"class": f"glyph {css}".strip(), "aria-hidden": "true", "focusable": "false"}
    return mark_safe(heroicon_outline(name, size=size, **attributes))


@register.simple_tag
def money(value: Decimal, currency: str) -> SafeString:
    """An amount with its currency."""
    return format_html(
        '<span class="num" data-f="amount">{}</span> <span class="unit">{}</span>',
        formats.money(value, currency),
        currency,
    )


@register.filter
def amount(value: Decimal, currency: str) -> str:
    """An amount with its currency's digits, without its name."""
    return formats.money(value, currency)


@register.simple_tag
def sums(found: Iterable[Total]) -> SafeString:
    """Amounts of several currencies; a dash for none."""
    written = format_html_join(mark_safe(" · "), "{}", ((money(one.amount, one.currency),) for one in found))
    return written or format_html('<span class="muted">{}</span>', formats.NO_VALUE)


@register.simple_tag
def gain(value: Decimal, currency: str) -> SafeString:
    """A result: sign, arrow and currency, so that colour only repeats what is written."""
    return format_html(
        '<span class="gain {}"><span class="arrow" aria-hidden="true">{}</span>'
        '<span class="num">{}</span> <span class="unit">{}</span></span>',
        "up" if value > 0 else "down" if value < 0 else "flat",
        "▲" if value > 0 else "▼" if value < 0 else "",
        formats.money(value, currency, sign=True),
        currency,
    )


@register.filter
def price(value: Decimal | None, digits: int) -> str:
    return formats.price(value, digits)


@register.filter
def lots(value: Decimal) -> str:
    return formats.lots(value)


@register.filter
def signed_lots(value: Decimal) -> str:
    """A net volume: negative for short."""
    return f"{formats.MINUS if value < 0 else ''}{formats.lots(abs(value))}"


@register.filter
def decimal(value: Decimal) -> str:
    return formats.number(value)


@register.filter
def plain(value: Decimal) -> str:
    """The number as it is typed into a field and read by scripts: a point, no grouping, no exponent."""
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


@register.filter
def percent(fraction: Decimal | None, digits: int = 1) -> str:
    return formats.percent(fraction, digits)


@register.filter
def ratio(value: Decimal | None) -> str:
    return formats.ratio(value)


@register.filter
def span(seconds: Decimal | int | None) -> str:
    return formats.span(seconds)


@register.simple_tag
def change(fraction: Decimal | None, digits: int = 1) -> SafeString:
    """A return: sign and arrow, so that colour only repeats what is written; a dash where it is not defined."""
    if fraction is None:
        return not_defined()
    return format_html(
        '<span class="gain {}"><span class="arrow" aria-hidden="true">{}</span><span class="num">{}</span></span>',
        "up" if fraction > 0 else "down" if fraction < 0 else "flat",
        "▲" if fraction > 0 else "▼" if fraction < 0 else "",
        formats.percent(fraction, digits, sign=True),
    )


@register.simple_tag(takes_context=True)
def stat(context: template.Context, name: str, value: Any, currency: str) -> SafeString:
    """A statistic as its kind is written (`portal.statistics`); a dash where it is not defined."""
    kind = BY_NAME[name].kind
    if value is None:
        return format_html('<span class="muted">{}</span>', _("not rated")) if kind is Kind.SCORE else not_defined()
    match kind:
        case Kind.CHANGE:
            return change(value)
        case Kind.GAIN:
            return gain(value, currency)
        case Kind.MONEY:
            return money(value, currency)
        case Kind.TIME:
            return when(context, value)
        case Kind.PERCENT:
            written = formats.percent(value)
        case Kind.RATIO:
            written = formats.ratio(value)
        case Kind.NUMBER:
            written = formats.number(Decimal(value), 0)
        case Kind.SPAN:
            written = formats.span(value)
        case Kind.SCORE:
            written = _("%(score)s of 10") % {"score": value}
    return format_html('<span class="num">{}</span>', written)


@register.simple_tag(takes_context=True)
def stat_in(context: template.Context, name: str, figures: Mapping[str, Any], currency: str) -> SafeString:
    """The statistic of that name among `figures`."""
    return stat(context, name, figures[name], currency)


@register.simple_tag
def days(number: int | None) -> SafeString:
    """A number of days; a dash for none."""
    if not number:
        return not_defined()
    return format_html('<span class="num">{}</span>', ngettext("%(n)s day", "%(n)s days", number) % {"n": number})


@register.filter
def thousands(number: int) -> str:
    return formats.number(Decimal(number), 0)


@register.filter
def side(cmd: int) -> Side:
    return Cmd(cmd).side


@register.filter
def masked(address: str) -> str:
    return masked_email(address)


@register.filter
def copying_state(subscription: CopySubscription) -> str:
    """What the badge of a subscription says."""
    return subscription_state(enabled=subscription.enabled, status=subscription.status)


@register.inclusion_tag("components/segments.html")
def segments(bound: BoundField) -> dict[str, Any]:
    """One of a few choices, all of them in view."""
    choices: Any = bound.field
    return {"field": bound, "choices": choices.choices, "chosen": bound.value()}


@register.simple_tag
def not_defined() -> SafeString:
    """The dash of a figure that cannot be computed, with the reason on hover."""
    return format_html(
        '<span class="muted" title="{}">{}</span>', _("not enough history to compute it"), formats.NO_VALUE
    )


@register.simple_tag(takes_context=True)
def when(context: template.Context, at: datetime | str | None) -> SafeString:
    """A relative time with the exact one on hover; the page's script keeps it current."""
    if at is None or isinstance(at, str):  # a missing value of a missing object is "" in templates
        return format_html('<span class="muted">{}</span>', formats.NO_VALUE)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(),
        formats.exact_time(at),
        formats.age(at, context["now"]),
    )


@register.simple_tag
def moment(at: datetime) -> SafeString:
    """An instant to come, or one whose exact time matters more than its age: in the viewer's zone, the zone named."""
    return format_html('<span class="num moment">{}</span>', formats.exact_time(at))


@register.simple_tag
def day_of(at: datetime) -> str:
    """The day of an instant in the viewer's zone, the exact time left out."""
    return date_format(timezone.localtime(at), "DATE_FORMAT")


@register.simple_tag
def milliseconds(value: Decimal | int | None) -> SafeString:
    """A latency. A dash where it was not measured, as in a simulated past."""
    if value is None:
        return format_html('<span class="muted" title="{}">{}</span>', _("not measured"), formats.NO_VALUE)
    return format_html('<span class="num">{}</span> <span class="unit">ms</span>', formats.number(Decimal(value)))


@register.simple_tag
def badge(kind: str, value: Any) -> SafeString:
    """A state as word and icon; `portal.words.BADGES` says which."""
    word, name, tone = BADGES[kind][value]
    return format_html('<span class="badge-state tone-{}">{}{}</span>', tone, icon(name, 14), word)


@register.inclusion_tag("components/figure.html")
def figure(label: str, value: SafeString, name: str = "", note: str = "") -> dict[str, Any]:
    """One of a page's few figures; `name` is what the live script knows it by."""
    return {"label": label, "value": value, "name": name, "note": note}


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, unit: str = "", css: str = "") -> dict[str, Any]:
    """One form field: label, input, unit, help, errors."""
    return _field(bound, unit, css, [])


@register.inclusion_tag("components/field.html")
def limit_field(bound: BoundField, unit: str = "") -> dict[str, Any]:
    """The field of a limit that others set too (D19): with what applies, and whose it is. The page's script says it anew
    while somebody types."""
    form: Any = bound.form
    limit = form.bounds.get(bound.name, Limit(ZERO))
    # Of several that others set, `limit` is the tightest already.
    holds = tightest(bound.name, follower=_typed_limit(bound), master=limit.value, tenant=ZERO).whose
    value = {"value": formats.number(limit.value)}
    note = {
        "holds": {None: "nobody", Whose.FOLLOWER: "own"}.get(holds, "bound"),
        "own": OWN_HOLDS[limit.whose] % value,
        "bound": BOUND_HOLDS[limit.whose] % value if limit.whose else "",
        "limit": limit,
        "largest": bound.name in LARGEST_HOLDS,
    }
    return _field(bound, unit, "", [f"{bound.auto_id}-limit"]) | {"limit": note}


def _typed_limit(bound: BoundField) -> Decimal:
    """The number in the field, 0 for none and for what is none."""
    try:
        return Decimal(bound.field.clean(bound.value()))
    except ValidationError:
        return ZERO


def _field(bound: BoundField, unit: str, css: str, described: list[str]) -> dict[str, Any]:
    described = [*described, f"{bound.auto_id}-help"] if bound.help_text else described
    if bound.errors:
        described.append(f"{bound.auto_id}-error")
    attributes: dict[str, Any] = (
        bound.field.widget.attrs | {"aria-describedby": " ".join(described)} if described else {}
    )
    if bound.errors:
        attributes["aria-invalid"] = "true"
    return {"field": bound, "input": bound.as_widget(attrs=attributes), "unit": unit, "css": css}


@register.simple_block_tag
def card(content: str, title: str = "", css: str = "", id: str = "") -> str:
    """A surface with an optional title."""
    return render_to_string("components/card.html", {"content": content, "title": title, "css": css, "id": id})


@register.simple_block_tag
def empty(content: str, title: str, name: str = "inbox") -> str:
    """What a list says when it has nothing: the block holds the next step."""
    return render_to_string("components/empty.html", {"content": content, "title": title, "name": name})


@register.simple_block_tag
def dialog(content: str, title: str, tone: str = "") -> str:
    """A dialog; `static/portal/portal.js` opens what arrives in the page's dialog place."""
    return render_to_string("components/dialog.html", {"content": content, "title": title, "tone": tone})


@register.simple_block_tag
def notice(content: str, tone: str = "info") -> str:
    """A sentence that the page says about what just happened; errors are announced at once."""
    return render_to_string("components/notice.html", {"content": content, "tone": tone})


@register.inclusion_tag("components/hold.html")
def hold(label: str, note: str = "") -> dict[str, str]:
    """The button of what cannot be undone: it acts after being held for a second, by pointer or key."""
    return {"label": label, "note": note}


@register.simple_block_tag
def table(content: str, id: str, title: str, count: int | None = None, export: str = "", fold: bool = True) -> str:
    """A list with title, number of rows and CSV export; the block holds head, body and what an empty list says.

    On narrow screens its rows become small cards, unless `fold` is False because it has few columns.
    """
    context = {"content": content, "id": id, "title": title, "count": count, "export": export, "fold": fold}
    return render_to_string("components/table.html", context)


@register.simple_tag
def sparkline(values: Sequence[Decimal], label: str) -> SafeString:
    """A series as a small line; `label` says in words what it shows. Nothing where there is no line."""
    drawn = drawing.sparkline_of(values)
    if drawn is None:
        return format_html('<span class="spark spark-none muted">{}</span>', _("no history yet"))
    size = {"width": drawing.SPARK_WIDTH, "height": drawing.SPARK_HEIGHT}
    return mark_safe(
        render_to_string(
            "components/sparkline.html",
            size | {"line": drawn.line, "area": drawn.area, "trend": drawn.trend, "label": label},
        )
    )


@register.inclusion_tag("components/heat_map.html")
def heat_map(months: Sequence[tuple[str, Decimal | None]], title: str) -> dict[str, Any]:
    """Monthly returns as a table: `months` holds `YYYY-MM` and a fraction, or None where it is not defined."""
    return {
        "title": title,
        "names": [MONTHS_3[month] for month in range(1, 13)],
        "rows": drawing.heat_rows(months),
        "steps": drawing.heat_steps(),
    }


@register.simple_block_tag
def chart(content: str, id: str, title: str, data: Mapping[str, Any], summary: str) -> str:
    """Equity and drawdown on one time axis; the block holds head and body of the table behind it.

    `data`: `points` of `{time, equity, drawdown, flow}` in unix seconds, money and fractions, and `currency`. `summary`
    says in words what the picture shows. `static/portal/charts.js` draws it.
    """
    words = {
        "equity": _("Equity"),
        "drawdown": _("Below the peak"),
        "deposit": _("Deposit"),
        "withdrawal": _("Withdrawal"),
    }
    context = {
        "content": content,
        "id": id,
        "data_id": f"{id}-data",
        "title": title,
        "data": {**data, "words": words},
        "drawable": len(data["points"]) > 1,
        "summary": summary,
        "zone": timezone.get_current_timezone_name(),
    }
    return render_to_string("components/chart.html", context)


@register.inclusion_tag("components/pages.html")
def pages(page: Page[Any], query: str = "", target: str = "", name: str = "page") -> dict[str, Any]:
    """Back and next below a list. `query`: the other parameters of the address, with a trailing `&`; `target`: what htmx
    replaces, empty for loading the whole page; `name`: the parameter that holds the page's number."""
    return {"page": page, "query": query, "target": target, "name": name}
