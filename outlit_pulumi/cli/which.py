"""Which workspace a command talks to, and where that is said: in the environment, or in a stack's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import ConfigurationError
from ..settings import API_KEY, BASE_URL, Settings, load
from . import stack as stacks

_VARIABLES = {API_KEY: "OUTLIT_API_KEY", BASE_URL: "OUTLIT_API_URL"}
_DEFAULT = "the default"


@dataclass(frozen=True)
class Which:
    """A workspace, and where its settings were found.

    Attributes:
        settings: The key and the service.
        stack: The stack that they are of; None for the environment's.
        selected: Whether that is the selected stack, which nobody named.
        key_from: Where the key was found, for people.
        url_from: Where the service was found, for people.
        in_the_clear: Whether the stack holds the key in the clear.
        url_is_secret: Whether the stack holds the service's URL as a secret, so that it is not shown.
        unused: The variables that mean something else and are not used. A Pulumi program would obey them.
    """

    settings: Settings
    stack: str | None
    selected: bool
    key_from: str
    url_from: str
    in_the_clear: bool = False
    url_is_secret: bool = False
    unused: tuple[str, ...] = ()


def which(environ: Mapping[str, str], stack: str | None, *, selected: bool = False) -> Which:
    """The workspace of a stack, or of the environment, or of the selected stack.

    With a stack, its configuration alone counts: a variable that is left over in a shell must not lead to another
    workspace, nor send the stack's key to another service. Without, the environment alone does.

    Args:
        environ: The environment.
        stack: The stack that was named; None for none.
        selected: Whether the selected stack counts where neither a stack nor a key was given.

    Raises:
        UsageError: the name of the stack is none.
        ConfigurationError: settings are missing or malformed, or the stack cannot be read.
    """
    if stack is not None:
        return _of_stack(environ, stack)
    if environ.get("OUTLIT_API_KEY"):
        url_from = "OUTLIT_API_URL" if environ.get("OUTLIT_API_URL") else _DEFAULT
        return Which(load(lambda _: None, environ), None, False, "OUTLIT_API_KEY", url_from)
    name = stacks.selected(environ) if selected else None
    if name is not None:
        return _of_stack(environ, name, selected=True)
    nor = ", and no stack is selected in this folder" if selected else ""
    raise ConfigurationError(
        f"there is no Outlit API key{nor}. Set OUTLIT_API_KEY, or use a stack's configuration with --stack NAME."
    )


def _of_stack(environ: Mapping[str, str], stack: str, *, selected: bool = False) -> Which:
    found = stacks.configuration(stack, environ)
    values = {name: entry.value for name, entry in found.items()}
    if not values.get(API_KEY):
        raise ConfigurationError(
            f'stack "{stack}" has no {API_KEY}. Set it with `pulumi config set --secret {API_KEY} --stack {stack}`, or '
            f"{'' if selected else 'leave --stack out to '}use OUTLIT_API_KEY."
        )
    settings = load(values.get, {})
    used = {API_KEY: settings.api_key, BASE_URL: settings.base_url}
    return Which(
        settings,
        stack,
        selected,
        key_from=f'{API_KEY} of stack "{stack}"',
        url_from=f'{BASE_URL} of stack "{stack}"' if values.get(BASE_URL) else _DEFAULT,
        in_the_clear=not found[API_KEY].secret,
        url_is_secret=BASE_URL in found and found[BASE_URL].secret,
        unused=tuple(
            variable
            for name, variable in _VARIABLES.items()
            if environ.get(variable) and environ[variable].rstrip("/") != used[name]
        ),
    )
