"""Derived identifiers: the same cause gives the same id, so a repeated attempt is seen as a repetition (D10)."""


def copy_client_order_id(
    *, source_kind: str, source_id: int, subscription_id: int, leg: int = 0, attempt: int = 0
) -> str:
    """The client order id of one leg of one copy; unique per account by a database constraint.

    `source_kind` is "E" for an account event of the leader or "C" for a copy command.
    """
    return f"c:{source_kind}{source_id}:{subscription_id}:{leg}:{attempt}"
