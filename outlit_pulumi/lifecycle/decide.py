"""What is to be done, given what is declared and what was seen. Pure: a preview warns of what an up refuses.

A decision is a word for what to do, or a `Refusal`. An up raises the refusal; a preview, which knows less, warns of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from .. import catalog
from ..api.redaction import plain
from ..errors import (
    AlreadyConnectedError,
    BrowserRequiredError,
    ConnectionChangedError,
    IntegrationError,
    WrongOrganizationError,
)
from .check import REPLACE, UNKNOWN, Props
from .ledger import Facts
from .outputs import UNCONFIRMED, shows

if TYPE_CHECKING:
    from ..api.models import IntegrationItem


@dataclass(frozen=True)
class Refusal:
    """Why something is not done.

    Attributes:
        error: The error of an up.
        why: What is in the way, as the rest of a sentence.
        cure: What to do about it.
        effect: What an up did or did not do by then, as a sentence.
    """

    error: type[IntegrationError]
    why: str
    cure: str
    effect: str = ""

    def raised(self, failed: str) -> IntegrationError:
        """The error of an up: ``failed`` ("PostHog was not created"), and why."""
        return self.error(f"{failed}: {self.why}.{self.effect and ' '}{self.effect}{self._cure}")

    def warned(self, fails: str) -> str:
        """The warning of a preview: what fails ("creating PostHog"), and why."""
        return f"{fails} will fail: {self.why}.{self._cure}"

    @property
    def _cure(self) -> str:
        return self.cure if self.cure.startswith("\n") else f" {self.cure}"


@dataclass(frozen=True)
class Difference:
    """How what is declared differs from the state.

    Attributes:
        changes: Whether anything differs.
        replaces: The inputs that force a replacement.
        delete_first: Whether a replacement deletes first. A changed provider is created first: both can stand side by
            side, a create that fails deletes nothing, and another resource can take the old connection over. All other
            answers say to delete first, also "no change": after a replacement whose create failed the engine would
            otherwise create first, and delete the old id once more.
    """

    changes: bool
    replaces: tuple[str, ...] = ()
    delete_first: bool = True


@dataclass(frozen=True)
class Owner:
    """Whose the API key is.

    Attributes:
        recorded: The organizations that the state names: the resource's own one, or else those of other resources.
        key: The key's organization; None if it is not known.
        silent: The service did not answer that question; else, without ``key``, it has no way to tell.
    """

    recorded: frozenset[str] = frozenset()
    key: str | None = None
    silent: bool = False

    def wrong(self) -> Refusal | None:
        """Why nothing is done with this key: it is another organization's."""
        if self.key is None or not self.recorded - {self.key}:
            return None
        theirs = ", ".join(plain(name) for name in sorted(self.recorded))
        return Refusal(
            WrongOrganizationError,
            f"the API key is of organization {plain(self.key)}, the state is of {theirs}",
            "Set that one's key. To point this stack at another workspace on purpose, take its integrations out of the "
            "state (pulumi state delete) and declare them anew.",
            "Nothing was changed.",
        )

    def unproven(self, held: str) -> Refusal | None:
        """Why nothing is concluded from a list without the connection: the key may be another workspace's."""
        if wrong := self.wrong():
            return wrong
        if self.silent or (self.key is None and self.recorded):  # a service that told it once, and does not now
            unknown, cure = "whose the API key is could not be asked", "Run again."
        elif self.key is not None and not self.recorded:
            unknown = "the state does not say in which organization it is"
            cure = "If the API key is another workspace's, set the right one."
        else:
            return None
        return Refusal(
            WrongOrganizationError,
            f"Outlit's list does not show connection {plain(held)}, and {unknown}",
            f"{cure} If the connection is gone, take it out of the state with pulumi state delete.",
            "Nothing was changed.",
        )


def difference(olds: Props, news: Props) -> Difference:
    """Compares what is declared with what the state holds; everything volatile is ignored.

    What is not known yet is no reason to replace: the engine asks so of whatever depends on a replaced resource.
    """
    provider, config = news.get("provider"), news.get("config")
    if provider is UNKNOWN:
        return Difference(True)
    if provider != olds.get("provider"):
        return Difference(True, ("provider",), delete_first=False)
    if config is None:
        return Difference(False)
    if config == olds.get("config"):
        return Difference(bool(olds.get(UNCONFIRMED)))
    if replaceable(olds, news) and _differs(olds["config"], config):
        return Difference(True, ("config",))
    return Difference(True)


def replaceable(olds: Props, news: Props) -> bool:
    """Whether a config that differs replaces the connection. What was adopted is not: Pulumi would keep it."""
    managed = olds.get("config") is not None and not olds.get("adopt_existing")
    return managed and news.get("on_config_change") == REPLACE


def _differs(old: Any, new: Any) -> bool:
    """Whether a config is known to differ, whatever its unknown values turn out to be."""
    if new is UNKNOWN:
        return False
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):  # a state or a transform by somebody's hand
        return bool(old != new)
    return old.keys() != new.keys() or any(new[key] is not UNKNOWN and new[key] != old[key] for key in old)


def create(
    props: Props, item: IntegrationItem | None, facts: Facts, owner: Owner
) -> Literal["connect", "adopt", "resume"] | Refusal:
    """Whether to connect, to take over what is connected, or to go on with what the resource itself left connected."""
    adopts = props.get("adopt_existing") is True
    if wrong := owner.wrong():
        return wrong
    if item is not None and item.connected:
        resumes = facts.predecessor and not (facts.taken or facts.removed or facts.elsewhere)
        if not resumes and (facts.taken or facts.held):
            return Refusal(
                AlreadyConnectedError,
                "it is declared twice for this workspace, which holds one connection per provider",
                "Remove one.",
            )
        if not resumes and not adopts:
            return conflict(facts)
        if item.connection_id is None:
            return Refusal(
                ConnectionChangedError, "Outlit's list gives no connection id for it", "Run pulumi up again."
            )
        return "resume" if resumes and not adopts and props.get("config") is not None else "adopt"
    if props.get("config") is not None:
        return "connect"
    if item is None:
        return Refusal(
            ConnectionChangedError,
            "Outlit's list does not name it at all, so whether it is connected is not known",
            "Run pulumi up again.",
        )
    spec = catalog.find(props["provider"])
    by_command = f"with `outlit-pulumi connect {spec.id}` or " if spec is not None else ""
    return Refusal(
        BrowserRequiredError,
        "it is not connected, so there is nothing to adopt",
        "Declare its config to have Pulumi connect it."
        if spec is not None and not spec.browser
        else f"Connect it once in the browser, {by_command}at the integrations page of Outlit, then run pulumi up "
        "again.",
    )


def conflict(facts: Facts) -> Refusal:
    """Why a create does not go on that finds its provider connected, by the list or by the answer to its request."""
    if facts.removed:
        return Refusal(
            AlreadyConnectedError,
            "it was disconnected to be replaced, and somebody else connected it before this run did",
            'To take that connection over, set adopt_existing=True and drop on_config_change="replace".',
            "No credentials were applied.",
        )
    return Refusal(
        AlreadyConnectedError,
        "it is already connected in this workspace, and not by this resource",
        '\n  If the resource was renamed, add opts=ResourceOptions(aliases=[Alias(name="<old name>")]).\n'
        "  If another resource of this program gives it up in this run, let that go in a run before this one.\n"
        "  If this run replaces it (--replace, --target-replace, replacement_trigger or pulumi state taint),\n"
        "  the connection is its own and stays as it is: run pulumi up without that (pulumi state untaint).\n"
        "  Only opts=ResourceOptions(delete_before_replace=True) replaces it, and that deletes what was synced.\n"
        "  If the connection was made outside this program, or by a first pulumi up that was interrupted, "
        "set adopt_existing=True\n  to take it over.",
        "No credentials were applied.",
    )


def change(held: str, item: IntegrationItem | None, facts: Facts, owner: Owner) -> Literal["send"] | Refusal:
    """Whether changed credentials are sent: only to the connection that the state holds."""
    return owner.wrong() or _barred(facts) or _not_ours(held, item, facts) or "send"


def keeps(facts: Facts) -> Literal["keep"] | Refusal | None:
    """Why a connection is not to be disconnected, whatever the service says of it; None if nothing is known."""
    if facts.held:
        return "keep"
    if barred := _barred(facts):
        return barred
    if facts.failed:
        return Refusal(
            ConnectionChangedError,
            "a create or a check of this provider failed in this run, and may have been to take this connection over",
            "Correct what that says, then run pulumi up again.",
        )
    return None


def _barred(facts: Facts) -> Refusal | None:
    """Why a connection that moves between Providers is not touched: the other process found what is in the way."""
    if not facts.refused:
        return None
    return Refusal(
        ConnectionChangedError,
        "its other Provider warned in this run of what is in the way, or could not ask Outlit",
        "Correct what that says, then run pulumi up again.",
        "Nothing was changed.",
    )


def remove(
    held: str, item: IntegrationItem | None, facts: Facts, owner: Owner, *, shown_kept: bool = False
) -> Literal["disconnect", "keep", "gone"] | Refusal:
    """Whether to disconnect: only the connection that the state holds, and nobody else of the program.

    A list that does not show the connection may lag. With a key of the state's organization the disconnect is sent all
    the same. With ``shown_kept`` another resource of the program holds what the list shows instead.
    """
    if kept := keeps(facts):
        return kept
    if wrong := owner.wrong():
        return wrong
    if shows(item, held):
        return _doubted(held, facts) or _not_ours(held, item, facts) or "disconnect"
    if unproven := owner.unproven(held):
        return unproven
    # There is one connection at a time, and by now it is another one.
    if facts.taken or facts.stays or (item is not None and shown_kept):
        return "gone"
    if item is not None and not item.connected:
        return "disconnect" if owner.key is not None else "gone"
    return _not_ours(held, item, facts) or "disconnect"


def _doubted(held: str, facts: Facts) -> Refusal | None:
    """Why a connection in the list may not be what is there: the list may lag behind what was connected since."""
    if not (facts.taken or facts.stays):
        return None
    return Refusal(
        ConnectionChangedError,
        f"another resource of this program has another connection of it, and Outlit's list shows {plain(held)} all the "
        "same",
        "Run pulumi refresh, then run again.",
        "Nothing was disconnected.",
    )


def find(
    held: str, item: IntegrationItem | None, syncing: bool, owner: Owner
) -> Literal["here", "gone", "moved"] | Refusal:
    """What a refresh concludes from a second list, which does not show the connection, and from the sync status.

    It is ``here`` also where the list says connected and gives no id; ``moved`` is another connection in its place.
    """
    if shows(item, held):
        return "here"
    if unproven := owner.unproven(held):
        return unproven
    if item is None:
        return Refusal(
            ConnectionChangedError,
            "Outlit's list does not name it at all",
            "If Outlit no longer offers it, take it out of the state with pulumi state delete.",
        )
    if item.connected:
        return "here" if item.connection_id is None else "moved"
    if syncing:
        return Refusal(
            ConnectionChangedError,
            "Outlit's list says that it is not connected, and its sync status says that it is",
            "Run again. If it goes on and the connection is gone, take it out of the state with pulumi state delete.",
        )
    return "gone"


def _not_ours(held: str, item: IntegrationItem | None, facts: Facts) -> Refusal | None:
    """Why a connection is not touched, unless it is the one in the state."""
    if item is None:
        return Refusal(
            ConnectionChangedError,
            "Outlit's list does not name it at all, so whether it is connected is not known",
            "Run again; if Outlit no longer offers it, take it out of the state with pulumi state delete.",
        )
    if not item.connected and item.connection_id != held:
        return Refusal(
            ConnectionChangedError,
            "it is not connected in this workspace",
            "If the API key is the right one, run pulumi refresh, then pulumi up to connect it again.",
        )
    if item.connection_id is None:
        return Refusal(
            ConnectionChangedError,
            "Outlit's list gives no connection id for it, so whether it is the one in the state is not known",
            "Run again.",
        )
    if item.connection_id != held or facts.moved:
        return Refusal(
            ConnectionChangedError,
            f"this workspace holds another connection of it than the state ({plain(held)})",
            "\n  Either the API key is another workspace's: check outlit:apiKey and OUTLIT_API_KEY.\n"
            "  Or it was reconnected outside Pulumi: run pulumi refresh by itself to accept that, then run again.",
        )
    return None
