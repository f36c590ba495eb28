"""From what a program passes to what is registered: the API's own names, and every secret marked as one.

Both happen here, in the program, because the engine encrypts an output only where the input at the same path was
secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from . import catalog


def config_props(provider: object, config: Any) -> Any:
    """The ``config`` input as it is registered.

    Args:
        provider: The declared provider id; anything but a plain string counts as not known yet.
        config: A typed args object, a mapping with the API page's names, or an Output of either, which becomes a secret
            as a whole.
    """
    if config is None:
        return None
    if isinstance(config, catalog.ConfigArgs):
        return {
            item.name: pulumi.Output.secret(value) if item.secret else value
            for item in config.config_fields()
            if (value := getattr(config, item.attribute)) is not None
        }
    if isinstance(config, Mapping):
        # A field that is not known to be public may be a credential, a misspelt one for example.
        public = catalog.public_fields(provider)
        return {key: value if key in public else pulumi.Output.secret(value) for key, value in config.items()}
    return pulumi.Output.secret(pulumi.Output.from_input(config).apply(_plain))


def _plain(config: Any) -> Any:
    if isinstance(config, catalog.ConfigArgs):
        return pulumi.Output.all(**config_props(None, config))
    return config
