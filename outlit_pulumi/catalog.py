"""The providers of Outlit's API page, one entry each.

An entry drives everything that is specific to a provider: the typed arguments that a program writes, the validation,
which fields are secret, and the provider table of the docs. To add one, see CONTRIBUTING.md.

Names, categories, fields and ids are those of the API page ("Provider IDs"). This module is loaded by every Pulumi
program, so it imports nothing but the standard library.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from pulumi import Input, Output

ProviderId = Literal[
    "slack",
    "fireflies",
    "granola",
    "google-calendar",
    "google-mail",
    "posthog",
    "stripe",
    "supabase",
    "clerk",
    "pylon",
]
"""The ids of `PROVIDERS`, for an editor to complete. A program may write any other that its workspace offers."""


@dataclass(frozen=True)
class ConfigField:
    """What is known of one credential field.

    Attributes:
        doc: What the field holds, for people.
        secret: Whether its value must never be shown or stored in the clear.
        choices: The accepted values; empty when any text is.
        https: Whether the value is a URL that must use https.
        name: The API's own name, such as ``apiKey``.
        attribute: The Python name, such as ``api_key``.
    """

    doc: str
    secret: bool = False
    choices: tuple[str, ...] = ()
    https: bool = False
    name: str = ""
    attribute: str = ""


_SPEC = "outlit_pulumi.field"


def _secret(doc: str) -> Mapping[str, Any]:
    return {_SPEC: ConfigField(doc, secret=True)}


def _public(doc: str, *, choices: tuple[str, ...] = (), https: bool = False) -> Mapping[str, Any]:
    return {_SPEC: ConfigField(doc, choices=choices, https=https)}


def _camel_case(attribute: str) -> str:
    head, *tail = attribute.split("_")
    return head + "".join(word.capitalize() for word in tail)


class ConfigArgs:
    """Base of the classes of credentials; each provider that connects with credentials has one."""

    @classmethod
    def config_fields(cls) -> tuple[ConfigField, ...]:
        """The fields in declaration order, under both their names."""
        return tuple(
            replace(item.metadata[_SPEC], name=_camel_case(item.name), attribute=item.name)
            for item in fields(cls)  # type: ignore[arg-type]  # every subclass is a dataclass
        )

    def __repr__(self) -> str:
        # The generated repr would print credentials that were given as plain strings.
        return f"{type(self).__name__}({', '.join(f'{item.attribute}=...' for item in self.config_fields())})"


@dataclass(kw_only=True, repr=False, eq=False)
class FirefliesConfigArgs(ConfigArgs):
    """Credentials of a Fireflies.ai connection."""

    api_key: Input[str] = field(metadata=_secret("Fireflies API key."))
    """Fireflies API key."""


class FirefliesConfigArgsDict(TypedDict):
    """`FirefliesConfigArgs` as a dict, with the same names."""

    api_key: Input[str]
    """Fireflies API key."""


@dataclass(kw_only=True, repr=False, eq=False)
class GranolaConfigArgs(ConfigArgs):
    """Credentials of a Granola connection."""

    api_key: Input[str] = field(metadata=_secret("Granola API key."))
    """Granola API key."""


class GranolaConfigArgsDict(TypedDict):
    """`GranolaConfigArgs` as a dict, with the same names."""

    api_key: Input[str]
    """Granola API key."""


@dataclass(kw_only=True, repr=False, eq=False)
class PostHogConfigArgs(ConfigArgs):
    """Credentials of a PostHog connection."""

    api_key: Input[str] = field(metadata=_secret("PostHog personal API key (`phx_...`)."))
    """PostHog personal API key (`phx_...`)."""
    region: Literal["us", "eu"] | Output[str] | Awaitable[str] = field(
        metadata=_public("PostHog cloud region.", choices=("us", "eu"))
    )
    """PostHog cloud region."""
    project_id: Input[str] = field(metadata=_public('PostHog project id, as text: `"12345"`.'))
    """PostHog project id, as text: `"12345"`."""


class PostHogConfigArgsDict(TypedDict):
    """`PostHogConfigArgs` as a dict, with the same names."""

    api_key: Input[str]
    """PostHog personal API key (`phx_...`)."""
    region: Literal["us", "eu"] | Output[str] | Awaitable[str]
    """PostHog cloud region."""
    project_id: Input[str]
    """PostHog project id, as text: `"12345"`."""


@dataclass(kw_only=True, repr=False, eq=False)
class StripeConfigArgs(ConfigArgs):
    """Credentials of a Stripe connection."""

    api_key: Input[str] = field(metadata=_secret("Stripe secret or restricted key."))
    """Stripe secret or restricted key."""


class StripeConfigArgsDict(TypedDict):
    """`StripeConfigArgs` as a dict, with the same names."""

    api_key: Input[str]
    """Stripe secret or restricted key."""


@dataclass(kw_only=True, repr=False, eq=False)
class SupabaseConfigArgs(ConfigArgs):
    """Credentials of a Supabase Auth connection."""

    project_url: Input[str] = field(
        metadata=_public("Supabase project URL, `https://<project>.supabase.co`.", https=True)
    )
    """Supabase project URL, `https://<project>.supabase.co`."""
    service_role_key: Input[str] = field(metadata=_secret("Supabase service role key."))
    """Supabase service role key."""


class SupabaseConfigArgsDict(TypedDict):
    """`SupabaseConfigArgs` as a dict, with the same names."""

    project_url: Input[str]
    """Supabase project URL, `https://<project>.supabase.co`."""
    service_role_key: Input[str]
    """Supabase service role key."""


@dataclass(kw_only=True, repr=False, eq=False)
class ClerkConfigArgs(ConfigArgs):
    """Credentials of a Clerk connection."""

    secret_key: Input[str] = field(metadata=_secret("Clerk secret key."))
    """Clerk secret key."""


class ClerkConfigArgsDict(TypedDict):
    """`ClerkConfigArgs` as a dict, with the same names."""

    secret_key: Input[str]
    """Clerk secret key."""


@dataclass(frozen=True)
class ProviderSpec:
    """One provider that Outlit can connect.

    Attributes:
        id: The public provider id that the API takes.
        name: The name that people know it by.
        category: The API's category, in lower case as the API sends it.
        args: The class of its credentials; None where a person connects it in a browser.
        aliases: Other ids that are accepted for it and turned into ``id``.
        fields: The fields of ``args``; empty without one.
    """

    id: str
    name: str
    category: str
    args: type[ConfigArgs] | None = None
    aliases: tuple[str, ...] = ()
    fields: tuple[ConfigField, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", self.args.config_fields() if self.args else ())

    @property
    def browser(self) -> bool:
        """Whether connecting needs a person in a browser, which a deployment does not have."""
        return self.args is None

    def written(self, *, typed: bool) -> Mapping[str, str]:
        """The fields as a program writes them, by the API's names: ``typed`` with the names of ``args``."""
        return {item.name: item.attribute if typed else item.name for item in self.fields}

    @property
    def public(self) -> frozenset[str]:
        """The API's names of the fields that may be shown and stored in the clear."""
        return frozenset(item.name for item in self.fields if not item.secret)


PROVIDERS: Mapping[str, ProviderSpec] = MappingProxyType(
    {
        spec.id: spec
        for spec in (
            ProviderSpec("slack", "Slack", "communication"),
            ProviderSpec("fireflies", "Fireflies.ai", "calls", FirefliesConfigArgs),
            ProviderSpec("granola", "Granola", "calls", GranolaConfigArgs),
            ProviderSpec("google-calendar", "Google Calendar", "calendar"),
            ProviderSpec("google-mail", "Gmail", "communication", aliases=("gmail",)),
            ProviderSpec("posthog", "PostHog", "analytics", PostHogConfigArgs),
            ProviderSpec("stripe", "Stripe", "billing", StripeConfigArgs),
            ProviderSpec("supabase", "Supabase Auth", "analytics", SupabaseConfigArgs),
            ProviderSpec("clerk", "Clerk", "analytics", ClerkConfigArgs),
            ProviderSpec("pylon", "Pylon", "support"),
        )
    }
)
"""Every provider of the API page, by id, in the page's order."""

_CANONICAL = {alias: spec.id for spec in PROVIDERS.values() for alias in (spec.id, *spec.aliases)}


_LONGEST_WORD = 64
"""Characters; a longer one is no misspelt id, and comparing it takes long."""


def canonical_id(provider: str) -> str:
    """The id that the API takes: resolves aliases (``gmail``), leaves an id that the catalogue lacks as it is."""
    return _CANONICAL.get(provider, provider)


def find(provider: object) -> ProviderSpec | None:
    """The entry for an id or alias; None for what the catalogue does not have (the live list may) and for no text."""
    return PROVIDERS.get(canonical_id(provider)) if isinstance(provider, str) else None


def public_fields(provider: object) -> frozenset[str]:
    """The API's names of the config fields of a provider that may be shown. Of an unknown provider, none may."""
    spec = find(provider)
    return spec.public if spec else frozenset()


def api_names(provider: object) -> Mapping[str, str]:
    """The API's names of the config fields of a provider, by their Python names. Of an unknown provider, none."""
    spec = find(provider)
    return {item.attribute: item.name for item in spec.fields} if spec else {}


def secret_values(provider: object, config: object) -> list[str]:
    """The texts in ``config`` that must not be shown: every one that is not a field known to be public."""
    if not isinstance(config, Mapping):
        return []
    public = public_fields(provider)
    return [value for key, value in config.items() if key not in public and isinstance(value, str)]


def closest(word: str, known: Iterable[str]) -> str | None:
    """The one of ``known`` that ``word`` was probably meant to be, whatever its case; None when nothing is near."""
    from difflib import get_close_matches  # only needed once something is wrong

    if len(word) > _LONGEST_WORD:
        return None

    by_folded = {item.casefold(): item for item in known}
    matches = get_close_matches(word.casefold().strip(), by_folded, n=1)
    return by_folded[matches[0]] if matches else None
