"""What the machine stands on: the same cast in product and model, how the two are compared, and how copying is driven."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from accounts.models import AccountGroup, TradingAccount
from accounts.services import account_open
from copytrade.engine.commands import commands_drain
from copytrade.engine.drain import leader_drain
from copytrade.models import CopyOrder, Quarantine, TradeLink
from copytrade.models_commands import FailedExit
from copytrade.selectors_proof import copies_prove
from copytrade.services.followers import follower_create
from core.errors import DomainError
from core.states import Cmd, CopyRole, LinkState, TradeState
from infra.actor import Actor, SessionType
from ledger.selectors_proof import ledger_prove
from tests.model.paper.house import MARKET, STEP, Account, Ticket
from tests.model.paper.model import Model
from tests.model.wishes import MILLION
from tests.support.copy_house import CopyHouse, copy_house, lead
from tests.support.house import AT
from trading.models import AccountEvent, Trade
from trading.selectors_proof import trades_prove
from trading.services.balance import balance_operate

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
            follower_create(actor=bob(place), login=account.login, settings={"max_master_count": 2}, at=AT)
        names[name] = account
    _house.update(house=made, names=names)


def _group(place: Any, netting: bool) -> Any:
    with place.scope():
        return AccountGroup.objects.get(position_mode="NETTING" if netting else "HEDGING", name__endswith="copies")


def _opened(place: Any, group: Any) -> TradingAccount:
    account = account_open(customer=place.person("bob").user, group=group, at=AT).account
    balance_operate(account_id=account.id, amount=MILLION, at=AT)
    return account


def bob(place: Any) -> Actor:
    """The customer whose accounts all followers are."""
    return Actor(SessionType.CUSTOMER, place.person("bob").id, place.id)


class Stage(RuleBasedStateMachine):
    """Everything happens in a transaction that is rolled back."""

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.savepoint()
        self.house: CopyHouse = _house["house"]
        self.place = self.house.place
        self.real: dict[str, TradingAccount] = _house["names"]
        self.at = AT
        self.model = Model()
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
            self.carry_out(leader)
        self.agree()
        for prove in (ledger_prove, trades_prove, copies_prove):
            found = list(prove(self.place.id))
            assert found == []

    def undo(self) -> None:
        """As if nothing had happened, for the next walk."""
        transaction.savepoint_rollback(self.savepoint)

    def id_of(self, account: Account) -> int:
        return self.real[account.name].id

    def asked(self, service: Any, **arguments: Any) -> tuple[Any, str]:
        """What a service gives, or the code that it refuses with."""
        try:
            with self.place.scope():
                return service(**arguments), ""
        except DomainError as error:
            return None, error.code

    # --- Copying

    def drain(self, leader: Account) -> None:
        leader_drain(tenant_id=self.place.id, leader_id=self.id_of(leader), clock=lambda: self.at)
        self.model.copy(leader)
        self._name_copies()
        self._told_the_same(leader)

    def carry_out(self, leader: Account) -> None:
        """What was asked for, after what the leader has done."""
        self.drain(leader)
        commands_drain(tenant_id=self.place.id, leader_id=self.id_of(leader), clock=lambda: self.at)
        self.model.carry_out(leader)
        self._name_copies()
        with self.place.scope():
            orders = CopyOrder.objects.filter(source_kind="C")
            told = orders.values_list("subscription_id", "leader_trade_id", "status", "reason", "volume")
            real, mine = Counter(told), Counter(self.model.answers)
            assert real == mine, (real - mine, mine - real)
        seen.update(("asked", reason) for _name, _trade, _status, reason, _lots in self.model.answers)

    def _name_copies(self) -> None:
        """Tells the model the numbers of the tickets that copying has opened."""
        known = self._model_links()
        for key, links in self._links().items():
            for mine, (ticket_id, *_rest) in zip(known[key], links, strict=True):
                if mine.ticket.number is None:
                    mine.ticket.number = ticket_id

    def name_tickets(self) -> None:
        """Tells the model the numbers of positions that orders have opened by turning others round."""
        for account in self.model.accounts.values():
            nameless = [t for t in account.tickets if t.number is None]
            if nameless:
                known = [t.number for t in account.tickets if t.number]
                with self.place.scope():
                    found = Trade.objects.filter(account_id=self.id_of(account), state=TradeState.OPEN, cmd__lt=2)
                    numbers = list(found.exclude(pk__in=known).order_by("id").values_list("id", flat=True))
                for ticket, number in zip(nameless, numbers, strict=True):
                    ticket.number = number

    def _told_the_same(self, leader: Account) -> None:
        with self.place.scope():
            seqs = dict(AccountEvent.objects.filter(account_id=self.id_of(leader)).values_list("id", "seq"))
            orders = CopyOrder.objects.filter(leader_id=self.id_of(leader), source_kind="E").values_list(
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
        assert real == mine, [(k, real.get(k), mine.get(k)) for k in {**real, **mine} if real.get(k) != mine.get(k)]
        seen.update((leader.log[seq - 1]["kind"], reason) for (_name, seq), (_status, reason, _lots) in mine.items())

    # --- What must hold after every step

    @invariant()
    def agree(self) -> None:
        with self.place.scope():
            held: dict[str, dict[int, Any]] = {name: {} for name in self.real}
            waiting: dict[str, dict[int, Any]] = {name: {} for name in self.real}
            names = {account.id: name for name, account in self.real.items()}
            for t in Trade.objects.filter(state=TradeState.OPEN):
                kind = Cmd(t.cmd).kind.name
                shape = (t.symbol, Cmd(t.cmd).side.sign, kind, t.volume, t.open_price, t.sl, t.tp)
                if kind == MARKET:
                    held[names[t.account_id]][t.id] = shape
                else:
                    until = None if t.expiration_at is None else (t.expiration_at - AT) // timedelta(seconds=1)
                    waiting[names[t.account_id]][t.id] = (*shape, until, t.copied)
            balances = {names[a.id]: a.balance for a in TradingAccount.objects.filter(pk__in=names)}
            roles = {names[a.id]: a.copy_role for a in TradingAccount.objects.filter(pk__in=names)}
        for name, account in self.model.accounts.items():
            assert held[name] == {t.number: _shape(t) for t in account.tickets}, name
            assert waiting[name] == {t.number: (*_shape(t), t.expires, t.copied) for t in account.waiting}, name
            assert balances[name] == account.balance, name
            assert roles[name] == (CopyRole.LEADER if "leader" in name else CopyRole.FOLLOWER)
        with self.place.scope():
            resting = Quarantine.objects.filter(released_at__isnull=True).values_list("follower_id", "symbol")
            assert {(names[number], symbol) for number, symbol in resting} == self.model.quarantined
            failed = FailedExit.objects.filter(state="OPEN").exclude(volume=0).values_list("link_id", "volume")
            owed = {
                k.pk: min(k.volume, dict(failed)[k.pk]) for k in TradeLink.objects.filter(pk__in=dict(failed), state=0)
            }
            assert sorted(owed.values()) == sorted(k.owed for k in self.model.all_links if k.owed)
        real = self._links()
        assert real == {
            key: [(k.ticket.number, k.lots, k.state, k.rests) for k in links]
            for key, links in self._model_links().items()
        }
        owned: dict[int, D] = {}
        for links in real.values():
            for ticket_id, volume, _state, _rests in links:
                owned[ticket_id] = owned.get(ticket_id, D(0)) + volume
        tickets = {number: shape[3] for of in (*held.values(), *waiting.values()) for number, shape in of.items()}
        assert all(volume <= tickets.get(number, 0) for number, volume in owned.items())

    def _links(self) -> dict[tuple[int, int], list[tuple[int, D, str, bool]]]:
        found: dict[tuple[int, int], list[tuple[int, D, str, bool]]] = {}
        with self.place.scope():
            for k in TradeLink.objects.order_by("id"):
                of = (k.follower_trade_id, k.volume, LinkState(k.state).name, k.resting)
                found.setdefault((k.subscription_id, k.leader_trade_id), []).append(of)
        return found

    def _model_links(self) -> dict[tuple[int, int], list[Any]]:
        return {
            (s.name, trade.number or 0): links for s in self.model.subscriptions for trade, links in s.links.items()
        }


def _shape(ticket: Ticket) -> tuple[Any, ...]:
    return ticket.symbol, ticket.side, ticket.kind, ticket.lots, ticket.price, ticket.sl, ticket.tp
