"""What a run says: a table to read, and everything as JSON. No time stands without its ratio to the floor."""

import json
import statistics
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.dry_run import Found as DryRun
from benchmarks.durable import Durable
from benchmarks.fan import Fan
from benchmarks.figures import Compared, median_of_runs, ratio
from benchmarks.freshness import Found as Freshness
from benchmarks.freshness import table as freshness_table
from benchmarks.latency import Latency
from benchmarks.masters import Found as Masters
from benchmarks.masters import table as masters_table
from benchmarks.triggers import Found as Market
from benchmarks.triggers import table as market_table


@dataclass
class Report:
    """Everything that a run has found out."""

    machine: dict[str, Any]
    options: dict[str, Any]
    latencies: list[Latency] = field(default_factory=list)
    durables: list[Durable] = field(default_factory=list)
    fan: Fan | None = None
    statements: dict[int, dict[str, Any]] = field(default_factory=dict)
    market: Market | None = None
    masters: Masters | None = None
    freshness: Freshness | None = None
    dry_run: DryRun | None = None
    load_after: list[float] = field(default_factory=list)
    seconds: float = 0.0


def as_json(report: Report) -> dict[str, Any]:
    """The report as plain values, with the ratios that the table shows."""
    plain = asdict(report)
    for latency, found in zip(plain["latencies"], report.latencies, strict=True):
        for quantity, values in zip(latency["quantities"], found.quantities, strict=True):
            quantity["ratios"] = values.ratios
    for durable, measured in zip(plain["durables"], report.durables, strict=True):
        durable["entries"]["ratios"] = measured.entries.ratios
        durable["copies_per_second"] = measured.copies_per_second
        durable["floor_per_second"] = measured.floor_per_second
    if report.fan is not None:
        plain["fan"] |= {"tails": report.fan.tails, "worst": report.fan.worst}
    if report.market is not None:
        plain["market"]["ticks"]["ratios"] = report.market.ticks.ratios
    if report.masters is not None:
        for page, compared in zip(plain["masters"]["pages"], report.masters.pages, strict=True):
            page["ratios"] = compared.ratios
    if report.dry_run is not None:
        plain["dry_run"]["times"]["ratios"] = report.dry_run.times.ratios
    plain["combined"] = [{"name": name, "ratio": value} for name, value, _detail in _combined(report)]
    return plain


def store(report: Report, folder: Path) -> Path:
    """Writes the JSON under its time, and once more as the latest."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    text = json.dumps(as_json(report), indent=1)
    path.write_text(text)
    (folder / "latest.json").write_text(text)
    return path


def table(report: Report) -> str:
    """The summary."""
    machine = report.machine
    lines = [
        f"{machine['cores']} x {machine['cpu']}, load {machine['load'][0]} before and {report.load_after[0]} after",
        f"Python {machine['python']}, PostgreSQL {machine['postgresql']} "
        f"(synchronous_commit {machine['postgresql_settings']['synchronous_commit']}), {machine['redis']}, daphne "
        f"{machine['packages']['daphne']}, {report.options['workers']} copy worker(s), commit {machine['commit'] or 'unknown'}",
        "",
        "Latency: ratio to the floor of the medians of the runs' figures, and the times behind it in ms",
        f"  {'':<32}{'ratio':^17}{'product':^24}{'floor':^24}",
        f"  {'':<32}{'p50':>8}{'p99':>8} {'p50':>9}{'p95':>7}{'p99':>7} {'p50':>9}{'p95':>7}{'p99':>7}",
    ]
    for latency in report.latencies:
        pace = latency.pace
        cpu = ", ".join(f"{name} {value:.1f}" for name, value in latency.cpu_ms_per_event.items())
        lines.append(
            f"{_followers(pace.followers)}, {pace.runs} runs of {pace.events} events, {pace.rate:g}/s, {pace.held} open"
        )
        lines += [_latency_line(quantity) for quantity in latency.quantities]
        lines.append(f"  CPU ms an event: {cpu}")
    lines += [f"{name}: {value:.2f} x ({detail})" for name, value, detail in _combined(report)]
    if report.durables:
        lines += ["", "Durable copies: COPY of the same rows into the same tables is the floor"]
        lines += [line for durable in report.durables for line in _durable_lines(durable)]
        lines += _flatness(report.durables)
        lines += ["", "Statements a turn (they must not grow with the number of followers)"]
        for size, counted in report.statements.items():
            lines.append(f"{_followers(size)}: {counted['per_turn']:.1f} in {counted['turns']} turns")
    if report.fan is not None:
        lines += ["", *_fan_lines(report.fan)]
    if report.market is not None:
        lines += ["", *market_table(report.market)]
    if report.masters is not None:
        lines += ["", *masters_table(report.masters)]
    if report.freshness is not None:
        lines += ["", *freshness_table(report.freshness)]
    if report.dry_run is not None:
        found = report.dry_run
        lines += ["", f"Dry run of {found.trades:,} trades: a bare read of their {found.events:,} events is the floor"]
        lines.append(_latency_line(found.times))
    return "\n".join(lines)


def _followers(number: int) -> str:
    return "no followers" if not number else "1 follower" if number == 1 else f"{number:,} followers"


def _latency_line(quantity: Compared) -> str:
    ratios = quantity.ratios
    product, floor = median_of_runs(quantity.product), median_of_runs(quantity.floor)
    return (
        f"  {quantity.name:<32}{ratios['p50']:>7.2f}x{ratios['p99']:>7.2f}x "
        f"{product['p50']:>9.2f}{product['p95']:>7.1f}{product['p99']:>7.1f} "
        f"{floor['p50']:>9.2f}{floor['p95']:>7.1f}{floor['p99']:>7.1f}"
    )


def _durable_lines(durable: Durable) -> list[str]:
    ratios = durable.entries.ratios
    product, floor = durable.entries.product[0], durable.entries.floor[0]
    exits, first = statistics.median(durable.exits_ms), statistics.median(durable.firsts_ms)
    behind_first = statistics.median(behind.first for behind in durable.behind)
    behind_last = statistics.median(behind.last for behind in durable.behind)
    share = statistics.median(behind.last / behind.entry for behind in durable.behind)
    return [
        f"{_followers(durable.followers)}: {ratios['p50']:.2f} x the floor at p50, {ratios['p99']:.2f} x at p99; "
        f"{durable.copies_per_second:,.0f} copies/s against {durable.floor_per_second:,.0f}/s",
        f"  entry {product['p50']:.1f} ms against {floor['p50']:.1f} ms for {sum(durable.rows.values()):,} rows; "
        f"exit {exits:.1f} ms ({exits / product['p50']:.2f} x the entry); "
        f"first copies {first:.1f} ms; "
        f"worker CPU {durable.cpu_ms_per_copy * 1000:.0f} us a copy, memory {durable.worker_bytes / 2**20:.0f} MB",
        f"  an exit right behind an entry: first copies {behind_first:.1f} ms, "
        f"last {behind_last:.1f} ms ({share:.2f} x the entry before it, {behind_last / product['p50']:.2f} x an entry alone)",
    ]


def _flatness(durables: list[Durable]) -> list[str]:
    """How what one copy costs changes with the number of followers, from 100 on."""
    many = sorted((found for found in durables if found.followers >= 100), key=lambda found: found.followers)
    if len(many) < 2:
        return []
    least, most = many[0], many[-1]
    return [
        f"a copy of {most.followers:,} followers beside one of {least.followers:,}: "
        f"{ratio(least.copies_per_second, most.copies_per_second):.2f} x the time, "
        f"{ratio(most.cpu_ms_per_copy, least.cpu_ms_per_copy):.2f} x the worker's CPU"
    ]


def _fan_lines(fan: Fan) -> list[str]:
    middle = fan.middle
    return [
        f"{fan.leaders} leaders with {fan.followers} followers each at once, {fan.rate:g} events a second, "
        f"{fan.workers} copy workers",
        f"  commit to last copy durable: p50 {middle['p50']:.1f} ms, p99 {middle['p99']:.1f} ms; "
        f"the slowest leader's p99 {fan.worst:.2f} x the middle one's; {fan.out_of_order} copies out of order",
    ]


def _combined(report: Report) -> list[tuple[str, float, str]]:
    """What is compared with two floors together: an order of 1 follower by the skeleton, and COPY of many copies."""
    single = next((found for found in report.latencies if found.pace.followers == 1), None)
    if single is None:
        return []
    skeleton = median_of_runs(_quantity(single, "order to first trade frame").floor)["p50"]
    found = []
    for durable in report.durables:
        latency = next((one for one in report.latencies if one.pace.followers == durable.followers), None)
        if latency is None:
            continue
        last = median_of_runs(_quantity(latency, "order to last trade frame").product)["p50"]
        floor = skeleton + durable.entries.floor[0]["p50"]
        detail = f"{last:.1f} ms against {floor:.1f} ms"
        name = f"{_followers(durable.followers)}, order to last trade frame, to the floor with 1 follower and COPY"
        found.append((name, ratio(last, floor), detail))
    return found


def _quantity(latency: Latency, name: str) -> Compared:
    return next(quantity for quantity in latency.quantities if quantity.name == name)
