"""Stacks on the real engine."""

from __future__ import annotations

from tests.engine.conftest import engine_path, prepared, sandbox, stack

__all__ = ["engine_path", "prepared", "sandbox", "stack"]
