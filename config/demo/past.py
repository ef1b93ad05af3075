"""The demo's past: the real services called for ninety days in one order of time over all accounts of both tenants.

Time goes in steps of a quarter of an hour. At each one the leaders look at the prices so far; what they decide is
carried out at instants of their own before the next step, and copied at once. Doorbell, sweep and live push rest
meanwhile: nobody is told of things that are made up. `live=False` marks tenants whose past is not finished.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Final

from django.db import transaction

from accounts import directory
from accounts.models import Tenant
from config.demo.cast import DAYS, HOUSES
from config.demo.roles import House
from config.demo.stage import PROFILES, Happening, Stage, bar_of
from config.demo.styles import Mood
from copytrade.engine.listener import doorbell_quiet
from infra.database import analyze
from infra.push import held

SEED: Final = 7
STEP: Final = timedelta(minutes=15)
EAGER: Final = timedelta(hours=3)
"""How long before the present every leader is busy, so that the newest trades are minutes old."""
_BARS_BEFORE: Final = 960
"""What strategies look back on at the beginning: ten days."""
_SETTLE: Final = timedelta(seconds=5)


def past_make(
    *,
    end: datetime,
    tell: Callable[[int], None],
    houses: Sequence[House] = HOUSES,
    length: timedelta = timedelta(days=DAYS),
    seed: int = SEED,
) -> None:
    """Makes the houses with a past that ends at `end`, then sets them live. `tell` gets the per cent that are done.

    Interrupted, it leaves tenants that are not live: see `remains`. The same `end` and `seed` make the same past.
    """
    start = end - length
    stages = [Stage(house, seed) for house in houses]
    with doorbell_quiet(), held() as frames:
        for stage in stages:
            stage.found(start)
        past = _Past(stages, start, end, Random(f"{seed}:moments"))
        steps = int(length / STEP) + 1
        for step in range(steps):
            past.step(start + step * STEP)
            frames.clear()
            tell(100 * (step + 1) // steps)
        for stage in stages:
            stage.finish(end)
        frames.clear()
    with transaction.atomic():
        Tenant.objects.filter(pk__in=[stage.tenant_id for stage in stages]).update(live=True)
    directory.forget()
    analyze()


class _Past:
    """What is known at a step: the prices so far, and what is still to happen."""

    def __init__(self, stages: list[Stage], start: datetime, end: datetime, dice: Random) -> None:
        self._stages = stages
        self._end = end
        self._dice = dice
        self._waiting: list[Happening] = sorted(
            (happening for stage in stages for happening in stage.happenings(start, end)), key=lambda one: one[0]
        )
        self._profiles = {symbol: PROFILES[symbol] for stage in stages for symbol in stage.house.symbols()}
        self._prices: dict[str, list[int]] = {symbol: [] for symbol in self._profiles}
        for bar in range(-_BARS_BEFORE, 0):
            self._look(start + bar * STEP)

    def step(self, at: datetime) -> None:
        """The leaders decide at `at`; that, and whatever else is due before the next step, is carried out in order."""
        self._look(at)
        until = min(at + STEP, self._end)
        due = [*self._decisions(at, until - at)]
        while self._waiting and self._waiting[0][0] < at + STEP:
            due.append(self._waiting.pop(0))
        for moment, happen in sorted(due, key=lambda one: one[0]):
            happen(moment)

    def _decisions(self, at: datetime, room: timedelta) -> list[Happening]:
        seconds = int((room - _SETTLE).total_seconds())
        if seconds <= 0:
            return []
        mood = Mood.EAGER if self._end - at < EAGER else Mood.AWAY if at.weekday() >= 5 else Mood.USUAL
        found: list[Happening] = []
        for stage in self._stages:
            for key, trader in stage.traders.items():
                moment = at + timedelta(seconds=self._dice.randrange(seconds), milliseconds=self._dice.randrange(1000))
                for what in trader.decide(self._prices, mood):
                    found.append((moment, partial(stage.trade, key, what, self._prices)))
                    moment += timedelta(milliseconds=self._dice.randrange(200, 900))
        return found

    def _look(self, at: datetime) -> None:
        for symbol, profile in self._profiles.items():
            self._prices[symbol].append(bar_of(profile, at))
