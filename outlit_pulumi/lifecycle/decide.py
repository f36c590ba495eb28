"""What is to be done, given what is declared and what was seen. Pure: a preview warns of what an up refuses.

A decision is a word for what to do, or a `Refusal`. An up raises the refusal; a preview, which knows less, warns of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .. import catalog
from ..api.redaction import plain
from ..errors import AlreadyConnectedError, BrowserRequiredError, ConnectionChangedError, IntegrationError
from .check import REPLACE, UNKNOWN, Props
from .ledger import Facts
from .outputs import UNCONFIRMED

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


def difference(olds: Props, news: Props) -> Difference:
    """Compares what is declared with what the state holds; everything volatile is ignored."""
    provider, config = news.get("provider"), news.get("config")
    if provider is UNKNOWN or provider != olds.get("provider"):
        return Difference(True, ("provider",), delete_first=False)
    if config is None:
        return Difference(False)
    if config == olds.get("config"):
        return Difference(bool(olds.get(UNCONFIRMED)))
    if news.get("on_config_change") == REPLACE and olds.get("config") is not None:
        return Difference(True, ("config",))
    return Difference(True)


def create(props: Props, item: IntegrationItem | None, facts: Facts) -> Literal["connect", "adopt"] | Refusal:
    """Whether to connect, or to take over what is connected."""
    adopts = props.get("adopt_existing") is True
    if item is not None and item.connected:
        if facts.taken or facts.held:
            return Refusal(
                AlreadyConnectedError,
                "it is declared twice for this workspace, which holds one connection per provider",
                "Remove one.",
            )
        if not adopts:
            return conflict(facts)
        if item.connection_id is None:
            return Refusal(
                ConnectionChangedError, "Outlit's list gives no connection id for it", "Run pulumi up again."
            )
        return "adopt"
    if props.get("config") is not None:
        return "connect"
    if item is None:
        return Refusal(
            ConnectionChangedError,
            "Outlit's list does not name it at all, so whether it is connected is not known",
            "Run pulumi up again.",
        )
    spec = catalog.find(props["provider"])
    return Refusal(
        BrowserRequiredError,
        "it is not connected, so there is nothing to adopt",
        "Declare its config to have Pulumi connect it."
        if spec is not None and not spec.browser
        else "Connect it once in the browser, at the integrations page of Outlit, then run pulumi up again.",
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
        "  If it is to be replaced (--replace), add opts=ResourceOptions(delete_before_replace=True).\n"
        "  If the connection was made outside this program, or by a run of it that was interrupted, "
        "set adopt_existing=True to\n"
        "  take it over.",
        "No credentials were applied.",
    )


def change(held: str, item: IntegrationItem | None, facts: Facts) -> Literal["send"] | Refusal:
    """Whether changed credentials are sent: only to the connection that the state holds."""
    return _not_ours(held, item, facts) or "send"


def remove(held: str, item: IntegrationItem | None, facts: Facts) -> Literal["disconnect", "keep", "gone"] | Refusal:
    """Whether to disconnect: only the connection that the state holds, and nobody else of the program."""
    if facts.held:
        return "keep"
    if facts.refused:
        return Refusal(
            ConnectionChangedError,
            f"a create of this run found connection {plain(held)} in its way and failed, so the program still needs it",
            "Correct what that create says, then run pulumi up again.",
        )
    if item is not None and not item.connected:
        return "gone"
    return _not_ours(held, item, facts) or "disconnect"


def _not_ours(held: str, item: IntegrationItem | None, facts: Facts) -> Refusal | None:
    """Why a connection is not touched, unless it is the one in the state."""
    if item is None:
        return Refusal(
            ConnectionChangedError,
            "Outlit's list does not name it at all, so whether it is connected is not known",
            "Run again; if Outlit no longer offers it, take it out of the state with pulumi state delete.",
        )
    if not item.connected:
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
