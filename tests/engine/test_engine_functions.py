"""Data functions and `Integration.get` on the real engine: what they return, what they leave alone, what they say."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from outlit_pulumi.sandbox import Sandbox

from .conftest import PHX, SK, Stack, counted
from .programs import stripe

pytestmark = pytest.mark.full

PAGE = Path(__file__).parents[2] / "docs" / "data-functions.md"
THEIRS = {"apiKey": "sk_theirs0123456789"}
UP = ("up", "--yes", "--skip-preview")
GET = 'x = outlit.Integration.get("x", "stripe")\n'
EXPORT = "".join(f'pulumi.export("{name}", x.{name})\n' for name in ("id", "connection_id", "display_name"))


def outputs(stack: Stack) -> dict[str, Any]:
    """The stack's outputs; secret ones as `[secret]`."""
    found: dict[str, Any] = json.loads(stack.ok("stack", "output", "--json").output)
    return found


def errors(stack: Stack, *command: str, **options: Any) -> list[str]:
    """The errors that a command ends with, each with what follows it; without the engine's own last word."""
    shown = stack.fails(*command, **options).output.partition("Diagnostics:")[2]
    shown = re.split(r"^(?:Outputs|Resources):", shown, flags=re.MULTILINE)[0]
    found = [" ".join(part.split()) for part in shown.split("    error: ")[1:]]
    assert found.pop() == "an unhandled error occurred: program exited with non-zero exit code: 1"
    return found


def test_the_examples_of_the_page(stack: Stack, sandbox: Sandbox) -> None:
    """Each runs as it is printed, and exports what the page says."""
    emea = sandbox.add_workspace("emea")
    stack.secret("emeaOutlitKey", emea)
    stack.secret("stripeApiKey", SK)
    sandbox.connect("clerk", {"secretKey": "sk_theirs0123456789"}, api_key=emea)
    sandbox.connect("posthog", {"apiKey": "phx_theirs0123456789", "region": "us", "projectId": "1"})
    sandbox.complete_session(sandbox.connect("slack")["sessionId"])
    sandbox.advance(600)
    examples = re.findall(
        r"^## ([^\n]+)\n(?:(?!^## ).)*?```python\n(.*?)```", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    seen = {}
    for heading, program in examples:
        (stack.folder / "__main__.py").write_text(program)
        stack.ok("preview")
        stack.up()
        seen[heading] = outputs(stack)
    syncs = seen["How the syncs stand"].pop("syncs")
    assert set(syncs) == {"PostHogPerson", "PostHogEvent", "PostHogGroup"}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time) for time in syncs.values())
    assert seen == {
        "What is connected": {"connected": ["slack", "posthog"]},
        "How the syncs stand": {},
        "Inputs and Outputs": {"models": ["StripeCustomer", "StripeSubscription", "StripeInvoice"]},
        "Another workspace": {"emea": ["clerk"]},
        "Read a connection, without managing it": {"slackConnection": "slack-org_acme", "slackStatus": "connected"},
        "Errors": {"connected": 2},
    }
    assert len(seen) == PAGE.read_text().count("```python")
    assert stack.leaks() == []


def test_explicit_providers(stack: Stack, sandbox: Sandbox) -> None:
    """Given, or the parent's: plain, as an Output and in a callback. One list for all calls, and nothing is secret."""
    emea = sandbox.add_workspace("emea")
    stack.secret("emea", emea)
    sandbox.connect("stripe", THEIRS, api_key=emea)
    sandbox.advance(600)
    counted(sandbox)
    stack.program(
        """
from concurrent.futures import ThreadPoolExecutor

emea = outlit.Provider("emea", api_key=config.require_secret("emea"))
given = pulumi.InvokeOptions(provider=emea)

class Component(pulumi.ComponentResource):
    def __init__(self, opts):
        super().__init__("trial:index:Component", "component", None, opts)
        inside = pulumi.InvokeOptions(parent=self)
        pulumi.export("parent", outlit.get_integrations(connected_only=True, opts=inside))
        late = self.urn.apply(lambda _: outlit.get_integrations(connected_only=True, opts=inside))
        pulumi.export("callback", late[0].connection_id)
        child = outlit.Integration.get("child", "stripe", opts=ResourceOptions(parent=self))
        pulumi.export("child", child.connection_id)

Component(ResourceOptions(provider=emea))
pulumi.export("plain", outlit.get_integrations(connected_only=True, opts=given)[0].connection_id)
pulumi.export("output", outlit.get_integrations_output(connected_only=True, opts=given)[0].connection_id)
pulumi.export("of a secret", outlit.get_sync_status_output(pulumi.Output.secret("stripe"), opts=given).status)
for name, opts in {
    "provider": ResourceOptions(provider=emea),
    "list": ResourceOptions(providers=[emea]),
    "map": ResourceOptions(providers={"pulumi-python": emea}),
}.items():
    pulumi.export(name, outlit.Integration.get(name, "stripe", opts=opts).connection_id)
with ThreadPoolExecutor(8) as pool:
    pulumi.export("threads", [len(found) for found in pool.map(lambda _: outlit.get_integrations(), range(8))])
"""
    )
    stack.up()
    # The stack's workspace once; the other once in the program, and once where the resources are read.
    assert counted(sandbox) == {"list": 3, "sync_status": 5}
    found = outputs(stack)
    (listed,) = found.pop("parent")
    assert listed.pop("last_data_received_at").endswith("Z")
    assert listed == {
        "provider": "stripe",
        "display_name": "Stripe",
        "category": "billing",
        "connected": True,
        "status": "connected",
        "connection_id": "stripe-org_emea",
        "sync_status": "SUCCESS",
        "error_message": None,
    }
    assert found.pop("threads") == [10] * 8
    assert found.pop("of a secret") == "[secret]"
    assert set(found.values()) == {"stripe-org_emea"}
    assert len(found) == 7
    assert stack.leaks() == []


LATE_KEY = """
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

class Maker(ResourceProvider):
    def create(self, props):
        return CreateResult("made", props)

class Made(Resource):
    pass

made = Made(Maker(), "made", {})
late = outlit.Provider("late", api_key=made.id.apply(lambda _: config.require("key")))
opts = pulumi.InvokeOptions(provider=late)
"""


def test_a_key_that_a_preview_does_not_know(stack: Stack, sandbox: Sandbox) -> None:
    """The plain form names the other one, which is unknown then. In an up, both know."""
    stack.secret("key", sandbox.api_key)
    sandbox.connect("stripe", THEIRS)
    counted(sandbox)
    plain = "outlit.get_integrations(opts=opts)\n"
    stack.program(LATE_KEY + plain)
    (unknown,) = errors(stack, "preview")
    assert unknown == (
        "the api_key or base_url of Provider 'late' is not known yet in this preview. Call get_integrations_output: "
        "its result is then not known yet either."
    )
    later = 'pulumi.export("listed", outlit.get_integrations_output(opts=opts).apply(len))\n'
    later += 'x = outlit.Integration.get("x", "stripe", opts=ResourceOptions(provider=late))\n' + EXPORT
    stack.program(LATE_KEY + later)
    stack.ok("preview")
    assert counted(sandbox) == {}
    stack.program(LATE_KEY + plain + later)
    stack.up()
    found = outputs(stack)
    assert (found["listed"], found["id"], found["connection_id"]) == (10, "stripe-org_acme", "stripe-org_acme")


ONE_LINE = {
    'outlit.Integration.get("x", "stripe")': (
        "Stripe is not connected in this workspace, so Integration.get has nothing to read. Connect it at "
        "URL/integrations. If an Integration of this program connects it, give that one to Integration.get: "
        "opts=ResourceOptions(depends_on=[...])."
    ),
    'outlit.Integration.get("x", "strype")': (
        'Integration.get found nothing: provider "strype" is unknown to Outlit. Did you mean "stripe"?'
    ),
    'outlit.Integration("x", "stripe", opts=ResourceOptions(id="stripe"))': (
        "'x' takes no id in opts. Read a connection with Integration.get."
    ),
    'outlit.get_sync_status("strype")': (
        'the sync status was not read: provider "strype" is unknown to Outlit. Did you mean "stripe"?'
    ),
    'outlit.get_sync_status_output("strype")': (
        'the sync status was not read: provider "strype" is unknown to Outlit. Did you mean "stripe"?'
    ),
    'raw = pulumi.ProviderResource("pulumi-python", "raw", {})\n'
    "outlit.get_integrations(opts=pulumi.InvokeOptions(provider=raw))": (
        "the provider in opts is not an outlit_pulumi.Provider, so the program does not know which workspace it is "
        'for. Make it with outlit.Provider("name", api_key=...).'
    ),
}


def test_an_error_is_one_line(stack: Stack, sandbox: Sandbox) -> None:
    """No traceback, in previews already, with the way out."""
    for program, expected in ONE_LINE.items():
        stack.program(program)
        assert [error.replace(sandbox.url, "URL") for error in errors(stack, "preview")] == [expected]
    for name in ("get_integrations", "get_integrations_output"):
        stack.program(f"outlit.{name}()")
        unusable = "OUTLIT_API_KEY is not an Outlit API key: those start with ok_. Set it again."
        assert errors(stack, "preview", env={"OUTLIT_API_KEY": "CANARY"}) == [unusable]
        (refused,) = errors(stack, "preview", env={"OUTLIT_API_KEY": "ok_CANARY" + "x" * 32})
        assert refused.startswith("the integrations were not listed: Outlit does not accept the API key (401).")
    assert stack.leaks() == []


def test_what_is_read_is_never_touched(stack: Stack, sandbox: Sandbox) -> None:
    """Read anew by every preview and up, left as it is by a refresh, forgotten by a destroy."""
    sandbox.connect("stripe", THEIRS)
    before = sandbox.connections()
    counted(sandbox)
    stack.program(GET + EXPORT)
    shown = stack.ok("preview").output
    assert "read pulumi-python:dynamic/outlit:Integration x" in shown
    assert "warning" not in shown
    stack.up()
    each = {"list": 2, "sync_status": 1}
    assert counted(sandbox) == {route: 2 * calls for route, calls in each.items()}
    resource = stack.resources()["x"]
    assert (resource["external"], resource["id"]) == (True, "stripe-org_acme")
    assert b"outlit_pulumi.dynamic" in base64.b64decode(resource["inputs"]["__provider"])
    assert set(resource["inputs"]) == {"__provider", "provider", "read_only"}
    assert outputs(stack) == {"id": "stripe-org_acme", "connection_id": "stripe-org_acme", "display_name": "Stripe"}

    sandbox.advance(600)  # every sync moves
    stack.ok("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    sandbox.disconnect("stripe")
    stack.ok("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert counted(sandbox) == {"disconnect": 1}
    for command in (("preview",), UP):
        assert errors(stack, *command)[0].startswith("Stripe is not connected in this workspace, so Integration.get")

    sandbox.connect("stripe", THEIRS)
    stack.ok("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert "warning" not in stack.ok("preview").output + stack.up().output
    assert outputs(stack)["id"] == sandbox.connections()[0]["connectionId"] != before[0]["connectionId"]

    before = sandbox.connections()
    stack.program("")
    stack.up()
    assert stack.resources() == {}
    stack.program(GET)
    stack.up()
    stack.destroy()
    assert sandbox.connections() == before
    assert stack.leaks() == []


def test_a_failing_sync_of_what_is_read_is_a_warning(stack: Stack, sandbox: Sandbox) -> None:
    """As in a refresh of a managed one; the service's words come without a secret of the stack."""
    sandbox.connect("stripe", THEIRS)
    sandbox.set_sync("stripe", "FAILED", error_message=f"bad key {PHX[4:]}\x1b[31m")
    stack.program('pulumi.export("said", outlit.get_sync_status("stripe").syncs[0].error_message)\n')
    stack.up()
    assert outputs(stack)["said"] == "bad key [redacted] [31m"
    sandbox.set_sync("stripe", "FAILED", error_message="the key is not accepted any more")
    stack.program(GET)
    for command in (("preview",), UP):
        shown = stack.ok(*command).diagnostics
        assert "warning: Stripe: the sync of StripeCustomer is FAILED" in shown
        assert "the key is not accepted any more" in shown
    assert stack.leaks() == []


def test_out_of_management_and_back(stack: Stack, sandbox: Sandbox) -> None:
    """Under the same name nothing is disconnected, whichever way."""
    stack.program(stripe("x"))
    stack.up()
    before = sandbox.connections()
    counted(sandbox)
    stack.program(GET)
    assert "delete" not in stack.ok("preview").output
    stack.up()
    assert stack.resources()["x"]["external"] is True
    assert set(stack.resources()["x"]["outputs"]) & {"config", "adopt_existing"} == set()
    stack.program(stripe("x", more=", adopt_existing=True"))
    stack.up()
    assert "external" not in stack.resources()["x"]
    stack.destroy()
    calls = counted(sandbox)
    assert (calls["connect"], calls["disconnect"]) == (0, 0)
    assert sandbox.connections() == before


def test_what_is_read_under_another_name_is_kept(stack: Stack, sandbox: Sandbox) -> None:
    """The deletion of the resource that managed it leaves it connected."""
    stack.program(stripe("managed"))
    stack.up()
    before = sandbox.connections()
    stack.program(GET)
    assert "now belongs to another resource of this program and was kept" in stack.up().output
    assert set(stack.resources()) == {"x"}
    assert sandbox.connections() == before


def test_out_of_management_after_somebody_reconnected_it(stack: Stack, sandbox: Sandbox) -> None:
    """To the engine that is a replacement. What the state held is gone, and the program reads what is there."""
    stack.program(stripe("x"))
    stack.up()
    sandbox.disconnect("stripe")
    sandbox.connect("stripe", THEIRS)
    before = sandbox.connections()
    stack.program(GET)
    assert "connection stripe-org_acme was not connected any more" in stack.ok(*UP).output
    assert stack.resources()["x"]["id"] == before[0]["connectionId"]
    assert sandbox.connections() == before


def test_a_program_that_connects_and_reads(stack: Stack, sandbox: Sandbox) -> None:
    """What waits for the resource is unknown in a preview that is to make it, and right once it is there."""
    asked = "opts=pulumi.InvokeOutputOptions(depends_on=[group])"
    program = (
        "class Group(pulumi.ComponentResource):\n"
        "    def __init__(self):\n"
        '        super().__init__("trial:index:Group", "group")\n'
        f"        self.made = {stripe('made', more=', opts=ResourceOptions(parent=self)')}"
        "group = Group()\n"
        "outlit.get_integrations()  # before anything is made\n"
        'x = outlit.Integration.get("x", "stripe", opts=ResourceOptions(depends_on=[group]))\n'
        f'pulumi.export("listed", outlit.get_integrations_output(connected_only=True, {asked}).apply(len))\n'
        f'pulumi.export("status", outlit.get_sync_status_output("stripe", {asked}).status)\n'
    )
    stack.program(program + EXPORT)
    shown = stack.ok("preview").output
    assert re.findall(r"(\w+) *: \[unknown\]", shown) == ["connection_id", "display_name", "id", "listed", "status"]
    stack.up()
    assert outputs(stack) == {
        "id": "stripe-org_acme",
        "connection_id": "stripe-org_acme",
        "display_name": "Stripe",
        "listed": 1,
        "status": "connected",
    }
    stack.ok("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    stack.ok("destroy", "--yes", "--skip-preview")
    assert sandbox.connections() == []


def test_a_destroy_that_runs_a_program_keeps_what_that_reads(stack: Stack, sandbox: Sandbox) -> None:
    """It cannot be told from an up of a program that only reads what it managed before."""
    stack.program("made = " + stripe("made") + GET.replace(")\n", ", opts=ResourceOptions(depends_on=[made]))\n"))
    stack.up()
    shown = stack.ok("destroy", "--yes", "--skip-preview", "--run-program").output
    assert "Stripe (made): connection stripe-org_acme now belongs to another resource of this program" in shown
    assert len(sandbox.connections()) == 1
    assert stack.resources() == {}
