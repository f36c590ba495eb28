"""Which requests the page takes: those that name this machine, and forms that come from the page itself.

The sandbox listens on 127.0.0.1 only, but any website that is open in a browser here can send it requests: a form
(cross-site request forgery), or anything under a name of its own that it points at 127.0.0.1 (DNS rebinding). The
page needs no key, so it is guarded against both.

The other routes are not guarded. The former cannot send a key. The latter can, and the default key is published: such a
website can then do to the sandbox what a client can. No credential is there for it to find.
"""

from __future__ import annotations

import re

from starlette.requests import Request

_LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1)(:\d{1,5})?", re.ASCII | re.IGNORECASE)


def is_local(request: Request) -> bool:
    """Whether the request was made under a name that only this machine can have."""
    return _LOOPBACK.fullmatch(request.headers.get("host", "")) is not None


def is_same_origin(request: Request) -> bool:
    """Whether a form was sent from a page of this very server. Browsers send ``Origin`` with every POST."""
    origin = request.headers.get("origin", "").lower()
    site = request.headers.get("sec-fetch-site", "same-origin")
    return origin == f"http://{request.headers.get('host', '')}".lower() and site == "same-origin"
