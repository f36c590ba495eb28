"""What the sandbox offers to connect: the providers of the API page, then made-up ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from outlit_pulumi.catalog import PROVIDERS, ProviderSpec

_SYNC_MODELS: Mapping[str, tuple[str, ...]] = {
    "slack": ("SlackChannel", "SlackUser", "SlackMessage"),
    "fireflies": ("FirefliesUser", "FirefliesTranscript"),
    "granola": ("GranolaFolder", "GranolaNote"),
    "google-calendar": ("GoogleCalendar", "GoogleCalendarEvent"),
    "google-mail": ("GmailThread", "GmailMessage"),
    "posthog": ("PostHogPerson", "PostHogEvent", "PostHogGroup"),
    "stripe": ("StripeCustomer", "StripeSubscription", "StripeInvoice"),
    "supabase": ("SupabaseUser", "SupabaseSession"),
    "clerk": ("ClerkUser", "ClerkOrganization"),
    "pylon": ("PylonAccount", "PylonContact", "PylonIssue"),
}


@dataclass(frozen=True)
class Offer:
    """A provider that the sandbox can connect.

    Attributes:
        id: The public provider id.
        name: The name for people.
        category: The category, in lower case.
        models: The models that a connection syncs. The page names ``StripeCustomer`` only; the others are plausible.
        browser: Whether only a browser session connects it.
        fields: The accepted values of each credential field, by the field's name; no values mean any nonempty text.
            None where any field is taken (made-up providers).
    """

    id: str
    name: str
    category: str
    models: tuple[str, ...]
    browser: bool = False
    fields: Mapping[str, tuple[str, ...]] | None = None

    def problem(self, config: Mapping[str, object]) -> str | None:
        """Why the provider refuses ``config``, in words that hold none of its values; None when it takes it."""
        if self.browser:
            return f"{self.id} is connected in a browser session and takes no config."
        if not config:
            return "config must not be empty."
        fields = dict.fromkeys(config, ()) if self.fields is None else self.fields
        if config.keys() - fields.keys():
            return f"config has a field that {self.id} does not know."
        for name, accepted in fields.items():
            # Names of made-up providers come from the caller, so they are not repeated either.
            label = "Every field of config" if self.fields is None else f"config.{name}"
            value = config.get(name)
            if not isinstance(value, str) or not value:
                return f"{label} must be a nonempty string."
            if accepted and value not in accepted:
                return f"{label} must be one of {', '.join(accepted)}."
        return None


def offers(extra: int = 0) -> Mapping[str, Offer]:
    """Everything on offer by id: the page's providers in the page's order, then ``extra`` made-up ones.

    The made-up ones are ``extra-0001`` ("Extra 1", category ``other``) and so on. They connect directly.
    """
    known = [_from_catalogue(spec) for spec in PROVIDERS.values()]
    made_up = [Offer(f"extra-{n:04}", f"Extra {n}", "other", ("Record",)) for n in range(1, extra + 1)]
    return {offer.id: offer for offer in (*known, *made_up)}


def _from_catalogue(spec: ProviderSpec) -> Offer:
    return Offer(
        id=spec.id,
        name=spec.name,
        category=spec.category,
        models=_SYNC_MODELS.get(spec.id, ("Record",)),
        browser=spec.browser,
        fields={item.name: item.choices for item in spec.fields},
    )
