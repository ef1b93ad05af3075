"""The product's settings, as the process that measures uses them: accounts by the thousand are made without a second
of hashing each. The measured processes run on `config.settings`."""

import os

os.environ["DATABASE_POOL"] = "0"

from config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
