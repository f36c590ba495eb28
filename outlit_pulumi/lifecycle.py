"""Check, diff, create, read, update, delete of an integration, as plain functions. Knows nothing of Pulumi.

Check and diff are pure decisions. The others look before they write, through a `Workspace`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from . import catalog
from .errors import (
    AlreadyConnectedError,
    ApiError,
    BrowserRequiredError,
    ConnectionChangedError,
    NotAppliedError,
    NotConnectedError,
    OutlitError,
)
from .redaction import redact

if TYPE_CHECKING:
    from .models import IntegrationItem, SyncStatus
    from .workspace import Workspace

RECONNECT = "reconnect"
REPLACE = "replace"


class _Unknown:
    def __repr__(self) -> str:
        return "<unknown>"


_FAILING = ("FAILED", "FAILURE", "ERROR")

UNKNOWN = _Unknown()
"""Stands for a value that a preview cannot know yet."""

Warn = Callable[[str], None]
Props = Mapping[str, Any]


def _label(provider: str, item: IntegrationItem | None = None) -> str:
    spec = catalog.find(provider)
    if spec:
        return spec.name
    return item.name if item and item.name else provider


# --- check -----------------------------------------------------------------------------------------------------------


@dataclass
class Checked:
    """What check found: the canonical provider id (None to keep what was given), and one sentence per problem."""

    provider: str | None = None
    failures: list[str] = field(default_factory=list)


def check(
    olds: Props,
    news: Props,
    *,
    offered: Callable[[], Mapping[str, IntegrationItem]],
    page: str = "https://app.outlit.ai",
) -> Checked:
    """Validates declared inputs. Tolerates `UNKNOWN` anywhere; messages name fields and never hold values.

    Args:
        olds: The inputs of the last run; empty for a new resource.
        news: The declared inputs.
        offered: The workspace's live list; called only for an id that neither the catalogue nor the state knows.
        page: Base URL of the workspace, for hints.
    """
    result = Checked()
    adopt = news.get("adopt_existing", False)
    mode = news.get("on_config_change", RECONNECT)
    if adopt is not UNKNOWN and not isinstance(adopt, bool):
        result.failures.append("adopt_existing must be True or False.")
    if mode is not UNKNOWN and mode not in (RECONNECT, REPLACE):
        result.failures.append('on_config_change must be "reconnect" or "replace".')
    if adopt is True and mode == REPLACE:
        result.failures.append(
            'adopt_existing=True cannot go with on_config_change="replace": an adopted connection is kept when Pulumi deletes '
            "it, so nothing would be replaced. Drop one of the two."
        )
    provider = news.get("provider")
    if provider is UNKNOWN:
        return result
    if not isinstance(provider, str) or not provider:
        result.failures.append('provider must be a provider id as text, such as "posthog".')
        return result
    result.provider = provider = catalog.canonical_id(provider)
    config = news.get("config")
    spec = catalog.find(provider)
    if spec is None:
        if olds.get("provider") != provider:
            result.failures.extend(_unlisted(provider, offered))
        if not result.failures and config is not None:
            result.failures.extend(_passed_through(provider, config))
    elif spec.browser:
        result.failures.extend(_browser(spec, config, adopt, page))
    elif config is None:
        if adopt is False:
            fields = ", ".join(f.attribute for f in spec.fields)
            result.failures.append(
                f"{spec.name} has no config. Declare config={spec.args.__name__ if spec.args else ''}({fields}), or set "
                "adopt_existing=True to have Pulumi track a connection that exists."
            )
    else:
        result.failures.extend(_fields(spec, config))
    return result


def _unlisted(provider: str, offered: Callable[[], Mapping[str, IntegrationItem]]) -> list[str]:
    try:
        live = offered()
    except OutlitError as error:
        guess = catalog.closest(provider, catalog.PROVIDERS)
        hint = f' Did you mean "{guess}"?' if guess else ""
        return [
            (
                f"provider {_shown(provider)} is not in the catalogue.{hint} "
                f"Whether this workspace offers it could not be asked: {error}"
            )
        ]
    if provider in live:
        return []
    guess = catalog.closest(provider, [*catalog.PROVIDERS, *live])
    known = f'Did you mean "{guess}"?' if guess else f"Known are {', '.join(catalog.PROVIDERS)}."
    return [f"provider {_shown(provider)} is unknown to Outlit. {known}"]


def _shown(name: str) -> str:
    """A declared id or field name as text to print, unless it may be a credential in the wrong place."""
    plain = len(name) <= 24 and all(c.isalnum() or c in "-_. " for c in name) and redact(name, ()) == name
    return f'"{name}"' if plain else "(not shown: it may be a credential)"


def _browser(spec: catalog.ProviderSpec, config: object, adopt: object, page: str) -> list[str]:
    if config is not None:
        return [
            (
                f"{spec.name} takes no config: it connects through a browser session. Remove config, connect {spec.name} once at "
                f"{page}/integrations, and set adopt_existing=True to have Pulumi track it."
            )
        ]
    if adopt is False:
        return [
            (
                f"{spec.name} connects through a browser session, which a deployment cannot complete.\n"
                f"  Connect it once at {page}/integrations, then set adopt_existing=True here to have\n"
                "  Pulumi track it, or remove it from the program."
            )
        ]
    return []


def _fields(spec: catalog.ProviderSpec, config: object) -> list[str]:
    if config is UNKNOWN:
        return []
    names = [f.name for f in spec.fields]
    if not isinstance(config, Mapping):
        return [f"config of {spec.name} must hold {', '.join(names)}."]
    problems = []
    for key in config:
        if key not in names:
            guess = catalog.closest(str(key).replace("_", ""), names)
            hint = f" Did you mean {guess}?" if guess else f" It takes {', '.join(names)}."
            problems.append(f"config field {_shown(str(key))} is not one of {spec.name}'s.{hint}")
    for spec_field in spec.fields:
        what = f"config field {spec_field.name} of {spec.name}"
        if spec_field.name not in config or config[spec_field.name] is None:
            problems.append(f"{what} is missing: {spec_field.doc}")
        elif (wrong := _wrong(spec_field, config[spec_field.name])) is not None:
            problems.append(f"{what} {wrong}")
    return problems


def _wrong(spec_field: catalog.ConfigField, value: object) -> str | None:
    if value is UNKNOWN:
        return None
    if (wrong := _wrong_text(value)) is not None:
        return wrong
    if spec_field.choices and value not in spec_field.choices:
        return f"must be one of {', '.join(spec_field.choices)}."
    if spec_field.https:
        try:
            parts = urlsplit(str(value))
            good = parts.scheme == "https" and bool(parts.hostname) and parts.username is None
        except ValueError:
            good = False
        if not good:
            return "must be an https URL."
    return None


def _wrong_text(value: object) -> str | None:
    if not isinstance(value, str):
        return 'must be text: write it in quotes, such as "12345".'
    if not value.strip():
        return "is blank. Is the configuration or secret that it comes from set?"
    if value != value.strip() or any(c in value for c in "\r\n\t"):
        return "has white space around or line breaks in it, perhaps from copying. Set it again without."
    return None


def _passed_through(provider: str, config: object) -> list[str]:
    if config is UNKNOWN:
        return []
    if not isinstance(config, Mapping) or not config:
        return [f"config of {_shown(provider)} must hold at least one field, or be left out."]
    return [
        f"config field {_shown(str(key))} of {_shown(provider)} {wrong}"
        for key, value in config.items()
        if value is not UNKNOWN and (wrong := _wrong_text(value)) is not None
    ]


# --- diff ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """Whether something declared changed, and the inputs that force a replacement (delete first)."""

    changes: bool
    replaces: tuple[str, ...] = ()


def diff(olds: Props, news: Props) -> Difference:
    """Compares what is declared with what the state holds; everything volatile is ignored.

    Args:
        olds: The outputs in the state.
        news: The checked inputs.
    """
    provider, config = news.get("provider"), news.get("config")
    if provider is UNKNOWN or provider != olds.get("provider"):
        return Difference(True, ("provider",))
    if config is None or config == olds.get("config"):
        return Difference(False)
    if news.get("on_config_change") == REPLACE and olds.get("config") is not None:
        return Difference(True, ("config",))
    return Difference(True)


# --- create, read, update, delete ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Observed:
    """What is known of a connection after looking: the resource's id and outputs."""

    id: str
    outputs: dict[str, Any]


def outputs(
    declared: Props, connection_id: str, item: IntegrationItem | None, sync: SyncStatus | None = None
) -> dict[str, Any]:
    """The one mapping from the service's answers to what the state holds."""
    provider = declared["provider"]
    status = sync.status if sync else item.status if item else "connected"
    return {
        **{k: declared.get(k) for k in ("provider", "config", "adopt_existing", "on_config_change")},
        "connection_id": connection_id,
        "display_name": (sync and sync.name) or _label(provider, item),
        "category": (sync and sync.category) or (item and item.category),
        "status": status,
        "sync_status": item.sync_status if item else None,
        "last_data_received_at": item.last_data_received_at if item else None,
        "error_message": _clean(item.error_message if item else None, declared),
        "syncs": [
            {
                "model": s.model,
                "status": s.status,
                "last_synced_at": s.last_synced_at,
                "error_message": _clean(s.error_message, declared),
            }
            for s in (sync.syncs if sync else ())
        ],
    }


def _clean(message: str | None, declared: Props) -> str | None:
    """A message of the service without the declared credentials, should it quote them."""
    if message is None:
        return None
    spec = catalog.find(declared["provider"])
    public = {f.name for f in spec.fields if not f.secret} if spec else set()
    config = declared.get("config")
    values = config.items() if isinstance(config, Mapping) else ()
    return redact(message, [str(value) for key, value in values if key not in public])


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except ApiError as error:
        raise error.during(what) from None


def create(workspace: Workspace, props: Props, warn: Warn) -> Observed:
    """Connects, or takes over with ``adopt_existing``. Nothing raises after a successful connect.

    Raises:
        AlreadyConnectedError: connected already; no credentials were sent.
        BrowserRequiredError: not connected, and nothing to connect with.
        ApiError: the service refused or could not be reached.
    """
    provider, config, adopt = props["provider"], props.get("config"), props.get("adopt_existing") is True
    name = _label(provider)
    with _told(f"{name} was not connected"):
        item = workspace.item(provider)
    name = _label(provider, item)
    if item is not None and item.connected:
        if workspace.taken(provider) is not None:
            raise AlreadyConnectedError(
                f"{name} is declared twice for this workspace, which holds one connection per provider. Remove one."
            )
        if not adopt:
            raise _conflict(name)
        if item.connection_id is None:
            raise ConnectionChangedError(
                f"{name} was not taken over: Outlit's list gives no connection id for it. Run pulumi up again."
            )
        workspace.take(provider, item.connection_id)
        return Observed(item.connection_id, outputs(props, item.connection_id, item))
    if config is None:
        spec = catalog.find(provider)
        if spec is not None and not spec.browser:
            raise BrowserRequiredError(
                f"{name} is not connected, so there is nothing to adopt. Declare its config to have Pulumi connect it."
            )
        raise BrowserRequiredError(
            f"{name} is not connected, so there is nothing to adopt. Connect it once in the browser, at the integrations page "
            "of Outlit, then run pulumi up again."
        )
    try:
        answer = workspace.client.connect(provider, config)
    except ApiError as error:
        if error.took_effect is False:
            raise error.during(f"{name} was not connected") from None
        return _settle_connect(workspace, props, name, error, warn)
    if answer.already_connected:
        if adopt:
            warn(
                f"{name}: somebody connected it a moment ago; that connection was taken over, the declared config not sent."
            )
        else:
            raise _conflict(name)
    elif not answer.connected:
        raise NotAppliedError(f"{name} was not connected: Outlit answered without an error. Run pulumi up again.")
    workspace.wrote(provider, answer.connection_id)
    workspace.take(provider, answer.connection_id)
    return Observed(answer.connection_id, outputs(props, answer.connection_id, _after_write(item)))


def _after_write(item: IntegrationItem | None) -> IntegrationItem | None:
    return item.model_copy(update={"status": "connected"}) if item else None


def _conflict(name: str) -> AlreadyConnectedError:
    return AlreadyConnectedError(
        f"{name} is already connected in this workspace, and not by this resource. No credentials were sent.\n"
        '  If the resource was renamed, add opts=ResourceOptions(aliases=[Alias(name="<old name>")]).\n'
        "  If the connection was made outside this program, set adopt_existing=True to take it over."
    )


def _settle_connect(workspace: Workspace, props: Props, name: str, error: ApiError, warn: Warn) -> Observed:
    """The answer to a connect was lost or unreadable: the list tells whether it took."""
    provider = props["provider"]
    try:
        item = workspace.item(provider, fresh=True)
    except ApiError:
        raise error.during(
            f"{name} may or may not be connected, and looking failed too. Run pulumi up again; if that says that it is "
            "already connected, this attempt succeeded: set adopt_existing=True. The cause"
        ) from None
    if item is None or not item.connected or item.connection_id is None:
        raise error.during(f"{name} was not connected") from None
    workspace.take(provider, item.connection_id)
    warn(f"{name}: the answer to the connect request was lost, but the workspace's list shows that it took effect.")
    return Observed(item.connection_id, outputs(props, item.connection_id, item))


def read(workspace: Workspace, id_: str, state: Props, warn: Warn) -> Observed | None:
    """Looks at the connection; None only when the service says that it is not connected.

    Raises:
        ApiError: nothing is known; the state stays as it is.
    """
    provider = state["provider"]
    name = _label(provider)
    with _told(f"{name} was not read and its state is unchanged"):
        sync = workspace.client.sync_status(provider)
        if not sync.connected:
            return None
        item = workspace.item(provider)
    held = state.get("connection_id") or id_
    found = item.connection_id if item and item.connection_id else held
    if found != held:
        workspace.saw_replacement(provider)
        warn(
            f"{name}: the workspace holds connection {found}, the state held {held}. It was reconnected outside Pulumi, perhaps "
            "with other credentials, or the API key is another workspace's. The state now follows the workspace."
        )
    observed = outputs(state, found, item, sync)
    for model in observed["syncs"]:
        if model["error_message"] or model["status"].upper() in _FAILING:
            since = f", last synced {model['last_synced_at']}" if model["last_synced_at"] else ""
            said = f': "{model["error_message"]}"' if model["error_message"] else "."
            warn(f"{name}: the sync of {model['model']} is {model['status']}{since}{said}")
    return Observed(found, observed)


def update(workspace: Workspace, id_: str, state: Props, props: Props, warn: Warn) -> Observed:
    """Sends changed credentials in place, which keeps the synced data.

    Raises:
        ConnectionChangedError: the workspace holds another connection than the state; nothing was sent.
        NotAppliedError: the service kept the old credentials.
        ApiError: the service refused, or whether it took is unknown; the next up sends again.
    """
    provider, config = props["provider"], props.get("config")
    held = state.get("connection_id") or id_
    name = _label(provider)
    with _told(f"{name} was not updated"):
        item = workspace.item(provider)
    name = _label(provider, item)
    if config is None:
        return Observed(held, outputs(props, held, item))
    _ours(workspace, provider, name, held, item, "updated")
    try:
        answer = workspace.client.connect(provider, config, force=True)
    except ApiError as error:
        if error.took_effect is False:
            raise error.during(f"{name} was not updated") from None
        raise error.during(
            f"{name} may or may not use the new config. Run pulumi up again: it sends the config once more. The cause"
        ) from None
    if answer.already_connected or not answer.connected:
        raise NotAppliedError(
            f"{name} was not updated: Outlit kept the old config. Run pulumi up again; if it goes on, set "
            'on_config_change="replace", which disconnects first and so deletes what was synced.'
        )
    workspace.wrote(provider, answer.connection_id)
    workspace.take(provider, answer.connection_id)
    return Observed(answer.connection_id, outputs(props, answer.connection_id, _after_write(item)))


def _ours(workspace: Workspace, provider: str, name: str, held: str, item: IntegrationItem | None, done: str) -> None:
    """Refuses to touch a connection that is not the one in the state."""
    if item is None or not item.connected:
        raise ConnectionChangedError(
            f"{name} was not {done}: it is not connected in this workspace. If the API key is the right one, run pulumi refresh, "
            "then pulumi up to connect it again."
        )
    if item.connection_id != held or workspace.replaced(provider):
        raise ConnectionChangedError(
            f"{name} was not {done}: this workspace holds another connection of it than the state ({held}).\n"
            "  Either the API key is another workspace's: check outlit:apiKey and OUTLIT_API_KEY.\n"
            "  Or it was reconnected outside Pulumi: run pulumi refresh by itself to accept that, then run again."
        )


def delete(workspace: Workspace, id_: str, state: Props, warn: Warn) -> None:
    """Disconnects the connection that the state holds, and no other. One that is gone already is success.

    Raises:
        ConnectionChangedError: the workspace holds another connection; nothing was disconnected.
        ApiError: the service refused or could not be reached.
    """
    provider = state["provider"]
    held = state.get("connection_id") or id_
    name = _label(provider)
    if workspace.taken(provider) == held:
        warn(f"{name}: connection {held} now belongs to another resource of this program and was kept.")
        return
    with _told(f"{name} was not disconnected"):
        item = workspace.item(provider)
    if item is None or not item.connected:
        return
    name = _label(provider, item)
    _ours(workspace, provider, name, held, item, "disconnected")
    try:
        workspace.client.disconnect(provider)
    except NotConnectedError:
        pass
    except ApiError as error:
        if error.took_effect is False:
            raise error.during(f"{name} was not disconnected") from None
        try:
            item = workspace.item(provider, fresh=True)
        except ApiError:
            raise error.during(f"{name} may or may not be disconnected. Run again to settle it. The cause") from None
        if item is not None and item.connected:
            raise error.during(f"{name} was not disconnected") from None
    workspace.wrote(provider, None)


__all__ = [
    "UNKNOWN",
    "Checked",
    "Difference",
    "Observed",
    "check",
    "create",
    "delete",
    "diff",
    "outputs",
    "read",
    "update",
]
