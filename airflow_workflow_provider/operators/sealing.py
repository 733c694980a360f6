"""Encryption, with Airflow's Fernet keys, of data outside Airflow's tables that may hold secrets."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from airflow.configuration import conf

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet


class Seal:
    """Encrypts and decrypts; leaves everything as it is where there are no keys.

    :param keys: Fernet keys, the newest first
    """

    def __init__(self, keys: tuple[str, ...] = ()) -> None:
        self._keys = keys

    @classmethod
    def configured(cls) -> Seal:
        """Return the seal of ``[core] fernet_key``."""
        text = conf.get("core", "fernet_key", fallback="") or ""
        return cls(tuple(key.strip() for key in text.split(",") if key.strip()))

    def close(self, data: bytes) -> bytes:
        """Encrypt.

        :raises ValueError: a key cannot be used
        """
        return data if self._cipher is None else self._cipher.encrypt(data)

    def open(self, data: bytes) -> bytes:
        """Decrypt.

        :raises ValueError: it was encrypted with a key that is not configured, or a key cannot be used
        """
        if self._cipher is None:
            return data
        from cryptography.fernet import InvalidToken

        try:
            return self._cipher.decrypt(data)
        except InvalidToken as error:
            message = "it was encrypted with another key"
            raise ValueError(message) from error

    @cached_property
    def _cipher(self) -> MultiFernet | None:
        if not self._keys:
            return None
        from cryptography.fernet import Fernet, MultiFernet

        return MultiFernet([Fernet(key) for key in self._keys])
