"""What is connected, and what a program calls it. Pure."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from ... import catalog
from ...api.models import IntegrationItem
from ...api.redaction import REDACTED, Redactor, plain
from ...lifecycle.outputs import complaints, outputs
from ..tables import CONNECTED

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
"""An id that is the resource's name as it is. Every id of the API page is one."""

_TAKEN = frozenset(dir(builtins)) | {"config", "outlit", "pulumi"}
"""Names that a program must not use for an integration."""


@dataclass(frozen=True)
class Found:
    """A connection of the workspace, and what the program calls it.

    Attributes:
        provider: The provider id, as the API takes it. May hold any character.
        name: The resource's name: letters, digits, ``.``, ``_`` and ``-``.
        variable: The Python name.
        label: The provider's name for people, fit to be shown.
        connection_id: The service's id of the connection; None where the list gives none that can be used.
        outputs: What the state holds once the connection is taken over, without credentials.
    """

    provider: str
    name: str
    variable: str
    label: str
    connection_id: str | None
    outputs: dict[str, Any]

    @property
    def spec(self) -> catalog.ProviderSpec | None:
        """The provider, if this version knows it."""
        return catalog.find(self.provider)

    @property
    def fields(self) -> tuple[catalog.ConfigField, ...]:
        """The credentials that a program can declare. None where a person connects it, or of an unknown provider."""
        return self.spec.fields if self.spec else ()

    @property
    def trouble(self) -> str | None:
        """What is wrong with the connection, as part of a sentence; None when all is well."""
        said = list(complaints(self.outputs))
        if not said and self.outputs["status"] != CONNECTED:
            said = [f"its status is {plain(self.outputs['status'])}."]
        return " ".join(said) or None


def discover(items: Iterable[IntegrationItem], hide: Redactor) -> tuple[list[Found], list[str]]:
    """The connections among ``items``, each under a name of its own, and a sentence on each that cannot be declared.

    Args:
        items: The workspace's list.
        hide: Hides the API key.
    """
    found: list[Found] = []
    left_out: list[str] = []
    # A workspace has one connection per provider; of an entry that comes twice, `pulumi up` takes the first one over.
    connected: dict[str, IntegrationItem] = {}
    for item in items:
        if item.connected:
            connected.setdefault(catalog.canonical_id(item.id), item)
    names: set[str] = set()
    variables: set[str] = set(_TAKEN)
    for provider, item in connected.items():
        if _holds_a_credential(provider, hide):
            left_out.append("An entry of Outlit's list is left out: its id looks like a credential.")
            continue
        connection_id = item.connection_id
        # By its shape alone: an id may well share eight letters with the key, such as the workspace's name.
        if connection_id is not None and _holds_a_credential(connection_id, Redactor()):
            connection_id = None
        name = _unused(provider if _NAME.fullmatch(provider) else "integration", names, "-")
        variable = _unused(_variable(name), variables, "_")
        names.add(name)
        variables.add(variable)
        state = outputs({"provider": provider}, connection_id or "", item, hide)
        label = plain(state["display_name"], limit=60)
        found.append(Found(provider, name, variable, label, connection_id, state))
    return found, left_out


def _holds_a_credential(id_: str, hide: Redactor) -> bool:
    return hide(id_, limit=len(id_) + len(REDACTED)).count(REDACTED) > id_.count(REDACTED)


def _variable(name: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    if words[0].isdigit():
        words = f"integration_{words}"
    return f"{words}_" if keyword.iskeyword(words) or words in _TAKEN else words


def _unused(name: str, taken: Collection[str], joint: str) -> str:
    """``name``, or the first of ``name-2``, ``name-3`` and so on that is not taken."""
    unused, count = name, 1
    while unused in taken:
        count += 1
        unused = f"{name.rstrip('_')}{joint}{count}"
    return unused
