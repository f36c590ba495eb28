"""Whether a link from the service may be opened."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from ..settings import Settings


def safe(url: str, api_key: str) -> bool:
    """Whether a browser may open it and people may see it: https, or http on this machine, and the key is not in it."""
    if not url.isascii() or not url.isprintable() or " " in url or api_key in unquote(url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if not parts.hostname or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and Settings(api_key, url).loopback)
