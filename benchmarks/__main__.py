"""``python -m benchmarks``, on the servers of DATABASE_URL and REDIS_URL; see docs/performance.md."""

import argparse
import asyncio
import math
import os
import secrets
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.place import OUTPUT, BenchmarkError, Processes, own_database, own_redis

RATE = 20.0
SLOWER = {100: 10.0, 1000: 2.0, 10_000: 0.2}
"""Events a second from so many followers on: slow enough that no event waits for the one before."""
EXIT_AFTER = 0.3
"""Seconds from an entry to its exit, which decide how many tickets are held."""

FAN_WORKERS, FAN_EVENTS = 2, 10
"""Copy workers, at least, and events of each leader when many trade at once."""


def main(arguments: Sequence[str]) -> int:
    """Measure, print, store; the exit code."""
    options = _parse(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with own_database(os.environ["DATABASE_URL"]) as database, own_redis(os.environ["REDIS_URL"]) as redis:
            _measure(options, database, redis)
    except KeyError as error:
        print(f"{error.args[0]} is not set: run `make bench`.", file=sys.stderr)
        return 1
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a first look, in two minutes")
    parser.add_argument("--followers", type=_numbers, help="latency for these numbers of followers, e.g. 0,1,10")
    parser.add_argument("--durable", type=_numbers, help="durable copies a second for these, e.g. 100,1000,10000")
    parser.add_argument("--events", type=int, help="events of a run")
    parser.add_argument("--rate", type=float, help=f"events a second; {RATE:g}, less for many followers")
    parser.add_argument("--runs", type=int, help="runs of each side")
    parser.add_argument("--held", type=int, help=f"tickets held by everybody; default: exits come {EXIT_AFTER} s later")
    parser.add_argument("--repeats", type=int, help="entries for durable copies")
    parser.add_argument("--workers", type=int, default=1, help="copy workers")
    parser.add_argument("--fan", type=int, help="leaders with 100 followers each who trade at once; 0: left out")
    parser.add_argument("--fan-rate", type=float, default=20.0, help="events a second of all of them together")
    parser.add_argument("--market", action=argparse.BooleanOptionalAction, default=True, help="triggers and margins")
    parser.add_argument("--dry-run", action=argparse.BooleanOptionalAction, default=True, help="a dry run of 90 days")
    parser.add_argument("--masters", action=argparse.BooleanOptionalAction, default=True, help="statistics of masters")
    options = parser.parse_args(arguments)
    quick = options.quick
    if options.followers is None:
        options.followers = [0, 1, 10, 100] if quick else [0, 1, 10, 100, 1000]
    if options.durable is None:
        options.durable = [100] if quick else [100, 1000]
    if options.fan is None:
        options.fan = 0 if quick else 50
    options.events = options.events or (40 if quick else 120)
    options.runs = options.runs or (3 if quick else 5)
    options.repeats = options.repeats or (8 if quick else 20)
    return options


def _numbers(text: str) -> list[int]:
    return sorted({int(part) for part in text.split(",") if part})


def _measure(options: argparse.Namespace, database: str, redis: str) -> None:
    began = time.monotonic()
    os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(48))
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    env = {**os.environ, "DATABASE_URL": database, "REDIS_URL": redis}
    os.environ.update(DATABASE_URL=database, REDIS_URL=redis, DJANGO_SETTINGS_MODULE="benchmarks.settings")
    _say("Making a database with leaders and followers ...")
    import django

    django.setup()
    # These need Django to be ready
    from django.core.management import call_command

    from benchmarks import dry_run, durable, fan, freshness, masters, report, triggers, world
    from benchmarks.machine import facts
    from infra.database import analyze

    call_command("migrate", verbosity=0, interactive=False)
    seeding = time.monotonic()
    made = world.build(sorted({*options.followers, *options.durable}), database, options.fan)
    _say(f"... made in {time.monotonic() - seeding:.0f} s")
    found = report.Report(machine=facts(database, redis), options=vars(options))
    processes = Processes(env, workers=options.workers)
    try:
        asyncio.run(_latencies(options, made, processes, found))
        analyze()
        for followers in options.durable:
            _say(f"Durable copies of {followers:,} followers ...")
            found.durables.append(durable.measure(made, followers, options.repeats, processes, database))
        if options.fan:
            _say(f"{options.fan} leaders at once ...")
            workers = max(FAN_WORKERS, options.workers)
            found.fan = fan.measure(
                made, processes, database, workers=workers, events=FAN_EVENTS, rate=options.fan_rate
            )
        for followers in options.durable:
            found.statements[followers] = _statements(made, followers)
        if options.dry_run:
            _say("A dry run ...")
            found.dry_run = dry_run.measure(made.tenant_id, options.runs)
        if options.market:
            _say("Ticks, margins, many symbols ...")
            child = {**env, "DJANGO_SETTINGS_MODULE": "config.settings"}
            found.market = triggers.measure(quick=options.quick, port=processes.port, env=child, folder=OUTPUT)
        if options.masters:
            _say("Statistics of masters ...")
            found.masters = masters.measure(quick=options.quick)
            _say("How soon a closed trade is in its master's statistics ...")
            found.freshness = freshness.measure(quick=options.quick, processes=processes, redis_url=redis)
    finally:
        processes.stop()
    found.load_after = [round(load, 1) for load in os.getloadavg()]
    found.seconds = round(time.monotonic() - began, 1)
    path = report.store(found, OUTPUT)
    print(f"\n{report.table(found)}\n\n{found.seconds:.0f} s; everything is in {os.path.relpath(path)}")


async def _latencies(options: argparse.Namespace, made: Any, processes: Processes, found: Any) -> None:
    from benchmarks.latency import Pace, measure
    from benchmarks.sides import Product, Skeleton

    product, floor = Product(made, processes.port), Skeleton(made, processes.skeleton_port)
    await product.connect()
    await floor.connect()
    for followers in options.followers:
        rate = options.rate or min([RATE, *(slow for number, slow in SLOWER.items() if followers >= number)])
        # Few events of many followers hold as many copies
        events = options.events if options.rate else max(10, int(options.events * rate / RATE))
        _say(f"Latency with {followers:,} followers ...")
        pace = Pace(followers, events, rate, options.runs, options.held or math.ceil(rate * EXIT_AFTER / 2))
        found.latencies.append(await measure(product, floor, pace, processes))
    product.close()
    floor.close()


def _statements(made: Any, followers: int) -> dict[str, Any]:
    """Statements of the copying of one entry and one exit, done in this process: the second time, as in the long run."""
    from benchmarks.durable import drain_here
    from benchmarks.statements import Counter

    leader = made.leaders[followers]
    drain_here(made, leader, Counter())
    counter = Counter()
    turns = drain_here(made, leader, counter)
    return {"turns": turns, "per_turn": len(counter.seen) / turns, "seen": counter.seen}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
