"""The errors of this package; those of a call to the service are in `outlit_pulumi.api.errors`.

Messages are made for people: what happened, to which integration, what to do. They never hold a credential, a header or
a raw body. Control flow uses types and attributes, never messages.

What causes each, and what to do, is in docs/reference.md.
"""

from __future__ import annotations

import copy
import os
import sys
import traceback
from typing import Self

from pulumi import RunError


class OutlitError(RunError):
    """Base of every error that this package raises on purpose.

    In a program it ends the run with its message alone, as Pulumi does for a `pulumi.RunError`.

    Example:
        .. code-block:: python

            try:
                connected = len(outlit.get_integrations(connected_only=True))
            except outlit.OutlitError as error:
                pulumi.log.warn(f"the workspace could not be asked: {error}")
    """

    def __init_subclass__(cls) -> None:
        # What the engine prints is module and class: the public path is the one that users can import.
        cls.__module__ = "outlit_pulumi"

    def during(self, what: str) -> Self:
        """The same error with ``what`` ("PostHog was not connected") before its message."""
        told = copy.copy(self)
        told.args = (f"{what}: {self}",)
        return told


class ConfigurationError(OutlitError):
    """The API key, the base URL or another setting is missing or malformed.

    Example:
        A stack without an API key::

            there is no Outlit API key. Set one with `pulumi config set --secret outlit:apiKey`, or in the environment
            variable OUTLIT_API_KEY.

        The command asks for the key: ``pulumi config set --secret outlit:apiKey``.
    """


class StateError(OutlitError):
    """The stack's state of an integration is damaged: it does not say which integration it is.

    Example:
        A state that was edited by hand::

            the state of this integration is damaged: it does not say which provider and connection it is.

        ``pulumi stack import --file earlier.json`` restores an earlier export. Otherwise run
        ``pulumi state delete URN`` and declare the integration with ``adopt_existing=True``.
    """


class InternalError(OutlitError):
    """A bug of this package. The message says where, and holds no values.

    Example:
        ::

            unexpected KeyError at FILE:LINE. This is a bug in outlit-pulumi: please report this line.

        ``pulumi refresh`` then has the state follow the workspace.
    """

    @classmethod
    def of(cls, error: Exception) -> Self:
        """What is said of an error that nobody foresaw: its kind and where it happened, and no values."""
        if isinstance(error, (ImportError, AttributeError)) and (hidden := _hidden_modules()):
            files = ", ".join(f"{name}.py" for name in hidden)
            return cls(f"the program's folder has {files}, which hides Python's own module of that name. Rename it.")
        where = " < ".join(
            f"{os.path.basename(frame.filename)}:{frame.lineno}"
            for frame in reversed(traceback.extract_tb(error.__traceback__, limit=-4))
        )
        return cls(
            f"unexpected {type(error).__name__} at {where}. This is a bug in outlit-pulumi: please report this line."
        )


def _hidden_modules() -> list[str]:
    """Modules of Python itself in whose place a file of the program's folder was loaded."""
    folder = os.path.realpath(os.curdir)
    files = {name: getattr(sys.modules.get(name), "__file__", None) for name in sys.stdlib_module_names}
    return [name for name, file in files.items() if file and os.path.dirname(os.path.realpath(file)) == folder]


class IntegrationError(OutlitError):
    """The service works, but carrying on would be wrong."""


class AlreadyConnectedError(IntegrationError):
    """The provider is connected already, and not by this resource.

    Example:
        Somebody connected Stripe before the first ``pulumi up``::

            Stripe was not created: it is already connected in this workspace, and not by this resource. No credentials
            were applied.

        Take the connection over:

        .. code-block:: python

            outlit.Integration("stripe", provider="stripe", adopt_existing=True)
    """


class ConnectionChangedError(IntegrationError):
    """The workspace holds another connection than the state, or none.

    Example:
        Somebody reconnected Stripe outside Pulumi::

            Stripe was not updated: this workspace holds another connection of it than the state (stripe-org_1).

        If the API key is the right one, ``pulumi refresh`` accepts the change. Then ``pulumi up``.
    """


class WrongOrganizationError(IntegrationError):
    """The API key belongs to another organization than the state names, or it is not known whose it is.

    Example:
        ::

            Stripe was not updated: the API key is of organization org_2, the state is of org_1. Nothing was changed.
            Set that one's key.

        ``pulumi config set --secret outlit:apiKey``; ``OUTLIT_API_KEY``, if set, wins over it.
    """


class NotAppliedError(IntegrationError):
    """The service answered, but kept the connection as it was.

    Example:
        ::

            Stripe was not updated: Outlit kept the old config. Run pulumi up again; if it goes on, set
            on_config_change="replace", which disconnects first and so deletes what was synced.

        ``pulumi up`` sends the config again.
    """


class BrowserRequiredError(IntegrationError):
    """There is nothing to adopt, and nothing to connect with.

    Example:
        Slack with ``adopt_existing=True``, before somebody connected it::

            Slack was not taken over: it is not connected, so there is nothing to adopt. Connect it once in the browser,
            with `outlit-pulumi connect slack` or at the integrations page of Outlit, then run pulumi up again.

        ``outlit-pulumi connect slack``, then ``pulumi up``.
    """
