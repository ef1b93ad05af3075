"""What people agree on: who copies whom, with which settings, and who is switched off."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal as D
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from accounts.services import product_config_update
from copytrade.models import CopyFollower, CopyMaster
from copytrade.services.endings import OpenCopies
from copytrade.services.followers import follower_create, follower_update
from copytrade.services.masters import master_create, master_update
from copytrade.services.resting import resting_sweep
from copytrade.services.subscriptions import subscription_create, subscription_end, subscription_update
from infra.actor import Actor, SessionType
from tests.model.hands.stage import Stage, bob, some
from tests.model.paper.links import Subscription
from tests.model.wishes import DEFAULTS, changes, contradictory

KEEP = OpenCopies.KEEP_EXITS


class Agreements(Stage):
    """Subscriptions from their beginning to their end."""

    def one_of_the_living(self, which: int) -> Subscription:
        living = [s for s in self.model.subscriptions if not s.ended]
        return living[which % len(living)]

    @initialize(wanted=st.lists(changes, min_size=4, max_size=4))
    def first_agreements(self, wanted: list[dict[str, Any]]) -> None:
        """Both leaders are copied: the netting account copies one of them, another account both."""
        for pair, one in zip((0, 2 + len(wanted[0]) % 2, 4, 5), wanted, strict=True):
            self.somebody_subscribes(pair, one)

    @rule(pair=some, wanted=changes, existing=st.booleans())
    def somebody_subscribes(self, pair: int, wanted: dict[str, Any], existing: bool = False) -> None:
        leader = self.leaders[pair % 2]
        follower = self.followers[pair // 2 % len(self.followers)]
        living = [s for s in self.model.subscriptions if s.follower is follower and not s.ended]
        chosen = DEFAULTS | wanted
        reasons = {
            "INVALID_DATA": contradictory(chosen),
            "MASTER_NOT_AVAILABLE": leader.name in self.model.switched_off,
            "RET_DUPLICATE_RECORD": any(s.leader is leader for s in living),
            "ALREADY_CONTROLLED": bool(living) and follower.netting,
        }
        made, code = self.asked(
            subscription_create, actor=bob(self.place), master_login=self.real[leader.name].login,
            follower_login=self.real[follower.name].login, settings=chosen, at=self.at,
            copy_existing_positions=existing,
        )  # fmt: skip
        assert code == next((reason for reason, holds in reasons.items() if holds), "")
        if made is None:
            return
        subscription = Subscription(made.id, leader, follower, len(leader.log) + 1, chosen)
        self.model.subscriptions.append(subscription)
        if existing:
            self.model.ask_existing(subscription)

    @precondition(lambda self: any(not s.ended for s in self.model.subscriptions))
    @rule(which=some, wanted=changes, open_copies=st.sampled_from(OpenCopies), existing=st.booleans())
    def settings_change(self, which: int, wanted: dict[str, Any], open_copies: OpenCopies, existing: bool) -> None:
        self.change_settings(self.one_of_the_living(which), wanted, open_copies, existing)

    def change_settings(
        self, subscription: Subscription, wanted: dict[str, Any], open_copies: OpenCopies = KEEP, existing: bool = False
    ) -> None:
        after = subscription.settings | wanted
        stops = after["status"] != 0 or not after["enabled"]
        open_copies = open_copies if stops else KEEP
        _changed, code = self.asked(
            subscription_update, subscription_id=subscription.name, settings=wanted, open_copies=open_copies,
            copy_existing_positions=existing, at=self.at,
        )  # fmt: skip
        assert code == ("INVALID_DATA" if contradictory(after) else "")
        if code:
            return
        subscription.settings = after
        self._treat(subscription, open_copies)
        if existing:
            self.model.ask_existing(subscription)

    def _treat(self, subscription: Subscription, open_copies: OpenCopies) -> None:
        self.model.review()
        if open_copies is OpenCopies.LET_GO:
            self.model.let_go(subscription.active())
        elif open_copies is OpenCopies.CLOSE:
            self.model.ask_close(subscription.active(), "stop")

    @contextmanager
    def for_now(self, subscription: Subscription, **wanted: Any) -> Iterator[None]:
        """Settings that hold while something happens; of the others only direction and pending orders stay as they are."""
        before = dict(subscription.settings)
        plain = DEFAULTS | {name: before[name] for name in ("reverse_direction", "copy_pending_orders")}
        self.change_settings(subscription, plain | wanted)
        yield
        self.change_settings(subscription, before)

    @precondition(lambda self: any(not s.ended for s in self.model.subscriptions))
    @rule(which=some, open_copies=st.sampled_from(OpenCopies))
    def subscription_ends(self, which: int, open_copies: OpenCopies) -> None:
        subscription = self.one_of_the_living(which)
        with self.place.scope():
            subscription_end(subscription_id=subscription.name, open_copies=open_copies, at=self.at)
        subscription.ended = True
        self._treat(subscription, open_copies)

    @rule(who=some, on=st.sampled_from([True, True, False]))
    def somebody_is_switched(self, who: int, on: bool) -> None:
        """A master or a follower, on or off; the module now and then."""
        names = [*self.real, "module"]
        self.switch(names[who % len(names)], on)

    def switch(self, name: str, on: bool) -> None:
        if name == "module":
            self.model.module_on = on
            with self.place.scope():
                product_config_update(copy_trading=on)
            resting_sweep(tenant_id=self.place.id, at=self.at)
            self.model.review()
            return
        (self.model.switched_off.discard if on else self.model.switched_off.add)(name)
        wanted = {"enabled": on}
        with self.place.scope():
            account = self.real[name]
            if "leader" in name:
                master = CopyMaster.objects.get(account=account)
                master_update(master_id=master.id, settings=wanted, reward_policy=None, at=self.at)
            else:
                follower = CopyFollower.objects.get(account=account)
                follower_update(follower_id=follower.id, settings=wanted, at=self.at)
        self.model.review()

    @rule(who=some)
    def nobody_goes_in_circles(self, who: int) -> None:
        """A leader becomes no follower, and a follower no leader."""
        name = list(self.real)[who % len(self.real)]
        login = self.real[name].login
        if "leader" in name:
            owner = self.place.person("alice" if name == "hedging leader" else "carol")
            actor = Actor(SessionType.CUSTOMER, owner.id, self.place.id)
            _made, code = self.asked(follower_create, actor=actor, login=login, settings={}, at=self.at)
        else:
            _made, code = self.asked(
                master_create, actor=bob(self.place), login=login, settings={"strategy_name": "Circle"},
                reward_policy={"reward_type": 3, "fee_percent": D(10)}, at=self.at,
            )  # fmt: skip
        assert code == "CIRCULAR_COPY"
