"""What staff do with accounts and needs trading: opening them with money, and balance operations."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import api_shapes as shapes
from accounts import selectors as accounts_selectors
from accounts.api_manage import AccountList, StaffView, account_record
from accounts.services import account_open
from accounts.services.common import LEVERAGE_MAX
from core.errors import invalid
from core.money import round_money
from core.rounding import ZERO
from infra.api.fields import Body, CleanTextField, IdField, WholeNumberField, WireDecimalField
from infra.api.paths import api_path
from infra.api.schema import describe
from trading.services.balance import balance_operate


class NewAccount(Body):
    customer_id = IdField()
    group = CleanTextField(min_length=1, max_length=100, help_text="The name of an account group.")
    leverage = WholeNumberField(required=False, min_value=1, max_value=LEVERAGE_MAX)
    balance = WireDecimalField(default=ZERO, min_value=ZERO, help_text="A first deposit, in account currency.")


class BalanceOperation(Body):
    amount = WireDecimalField(help_text="In account currency; negative for a withdrawal.")
    comment = CleanTextField(default="")


class Accounts(AccountList):
    shows_secret = True

    @describe(
        "Open a trading account; its own password is shown once",
        body=NewAccount,
        sent={"customer_id": 17, "group": "Real USD", "balance": "10000"},
        answer=shapes.OPENED_BY_STAFF,
        errors={403: ("GROUP_DISABLED",)},
    )
    def post(self, request: Request) -> Response:
        values = self.body(NewAccount)
        customer = accounts_selectors.customer_named(values["customer_id"])
        group = accounts_selectors.account_group_named(values["group"])
        if round_money(values["balance"], group.currency) != values["balance"]:
            raise invalid("balance", _("has more digits than %(currency)s") % {"currency": group.currency})
        opened = account_open(customer=customer, group=group, leverage=values.get("leverage"), at=self.at)
        if values["balance"] > 0:
            balance_operate(account_id=opened.account.id, amount=values["balance"], at=self.at)
        record = account_record(accounts_selectors.account_by_login(self.actor, opened.account.login))
        return Response({**record, "password": opened.password})


class Balance(StaffView):
    @describe(
        "Deposit to, or withdraw from, a trading account",
        body=BalanceOperation,
        sent={"amount": "250.5", "comment": "wire transfer"},
        answer=shapes.BALANCE_MOVED,
        errors={403: ("RET_TRADE_NO_MONEY",)},
    )
    def post(self, request: Request, login: str) -> Response:
        values = self.body(BalanceOperation)
        account = accounts_selectors.account_by_login(self.actor, int(login))
        order = balance_operate(
            account_id=account.id,
            amount=values["amount"],
            comment=values["comment"],
            at=self.at,
        )
        record: dict[str, Any] = account_record(accounts_selectors.account_by_login(self.actor, int(login)))
        return Response({**record, "order": order, "amount": values["amount"]})


manage_account_patterns = [
    api_path("manage/accounts", Accounts),
    api_path("manage/accounts/<int:login>/balance", Balance),
]
