"""The configuration of a Pulumi stack, asked of a stand-in for `pulumi`. The real one: `tests/engine`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from outlit_pulumi.cli.context import Command
from outlit_pulumi.cli.surroundings import Surroundings
from outlit_pulumi.sandbox import Sandbox
from outlit_pulumi.settings import DEFAULT_BASE_URL

from .terminal import CANARY, KEY, Cli

OTHER = "ok_" + "z" * 40
"""A key that the sandbox does not know."""


def config(sandbox: Sandbox, **more: Mapping[str, object]) -> str:
    """What `pulumi config --show-secrets --json` prints for a stack of the sandbox's workspace."""
    values: dict[str, Mapping[str, object]] = {
        "outlit:apiKey": {"value": sandbox.api_key, "secret": True},
        "outlit:baseUrl": {"value": sandbox.url, "secret": False},
        "project:posthogApiKey": {"value": "phx_CANARYposthog0123456789", "secret": True},
        "project:list": {"value": '["a"]', "objectValue": ["a"], "secret": False},
    }
    return json.dumps({**values, **more})


def test_the_stacks_configuration_is_used(
    cli: Cli, sandbox: Sandbox, pulumi: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    environ = {"OUTLIT_API_KEY": "", "OUTLIT_API_URL": "", **pulumi(config(sandbox))}
    done = cli("list", "--stack", "dev", environ=environ)
    assert (done.code, done.err) == (0, "Organization org_acme\n")
    assert done.out.startswith("ID")
    assert CANARY not in done.said
    called = json.loads((tmp_path / "called").read_text())
    assert called == ["config", "--show-secrets", "--json", "--stack=dev", "--non-interactive", "--color=never"]


@pytest.mark.parametrize("arguments", [("doctor",), ("list", "--json"), ("discover",)])
def test_an_address_that_the_stack_keeps_as_a_secret_is_not_shown(
    cli: Cli, sandbox: Sandbox, pulumi: Callable[..., dict[str, str]], arguments: tuple[str, ...]
) -> None:
    """A gateway's may hold a token."""
    address = f"{sandbox.url}/t/CANARY"
    environ = pulumi(config(sandbox, **{"outlit:baseUrl": {"value": address, "secret": True}}))
    done = cli(*arguments, "--stack", "dev", environ={"OUTLIT_API_KEY": "", "OUTLIT_API_URL": "", **environ})
    assert CANARY not in done.said
    assert sandbox.url not in done.said


def test_a_stray_variable_leads_to_no_other_workspace(
    cli: Cli, sandbox: Sandbox, pulumi: Callable[..., dict[str, str]]
) -> None:
    environ = {"OUTLIT_API_KEY": OTHER, "OUTLIT_API_URL": "https://elsewhere.invalid", **pulumi(config(sandbox))}
    done = cli("list", "--stack", "dev", "--json", environ=environ)
    assert done.code == 0
    assert done.data["items"]
    assert done.err.splitlines() == [
        'note: OUTLIT_API_KEY is set and not used: the workspace is that of stack "dev".',
        'note: OUTLIT_API_URL is set and not used: the workspace is that of stack "dev".',
    ]


def test_the_commands_of_discover_stay_in_the_stacks_workspace(
    cli: Cli, sandbox: Sandbox, pulumi: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    """`pulumi up` obeys variables, so those that mean another workspace go first. The others may stay."""
    sandbox.connect("stripe", {"apiKey": "sk_made_up"})
    stray = {"OUTLIT_API_KEY": OTHER, "OUTLIT_API_URL": "https://elsewhere.invalid"}
    for number, (environ, first) in enumerate(
        [
            (stray, "unset OUTLIT_API_KEY OUTLIT_API_URL"),
            ({"OUTLIT_API_URL": "https://elsewhere.invalid"}, "unset OUTLIT_API_URL"),
            ({}, "pulumi install"),
        ]
    ):
        out = str(tmp_path / f"new{number}")
        asked = cli("discover", "--stack", "dev", "--json", "--out", out, environ=pulumi(config(sandbox)) | environ)
        assert asked.data["commands"][0] == first
    done = cli("discover", "--stack", "dev", "--out", str(tmp_path / "told"), environ=pulumi(config(sandbox)) | stray)
    step = done.out.index("unset OUTLIT_API_KEY OUTLIT_API_URL  ")
    assert "# else `pulumi up` takes the workspace of these" in done.out[step:].splitlines()[0]
    assert step < done.out.index("pulumi config set")
    readme = (tmp_path / "told" / "README.md").read_text()
    assert "The variables `OUTLIT_API_KEY` and `OUTLIT_API_URL` win over" in readme


def test_the_stacks_key_goes_to_no_service_of_the_environment(pulumi: Callable[..., dict[str, str]]) -> None:
    """A stack without a base URL means Outlit's own, whatever OUTLIT_API_URL says."""
    only_key = json.dumps({"outlit:apiKey": {"value": KEY, "secret": True}})
    outside = Surroundings(environ={"OUTLIT_API_URL": "https://elsewhere.invalid", **pulumi(only_key)})
    found = Command(outside, stack="dev").settings
    assert (found.api_key, found.base_url) == (KEY, DEFAULT_BASE_URL)


@pytest.mark.parametrize("arguments", [["--stack", "dev", "list", "--json"], ["--json", "list", "--stack", "dev"]])
def test_the_options_may_stand_before_the_command(
    cli: Cli, sandbox: Sandbox, pulumi: Callable[..., dict[str, str]], tmp_path: Path, arguments: list[str]
) -> None:
    done = cli(*arguments, environ={"OUTLIT_API_KEY": "", **pulumi(config(sandbox))})
    assert (done.code, done.data["organizationId"]) == (0, "org_acme")
    assert "--stack=dev" in json.loads((tmp_path / "called").read_text())


@pytest.mark.parametrize("arguments", ["list", "status", "doctor", "discover --out"])
def test_what_only_reads_takes_the_selected_stack(
    cli: Cli, sandbox: Sandbox, pulumi: Callable[..., dict[str, str]], tmp_path: Path, arguments: str
) -> None:
    """And its service, whatever OUTLIT_API_URL says: the stack's key goes nowhere else."""
    folder = [str(tmp_path / "new")] if arguments.startswith("discover") else []
    environ = {"OUTLIT_API_KEY": "", "OUTLIT_API_URL": "https://elsewhere.invalid"}
    sandbox.clear_calls()
    done = cli(*arguments.split(), *folder, environ={**environ, **pulumi(config(sandbox), selected="dev")})
    assert done.err.splitlines()[:2] == [
        'note: OUTLIT_API_KEY is not set: this is the workspace of the selected stack, "dev".',
        'note: OUTLIT_API_URL is set and not used: the workspace is that of stack "dev".',
    ]
    assert "list" in [call["route"] for call in sandbox.calls()]


@pytest.mark.parametrize("arguments", ["connect slack", "disconnect stripe --yes"])
def test_what_writes_does_not_take_the_selected_stack(
    cli: Cli, sandbox: Sandbox, pulumi: Callable[..., dict[str, str]], arguments: str
) -> None:
    sandbox.clear_calls()
    done = cli(*arguments.split(), environ={"OUTLIT_API_KEY": "", **pulumi(config(sandbox), selected="dev")})
    assert done.code == 3
    assert "Set OUTLIT_API_KEY, or use a stack's configuration with --stack NAME." in done.err
    assert sandbox.calls() == []


def test_a_key_in_the_environment_wins_over_the_selected_stack(
    cli: Cli, sandbox: Sandbox, pulumi: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    """As in a Pulumi program. Pulumi is not even asked."""
    assert cli("list", environ=pulumi(config(sandbox), selected="dev")).code == 0
    assert not (tmp_path / "called").exists()


def test_no_stack_is_selected(cli: Cli, pulumi: Callable[..., dict[str, str]]) -> None:
    done = cli("list", environ={"OUTLIT_API_KEY": "", **pulumi()})
    assert done.code == 3
    assert "there is no Outlit API key, and no stack is selected in this folder. Set OUTLIT_API_KEY, or" in done.err


def test_a_stack_without_a_key_does_not_borrow_the_environments(
    cli: Cli, sandbox: Sandbox, pulumi: Callable[..., dict[str, str]]
) -> None:
    sandbox.clear_calls()
    done = cli("list", "--stack", "dev", environ=pulumi())
    assert done.code == 3
    assert (
        'stack "dev" has no outlit:apiKey. Set it with `pulumi config set --secret outlit:apiKey --stack dev`'
        in done.err
    )
    assert sandbox.calls() == []


@pytest.mark.parametrize(
    ("err", "told"),
    [
        ("error: no stack named 'dev' found", "there is no such stack in this project"),
        ("error: no Pulumi.yaml project file found (searching upwards", "this folder is not in a Pulumi project"),
        ("error: incorrect passphrase", "the passphrase in PULUMI_CONFIG_PASSPHRASE is not this stack's"),
        ("error: passphrase must be set with PULUMI_CONFIG_PASSPHRASE", "its secrets need a passphrase"),
        ("error: PULUMI_ACCESS_TOKEN must be set for login", "run `pulumi login`"),
        (f"error: something with {KEY}", "run `pulumi config --stack dev` to see why"),
    ],
)
def test_pulumi_cannot_tell(cli: Cli, pulumi: Callable[..., dict[str, str]], err: str, told: str) -> None:
    """One clear line, and nothing of what `pulumi` said."""
    done = cli("list", "--stack", "dev", "--json", environ=pulumi(KEY, err, code=255))
    assert done.code == 3
    assert told in done.data["error"]
    assert done.data["type"] == "ConfigurationError"
    assert done.err.count("\n") == 1
    assert CANARY not in done.said


@pytest.mark.parametrize("err", ["error: no stack named", "error: something else"])
def test_a_key_in_place_of_the_name_is_not_shown(cli: Cli, pulumi: Callable[..., dict[str, str]], err: str) -> None:
    done = cli("list", "--stack", KEY, "--json", environ=pulumi("", err, code=255))
    assert (done.code, done.data["type"]) == (3, "ConfigurationError")
    assert done.data["error"].startswith('the configuration of stack "[redacted]" cannot be read: ')
    assert CANARY not in done.said


@pytest.mark.parametrize("out", [KEY, f'["{KEY}"]', f'{{"outlit:apiKey": "{KEY}"}}', ""])
def test_an_answer_that_is_none_is_not_shown(cli: Cli, pulumi: Callable[..., dict[str, str]], out: str) -> None:
    done = cli("list", "--stack", "dev", environ=pulumi(out))
    assert done.code == 3
    assert "answered what is not its JSON" in done.err
    assert CANARY not in done.said


def test_a_bad_key_in_the_stack_is_not_shown(cli: Cli, sandbox: Sandbox, pulumi: Callable[..., dict[str, str]]) -> None:
    stray = {"outlit:apiKey": {"value": "CANARY key", "secret": True}}
    done = cli("list", "--stack", "dev", environ=pulumi(config(sandbox, **stray)))
    assert done.code == 3
    assert "outlit:apiKey contains white space" in done.err
    assert CANARY not in done.said


def test_no_pulumi_on_path(cli: Cli, tmp_path: Path) -> None:
    done = cli("list", "--stack", "dev", environ={"PATH": str(tmp_path)})
    assert done.code == 3
    assert "which is not on PATH" in done.err


@pytest.mark.parametrize("name", ["", " ", "dev\x1b[2J"])
def test_a_name_that_is_none(cli: Cli, pulumi: Callable[..., dict[str, str]], tmp_path: Path, name: str) -> None:
    """An empty one, from a variable that is not set, would be whichever stack is selected."""
    done = cli("list", "--stack", name, environ=pulumi())
    assert done.code == 2
    assert not (tmp_path / "called").exists()
