"""Data functions, called as a program calls them, against the sandbox: results, errors, what is shared and shown."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import json
import traceback
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, asdict
from pathlib import Path
from typing import Any, cast

import pulumi
import pulumi.runtime.settings
import pytest
from pulumi import Output

import outlit_pulumi as outlit
from outlit_pulumi import invoke
from outlit_pulumi.functions import connection_id
from outlit_pulumi.sandbox import Sandbox
from outlit_pulumi.settings import Settings

POSTHOG = {"apiKey": "q7CANARYtheirs0123456789", "region": "us", "projectId": "1"}
SECRET = "q7CANARYconfig0123456789"
STALE = "stale"
"""After the key: one that the service does not know."""


class Root:
    """Stands for the root resource of a program."""


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Sandbox]:
    """A service that the environment points at, and a program that runs."""
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    root = Root()
    program = pulumi.runtime.settings.ROOT.set(cast(pulumi.Resource, root))
    with Sandbox("acme", api_key=f"ok_{uuid.uuid4().hex}", frozen=True) as running:
        monkeypatch.setenv("OUTLIT_API_KEY", running.api_key)
        monkeypatch.setenv("OUTLIT_API_URL", running.url)
        running.connect("posthog", POSTHOG)
        running.advance(600)
        running.clear_calls()
        yield running
        for api_key in (running.api_key, running.api_key + STALE):
            invoke.program().workspaces.workspace(Settings(api_key, running.url)).client.close()
    pulumi.runtime.settings.ROOT.reset(program)


def settled(make: Callable[[], Output[Any]]) -> tuple[Any, bool]:
    """What an Output holds, and whether it is secret."""

    async def wait() -> tuple[Any, bool]:
        made = make()
        return await made.future(), await made.is_secret()

    return asyncio.run(wait())


def calls(sandbox: Sandbox) -> list[str]:
    """The routes that were called."""
    return [call["route"] for call in sandbox.calls()]


# --- what they return


def test_every_provider_is_listed_in_the_order_of_the_service(sandbox: Sandbox) -> None:
    found = outlit.get_integrations()
    assert [item.provider for item in found] == [item["id"] for item in sandbox.list()]
    assert asdict(found[0]) == {
        "provider": "slack",
        "display_name": "Slack",
        "category": "communication",
        "connected": False,
        "status": "not_connected",
        "connection_id": None,
        "sync_status": None,
        "last_data_received_at": None,
        "error_message": None,
    }


def test_connected_only(sandbox: Sandbox) -> None:
    (found,) = outlit.get_integrations(connected_only=True)
    (listed,) = sandbox.list(connected_only=True)
    assert (found.provider, found.connected, found.status) == ("posthog", True, "connected")
    assert (found.connection_id, found.sync_status) == ("posthog-org_acme", "SUCCESS")
    assert found.last_data_received_at == listed["lastDataReceivedAt"]
    assert settled(lambda: outlit.get_integrations_output(connected_only=Output.from_input(True)))[0] == [found]


def test_the_sync_status_of_a_provider(sandbox: Sandbox) -> None:
    sandbox.set_sync("posthog", "FAILED", model="PostHogEvent", error_message="no")
    found = outlit.get_sync_status("posthog")
    assert (found.display_name, found.category) == ("PostHog", "analytics")
    assert (found.connected, found.status) == (True, "connected")
    assert {sync.model: (sync.status, sync.error_message) for sync in found.syncs} == {
        "PostHogPerson": ("SUCCESS", None),
        "PostHogEvent": ("FAILED", "no"),
        "PostHogGroup": ("SUCCESS", None),
    }
    assert found.syncs[0].last_synced_at == sandbox.sync_status("posthog")["syncs"][0]["lastSyncedAt"]


def test_what_is_not_connected_is_no_error(sandbox: Sandbox) -> None:
    found = outlit.get_sync_status("gmail")
    assert (found.provider, found.connected, found.status, found.syncs) == ("google-mail", False, "not_connected", [])


def test_results_cannot_be_changed(sandbox: Sandbox) -> None:
    with pytest.raises(FrozenInstanceError):
        outlit.get_sync_status("posthog").status = "connected"  # type: ignore[misc]


def test_an_output_is_secret_only_for_its_arguments(sandbox: Sandbox) -> None:
    """The API key alone does not make it so."""
    assert settled(outlit.get_integrations_output)[1] is False
    assert settled(lambda: outlit.get_sync_status_output("posthog"))[1] is False
    assert settled(lambda: outlit.get_sync_status_output(Output.secret("posthog")))[1] is True


# --- what they call


def test_one_list_for_all_calls_of_a_program(sandbox: Sandbox) -> None:
    contexts = [contextvars.copy_context() for _ in range(16)]  # as asyncio.to_thread has it
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda context: context.run(outlit.get_integrations), contexts))
    assert all(listed == found[0] for listed in found)
    settled(lambda: Output.all(outlit.get_integrations_output(), outlit.get_integrations_output(connected_only=True)))
    assert calls(sandbox) == ["list"]


def test_each_program_of_a_process_asks_for_itself(sandbox: Sandbox) -> None:
    """The Automation API runs several in one: what the first of them connects, the second must see."""

    def program() -> None:
        pulumi.runtime.settings.ROOT.set(cast(pulumi.Resource, root := Root()))
        outlit.get_integrations()
        outlit.get_integrations()
        invoke.program().workspaces.workspace(Settings(sandbox.api_key, sandbox.url)).client.close()
        roots.append(root)

    roots: list[Root] = []
    for _ in range(2):
        contextvars.copy_context().run(program)
    assert calls(sandbox) == ["list", "list"]


def test_outside_of_a_program_calls_share_a_list_too(sandbox: Sandbox) -> None:
    """In a thread that the program starts, for example."""
    pulumi.runtime.settings.ROOT.set(None)
    assert len(outlit.get_integrations()) == len(outlit.get_integrations()) == 10
    assert calls(sandbox) == ["list"]


def test_with_depends_on_the_list_is_a_new_one(sandbox: Sandbox) -> None:
    before = outlit.get_integrations(connected_only=True)
    sandbox.connect("stripe", {"apiKey": "q7CANARYstripe0123456789"})
    assert outlit.get_integrations(connected_only=True) == before

    def resource() -> pulumi.CustomResource:
        made = object.__new__(pulumi.CustomResource)
        made.__dict__["id"] = Output.from_input("there")
        return made

    found, _ = settled(
        lambda: outlit.get_integrations_output(
            connected_only=True, opts=pulumi.InvokeOutputOptions(depends_on=resource())
        )
    )
    assert [item.provider for item in found] == ["posthog", "stripe"]


def test_a_program_leaves_nothing_behind(sandbox: Sandbox, tmp_path: Path) -> None:
    """What provider processes note for each other is none of a program's business."""
    outlit.get_integrations()
    outlit.get_sync_status("posthog")
    assert list(tmp_path.iterdir()) == []


# --- settings


def test_settings_are_the_provider_s(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack's configuration, which the environment overrides."""
    config = {"outlit:apiKey": sandbox.api_key + STALE, "outlit:baseUrl": sandbox.url}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(config))
    assert len(outlit.get_integrations()) == 10
    monkeypatch.delenv("OUTLIT_API_KEY")
    monkeypatch.delenv("OUTLIT_API_URL")
    with pytest.raises(outlit.AuthenticationError):
        outlit.get_integrations()
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(config | {"outlit:apiKey": sandbox.api_key}))
    assert len(outlit.get_integrations()) == 10
    assert len(settled(outlit.get_integrations_output)[0]) == 10


# --- errors


def failure(operation: Callable[[], object]) -> outlit.OutlitError:
    with pytest.raises(outlit.OutlitError) as caught:
        operation()
    return caught.value


BOTH = pytest.mark.parametrize("form", ["plain", "output"])


def status(form: str, provider: Any) -> object:
    if form == "plain":
        return outlit.get_sync_status(provider)
    return settled(lambda: outlit.get_sync_status_output(provider))


@BOTH
@pytest.mark.parametrize(
    ("provider", "message"),
    [
        ("posthgo", 'provider "posthgo" is unknown to Outlit. Did you mean "posthog"?'),
        (SECRET * 2, "provider (not shown: it may be a credential) is unknown to Outlit. Known are slack, "),
        ("", 'provider must be a provider id as text, such as "posthog".'),
        (None, 'provider must be a provider id as text, such as "posthog".'),
    ],
)
def test_an_unknown_provider(sandbox: Sandbox, form: str, provider: Any, message: str) -> None:
    error = failure(lambda: status(form, provider))
    assert type(error) is outlit.BadRequestError
    assert str(error).startswith(f"the sync status was not read: {message}")
    assert "sync_status" not in calls(sandbox)


@BOTH
def test_an_error_of_the_service(sandbox: Sandbox, form: str) -> None:
    """Told like those of a resource; Pulumi prints the message of a RunError and nothing else."""
    sandbox.fault("sync_status", status=403, body='{"error": "no", "code": "api_limit_exceeded"}')
    error = failure(lambda: status(form, "posthog"))
    assert type(error) is outlit.PermissionDeniedError
    assert isinstance(error, pulumi.RunError)
    assert str(error) == (
        'the sync status was not read: Outlit does not allow it (api_limit_exceeded) and said "no". Check the key\'s '
        "rights."
    )
    sandbox.fault("list", status=401)
    error = failure(outlit.get_integrations)
    assert type(error) is outlit.AuthenticationError
    assert str(error).startswith("the integrations were not listed: Outlit does not accept the API key (401).")


@BOTH
def test_settings_that_are_of_no_use(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setenv("OUTLIT_API_KEY", SECRET)
    error = failure(lambda: status(form, "posthog"))
    assert type(error) is outlit.ConfigurationError
    assert str(error) == "OUTLIT_API_KEY is not an Outlit API key: those start with ok_. Set it again."


def test_an_output_where_a_plain_value_belongs(sandbox: Sandbox) -> None:
    async def call(operation: Callable[[Any], object]) -> None:
        operation(Output.from_input("posthog"))

    with pytest.raises(outlit.ConfigurationError, match="connected_only must be True or False, not Output"):
        asyncio.run(call(lambda given: outlit.get_integrations(connected_only=given)))
    with pytest.raises(outlit.BadRequestError, match="provider must be a provider id as text"):
        asyncio.run(call(outlit.get_sync_status))


# --- what is shown


@pytest.mark.parametrize("secret", [SECRET, json.dumps({"us-east-1": [{"key": SECRET}], "retries": 3})])
def test_what_the_service_says_is_shown_without_credentials(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    """Without API key, stack secrets (also in JSON) and control characters. Short ones are hidden as whole words."""
    monkeypatch.setenv(
        "PULUMI_CONFIG", json.dumps({"trial:key": secret, "trial:short": "CONN", "trial:region": "us-east-1"})
    )
    monkeypatch.setenv("PULUMI_CONFIG_SECRET_KEYS", json.dumps(["trial:key", "trial:short", "trial:gone"]))
    said = f"CONN CONNECTED us-east-1 {SECRET}\x1b[31m\n{sandbox.api_key}"
    sandbox.set_sync("posthog", "FAILED", error_message=said)
    shown = "[redacted] CONNECTED us-east-1 [redacted] [31m [redacted]"
    assert outlit.get_sync_status("posthog").syncs[0].error_message == shown
    assert outlit.get_integrations(connected_only=True)[0].error_message == shown
    sandbox.fault("sync_status", status=400, body=json.dumps({"error": said}))
    error = failure(lambda: outlit.get_sync_status("posthog"))
    assert f'said "{shown}"' in str(error)
    assert "CANARY" not in "".join(traceback.format_exception(error))


def test_an_id_is_the_service_s_even_if_it_shares_letters_with_the_key(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox("workspace", api_key="ok_local_workspace_key_0123456789abcdef", frozen=True) as running:
        monkeypatch.setenv("OUTLIT_API_KEY", running.api_key)
        monkeypatch.setenv("OUTLIT_API_URL", running.url)
        made = running.connect("posthog", POSTHOG)["connectionId"]
        (found,) = outlit.get_integrations(connected_only=True)
        invoke.program().workspaces.workspace(Settings(running.api_key, running.url)).client.close()
    assert found.connection_id == made == "posthog-org_workspace"


def test_a_blank_name_gives_way_to_the_one_that_is_known(sandbox: Sandbox) -> None:
    items = [{"id": provider, "name": "\u202e ", "status": "not_connected"} for provider in ("stripe", "new")]
    sandbox.fault("list", status=200, body=json.dumps({"items": items}))
    assert [item.display_name for item in outlit.get_integrations()] == ["Stripe", "new"]


def test_data_is_the_service_s_and_only_what_it_says_is_cleaned(sandbox: Sandbox) -> None:
    """Data can be compared with what the service has, though a secret begins like it. A whole key is never in it."""
    item = {
        "id": "new\x1b[2J",
        "name": f"New {sandbox.api_key}",
        "category": "monetization",
        "status": "connected-differently",
        "connectionId": "new-org_acme",
        "syncStatus": "SCHEDULED",
        "lastDataReceivedAt": "2026-01-01T00:00:00Z",
        "errorMessage": "\x9bno",
    }
    secrets = {f"trial:{name}": f"{value}-0123456789" for name, value in item.items()}
    with pytest.MonkeyPatch.context() as stack:
        stack.setenv("PULUMI_CONFIG", json.dumps(secrets))
        stack.setenv("PULUMI_CONFIG_SECRET_KEYS", json.dumps(list(secrets)))
        sandbox.fault("list", status=200, body=json.dumps({"items": [item]}))
        (found,) = outlit.get_integrations()
    assert asdict(found) == {
        "provider": "new\x1b[2J",
        "display_name": "New [redacted]",
        "category": "monetization",
        "connected": True,
        "status": "connected-differently",
        "connection_id": "new-org_acme",
        "sync_status": "SCHEDULED",
        "last_data_received_at": "2026-01-01T00:00:00Z",
        "error_message": "no",
    }


def test_a_program_s_memory_is_left_alone(sandbox: Sandbox) -> None:
    """The Automation API runs programs in a process that goes on: what it froze could never be collected."""
    before = gc.get_freeze_count()
    outlit.get_integrations()
    assert gc.get_freeze_count() == before


def test_an_entry_of_the_list_that_is_odd_hides_no_other(sandbox: Sandbox) -> None:
    items: list[object] = [{"id": "stripe", "status": 5}, {"id": "clerk", "status": "connected", "name": 7}, None]
    sandbox.fault("list", status=200, body=json.dumps({"items": items}))
    assert [(item.provider, item.display_name) for item in outlit.get_integrations()] == [("clerk", "Clerk")]


def test_an_id_that_holds_a_credential_is_not_read(sandbox: Sandbox) -> None:
    """The state would store it in the clear."""
    item = {"id": "posthog", "status": "connected", "connectionId": f"posthog-{sandbox.api_key}"}
    sandbox.fault("list", status=200, body=json.dumps({"items": [item]}))
    with pytest.raises(
        outlit.UnreadableAnswerError, match="^the connection id of PostHog holds a credential"
    ) as caught:
        settled(lambda: connection_id("posthog", None))
    assert sandbox.api_key not in str(caught.value)
