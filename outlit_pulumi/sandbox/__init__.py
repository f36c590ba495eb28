"""A local stand-in for the Outlit service, for development, examples and tests.

``python -m outlit_pulumi.sandbox`` runs it; `Sandbox` runs it for the length of a ``with`` block. It answers the five
routes of Outlit's API page and says whose a key is. It keeps what is connected in memory, or in a state file too, and
never keeps credentials: only a SHA-256 fingerprint of a config, so that a test can tell which credentials are in use.
On demand it misbehaves: see `Sandbox.fault`, `Sandbox.lag` and `Sandbox.configure`.
The page behind ``connectUrl``, where a person approves browser sessions and disconnects, is at ``/integrations``.

Needs the extra ``sandbox`` (``pip install 'path/to/outlit-pulumi[sandbox]'``).
"""

import sys

try:
    from outlit_pulumi.sandbox.app import create_app
    from outlit_pulumi.sandbox.context import CallRecord, ConnectionRecord, Sandbox, SandboxRequestError
    from outlit_pulumi.sandbox.server import Server
    from outlit_pulumi.sandbox.state import SandboxStartError
    from outlit_pulumi.sandbox.store import DEFAULT_API_KEY, Store, fingerprint
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] not in ("fastapi", "httptools", "jinja2", "starlette", "uvicorn"):
        raise
    said = "the sandbox needs the extra sandbox: pip install 'path/to/outlit-pulumi[sandbox]'"
    if sys.argv[:1] == ["-m"]:  # Python is looking for what `python -m` names: a person reads this
        sys.stderr.write(f"outlit-pulumi: {said}\n")
        sys.exit(2)
    raise ModuleNotFoundError(said, name=__name__) from None

__all__ = [
    "DEFAULT_API_KEY",
    "CallRecord",
    "ConnectionRecord",
    "Sandbox",
    "SandboxRequestError",
    "SandboxStartError",
    "Server",
    "Store",
    "create_app",
    "fingerprint",
]
