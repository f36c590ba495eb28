"""What a program declares, judged before anything is called. Knows neither Pulumi nor HTTP."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .. import catalog
from ..api.redaction import REDACTED, Redactor, redact
from ..errors import OutlitError

RECONNECT = "reconnect"
REPLACE = "replace"


class _Unknown:
    def __repr__(self) -> str:
        return "<unknown>"


UNKNOWN = _Unknown()
"""Stands for a value that a preview cannot know yet."""

Props = Mapping[str, Any]


@dataclass
class Checked:
    """What check found: the canonical provider id (None to keep what was given), and one sentence per problem."""

    provider: str | None = None
    failures: list[str] = field(default_factory=list)


def check(
    olds: Props,
    news: Props,
    *,
    offered: Callable[[], Collection[str]],
    page: str = "https://app.outlit.ai",
) -> Checked:
    """Validates declared inputs. Tolerates `UNKNOWN` anywhere; messages name fields and never hold values."""
    result = Checked()
    adopt = news.get("adopt_existing", False)
    mode = news.get("on_config_change", RECONNECT)
    if adopt is not UNKNOWN and not isinstance(adopt, bool):
        result.failures.append("adopt_existing must be True or False.")
    if mode is not UNKNOWN and mode not in (RECONNECT, REPLACE):
        result.failures.append('on_config_change must be "reconnect" or "replace".')
    if adopt is True and mode == REPLACE:
        result.failures.append(
            'adopt_existing=True cannot go with on_config_change="replace": an adopted connection is kept when Pulumi '
            "deletes it, so nothing would be replaced. Drop one of the two."
        )
    if (wrong := _wrong_wait(news.get("wait_for_sync"))) is not None:
        result.failures.append(wrong)
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
            secrets = [*_secrets(olds), *_secrets(news)]
            result.failures.extend(_unlisted(provider, offered, Redactor(secrets)))
        if not result.failures and config is not None:
            result.failures.extend(_passed_through(provider, config))
    elif spec.browser:
        result.failures.extend(_browser(spec, config, adopt, redact(page, _secrets(news))))
    elif config is None:
        if adopt is False:
            fields = ", ".join(f.attribute for f in spec.fields)
            result.failures.append(
                f"{spec.name} has no config. Declare config={spec.args.__name__ if spec.args else ''}({fields}), or "
                "set adopt_existing=True to have Pulumi track a connection that exists."
            )
    else:
        result.failures.extend(_fields(spec, config, news.get("config_class")))
    return result


def _wrong_wait(seconds: object) -> str | None:
    if seconds is None or seconds is UNKNOWN:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 1 <= seconds <= 3600:
        return "wait_for_sync must be a number of seconds from 1 to 3600."
    return None


def _secrets(props: Props) -> list[str]:
    return catalog.secret_values(props.get("provider"), props.get("config"))


def _unlisted(provider: str, offered: Callable[[], Collection[str]], hide: Redactor) -> Iterator[str]:
    try:
        live = offered()
    except OutlitError as error:
        guess = catalog.closest(provider, catalog.PROVIDERS)
        hint = f' Did you mean "{guess}"?' if guess else ""
        yield (
            f"provider {quoted(provider)} is not in the catalogue.{hint} "
            f"Whether this workspace offers it could not be asked: {hide(str(error), limit=500)}"
        )
        return
    if provider not in live:
        guess = catalog.closest(provider, [*catalog.PROVIDERS, *live])
        known = f'Did you mean "{guess}"?' if guess else f"Known are {', '.join(catalog.PROVIDERS)}."
        yield f"provider {quoted(provider)} is unknown to Outlit. {known}"


_HIDDEN = "(not shown: it may be a credential)"


def quoted(name: str) -> str:
    """A declared id or field name as text to print, unless it may be a credential in the wrong place."""
    plain = len(name) <= 24 and all(c.isalnum() or c in "-_. " for c in name) and redact(name, ()) == name
    return f'"{name}"' if plain else _HIDDEN


def _like_a_credential(text: str) -> bool:
    return REDACTED in redact(text, limit=2 * len(text))


def _browser(spec: catalog.ProviderSpec, config: object, adopt: object, page: str) -> Iterator[str]:
    if config is not None:
        yield (
            f"{spec.name} takes no config: it connects through a browser session. Remove config, connect "
            f"{spec.name} once at {page}/integrations, and set adopt_existing=True to have Pulumi track it."
        )
    elif adopt is False:
        yield (
            f"{spec.name} connects through a browser session, which a deployment cannot complete.\n"
            f"  Connect it once with `outlit-pulumi connect {spec.id}` (extra cli) or at {page}/integrations,\n"
            "  then set adopt_existing=True here to have Pulumi track it, or remove it from the program."
        )


def _fields(spec: catalog.ProviderSpec, config: object, args_class: object) -> Iterator[str]:
    """What is wrong with the fields, which are named as the program wrote them: in an args class, or in a mapping."""
    own_class = spec.args.__name__ if spec.args else ""
    if args_class is not None and args_class != own_class:
        takes = ", ".join(item.attribute for item in spec.fields)
        yield f"config is a {quoted(str(args_class))}. {spec.name} takes {own_class}({takes})."
        return
    if config is UNKNOWN:
        return
    names = [item.name for item in spec.fields]
    if not isinstance(config, Mapping):
        yield f"config of {spec.name} must hold {', '.join(names)}."
        return
    for key in config:
        if key not in names:
            guess = catalog.closest(str(key).replace("_", ""), names)
            hint = f"Did you mean {guess}?" if guess else f"It takes {', '.join(names)}."
            shown = quoted(str(key))
            if shown == _HIDDEN:
                hint = f"Is a credential in the wrong place? {hint}"
            yield f"config field {shown} is not one of {spec.name}'s. {hint}"
    written = spec.written(typed=bool(args_class))
    secrets = {written[item.name]: config.get(item.name) for item in spec.fields if item.secret}
    for spec_field in spec.fields:
        what = f"config field {written[spec_field.name]} of {spec.name}"
        value = config.get(spec_field.name)
        misplaced = None if spec_field.secret else _misplaced(value, secrets)
        if value is None:
            yield f"{what} is missing: {spec_field.doc}"
        elif wrong := misplaced or _wrong(spec_field, value):
            yield f"{what} {wrong}"


def _misplaced(value: object, secrets: Mapping[str, object]) -> str | None:
    """What is wrong with a credential in a public field; ``secrets`` are the secret fields of the same config."""
    if not isinstance(value, str) or not value.strip():
        return None
    if _like_a_credential(value):
        own = ", ".join(secrets)
        return f"looks like a credential, and this field is stored in the clear. Credentials belong in {own}."
    same = next((name for name, secret in secrets.items() if secret == value), None)
    if same is not None:
        return f"has the value of {same}, a credential, and this field is stored in the clear. Give each its own value."
    return None


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
            good = parts.scheme == "https" and bool(parts.hostname)
        except ValueError:
            good = False
        if not good:
            return "must be an https URL."
        if parts.username is not None or parts.query or parts.fragment:
            return "must be an https URL without user, query or fragment: this field is stored in the clear."
    return None


_HALF = "holds half a character (a lone surrogate), which cannot be sent. Set it again."


def half_character(text: str) -> bool:
    """Whether there is a lone surrogate in it, which JSON can spell and nobody can send."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def _wrong_text(value: object) -> str | None:
    if not isinstance(value, str):
        return 'must be text: write it in quotes, such as "12345".'
    if half_character(value):
        return _HALF
    if not value.strip():
        return "is blank. Is the configuration or secret that it comes from set?"
    if value != value.strip() or any(c in value for c in "\r\n\t"):
        return "has white space around or line breaks in it, perhaps from copying. Set it again without."
    return None


def _passed_through(provider: str, config: object) -> Iterator[str]:
    if config is UNKNOWN:
        return
    if not isinstance(config, Mapping) or not config:
        yield f"config of {quoted(provider)} must hold at least one field, or be left out."
        return
    for key, value in config.items():
        if half_character(str(key)):
            wrong: str | None = _HALF
        elif _like_a_credential(str(key)):
            wrong = "looks like a credential in the wrong place. Write the name of its field in front of it."
        else:
            wrong = None if value is UNKNOWN else _wrong_text(value)
        if wrong is not None:
            yield f"config field {quoted(str(key))} of {quoted(provider)} {wrong}"
