"""Addresses of the two servers, in the forms their clients understand. Pure functions."""

from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit


def postgres_url(socket_dir: Path, database: str) -> str:
    """The DATABASE_URL of a PostgreSQL that listens on a unix socket in ``socket_dir``."""
    return f"postgres://postgres@/{database}?host={quote(str(socket_dir))}"


def valkey_url(socket: Path) -> str:
    """The REDIS_URL of a Valkey that listens on ``socket``, as redis-py and channels-redis read it."""
    return f"unix://{quote(str(socket))}?db=0"


def celery_broker_url(redis_url: str) -> str:
    """The same server as ``redis_url`` as Celery reads it: kombu names unix sockets differently from redis-py."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    query = dict(parse_qsl(parts.query))
    query["virtual_host"] = query.pop("db", "0")
    # not by urlunsplit, which leaves out an empty host and its slashes
    return f"redis+socket://{parts.netloc}{parts.path}?{urlencode(query)}"


def without_password(url: str) -> str:
    """``url`` as it may be shown: the password is replaced, wherever it stands."""
    parts = urlsplit(url)
    netloc = parts.netloc
    if "@" in netloc:
        login, _, host = netloc.rpartition("@")
        user, has_password, _ = login.partition(":")
        netloc = f"{user}{':***' if has_password else ''}@{host}"
    query = "&".join(
        "password=***" if piece.startswith("password=") else piece for piece in parts.query.split("&") if piece
    )
    return f"{parts.scheme}://{netloc}{parts.path}{'?' + query if query else ''}"
