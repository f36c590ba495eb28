"""The imports whose time is measured are those that there are."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.startup import SIDES
from outlit_pulumi.sandbox import Sandbox

_FIRST_CALL = """
import pulumi, outlit_pulumi.provider, outlit_pulumi.lifecycle
from outlit_pulumi.process import PROCESS
from outlit_pulumi.settings import Settings
known = Settings({key!r}, {url!r})
PROCESS.preflight(known)
PROCESS.workspace(known).item("posthog")
"""


def loaded(code: str) -> set[str]:
    """The modules of packages that Python has loaded after that code, but not the parts of its own library."""
    code += "\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name for name in done.stdout.split() if name.partition(".")[0] not in sys.stdlib_module_names}


def test_the_provider_side_is_all_that_a_process_loads_for_its_first_call() -> None:
    with Sandbox() as sandbox:
        real = loaded(_FIRST_CALL.format(key=sandbox.api_key, url=sandbox.url))
    assert "httpcore" in real
    assert real - loaded(SIDES["provider"]) == set()
