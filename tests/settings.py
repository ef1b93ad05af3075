"""The product's settings, as the tests run them: chosen by `--ds` in pyproject.toml, whatever the environment says.

Only DATABASE_URL and REDIS_URL come from outside. Passwords are hashed cheaply, and every test process has its own
prefix in Redis, so that runs side by side never see each other's counters.
"""

import os
import secrets

os.environ.setdefault("SECRET_KEY", "only-for-tests-and-long-enough-for-hs256")
os.environ.setdefault("PLAIN_STATIC", "1")
os.environ["DATABASE_POOL"] = "0"  # one connection per thread, which the test's own transaction can hold

from config.settings import *  # noqa: F403
from config.settings import CACHES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CACHES["default"]["KEY_PREFIX"] = f"test-{secrets.token_hex(6)}"
STATIC_ROOT = None  # files are served from where they are; nothing is collected
