"""`outlit-pulumi list`."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from outlit_pulumi import PROVIDERS
from outlit_pulumi.cli.surroundings import console
from outlit_pulumi.sandbox import Sandbox

from .terminal import CANARY, KEY, Cli

ESC = "\x1b"
TIME = "2026-04-10T18:22:11.000Z"


def answer(sandbox: Sandbox, *items: Mapping[str, object]) -> None:
    """Makes the next list hold these."""
    sandbox.fault("list", status=200, body=json.dumps({"items": items}))


def test_every_provider_with_how_it_connects(cli: Cli) -> None:
    """One row each, in the service's order; aligned, without trailing blanks, and never folded in a pipe."""
    done = cli("list")
    lines = done.out.splitlines()
    assert lines[0].split("  ")[0] == "ID"
    assert [line.split()[0] for line in lines[1:]] == [*PROVIDERS, "extra-0001"]
    assert "posthog          PostHog          analytics      apiKey, region, projectId   not connected" in done.out
    assert "slack            Slack            communication  browser                     not connected" in done.out
    assert all(line == line.rstrip() for line in lines)
    assert (done.code, done.err) == (0, "Organization org_acme\n")


def test_a_failing_connection_shows_why_and_when_it_last_worked(cli: Cli, sandbox: Sandbox) -> None:
    item = {"id": "stripe", "name": "Stripe", "category": "billing", "connectionId": "stripe-org_acme"}
    health = {"syncStatus": "FAILED", "lastDataReceivedAt": TIME, "errorMessage": "key revoked " * 16}
    answer(sandbox, {**item, "status": "connected", **health})
    done = cli("list")
    row = done.out.splitlines()[1]
    assert "connected, sync FAILED  2026-04-10 18:22 UTC  key revoked key" in row
    assert done.code == 0


def test_connected_only(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.connect("stripe", {"apiKey": "sk_made_up"})
    assert [line.split()[0] for line in cli("list", "--connected").out.splitlines()] == ["ID", "stripe"]
    sandbox.disconnect("stripe")
    nothing = cli("list", "--connected")
    assert (nothing.out, nothing.code) == ("", 0)
    assert nothing.err.startswith("Nothing is connected. Connect one with `outlit-pulumi connect slack`")


def test_json_has_the_names_of_the_api(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.connect("posthog", {"apiKey": "phx_made_up", "region": "eu", "projectId": "1"})
    done = cli("list", "--json")
    items = {item["id"]: item for item in done.data["items"]}
    of_api = {name: value for name, value in items["posthog"].items() if name not in ("browser", "configFields")}
    listed = next(item for item in sandbox.list() if item["id"] == "posthog")
    moving = {"lastDataReceivedAt": of_api["lastDataReceivedAt"], "syncStatus": of_api["syncStatus"]}
    assert of_api == listed | moving
    assert (items["posthog"]["browser"], items["posthog"]["configFields"]) == (False, ["apiKey", "region", "projectId"])
    assert (items["slack"]["browser"], items["slack"]["configFields"]) == (True, [])
    assert (items["extra-0001"]["browser"], items["extra-0001"]["configFields"]) == (None, None)
    assert (done.code, done.err) == (0, "")


def test_nothing_connected_is_an_empty_list(cli: Cli) -> None:
    done = cli("list", "--connected", "--json")
    assert (done.data, done.err) == ({"organizationId": "org_acme", "items": []}, "")


@pytest.mark.parametrize("arguments", ["list", "list --connected", "status", "discover --out"])
def test_an_entry_that_cannot_be_read_is_told(cli: Cli, sandbox: Sandbox, tmp_path: Path, arguments: str) -> None:
    """Else what is connected looks as if it were not, and a failing connection as if all were well."""
    readable: dict[str, object] = {"id": "posthog", "status": "connected", "connectionId": "posthog-org_acme"}
    answer(sandbox, readable, {"id": "stripe", "status": "connected", "connectionId": 7})
    folder = [str(tmp_path / "acme")] if arguments.startswith("discover") else []
    done = cli(*arguments.split(), *folder)
    assert "stripe" in done.said
    assert arguments != "status" or done.code == 3


def test_an_entry_of_nobody_is_a_problem_of_the_status(cli: Cli, sandbox: Sandbox) -> None:
    answer(sandbox, {"id": "posthog", "status": "connected", "connectionId": "posthog-org_acme"}, {"status": "odd"})
    assert cli("status").code == 3


def test_what_the_service_says_is_shown_as_text(cli: Cli, sandbox: Sandbox) -> None:
    """No credential, no control character, and no markup that the terminal would be told to carry out."""
    said = f"{KEY} sk_CANARY0123456789 {ESC}]0;title\x07 [link=http://x]see[/link] :bomb:"
    answer(sandbox, {"id": "stripe", "status": f"odd{ESC}[2J", "name": f"Str{ESC}ipe", "errorMessage": said})
    for arguments in (("list",), ("list", "--json")):
        done = cli(*arguments)
        assert CANARY not in done.said
        assert ESC not in done.said
        assert "\x07" not in done.said
        answer(sandbox, {"id": "stripe", "status": f"odd{ESC}[2J", "name": f"Str{ESC}ipe", "errorMessage": said})
    assert "[redacted] [redacted] ]0;title [link=http://x]see[/link] :bomb:" in cli("list").out


def test_what_the_service_says_in_an_error_is_shown_as_text(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.fault("list", status=400, body=json.dumps({"error": f"[bold]no[/bold] :bomb: {KEY}"}))
    done = cli("list")
    assert done.code == 3
    assert 'said "[bold]no[/bold] :bomb: [redacted]"' in done.err


def test_an_id_that_has_letters_in_common_with_the_key_stays_whole(sandbox: Sandbox, cli: Cli) -> None:
    """The sandbox's own ids do: a program needs them as they are."""
    answer(sandbox, {"id": "stripe", "status": "connected", "connectionId": f"stripe-{KEY[3:14]}"})
    assert cli("list", "--json").data["items"][0]["connectionId"] == f"stripe-{KEY[3:14]}"


def test_a_long_id_stays_whole_in_json(sandbox: Sandbox, cli: Cli) -> None:
    """Whatever the command. Where people read it, it is cut."""
    long = f"stripe-org_{'x' * 300}"
    commands = ("list",), ("status", "stripe"), ("connect", "stripe"), ("disconnect", "stripe", "--yes")
    for arguments in commands:
        answer(sandbox, {"id": "stripe", "status": "connected", "connectionId": long})
        data = cli(*arguments, "--json").data
        assert data.get("items", [data])[0]["connectionId"] == long
    answer(sandbox, {"id": "stripe", "status": "connected", "connectionId": long})
    assert long not in cli("connect", "stripe").out


def test_an_id_that_has_the_shape_of_a_key_is_hidden(sandbox: Sandbox, cli: Cli) -> None:
    answer(sandbox, {"id": "stripe", "status": "connected", "connectionId": f"stripe {KEY}"})
    assert cli("list", "--json").data["items"][0]["connectionId"] == "stripe [redacted]"


@pytest.mark.parametrize("members", [{"status": "connected"}, {}], ids=["readable", "odd"])
@pytest.mark.parametrize("command", [("list",), ("list", "--json"), ("status",), ("status", "--json")], ids=" ".join)
def test_the_key_in_an_id_is_hidden(
    sandbox: Sandbox, cli: Cli, command: tuple[str, ...], members: dict[str, str]
) -> None:
    """Also from people, and where a message names an entry that cannot be read."""
    answer(sandbox, {"id": f"stripe {KEY}", **members})
    assert CANARY not in cli(*command).said


def test_a_narrow_terminal_has_one_line_a_row(cli: Cli, sandbox: Sandbox) -> None:
    """Columns are left out, those first that one can look up, and an error is cut."""
    sandbox.connect("stripe", {"apiKey": "sk_made_up"})
    sandbox.set_sync("stripe", "FAILED", error_message="the key was revoked at Stripe and nothing can be read")
    heads = {
        200: ["ID", "NAME", "CATEGORY", "CONNECTS", "WITH", "STATUS", "LAST", "DATA", "ERROR"],
        100: ["ID", "NAME", "STATUS", "LAST", "DATA", "ERROR"],
        80: ["ID", "STATUS", "LAST", "DATA", "ERROR"],
        60: ["ID", "STATUS", "ERROR"],
        20: ["ID", "ST…"],
    }
    for width, columns in heads.items():
        lines = cli("list", width=width).lines
        assert lines[0].split() == columns
        assert all(len(line) <= width for line in lines)
        assert len(lines) == 1 + len(PROVIDERS) + 1
    row = next(line for line in cli("list", width=80).lines if line.startswith("stripe"))
    assert row.split()[:4] == ["stripe", "connected,", "sync", "FAILED"]
    assert row.endswith("…")


def test_colour_is_for_terminals_only(cli: Cli) -> None:
    assert ESC in cli("list", width=200, environ={"TERM": "xterm-256color"}).out
    assert ESC not in cli("list", environ={"TERM": "xterm-256color"}).out
    coloured = f"{ESC}[3"
    assert coloured not in cli("list", width=200, environ={"TERM": "xterm-256color", "NO_COLOR": "1"}).out


def test_a_refused_key_is_one_line_and_exit_code_3(cli: Cli) -> None:
    done = cli("list", environ={"OUTLIT_API_KEY": "ok_" + "CANARY" * 8})
    assert done.code == 3
    assert done.out == ""
    assert done.err.startswith("outlit-pulumi: Outlit does not accept the API key (401). Check OUTLIT_API_KEY")
    assert done.err.count("\n") == 1
    assert CANARY not in done.err


def test_with_json_an_error_is_json_too(cli: Cli) -> None:
    done = cli("list", "--json", environ={"OUTLIT_API_KEY": "ok_" + "CANARY" * 8})
    assert done.code == 3
    assert done.data["type"] == "AuthenticationError"
    assert done.err == f"outlit-pulumi: {done.data['error']}\n"


def test_without_a_key_it_says_how_to_give_one(cli: Cli) -> None:
    done = cli("list", environ={"OUTLIT_API_KEY": ""})
    assert done.code == 3
    assert "Set OUTLIT_API_KEY, or use a stack's configuration with --stack NAME." in done.err


@pytest.mark.parametrize(
    ("arguments", "said", "command"),
    [
        (("list", "--conected"), "No such option: --conected", "outlit-pulumi list"),
        (("lst",), "No such command 'lst'", "outlit-pulumi"),
        (("connect",), "Missing argument 'PROVIDER'", "outlit-pulumi connect"),
        (("connect", "slack", "--timeout", "x"), "Invalid value for '--timeout'", "outlit-pulumi connect"),
    ],
)
def test_wrong_usage_has_the_form_of_every_error(
    cli: Cli, sandbox: Sandbox, arguments: tuple[str, ...], said: str, command: str
) -> None:
    """One line that names the help, JSON with `--json`, exit code 2."""
    sandbox.clear_calls()
    done = cli(*arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith(f"outlit-pulumi: {said}")
    assert done.err.endswith(f" Nothing was done. `{command} --help` shows the usage.\n")
    done = cli(*arguments, "--json")
    assert (done.code, done.data["type"]) == (2, "UsageError")
    assert done.err == f"outlit-pulumi: {done.data['error']}\n"
    assert sandbox.calls() == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("connect", "stripe", "sk_live_51CANARY"),
        ("sk_live_51CANARY",),
        ("connect", "fireflies", "3f2cCANARY-1111-2222-aaaa-bbbbccccdddd"),
        ("list", "ok_CANARY_of_letters_alone_and_still_a_key"),
    ],
)
def test_a_key_in_the_wrong_place_is_not_repeated(cli: Cli, arguments: tuple[str, ...]) -> None:
    done = cli(*arguments, "--json")
    assert done.code == 2
    assert "[redacted]" in done.data["error"]
    assert CANARY not in done.said


def test_without_a_command_json_is_an_error_all_the_same(cli: Cli) -> None:
    done = cli("--json")
    assert (done.code, done.data["type"]) == (2, "UsageError")


def test_without_a_command_it_shows_the_help(cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli().code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Usage: outlit-pulumi" in err


def test_a_terminal_that_calls_itself_no_columns_wide_shows_all_the_same() -> None:
    shown = io.StringIO()
    console(shown, {"COLUMNS": "0"}, terminal=True).print("stripe")
    assert "stripe" in shown.getvalue()
