"""Imports that take no longer than they must, at the start and at the end: each provider process pays for them anew."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def without(module: str) -> Iterator[None]:
    """Has an import of the module fail within the block, as if it were not installed. A loaded module stays."""
    modules: dict[str, Any] = sys.modules
    if module in modules:
        yield
        return
    modules[module] = None
    try:
        yield
    finally:
        del modules[module]


@contextmanager
def undisturbed() -> Iterator[None]:
    """Keeps the garbage collector from looking, again and again, through all that is being loaded within the block."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def keep() -> None:
    """Has all that is loaded by now stay until the process ends: only for a process that ends with its run.

    At the end Python would otherwise take everything apart, cycle by cycle, while the engine waits.
    """
    gc.freeze()
