"""The certificates that HTTPS trusts."""

from __future__ import annotations

import os
import ssl
from concurrent.futures import Future
from threading import Thread

import certifi


def context(*, environment: bool) -> ssl.SSLContext:
    """What httpx makes by itself: certifi's certificates, or those that the environment names.

    Args:
        environment: Whether ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` count.

    Raises:
        OSError: what they name cannot be read, or holds no certificates.
    """
    file, folder = (os.environ.get(name) if environment else None for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
    if file:
        return ssl.create_default_context(cafile=file)
    if folder:
        return ssl.create_default_context(capath=folder)
    return ssl.create_default_context(cafile=certifi.where())


def in_background(*, environment: bool) -> Future[ssl.SSLContext]:
    """The same, while the caller does something else.

    It takes about as long as the import of httpx, and does not hold Python's lock.
    """
    made: Future[ssl.SSLContext] = Future()

    def make() -> None:
        try:
            made.set_result(context(environment=environment))
        except Exception as error:  # noqa: BLE001  # for whoever asks for the result
            made.set_exception(error)

    Thread(target=make, daemon=True).start()
    return made
