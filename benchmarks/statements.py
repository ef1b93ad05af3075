"""How many statements a turn sends, counted where psycopg sends them."""

from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import psycopg


class Counter:
    """Statements of this process while it is counting, by their first words."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __enter__(self) -> "Counter":
        original, seen = psycopg.Cursor.execute, self.seen

        def execute(cursor: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
            text = query.decode() if isinstance(query, bytes) else str(query)
            seen.append(" ".join(text.split())[:80])
            return original(cursor, query, *args, **kwargs)

        self._undo = ExitStack()
        self._undo.enter_context(patch.object(psycopg.Cursor, "execute", execute))
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()
