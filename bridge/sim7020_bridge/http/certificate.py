"""The certificate that a port shows, from files that whoever renews it writes over."""

import asyncio
import logging
import os
import ssl
from pathlib import Path
from typing import Final

from sim7020_bridge.blocking import in_a_thread
from sim7020_bridge.http.handshakes import Context

log: Final = logging.getLogger(__name__)

LOOK_AGAIN: Final = 60.0
"""Seconds between two looks at the files."""


class CertificateUnusable(OSError):
    """The files can't be used; the message says which, and why."""


class Certificate:
    """A certificate with its key.

    Args:
        chain: The file with the certificate, and those between it and a root.
        key: The file with its private key, without a passphrase.
    """

    def __init__(self, chain: Path, key: Path) -> None:
        self._chain = chain
        self._key = key
        self._context: ssl.SSLContext | None = None
        self._signature: object = None

    def context(self) -> ssl.SSLContext:
        """Return what new connections are encrypted with; ``load`` has been called."""
        if self._context is None:
            raise CertificateUnusable("no certificate was read")
        return self._context

    async def load(self) -> None:
        """Read the files.

        Raises:
            CertificateUnusable: They are of no use.
        """
        signature = await in_a_thread(self._look)
        self._context = await in_a_thread(self._read)
        self._signature = signature

    async def follow(self) -> None:
        """Read the files again whenever they were changed; as long as new ones are of no use, the old ones serve.

        These are tried again each time, as what keeps them from being read need not show in them.
        """
        told = ""
        while True:
            await asyncio.sleep(LOOK_AGAIN)
            try:
                signature = await in_a_thread(self._look)
                if signature == self._signature:
                    continue
                self._context = await in_a_thread(self._read)
                self._signature = signature
            except OSError as error:
                if str(error) != told:
                    log.error("the certificate of before stays in use: %s", error)
                told = str(error)
            else:
                told = ""
                log.info("the certificate was read again")

    def _look(self) -> object:
        return _state(self._chain), _state(self._key)

    def _read(self) -> ssl.SSLContext:
        context = Context(ssl.PROTOCOL_TLS_SERVER)
        # it would be one more signature, as often as a client likes
        context.options |= ssl.OP_NO_RENEGOTIATION
        # one protocol is spoken here
        context.set_alpn_protocols(["http/1.1"])
        try:
            # never asked for: there is nobody to type it
            context.load_cert_chain(self._chain, self._key, password="")
        except ssl.SSLError as error:
            raise CertificateUnusable(self._words(error)) from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise CertificateUnusable(f"http.tls: {self._missing() or self._chain} can't be read: {reason}") from error
        return context

    def _words(self, error: ssl.SSLError) -> str:
        if "KEY_VALUES_MISMATCH" in str(error):
            return f"http.tls: the key in {self._key} is not that of the certificate in {self._chain}"
        if _holds(self._key, b"ENCRYPTED"):
            return f"http.tls: the key in {self._key} has a passphrase, and must have none"
        if not _holds(self._chain, b"-----BEGIN CERTIFICATE-----"):
            return f"http.tls: there is no certificate (PEM) in {self._chain}"
        if not _holds(self._key, b"PRIVATE KEY-----"):
            return f"http.tls: there is no private key (PEM) in {self._key}"
        return f"http.tls: {self._chain} and {self._key} can't be used: {error.reason or error}"

    def _missing(self) -> Path | None:
        return next((file for file in (self._chain, self._key) if not os.access(file, os.R_OK)), None)


def _state(file: Path) -> object:
    try:
        found = file.stat()
    except OSError as error:
        return error.errno
    return found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode, found.st_uid


def _holds(file: Path, mark: bytes) -> bool:
    try:
        return mark in file.read_bytes()
    except OSError:
        return False
