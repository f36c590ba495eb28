"""The sandbox's command line: ``python -m outlit_pulumi.sandbox``."""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import closing
from typing import NoReturn

from outlit_pulumi.sandbox.server import HOST, Server
from outlit_pulumi.sandbox.state import SandboxStartError
from outlit_pulumi.sandbox.store import DEFAULT_API_KEY, Store

_CHECK_SECONDS = 0.5


def main(argv: Sequence[str] | None = None, *, prog: str = "python -m outlit_pulumi.sandbox") -> int:
    """Serves until Ctrl-C or SIGTERM.

    Args:
        argv: The options; None for those of the process.
        prog: The command that the help names.

    Returns:
        The exit code: 0 after a signal, 1 when the server failed, 2 when it could not start.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        options = _parser(prog).parse_args(argv)
        with closing(_store(options)) as store, Server(store, options.port, options.host) as server:
            print(_ready(server.url, options), flush=True)
            # Waking up now and then lets signals through on Windows, and shows a server that died.
            while server.running and not stop.wait(_CHECK_SECONDS):
                pass
    except SandboxStartError as problem:
        print(f"outlit sandbox: {problem}", file=sys.stderr)
        return 2
    return 0 if stop.is_set() else 1


def _ready(url: str, options: argparse.Namespace) -> str:
    if options.json:
        return json.dumps({"url": url, "apiKey": options.api_key, "page": f"{url}/integrations"})
    return (
        f"Outlit sandbox ready at {url}\n"
        f"API key: {options.api_key}\n"
        "Use it with:\n"
        f"  export OUTLIT_API_URL={url} OUTLIT_API_KEY={options.api_key}\n"
        f"Browser sessions are approved at {url}/integrations"
    )


def _store(options: argparse.Namespace) -> Store:
    return Store(
        options.state,
        workspace=options.workspace,
        api_key=options.api_key,
        limit=options.limit,
        plan=options.plan,
        extra_providers=options.extra_providers,
        frozen=options.frozen,
    )


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        said = re.sub(r"(?<= )(?!--)\S{16,}", "(not shown)", " ".join(message.split()))  # a key in the wrong place
        raise SandboxStartError(f"{said[0].upper()}{said[1:]}. `{self.prog} --help` shows the usage.")


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = _Parser(prog=prog, description="Run a local stand-in for the Outlit service.")
    parser.add_argument("--port", type=int, default=8787, help="port; 0 for a free one (default: %(default)s)")
    parser.add_argument(
        "--host",
        default=HOST,
        help="IPv4 address or name to listen on, and to be called by besides localhost (default: %(default)s)",
    )
    parser.add_argument("--state", metavar="FILE", help="keep connections in this file (default: in memory)")
    parser.add_argument("--api-key", metavar="ok_...", default=DEFAULT_API_KEY, help="key to accept")
    parser.add_argument("--limit", type=int, metavar="N", help="connections that a workspace may have (default: any)")
    parser.add_argument("--plan", metavar="NAME", default="free", help="name of the plan (default: %(default)s)")
    parser.add_argument("--workspace", metavar="NAME", default="sandbox", help="name (default: %(default)s)")
    parser.add_argument(
        "--extra-providers", type=int, metavar="N", default=0, help="made-up providers to offer as well (default: 0)"
    )
    parser.add_argument("--frozen", action="store_true", help="have time stand still, but for POST /sandbox/clock")
    parser.add_argument("--json", action="store_true", help="print url, apiKey and page as JSON, once it is ready")
    return parser


if __name__ == "__main__":
    sys.exit(main())
