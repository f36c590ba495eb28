"""Which workspace to talk to and how: from stack configuration and environment."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .errors import ConfigurationError

DEFAULT_BASE_URL = "https://app.outlit.ai"
"""The service of the API page."""

DEFAULT_TIMEOUT = 60.0
"""Seconds that one operation (a create, read, update or delete) may take, retries included."""

API_KEY = "outlit:apiKey"
BASE_URL = "outlit:baseUrl"
TIMEOUT = "outlit:timeout"
EXPLICIT = "outlit:explicitProvider"
"""Set by `outlit_pulumi.Provider` to its own name: marks configuration that the environment must not override."""


@dataclass(frozen=True)
class Settings:
    """A validated way to reach one workspace.

    Attributes:
        api_key: The workspace's API key, ``ok_...``. Kept out of ``repr``.
        base_url: Scheme, host and optional path, without a trailing slash. Kept out of ``repr``: it may hold a key.
        timeout: Seconds that one operation may take, retries included.
        explicit: The name of the `Provider` that these are of; None for the stack's own.
    """

    api_key: str = field(repr=False)
    base_url: str = field(default=DEFAULT_BASE_URL, repr=False)
    timeout: float = DEFAULT_TIMEOUT
    explicit: str | None = None

    @property
    def loopback(self) -> bool:
        """Whether the service runs on this machine (the sandbox), so that no proxy belongs in between."""
        return _is_loopback(urlsplit(self.base_url).hostname or "")


def load(config: Callable[[str], object], environ: Mapping[str, str]) -> Settings:
    """Settings from the stack's configuration and the environment.

    ``OUTLIT_API_KEY`` and ``OUTLIT_API_URL`` win over the stack's configuration, so that a rotated key also reaches
    ``pulumi refresh`` and ``pulumi destroy``, which use the configuration that the state remembers. They never win over
    an explicit `Provider`: one variable would then point every workspace at the same one. An explicit Provider without
    a base URL of its own takes ``OUTLIT_API_URL``.

    Raises:
        ConfigurationError: a value is missing or malformed; the message names the setting, never its value.
    """
    explicit = config(EXPLICIT)
    key, where = config(API_KEY), API_KEY
    url = environ.get("OUTLIT_API_URL") or config(BASE_URL)
    if explicit:
        where = f"api_key of Provider {str(explicit)!r}"
        url = config(BASE_URL) or environ.get("OUTLIT_API_URL")
    elif environ.get("OUTLIT_API_KEY"):
        key, where = environ["OUTLIT_API_KEY"], "OUTLIT_API_KEY"
    return Settings(
        api_key=_api_key(key, where),
        base_url=_base_url(url or DEFAULT_BASE_URL),
        timeout=_timeout(config(TIMEOUT)),
        explicit=str(explicit) if explicit else None,
    )


def _api_key(key: object, where: str) -> str:
    if not key:
        if where == API_KEY:
            raise ConfigurationError(
                "there is no Outlit API key. Set one with `pulumi config set --secret outlit:apiKey`, "
                "or in the environment variable OUTLIT_API_KEY."
            )
        raise ConfigurationError(f"the {where} is empty. Give it the workspace's API key, ok_...")
    if not isinstance(key, str):
        raise ConfigurationError(f"{where} must be text, ok_...")
    if any(character.isspace() for character in key):
        raise ConfigurationError(
            f"{where} contains white space, perhaps a line break from copying. Set it again without it."
        )
    if not key.startswith("ok_") or not (key.isascii() and key.isprintable()):
        raise ConfigurationError(f"{where} is not an Outlit API key: those start with ok_. Set it again.")
    return key


def _base_url(url: object) -> str:
    if isinstance(url, str) and not any(c.isspace() for c in url):
        with suppress(ValueError):  # a message that quotes the URL
            parts = urlsplit(url)
            host, _ = parts.hostname or "", parts.port
            bare = parts.username is None and parts.password is None and not {"?", "#"} & set(url)
            safe = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))
            if host and bare and safe:
                return url.rstrip("/")
    raise ConfigurationError(
        f"{BASE_URL} (or OUTLIT_API_URL) must be an https URL without user, query or fragment, such as "
        f"{DEFAULT_BASE_URL}. Plain http is accepted only for a loopback address."
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _timeout(value: object) -> float:
    if value is None or value == "":
        return DEFAULT_TIMEOUT
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 3600:
        raise ConfigurationError(f"{TIMEOUT} must be a number of seconds from 1 to 3600.")
    return seconds
