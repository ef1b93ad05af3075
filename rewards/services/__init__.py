"""Writes of rewards: agreements, charges, settlement."""
