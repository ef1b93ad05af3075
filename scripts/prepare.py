"""``python -m scripts.prepare``: what must be true before the processes start, in one start of Django.

Reachable servers, an up-to-date schema, the demo in an empty database, collected static files. Each step looks first
whether there is anything to do, so a later start passes in a moment. `python -m infra.embedded run` calls it.
"""

import hashlib
import os
import sys
from pathlib import Path

import django
import redis
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import CommandError, call_command
from django.db import OperationalError

from infra.embedded.product import SENTENCE_SAID, STATE
from infra.embedded.servers import sentence_for
from infra.embedded.urls import without_password

_FILES_STAMP = STATE / "static.stamp"
# Its page asks another host for fonts, so it is not served; compressing it would take a third of the time
_UNUSED = "drf_spectacular_sidecar/redoc"
_LOGINS = STATE / "demo_logins.txt"


def main() -> int:
    """Prepare, or say in one sentence what is in the way; the exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        django.setup()
        _check_redis()
        _say("Bringing the database up to date ...")
        call_command("migrate", verbosity=0, interactive=False)
        _make_demo()
        _collect_static_files()
    except OperationalError as error:
        return _fail(f"The database at {without_password(os.environ['DATABASE_URL'])} says: {_first_line(error)}")
    except redis.RedisError as error:
        return _fail(f"Redis at {without_password(os.environ['REDIS_URL'])} says: {_first_line(error)}")
    except CommandError as error:
        return _fail(_first_line(error))
    except OSError as error:
        return _fail(sentence_for(error))
    return 0


def _check_redis() -> None:
    with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=5, socket_timeout=5) as client:
        client.ping()


def _make_demo() -> None:
    if not settings.DEMO:
        _LOGINS.unlink(missing_ok=True)
        return
    _say("Looking for the demo (making it takes a minute or two, once) ...")
    call_command("demo_seed", "--if-empty")
    with _LOGINS.open("w") as text:
        call_command("demo_logins", stdout=text)


def _collect_static_files() -> None:
    """Collect and compress only when a source has changed: it is the longest step of a start."""
    fingerprint = _fingerprint()
    if _FILES_STAMP.exists() and _FILES_STAMP.read_text() == fingerprint and Path(settings.STATIC_ROOT).is_dir():
        return
    _say("Collecting static files ...")
    call_command("collectstatic", verbosity=0, interactive=False, clear=True, ignore_patterns=[_UNUSED])
    _FILES_STAMP.write_text(fingerprint)


def _fingerprint() -> str:
    """Changes when a static file of any application is added, removed or edited, or when they are stored otherwise."""
    digest = hashlib.sha256(f"{settings.STATIC_ROOT} {settings.STORAGES['staticfiles']}".encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            found = os.stat(storage.path(name))
            digest.update(f"{name} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _say(text: str) -> None:
    print(text, flush=True)


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr, flush=True)
    return SENTENCE_SAID


if __name__ == "__main__":
    sys.exit(main())
