"""The environment that everything is measured in."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path


def environment() -> dict[str, str]:
    """This interpreter and the engine first on the path, and no settings of the caller.

    Without bytecode, Python would compile what an installed package brings compiled. A proxy would slow down the contenders that
    do not know that the service is on this machine.
    """
    env = {
        k: v
        for k, v in os.environ.items()
        if not (k.startswith(("OUTLIT_", "PULUMI_", "PYTHON")) or k.lower().endswith("_proxy"))
    }
    folders = (str(Path(sys.executable).parent), os.environ.get("OUTLIT_ENGINE_BIN", ""), os.environ["PATH"])
    return env | {"PATH": os.pathsep.join(filter(None, folders)), "PULUMI_SKIP_UPDATE_CHECK": "true"}


def take_interrupts() -> None:
    """Lets SIGINT end what is started from here, as it does in a terminal.

    A shell starts what it puts into the background with SIGINT ignored, and every child inherits that. The engine ends a language host
    by SIGINT and waits five seconds for it, in each preview and up: that much on both sides of a ratio makes any provider look fast.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
