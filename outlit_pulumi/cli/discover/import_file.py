"""The file for ``pulumi import --file``: each connection with the inputs and outputs that its resource would have."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pulumi.dynamic.dynamic import PROVIDER_KEY, serialize_provider

from ...dynamic import IntegrationProvider
from ...resources import Integration
from .found import Found


def import_file(found: Sequence[Found]) -> str:
    """The text of ``import.json``. Connections without an id are left out of it.

    The engine cannot ask a dynamic provider about a resource that it does not know yet, so the file says all that a
    program without credentials registers and that taking the connection over leaves in the state. It depends on no
    project or stack.
    """
    token = f"pulumi-python:{Integration._resource_type_name}"
    provider = serialize_provider(IntegrationProvider())
    resources = [
        {
            "type": token,
            "name": item.name,
            "id": item.connection_id,
            "inputs": _bag(item.inputs, provider),
            "outputs": _bag(item.outputs, provider),
        }
        for item in found
        if item.connection_id is not None
    ]
    return json.dumps({"resources": resources}, indent=2) + "\n"


def _bag(props: dict[str, Any], provider: str) -> dict[str, Any]:
    """As the engine keeps it: with the serialised provider, without keys that have no value."""
    return {PROVIDER_KEY: provider, **{key: value for key, value in props.items() if value is not None}}
