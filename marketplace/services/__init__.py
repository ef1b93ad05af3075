"""Writes of the marketplace: counting trades, refreshing the figures of masters."""
