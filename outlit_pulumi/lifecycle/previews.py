"""What is said before anything is touched: what an up will refuse, and what it will do.

An up says so, too, as a provider cannot tell it from a preview. A preview of a destroy or a removal asks a provider
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from .. import catalog
from ..api.errors import ApiError, AuthenticationError, PermissionDeniedError
from ..api.redaction import plain
from ..errors import ConnectionChangedError
from . import decide
from .check import UNKNOWN, Props, quoted
from .operations import owner_of
from .outputs import display_name

if TYPE_CHECKING:
    from ..api.models import IntegrationItem
    from .workspace import Workspace

_DELETES = "permanently deletes what Outlit synced from it"


Show = Callable[[str], None]


def create(workspace: Workspace, props: Props, warn: Show, tell: Show) -> list[str]:
    """Warns of what a create will refuse, and tells of what it will take over.

    Returns:
        What fails the check already: a key without access.
    """
    provider = props["provider"]
    facts = workspace.ledger.facts(provider, None, props.get("resource_name"))
    if facts.own or facts.removed or props.get("adopt_existing") is UNKNOWN:
        return []  # It is replaced: what is connected is its own. Or what is wanted is not known.
    try:
        item, owner = _look(workspace, provider)
        decision = decide.create(props, item, facts, owner)
    except (AuthenticationError, PermissionDeniedError) as error:
        return [str(error)]
    except ApiError as error:
        _once(workspace, warn, _blind(error))
        return []
    if isinstance(decision, decide.Refusal):
        _once(workspace, warn, decision.warned(f"creating {display_name(provider)}"))
    elif decision == "adopt" and item is not None and item.connection_id is not None:
        hide = workspace.client.hide
        hide.add(catalog.secret_values(provider, props.get("config")))
        declared = "its config is recorded and not sent" if props.get("config") else "its credentials are not managed"
        _once(
            workspace,
            tell,
            f"{display_name(provider)}: connection {plain(hide.data(item.connection_id))} exists already. It is taken "
            f"over as it is, and {declared}.",
        )
    return []


def change(
    workspace: Workspace, olds: Props, news: Props, held: str, found: decide.Difference, warn: Show, tell: Show
) -> None:
    """Warns of what an update, or the delete of a replacement, will refuse. Otherwise tells what it does.

    Raises:
        AuthenticationError, PermissionDeniedError: the key has no access.
    """
    kept = found.replaces and olds.get("adopt_existing")
    if kept or not _refused(workspace, olds, held, found, warn):
        text, deletes = foretold(olds, news, found)
        _once(workspace, warn if deletes else tell, f"{display_name(olds['provider'])}: {text}")


def _refused(workspace: Workspace, olds: Props, held: str, found: decide.Difference, warn: Show) -> bool:
    """Whether an update or a delete will refuse, with a warning of that, or of not knowing it."""
    provider = olds["provider"]
    try:
        item, owner = _look(workspace, provider, held, olds.get("organization_id"))
    except (AuthenticationError, PermissionDeniedError):
        raise
    except ApiError as error:
        refused, warning = False, _blind(error)
    else:
        facts = workspace.ledger.facts(provider)
        decision = (decide.remove if found.replaces else decide.change)(held, item, facts, owner)
        if not isinstance(decision, decide.Refusal):
            return False
        fails = f"{'replacing' if found.replaces else 'updating'} {display_name(provider)}"
        changed = decision.error is ConnectionChangedError
        if found.replaces and changed and item is not None and item.connection_id not in (None, held):
            # The engine tells nobody that it finishes a replacement. One of the same provider takes what it finds.
            stays = "" if found.delete_first else ", which then stays connected"
            fails += f", unless an interrupted replacement left that connection{stays},"
        refused, warning = True, decision.warned(fails)
    if found.replaces:
        # A resource that changes its Provider is compared by the new one's process, and deleted by the old one's.
        workspace.ledger.refuse(provider, held)
    _once(workspace, warn, warning)
    return refused


def _look(
    workspace: Workspace, provider: str, held: str | None = None, recorded: str | None = None
) -> tuple[IntegrationItem | None, decide.Owner]:
    """The provider's entry in the list, and whose the key is, which are asked side by side."""
    workspace.ahead(organization=True)
    return workspace.glance(provider, held), owner_of(workspace, recorded, workspace.client.budget())


def _once(workspace: Workspace, show: Show, text: str) -> None:
    """Shows a sentence for the first time in a run: the engine may ask about a resource twice."""
    if workspace.ledger.first(text):
        show(text)


def _blind(error: ApiError) -> str:
    return (
        "Outlit could not be asked, so this does not foresee what is connected already or was changed outside Pulumi. "
        f"An up looks again before it writes. The cause: {error}"
    )


def foretold(olds: Props, news: Props, found: decide.Difference) -> tuple[str, bool]:
    """What an up does about a difference, by the names of fields and never by values, and whether synced data may go.

    The text is the rest of a sentence.
    """
    provider, config = news.get("provider"), news.get("config")
    if provider is UNKNOWN or "provider" in found.replaces:
        replaced = (
            "it may be replaced, as its new provider is not known yet"
            if provider is UNKNOWN
            else f"it is replaced by {display_name(str(provider))}"
        )
        # Only the engine knows whether it is kept: what was adopted may be Pulumi's own by now.
        default = " (the default of what was adopted)" if olds.get("adopt_existing") else ""
        return (
            f"{replaced}. The old connection is disconnected in the end (with delete_before_replace=True, first), "
            f"which {_DELETES}, unless another resource takes it over or retain_on_delete keeps it{default}."
        ), True
    fields = _fields(olds, news)
    if found.replaces:
        return f"it is replaced, as {fields or 'its config'} changed. It is disconnected first, which {_DELETES}.", True
    if not olds.get("config"):
        return "its config is sent to the connection in place, which keeps the synced data.", False
    unknown = config is UNKNOWN or (isinstance(config, Mapping) and UNKNOWN in config.values())
    if unknown and decide.replaceable(olds, news):
        return f"it is replaced if its config, which is not known yet, differs. That {_DELETES}.", True
    if fields:
        return f"{fields} changed. The config is sent in place, which keeps the synced data.", False
    if unknown:
        return "its config is not known yet. If it differs, it is sent in place, which keeps the synced data.", False
    return "its config is sent once more, as the answer to an earlier request was lost.", False


def _fields(olds: Props, news: Props) -> str:
    """The fields whose values are known to differ, as the program names them."""
    old, new = olds.get("config") or {}, news.get("config")
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return ""
    spec = catalog.find(news.get("provider"))
    written = spec.written(typed=bool(news.get("config_class"))) if spec else {}
    return ", ".join(
        written.get(name) or quoted(name)
        for name in sorted(old.keys() | new.keys())
        if new.get(name) is not UNKNOWN and old.get(name) != new.get(name)
    )
