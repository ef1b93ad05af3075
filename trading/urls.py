"""Addresses of trading."""

from trading.api import patterns
from trading.api_manage import manage_account_patterns
from trading.api_market import market_patterns
from trading.api_orders import order_patterns

urlpatterns = [*patterns, *order_patterns, *market_patterns, *manage_account_patterns]
