"""Orders of one account: the use cases behind REST, WebSocket, portal, dealers and bots.

All of them go one way (`run`): lock the account, find what the order is about, ask the guards, carry out, write. The same
`client_order_id` on the same account gets the same answer and never a second effect; with another `request_hash` it is
refused. Volumes are lots. They are called inside a tenant scope.
"""

from trading.services.orders.changes import Changes, order_cancel, order_modify
from trading.services.orders.market import order_close, order_open, position_flatten
from trading.services.orders.pending import order_open_pending
from trading.services.orders.run import OrderAnswer, Refusal

__all__ = [
    "Changes",
    "OrderAnswer",
    "Refusal",
    "order_cancel",
    "order_close",
    "order_modify",
    "order_open",
    "order_open_pending",
    "position_flatten",
]
