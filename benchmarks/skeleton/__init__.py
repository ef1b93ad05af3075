"""The floor: the same hops as the product with nothing in between. No tenants, no guards, no money, no margin.

WebSocket in (Channels on daphne), one statement writes event and order and rings, the listener wakes, writes all copies
in one transaction, one Redis publish, a dict of sockets, WebSocket out.
"""
