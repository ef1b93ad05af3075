"""The machine that does everything twice: with the product, and with the small model."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from accounts.models import AccountGroup, TradingAccount
from accounts.services import account_open, product_config_update
from copytrade.engine.drain import leader_drain
from copytrade.models import CopyFollower, CopyMaster, CopyOrder, TradeLink
from copytrade.selectors_proof import copies_prove
from copytrade.services.endings import OpenCopies
from copytrade.services.followers import follower_create, follower_update
from copytrade.services.masters import master_create, master_update
from copytrade.services.subscriptions import subscription_create, subscription_end, subscription_update
from core.errors import DomainError
from core.states import CopyRole, LinkState, Side, TradeState
from infra.actor import Actor, SessionType
from ledger.selectors_proof import ledger_prove
from tests.model.model import STEP, Account, Model, Subscription, Ticket
from tests.model.wishes import DEFAULTS, MILLION, changes, contradictory
from tests.support.copy_house import CopyHouse, copy_house, lead
from tests.support.house import AT
from trading.models import AccountEvent, Trade
from trading.selectors_proof import trades_prove
from trading.services.balance import balance_operate
from trading.services.orders import OrderAnswer, order_close, order_open

SYMBOLS = ("EURUSD", "XAUUSD")
COMMISSION = D("3.5")
lots = st.sampled_from(range(1, 121)).map(lambda steps: steps * STEP)
some = st.sampled_from(range(1_000))
soon = st.sampled_from([True, True, False])
"""Whether a leader's action is copied at once; what is not is copied with later ones."""
_house: dict[str, Any] = {}
seen: Counter[tuple[str, str]] = Counter()
"""What copies have come to in all examples: the leader's action and the reason, "" for a filled one."""


def prepare(place: Any) -> None:
    """Two leaders and three followers, one of each on netting; nobody copies anybody yet."""
    made = copy_house(place, followers=0, leader_netting=False, follower_netting=True, commission=str(COMMISSION))
    groups = {netting: _group(place, netting) for netting in (False, True)}
    names = {"hedging leader": made.leader, "netting leader": lead(place, place.person("carol"), groups[True])}
    for account in names.values():
        place.deposit(account, MILLION - 100_000, at=AT)
    for name, netting in (("hedging", False), ("netting", True), ("hedging of two", False)):
        with place.scope():
            account = _opened(place, groups[netting])
            follower_create(actor=_bob(place), login=account.login, settings={"max_master_count": 2}, at=AT)
        names[name] = account
    _house.update(house=made, names=names)


def _group(place: Any, netting: bool) -> Any:
    with place.scope():
        return AccountGroup.objects.get(position_mode="NETTING" if netting else "HEDGING", name__endswith="copies")


def _opened(place: Any, group: Any) -> TradingAccount:
    account = account_open(customer=place.person("bob").user, group=group, at=AT).account
    balance_operate(account_id=account.id, amount=MILLION, at=AT)
    return account


def _bob(place: Any) -> Actor:
    return Actor(SessionType.CUSTOMER, place.person("bob").id, place.id)


class Copying(RuleBasedStateMachine):
    """Does everything twice: with the product in a transaction that is rolled back, and with the model."""

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.savepoint()
        self.house: CopyHouse = _house["house"]
        self.place = self.house.place
        self.real: dict[str, TradingAccount] = _house["names"]
        self.at = AT
        self.model = Model()
        self.model.all_links = []
        self.model.quotes = {"EURUSD": (D("1.1000"), D("1.1002")), "XAUUSD": (D("2000.00"), D("2000.50"))}
        for name in self.real:
            self.model.accounts[name] = Account(name, "netting" in name, MILLION, COMMISSION)
            self.model.accounts[name].log = [{"kind": "BALANCE"}] * (2 if "leader" in name else 1)
        self.leaders = [a for n, a in self.model.accounts.items() if "leader" in n]
        self.followers = [a for n, a in self.model.accounts.items() if "leader" not in n]

    def teardown(self) -> None:
        try:
            self.prove()
        finally:
            self.undo()

    def prove(self) -> None:
        """What waits is copied, and then product, model and all proofs agree."""
        for leader in self.leaders:
            self._drain(leader)
        self.agree()
        for prove in (ledger_prove, trades_prove, copies_prove):
            assert list(prove(self.place.id)) == []

    def undo(self) -> None:
        """As if nothing had happened, for the next walk."""
        transaction.savepoint_rollback(self.savepoint)

    def _id(self, account: Account) -> int:
        return self.real[account.name].id

    # --- Trading

    @initialize(wanted=st.lists(changes, min_size=4, max_size=4))
    def first_agreements(self, wanted: list[dict[str, Any]]) -> None:
        """Both leaders are copied: the netting account copies one of them, another account both."""
        for pair, one in zip((0, 2 + len(wanted[0]) % 2, 4, 5), wanted, strict=True):
            self.somebody_subscribes(pair, one)

    @rule(who=some, symbol=st.sampled_from(SYMBOLS), buys=st.booleans(), volume=lots, copied=soon)
    def leader_opens(self, who: int, symbol: str, buys: bool, volume: D, copied: bool) -> None:
        leader = self.leaders[who % 2]
        self._open(leader, symbol, buys, volume)
        if copied:
            self._drain(leader)

    @precondition(lambda self: any(a.tickets for a in self.leaders))
    @rule(which=some, volume=lots, same=st.booleans(), copied=soon)
    def leader_trades_what_he_has(self, which: int, volume: D, same: bool, copied: bool) -> None:
        """On netting: more of it, less of it, or the other way round."""
        tickets = [(a, t) for a in self.leaders for t in a.tickets if a.netting] or [
            (a, t) for a in self.leaders for t in a.tickets
        ]
        leader, ticket = tickets[which % len(tickets)]
        self._open(leader, ticket.symbol, (ticket.side > 0) is same, volume)
        if copied:
            self._drain(leader)

    @rule(who=some, symbol=st.sampled_from(SYMBOLS), buys=st.booleans(), volume=lots)
    def follower_opens(self, who: int, symbol: str, buys: bool, volume: D) -> None:
        self._open(self.followers[who % len(self.followers)], symbol, buys, volume)

    def _open(self, account: Account, symbol: str, buys: bool, volume: D) -> None:
        side = Side.BUY if buys else Side.SELL
        with self.place.scope():
            answer = order_open(account_id=self._id(account), symbol=symbol, side=side, volume=volume, at=self.at)
        assert isinstance(answer, OrderAnswer), answer
        ticket = self.model.buy(account, symbol, side.sign, volume)
        if ticket is not None and ticket.number is None:
            ticket.number = answer.order

    @precondition(lambda self: any(a.tickets for a in self.leaders))
    @rule(which=some, part=st.none() | some, copied=soon)
    def leader_closes(self, which: int, part: int | None, copied: bool) -> None:
        leader = self._close(self.leaders, which, part)
        if copied:
            self._drain(leader)

    @precondition(lambda self: any(a.tickets for a in self.followers))
    @rule(which=some, part=st.none() | some)
    def follower_closes(self, which: int, part: int | None) -> None:
        """By hand, whatever it is: a copy, or a ticket of the customer's own."""
        self._close(self.followers, which, part)

    def _close(self, accounts: list[Account], which: int, part: int | None) -> Account:
        tickets = [(a, t) for a in accounts for t in a.tickets]
        account, ticket = tickets[which % len(tickets)]
        volume = None if part is None else (1 + part % int(ticket.lots / STEP)) * STEP
        with self.place.scope():
            outcome = order_close(account_id=self._id(account), trade_id=ticket.number, volume=volume, at=self.at)
        assert isinstance(outcome, OrderAnswer), outcome
        self.model.sell(account, ticket, volume or ticket.lots)
        return account

    @rule(who=some, amount=st.integers(-500, 500).filter(bool))
    def money_moves(self, who: int, amount: int) -> None:
        account = list(self.model.accounts.values())[who % len(self.real)]
        with self.place.scope():
            balance_operate(account_id=self._id(account), amount=D(amount), at=self.at)
        self.model.money(account, D(amount))

    @rule(symbol=st.sampled_from(SYMBOLS), moved=st.integers(-60, 60), spread=st.integers(0, 30))
    def market_moves(self, symbol: str, moved: int, spread: int) -> None:
        point = D("0.00001") if symbol == "EURUSD" else D("0.01")
        bid = self.model.quotes[symbol][0] + moved * point
        self.model.quotes[symbol] = (bid, bid + spread * point)
        self.place.quote(symbol, *self.model.quotes[symbol], at=self.at)

    @rule(seconds=st.sampled_from([1, 3, 3, 29, 30, 31]))
    def time_passes(self, seconds: int) -> None:
        self.at += timedelta(seconds=seconds)
        self.model.now += seconds

    # --- Agreements

    @rule(pair=some, wanted=changes)
    def somebody_subscribes(self, pair: int, wanted: dict[str, Any]) -> None:
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
        made, code = self._asked(
            subscription_create, actor=_bob(self.place), master_login=self.real[leader.name].login,
            follower_login=self.real[follower.name].login, settings=chosen, at=self.at,
        )  # fmt: skip
        assert code == next((reason for reason, holds in reasons.items() if holds), "")
        if made is None:
            return
        self.model.subscriptions.append(Subscription(made.id, leader, follower, len(leader.log) + 1, chosen))

    @precondition(lambda self: any(not s.ended for s in self.model.subscriptions))
    @rule(which=some, wanted=changes, let_go=st.booleans())
    def settings_change(self, which: int, wanted: dict[str, Any], let_go: bool) -> None:
        living = [s for s in self.model.subscriptions if not s.ended]
        subscription = living[which % len(living)]
        after = subscription.settings | wanted
        let_go = let_go and (after["status"] != 0 or not after["enabled"])
        open_copies = OpenCopies.LET_GO if let_go else OpenCopies.KEEP_EXITS
        _changed, code = self._asked(
            subscription_update, subscription_id=subscription.name, settings=wanted, open_copies=open_copies, at=self.at
        )
        assert code == ("INVALID_DATA" if contradictory(after) else "")
        if code:
            return
        subscription.settings = after
        if let_go:
            self.model.let_go(subscription.active())

    @precondition(lambda self: any(not s.ended for s in self.model.subscriptions))
    @rule(which=some, let_go=st.booleans())
    def subscription_ends(self, which: int, let_go: bool) -> None:
        living = [s for s in self.model.subscriptions if not s.ended]
        subscription = living[which % len(living)]
        open_copies = OpenCopies.LET_GO if let_go else OpenCopies.KEEP_EXITS
        with self.place.scope():
            subscription_end(subscription_id=subscription.name, open_copies=open_copies, at=self.at)
        subscription.ended = True
        if let_go:
            self.model.let_go(subscription.active())

    @rule(who=some, on=st.sampled_from([True, True, False]))
    def somebody_is_switched(self, who: int, on: bool) -> None:
        """A master or a follower, on or off; the module now and then."""
        names = [*self.real, "module"]
        name = names[who % len(names)]
        if name == "module":
            self.model.module_on = on
            with self.place.scope():
                product_config_update(copy_trading=on)
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

    @rule(who=some)
    def nobody_goes_in_circles(self, who: int) -> None:
        """A leader becomes no follower, and a follower no leader."""
        name = list(self.real)[who % len(self.real)]
        login = self.real[name].login
        if "leader" in name:
            owner = self.place.person("alice" if name == "hedging leader" else "carol")
            actor = Actor(SessionType.CUSTOMER, owner.id, self.place.id)
            _made, code = self._asked(follower_create, actor=actor, login=login, settings={}, at=self.at)
        else:
            _made, code = self._asked(
                master_create, actor=_bob(self.place), login=login, settings={"strategy_name": "Circle"},
                reward_policy={"reward_type": 3, "fee_percent": D(10)}, at=self.at,
            )  # fmt: skip
        assert code == "CIRCULAR_COPY"

    def _asked(self, service: Any, **arguments: Any) -> tuple[Any, str]:
        """What a service gives, or the code that it refuses with."""
        try:
            with self.place.scope():
                return service(**arguments), ""
        except DomainError as error:
            return None, error.code

    # --- Copying

    @rule(who=some)
    def leader_is_copied(self, who: int) -> None:
        self._drain(self.leaders[who % 2])

    def _drain(self, leader: Account) -> None:
        leader_drain(tenant_id=self.place.id, leader_id=self._id(leader), clock=lambda: self.at)
        self.model.copy(leader)
        self._name_tickets()
        self._told_the_same(leader)

    def _name_tickets(self) -> None:
        """Tells the model the numbers of the tickets that copying has opened."""
        for (name, trade), links in self._links().items():
            for mine, (ticket_id, *_rest) in zip(self._model_links()[name, trade], links, strict=True):
                if mine.ticket.number is None:
                    mine.ticket.number = ticket_id

    def _told_the_same(self, leader: Account) -> None:
        with self.place.scope():
            seqs = dict(AccountEvent.objects.filter(account_id=self._id(leader)).values_list("id", "seq"))
            orders = CopyOrder.objects.filter(leader_id=self._id(leader), source_kind="E").values_list(
                "subscription_id", "source_id", "status", "reason", "volume"
            )
            real = {(name, seqs[source]): (s, reason, volume) for name, source, s, reason, volume in orders}
        mine = {
            (s.name, seq): told for s in self.model.subscriptions if s.leader is leader for seq, told in s.told.items()
        }
        # Whether one that has ended is told that there was nothing left to close is nobody's business.
        ended = {s.name for s in self.model.subscriptions if s.ended}
        for told in (real, mine):
            for key in [k for k, v in told.items() if k[0] in ended and v[1] == "ALREADY_FLAT"]:
                del told[key]
        assert real == mine
        seen.update((leader.log[seq - 1]["kind"], reason) for (_name, seq), (_status, reason, _lots) in mine.items())

    # --- What must hold after every step

    @invariant()
    def agree(self) -> None:
        with self.place.scope():
            held: dict[str, dict[int, Any]] = {name: {} for name in self.real}
            names = {account.id: name for name, account in self.real.items()}
            for t in Trade.objects.filter(state=TradeState.OPEN, cmd__lt=2):
                held[names[t.account_id]][t.id] = (t.symbol, -1 if t.cmd else 1, t.volume, t.open_price)
            balances = {names[a.id]: a.balance for a in TradingAccount.objects.filter(pk__in=names)}
            roles = {names[a.id]: a.copy_role for a in TradingAccount.objects.filter(pk__in=names)}
        for name, account in self.model.accounts.items():
            assert held[name] == {t.number: _shape(t) for t in account.tickets}, name
            assert balances[name] == account.balance, name
            assert roles[name] == (CopyRole.LEADER if "leader" in name else CopyRole.FOLLOWER)
        real = self._links()
        assert real == {
            key: [(k.ticket.number, k.lots, k.state) for k in links] for key, links in self._model_links().items()
        }
        owned: dict[int, D] = {}
        for links in real.values():
            for ticket_id, volume, _state in links:
                owned[ticket_id] = owned.get(ticket_id, D(0)) + volume
        tickets = {number: shape[2] for of in held.values() for number, shape in of.items()}
        assert all(volume <= tickets.get(number, 0) for number, volume in owned.items())

    def _links(self) -> dict[tuple[int, int], list[tuple[int, D, str]]]:
        found: dict[tuple[int, int], list[tuple[int, D, str]]] = {}
        with self.place.scope():
            for k in TradeLink.objects.order_by("id"):
                of = (k.follower_trade_id, k.volume, LinkState(k.state).name)
                found.setdefault((k.subscription_id, k.leader_trade_id), []).append(of)
        return found

    def _model_links(self) -> dict[tuple[int, int], list[Any]]:
        return {
            (s.name, trade.number or 0): links for s in self.model.subscriptions for trade, links in s.links.items()
        }


def _shape(ticket: Ticket) -> tuple[Any, ...]:
    return ticket.symbol, ticket.side, ticket.lots, ticket.price
