"""Asks a person for credentials."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..lifecycle.check import UNKNOWN, check
from .exits import UsageError

if TYPE_CHECKING:
    from ..catalog import ConfigField, ProviderSpec
    from .surroundings import Ask


def fields(spec: ProviderSpec, ask: Ask, say: Callable[[str], None]) -> dict[str, str]:
    """A valid config of the provider, field by field; what the resource would refuse is asked for again.

    Raises:
        UsageError: the person ended the input.
    """
    config: dict[str, str] = {}
    for item in spec.fields:
        while item.name not in config:
            try:
                value = ask(_prompt(item), item.secret)
            except EOFError:
                raise UsageError(f"{spec.name} was not connected: the input ended.") from None
            failures = _failures(spec, item, value)
            if failures:
                say("\n".join(failures))
            else:
                config[item.name] = value
    return config


def _failures(spec: ProviderSpec, item: ConfigField, value: str) -> list[str]:
    """What the resource says of this field; the others count as not known yet."""
    config = {other.name: UNKNOWN for other in spec.fields} | {item.name: value}
    return check({}, {"provider": spec.id, "config": config}, offered=dict).failures


def _prompt(item: ConfigField) -> str:
    what = item.doc.rstrip(".").replace("`", "").partition(", as text")[0]  # what is typed is text in any case
    choices = f" ({' or '.join(item.choices)})" if item.choices else ""
    return f"{what}{choices}{', not shown' if item.secret else ''}: "
