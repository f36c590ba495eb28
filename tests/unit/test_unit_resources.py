"""What the constructor refuses before anything is registered, and the warning of an API key in the clear."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, cast

import pulumi
import pytest
from pulumi import CustomTimeouts, Output, ResourceOptions
from pulumi.runtime import set_all_config
from pulumi.runtime.settings import ROOT

import outlit_pulumi as outlit
from outlit_pulumi import config as declared
from outlit_pulumi import invoke
from outlit_pulumi.lifecycle.check import check

CANARY = "phx_CANARY0123456789"
KEPT = 'together with on_config_change="replace": a replacement deletes the connection, and'
TEXT = "It must be text: write it in quotes."
ARGS = "It must be an args class such as StripeConfigArgs(api_key=...), a mapping, or an Output of one."
FORGOTTEN = (
    "nothing else disconnects it at Outlit, and Pulumi would forget it in silence. Set retain_on_delete=True to keep "
    "it connected."
)
UNSAID = (
    "Pulumi tells a provider nothing of such a replacement, so no preview could say that it deletes what was synced. "
    "Leave it out."
)
IMPORT = "a dynamic provider cannot import. adopt_existing=True takes over a connection that exists."


def _replaced_with() -> ResourceOptions:
    """Also with a version of Pulumi that does not know the option."""
    opts = ResourceOptions()
    vars(opts)["replace_with"] = [object()]
    return opts


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "adopt and replace": (
        {"adopt_existing": True, "on_config_change": "replace"},
        f"cannot have adopt_existing=True {KEPT} adopt_existing=True keeps it. Drop one of the two.",
    ),
    "retain and replace": (
        {"on_config_change": "replace", "opts": ResourceOptions(retain_on_delete=True)},
        f"cannot have retain_on_delete=True {KEPT} retain_on_delete=True keeps it. Drop one of the two.",
    ),
    "create first and replace": (
        {"on_config_change": "replace", "opts": ResourceOptions(delete_before_replace=False)},
        'cannot have delete_before_replace=False together with on_config_change="replace". Drop one of the two.',
    ),
    "deleted with": (
        {"opts": ResourceOptions(deleted_with=cast(Any, object()))},
        f"takes no deleted_with in opts: {FORGOTTEN}",
    ),
    "replace with": (
        {"opts": _replaced_with()},
        f"takes no replace_with in opts: {UNSAID}",
    ),
    "adopt not a flag": (
        {"adopt_existing": CANARY},
        "has an adopt_existing that is of type str. It must be True or False.",
    ),
    "id": (
        {"opts": ResourceOptions(id=CANARY)},
        "takes no id in opts. Read a connection with Integration.get.",
    ),
    "import": (
        {"opts": ResourceOptions(import_=CANARY)},
        f"takes no import_ in opts: {IMPORT}",
    ),
    "timeouts": (
        {"opts": ResourceOptions(custom_timeouts=CustomTimeouts(create="5m"))},
        "takes no custom_timeouts in opts: they have no effect. Set outlit:timeout for the stack.",
    ),
    "config is the key": (
        {"config": CANARY},
        f"has a config that is of type str. {ARGS}",
    ),
    "config is a list": (
        {"config": [CANARY]},
        f"has a config that is of type list. {ARGS}",
    ),
    "name not text": (
        {"config": {5: CANARY}},
        f"has a config field whose name is of type int. {TEXT}",
    ),
    "number in a mapping": (
        {"config": {"apiKey": CANARY, "projectId": 12345}},
        f'has a config field "projectId" that is of type int. {TEXT}',
    ),
    "mapping in a mapping": (
        {"config": {"apiKey": {"key": CANARY}}},
        f'has a config field "apiKey" that is of type dict. {TEXT}',
    ),
    "number in an args object": (
        {"config": outlit.PostHogConfigArgs(api_key=CANARY, region="us", project_id=cast(Any, 12345))},
        f'has a config field "project_id" that is of type int. {TEXT}',
    ),
    "a field under both its names": (
        {"config": {"apiKey": CANARY, "region": "us", "api_key": CANARY}},
        'has a config field twice, as "api_key" and as "apiKey". Keep one of the two.',
    ),
    "number behind a key": (
        {"config": {CANARY: 5}},
        f"has a config field (not shown: it may be a credential) that is of type int. {TEXT}",
    ),
}


@pytest.mark.parametrize(("arguments", "said"), list(WRONG.values()), ids=list(WRONG))
def test_a_mix_up_is_one_sentence_that_names_the_resource(arguments: dict[str, Any], said: str) -> None:
    """And no value. Pulumi prints the message of a RunError alone, without a traceback."""
    with pytest.raises(outlit.ConfigurationError) as error:
        outlit.Integration("mine", "posthog", **arguments)
    assert str(error.value) == f"'mine' {said}"
    assert isinstance(error.value, pulumi.RunError)


def in_a_program(run: Callable[[], object]) -> None:
    """Runs something as a program of its own does."""

    class Root:
        """Stands for the root resource."""

    root = Root()

    def program() -> None:
        ROOT.set(cast(pulumi.Resource, root))
        run()

    contextvars.copy_context().run(program)


FINE: dict[str, Callable[[], dict[str, Any]]] = {
    "replace": lambda: {"on_config_change": "replace"},
    "replace with full ownership": lambda: {
        "on_config_change": "replace",
        "opts": ResourceOptions(retain_on_delete=False),
    },
    "adopt": lambda: {"adopt_existing": True, "opts": ResourceOptions(retain_on_delete=True)},
    "a mapping of what is not known yet": lambda: {
        "config": {"apiKey": Output.secret(5), "region": asyncio.get_running_loop().create_future(), "projectId": None}
    },
    "an args object of what is not known yet": lambda: {
        "config": outlit.StripeConfigArgs(api_key=Output.from_input(CANARY))
    },
    "an Output": lambda: {"config": Output.from_input(5)},
    "an awaitable": lambda: {"config": asyncio.get_running_loop().create_future()},
}


@pytest.mark.parametrize("arguments", list(FINE.values()), ids=list(FINE))
def test_what_is_no_mix_up_passes(arguments: Callable[[], dict[str, Any]]) -> None:
    """It gets as far as the last refusal, which is that of a second declaration."""

    async def declared() -> None:
        invoke.program().declared[None, "stripe"] = "first"
        with pytest.raises(outlit.ConfigurationError, match="'mine' declares Stripe once more: 'first' declares it"):
            outlit.Integration("mine", "stripe", **arguments())

    in_a_program(lambda: asyncio.run(declared()))


def later() -> Output[str]:
    return Output.from_input("stripe")


@pytest.mark.parametrize(
    ("first", "second", "refused"),
    [
        (lambda: "stripe", lambda: "stripe", "declares Stripe once more"),
        (lambda: "stripe", lambda: "posthog", None),
        (lambda: "stripe", later, "is the name of two integrations"),
        (later, lambda: "stripe", "is the name of two integrations"),
        (later, later, "is the name of two integrations"),
    ],
)
def test_two_of_one_name_are_told_apart(
    first: Callable[[], Any], second: Callable[[], Any], refused: str | None
) -> None:
    """As two are whose parents, of different types, have one name: an `up` takes the second for the first otherwise."""

    async def declared() -> None:
        invoke.declare("prod/tool", first(), None)
        invoke.declare("test/tool", later(), None)
        with pytest.raises(outlit.ConfigurationError, match=f"^'prod/tool' {refused}") if refused else nullcontext():
            invoke.declare("prod/tool", second(), None)

    in_a_program(lambda: asyncio.run(declared()))


def registered(provider: Callable[[], Any], config: Callable[[], Any]) -> tuple[object, list[str]]:
    """The config as it is registered, and the fields of it that are secrets; [``*``] where it is one as a whole."""

    async def look() -> tuple[object, list[str]]:
        props = declared.registered(provider(), config())
        if isinstance(props, Output):
            return await props.future(), ["*"] if await props.is_secret() else []
        secret = [name for name, value in props.items() if isinstance(value, Output) and await value.is_secret()]
        return await Output.all(**props).future(), secret

    return asyncio.run(look())


SNAKE = {"api_key": CANARY, "region": "us", "project_id": "12345"}
API = {"apiKey": CANARY, "region": "us", "projectId": "12345"}
WHOLE = (API, ["*"])

NAMED: dict[str, tuple[Callable[[], Any], Callable[[], Any], tuple[object, list[str]]]] = {
    "names of the args class": (lambda: "posthog", lambda: SNAKE, (API, ["apiKey"])),
    "names of the API": (lambda: "posthog", lambda: API, (API, ["apiKey"])),
    "an args object": (lambda: "posthog", lambda: outlit.PostHogConfigArgs(**cast(Any, SNAKE)), (API, ["apiKey"])),
    "an unknown field": (lambda: "stripe", lambda: {"api_kee": CANARY}, ({"api_kee": CANARY}, ["api_kee"])),
    "a field of another provider": (lambda: "clerk", lambda: {"api_key": CANARY}, ({"api_key": CANARY}, ["api_key"])),
    "a provider that the catalogue lacks": (
        lambda: "new",
        lambda: {"api_key": CANARY},
        ({"api_key": CANARY}, ["api_key"]),
    ),
    "an Output": (lambda: "posthog", lambda: Output.from_input(SNAKE), WHOLE),
    "an Output of an args object": (
        lambda: "posthog",
        lambda: Output.from_input(5).apply(lambda _: outlit.PostHogConfigArgs(**cast(Any, SNAKE))),
        WHOLE,
    ),
    "a provider that is an Output": (lambda: Output.from_input("posthog"), lambda: SNAKE, WHOLE),
    "all that is one": (
        lambda: Output.from_input("posthog"),
        lambda: {name: Output.from_input(value) for name, value in SNAKE.items()},
        WHOLE,
    ),
    "a field under both its names, known late": (
        lambda: "stripe",
        lambda: Output.from_input({"api_key": CANARY, "apiKey": CANARY}),
        ({"api_key": CANARY, "apiKey": CANARY}, ["*"]),
    ),
}


@pytest.mark.parametrize(("provider", "config", "expected"), list(NAMED.values()), ids=list(NAMED))
def test_config_is_registered_under_the_names_of_the_api(
    provider: Callable[[], Any], config: Callable[[], Any], expected: tuple[object, list[str]]
) -> None:
    """And whatever is not known to be public is a secret."""
    assert registered(provider, config) == expected


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({"api_key": CANARY, "region": "us"}, "project_id"),
        ({"apiKey": CANARY, "region": "us"}, "projectId"),
        (outlit.PostHogConfigArgs(api_key=CANARY, region="us", project_id=cast(Any, None)), "project_id"),
    ],
    ids=["a dict with names of the args class", "a dict with names of the API", "an args object"],
)
def test_a_message_names_a_field_as_the_program_does(config: Any, name: str) -> None:
    async def inputs() -> dict[str, Any]:
        plain = await Output.all(**declared.registered("posthog", config)).future()
        return {"provider": "posthog", "config": plain, "config_class": declared.class_name("posthog", config)}

    found = check({}, asyncio.run(inputs()), offered=dict)
    assert found.failures == [f'config field {name} of PostHog is missing: PostHog project id, as text: `"12345"`.']


KEY = {"outlit:apiKey": f"ok_{CANARY}"}


def test_an_api_key_in_the_clear_is_warned_of_once_in_each_run(capsys: pytest.CaptureFixture[str]) -> None:
    def program() -> None:
        set_all_config(KEY, ["trial:other"])
        invoke.warn_of_plain_key(None)
        invoke.warn_of_plain_key(ResourceOptions(depends_on=[]))

    for _ in range(2):
        in_a_program(program)
        (line,) = capsys.readouterr().err.splitlines()
        assert line == (
            f"warning: outlit:apiKey is stored in the clear in Pulumi.{pulumi.get_stack()}.yaml and in the state. "
            "Set it again with pulumi config set --secret outlit:apiKey."
        )


class Elsewhere(pulumi.ProviderResource):
    """Stands for an `outlit_pulumi.Provider`, which needs an engine."""

    def __init__(self) -> None:
        self.package = invoke.PACKAGE
        self._name = "emea"


@pytest.mark.parametrize(
    ("config", "secret", "opts"),
    [({}, [], None), (KEY, list(KEY), None), (KEY, [], ResourceOptions(provider=Elsewhere()))],
    ids=["no key", "a secret one", "that of a Provider"],
)
def test_what_is_no_api_key_in_the_clear(
    capsys: pytest.CaptureFixture[str], config: dict[str, str], secret: list[str], opts: ResourceOptions | None
) -> None:
    def program() -> None:
        set_all_config(config, secret)
        invoke.warn_of_plain_key(opts)

    in_a_program(program)
    assert capsys.readouterr().err == ""
