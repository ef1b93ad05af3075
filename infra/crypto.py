"""Secrets at rest: AES-256-GCM under a ring of keys, each text bound to the row that holds it.

The first key of `ENCRYPTION_KEYS` seals; all of them open, and so does the one derived from `SECRET_KEY`, which seals
while none is given. So keys can be introduced and replaced without a pause. A sealed text that is copied to another
tenant, table or row cannot be opened there.
"""

from base64 import b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from functools import lru_cache
from hashlib import sha256
from secrets import token_bytes
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_FORMAT: Final = "1"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class Unreadable(Exception):
    """A sealed text that no key of the ring opens at this place. Never a caller's fault."""


def seal(text: str, *, tenant_id: int, table: str, row: int | str) -> str:
    """`text`, readable only with a key of the ring and only for that row."""
    name, cipher = next(iter(_ring().items()))
    nonce = token_bytes(_NONCE_BYTES)
    sealed = cipher.encrypt(nonce, text.encode(), _place(tenant_id, table, row))
    return f"{_FORMAT}.{name}.{urlsafe_b64encode(nonce + sealed).decode()}"


def unseal(sealed: str, *, tenant_id: int, table: str, row: int | str) -> str:
    """What `seal` was given for the same place; `Unreadable` for everything else."""
    try:
        version, name, body = sealed.split(".")
        raw = b64decode(body, altchars=b"-_", validate=True)
        if version != _FORMAT:
            raise Unreadable("of an unknown format")
        text = _ring()[name].decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _place(tenant_id, table, row))
    except KeyError as error:
        raise Unreadable("its key is not in the ring") from error
    except (ValueError, BadBase64, InvalidTag) as error:
        raise Unreadable("damaged, or sealed for another place") from error
    return text.decode()


def _place(tenant_id: int, table: str, row: int | str) -> bytes:
    return f"{tenant_id}:{table}:{row}".encode()


def _ring() -> dict[str, AESGCM]:
    return _ring_of(tuple(settings.ENCRYPTION_KEYS), settings.SECRET_KEY)


@lru_cache(maxsize=4)
def _ring_of(given: tuple[str, ...], secret: str) -> dict[str, AESGCM]:
    """Ciphers by the name of their key, the one that seals first."""
    derived = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=b"secrets at rest").derive(secret.encode())
    keys = [*(_key_of(text) for text in given), derived]
    return {sha256(key).hexdigest()[:8]: AESGCM(key) for key in keys}


def _key_of(text: str) -> bytes:
    try:
        key = b64decode(text, altchars=b"-_", validate=True)
    except (ValueError, BadBase64):
        key = b""
    if len(key) != _KEY_BYTES:
        raise ImproperlyConfigured("each of ENCRYPTION_KEYS must be 32 random bytes in base64")
    return key
