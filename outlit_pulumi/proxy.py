"""Which proxy the environment names."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


def proxy_for(url: str) -> str | None:
    """The address of the proxy for ``url``; None where it is asked directly.

    Follows ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` in either case, and on macOS and Windows the
    system's settings where none of them is set.

    Raises:
        ValueError: the URL is none.
    """
    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    host = parts.hostname or ""
    if not proxy or proxy_bypass(host) or proxy_bypass(f"{host}:{parts.port or ''}"):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
