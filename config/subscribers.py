"""The choreography on one screen: who is asked before an order, who is told about what happened, who is woken."""


def connect() -> None:
    """Fills the ports that lower layers declare. Called once, when the applications are ready."""
    from django.conf import settings

    from accounts import ports as accounts_ports
    from copytrade import ports as copytrade_ports
    from copytrade.engine.listener import links_keep_true
    from copytrade.engine.manual import manual_order_guard
    from copytrade.services.follower_stops import marks_follow_payments
    from copytrade.services.modules import module_check
    from copytrade.services.resting import resting_of_account
    from infra.api.views import set_module_check
    from ledger import ports as ledger_ports
    from ledger.services import accounts_open
    from marketplace.services.listing import following_noted, profiles_listed
    from rewards.services.terms import terms_note
    from trading import ports as trading_ports
    from trading.selectors_proof import records_prove

    accounts_ports.account_opened[:] = [accounts_open]
    accounts_ports.account_disabled[:] = [resting_of_account]
    trading_ports.order_guards[:] = [manual_order_guard]
    trading_ports.trade_listeners[:] = [links_keep_true, marks_follow_payments]
    copytrade_ports.profile_listeners[:] = [profiles_listed, terms_note]
    copytrade_ports.following_listeners[:] = [following_noted]
    set_module_check(module_check)
    ledger_ports.provers[:] = [records_prove]
    if settings.DEMO:
        from config.demo.live import demo_step

        trading_ports.market_steps[:] = [demo_step]
