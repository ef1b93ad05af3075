"""Writes of copy trading: masters, followers and subscriptions. The engine's writes are in `copytrade.engine`."""
