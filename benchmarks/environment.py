"""The environment that everything is measured in."""

from __future__ import annotations

import os
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
