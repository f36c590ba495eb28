"""`outlit-pulumi doctor`: what it looks at, and what it says of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from outlit_pulumi.sandbox import Sandbox

from .terminal import CANARY, KEY, Cli, Done

Pulumi = Callable[..., dict[str, str]]

PARTS = ("pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python")
RETIRED: list[dict[str, Any]] = [
    {"status": 404, "body": "<html>not here</html>", "content_type": "text/html"},
    {"status": 404, "body": '{"error": "Not found"}'},
    {"status": 405},
    {"status": 410},
    {"kind": "html"},
]


@pytest.fixture
def path(pulumi: Pulumi) -> dict[str, str]:
    """A PATH with a whole Pulumi."""
    environ = pulumi()
    for part in PARTS:
        executable = Path(environ["PATH"]) / part
        executable.write_text("#!/bin/sh\n")
        executable.chmod(0o755)
    return environ


def found(done: Done) -> dict[str, tuple[str, str, str | None]]:
    """The checks of a run with `--json`: state, finding and cure by name."""
    return {check["name"]: (check["state"], check["found"], check["cure"]) for check in done.data["checks"]}


def test_all_is_well(cli: Cli, sandbox: Sandbox, path: dict[str, str]) -> None:
    done = cli("doctor", environ=path)
    assert (done.code, done.err) == (0, "")
    said = [line.split(maxsplit=1) for line in done.lines]
    assert {state for state, _ in said} == {"ok"}
    assert [" ".join(text.split()) for _, text in said][:6] == [
        "API key found in OUTLIT_API_KEY",
        f"service {sandbox.url} (OUTLIT_API_URL)",
        "key accepted; organization org_acme",
        "route list served",
        "route sync status served",
        "route connect status served",
    ]
    assert said[9][1].split() == ["launcher", "pulumi-resource-pulumi-python,", "beside", "it"]
    assert CANARY not in done.said


def test_it_changes_nothing(cli: Cli, sandbox: Sandbox, path: dict[str, str]) -> None:
    """Each route is a read, asked once; a connected provider is the example."""
    sandbox.connect("stripe", {"apiKey": "sk_made_up"})
    sandbox.clear_calls()
    assert cli("doctor", environ=path).code == 0
    calls = [(call["route"], call["provider"]) for call in sandbox.calls()]
    assert calls == [("validate_key", None), ("list", None), ("sync_status", "stripe"), ("connect_status", None)]


def test_json(cli: Cli, path: dict[str, str]) -> None:
    done = cli("doctor", "--json", environ=path)
    assert (done.data["ok"], done.data["organizationId"]) == (True, "org_acme")
    assert done.data["checks"][0] == {
        "name": "API key",
        "state": "ok",
        "found": "found in OUTLIT_API_KEY",
        "cure": None,
    }


@pytest.mark.parametrize("answer", RETIRED, ids=lambda answer: str(answer.get("kind") or answer["status"]))
def test_a_service_without_the_routes(cli: Cli, sandbox: Sandbox, path: dict[str, str], answer: dict[str, Any]) -> None:
    """One line says so; the key is neither good nor bad."""
    sandbox.fault("*", times=None, **answer)
    done = cli("doctor", "--json", environ=path)
    assert done.code == 1
    checks = found(done)
    assert "key" not in checks
    state, said, cure = checks["routes"]
    assert state == "problem"
    assert "not serve Outlit's integration routes" in said or "not what Outlit's API documents" in said
    assert cure is not None
    assert "docs/limits.md" in cure
    assert "state" not in said + cure


def test_a_service_that_lacks_one_route(cli: Cli, sandbox: Sandbox, path: dict[str, str]) -> None:
    sandbox.fault("connect_status", status=404, times=None)
    done = cli("doctor", "--json", environ=path)
    assert done.code == 1
    states = {name: state for name, (state, *_) in found(done).items() if name.startswith(("key", "route"))}
    assert states == {
        "key": "ok",
        "route list": "ok",
        "route sync status": "ok",
        "route connect status": "problem",
    }


def test_a_service_that_does_not_say_whose_the_key_is(cli: Cli, sandbox: Sandbox, path: dict[str, str]) -> None:
    sandbox.configure(key_check=False)
    done = cli("doctor", "--json", environ=path)
    assert (done.code, done.data["organizationId"]) == (0, None)
    assert found(done)["key"] == (
        "warning",
        "accepted; this service does not say whose it is",
        "Nothing to do, but two limits apply: see docs/limits.md.",
    )


def test_a_service_that_cannot_say_now(cli: Cli, sandbox: Sandbox, path: dict[str, str]) -> None:
    """Whose the key is; the other routes accept it."""
    sandbox.fault("validate_key", status=503, body='{"error": "Busy. Later."}', times=None)
    state, said, cure = found(cli("doctor", "--json", environ=path))["key"]
    assert (state, said) == (
        "warning",
        'accepted; Outlit did not say whose it is: Outlit answered 503 and said "Busy. Later."',
    )
    assert cure
    assert cure.startswith("Run again")


def test_a_key_that_is_refused(cli: Cli, sandbox: Sandbox, path: dict[str, str]) -> None:
    """Whoever refuses it; no route is judged then."""
    done = cli("doctor", "--json", environ={**path, "OUTLIT_API_KEY": "ok_" + "CANARY" * 8})
    assert done.code == 1
    assert found(done)["key"][:2] == ("problem", "Outlit does not accept the API key (401)")
    assert not [name for name in found(done) if name.startswith("route")]
    assert CANARY not in done.said
    sandbox.configure(key_check=False)
    assert found(cli("doctor", "--json", environ={**path, "OUTLIT_API_KEY": "ok_" + "x" * 40}))["key"][0] == "problem"


def test_nobody_answers(cli: Cli, path: dict[str, str]) -> None:
    done = cli("doctor", environ={**path, "OUTLIT_API_URL": "http://127.0.0.1:9"})
    assert done.code == 1
    at = next(number for number, line in enumerate(done.lines) if line.startswith("problem  routes"))
    assert "no answer from http://127.0.0.1:9 (" in done.lines[at]
    assert done.lines[at + 1].strip().startswith("Check the network and outlit:baseUrl or OUTLIT_API_URL")


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"OUTLIT_API_KEY": ""}, "there is no Outlit API key"),
        ({"OUTLIT_API_KEY": "CANARY"}, "OUTLIT_API_KEY is not an Outlit API key"),
        ({"OUTLIT_API_URL": "http://CANARY.example"}, "outlit:baseUrl (or OUTLIT_API_URL) must be an https URL"),
    ],
)
def test_settings_that_are_of_no_use(cli: Cli, path: dict[str, str], environ: dict[str, str], said: str) -> None:
    """What is there of Pulumi is told all the same."""
    done = cli("doctor", "--json", environ={**path, **environ})
    assert done.code == 1
    assert found(done)["settings"][0] == "problem"
    assert found(done)["settings"][1].startswith(said)
    assert found(done)["pulumi"][0] == "ok"
    assert CANARY not in done.said


def test_what_an_up_takes_from_the_selected_stack(cli: Cli, sandbox: Sandbox, pulumi: Pulumi) -> None:
    """The environment's variables win in an up; where one is not set, the stack's value counts."""
    values = {"outlit:baseUrl": {"value": f"{sandbox.url}/CANARY", "secret": True}}
    done = cli("doctor", "--json", environ=pulumi(json.dumps(values), selected="dev"))
    assert "stack" not in found(done)
    environ = {"OUTLIT_API_KEY": KEY, "OUTLIT_API_URL": "", "HTTPS_PROXY": "http://127.0.0.1:9"}
    done = cli("doctor", "--json", environ={**environ, **pulumi(json.dumps(values), selected="dev")})
    assert found(done)["stack"] == (
        "warning",
        '`pulumi up` on stack "dev" asks another service than this: that of its outlit:baseUrl',
        "Set OUTLIT_API_URL to that, too, to have it looked at here.",
    )
    assert CANARY not in done.said.replace(KEY, "")
    values["outlit:timeout"] = {"value": "soon", "secret": False}
    done = cli("doctor", "--json", environ=pulumi(json.dumps(values), selected="dev"))
    assert (done.code, found(done)["stack"]) == (
        1,
        ("problem", "outlit:timeout must be a number of seconds from 1 to 3600", "Correct that and run again."),
    )


def test_a_stack_that_holds_the_key_in_the_clear(cli: Cli, sandbox: Sandbox, pulumi: Pulumi) -> None:
    values = {"outlit:apiKey": {"value": sandbox.api_key, "secret": False}, "outlit:baseUrl": {"value": sandbox.url}}
    done = cli("doctor", "--stack", "dev", "--json", environ=pulumi(json.dumps(values)))
    state, said, cure = found(done)["API key"]
    assert (state, said) == ("warning", 'found in outlit:apiKey of stack "dev", where it is in the clear')
    assert cure
    assert cure.startswith("Run `pulumi config set --secret outlit:apiKey --stack dev`")
    assert found(done)["service"][1] == f'{sandbox.url} (outlit:baseUrl of stack "dev")'
    assert CANARY not in done.said


def test_variables_that_lead_pulumi_elsewhere(cli: Cli, sandbox: Sandbox, pulumi: Pulumi) -> None:
    values = {"outlit:apiKey": {"value": sandbox.api_key, "secret": True}, "outlit:baseUrl": {"value": sandbox.url}}
    environ = {**pulumi(json.dumps(values)), "OUTLIT_API_KEY": "ok_" + "z" * 40}
    state, _, cure = found(cli("doctor", "--stack", "dev", "--json", environ=environ))["environment"]
    assert state == "warning"
    assert cure
    assert cure.startswith("`unset OUTLIT_API_KEY`")


def test_a_machine_without_pulumi(cli: Cli, tmp_path: Path) -> None:
    """One line says so, not one for each part."""
    done = cli("doctor", "--json", environ={"PATH": str(tmp_path)})
    assert (done.code, found(done)["pulumi"][:2]) == (1, ("problem", "not on PATH"))
    assert "launcher" not in found(done)


@pytest.mark.parametrize("name", ["language host", "host script", "launcher"])
def test_a_pulumi_without_one_of_its_parts(cli: Cli, path: dict[str, str], name: str) -> None:
    part = dict(zip(("language host", "host script", "launcher"), PARTS, strict=True))[name]
    (Path(path["PATH"]) / part).unlink()
    done = cli("doctor", "--json", environ=path)
    assert done.code == 1
    assert found(done)[name][:2] == ("problem", f"{part} is neither beside `pulumi` nor on PATH")


def test_parts_beside_the_executable_that_a_link_leads_to(cli: Cli, path: dict[str, str], tmp_path: Path) -> None:
    """Where Pulumi looks, too."""
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "pulumi").symlink_to(Path(path["PATH"]) / "pulumi")
    done = cli("doctor", "--json", environ={"PATH": str(linked)})
    assert (done.code, found(done)["launcher"][1]) == (0, f"{path['PATH']}/pulumi-resource-pulumi-python")


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ("v3.147.0", "ok"),
        ("3.300.1", "ok"),
        ("v3.146.9", "problem"),
        ("v4.0.0", "problem"),
        ("", "problem"),
        ("warning", "problem"),
    ],
)
def test_the_version_of_pulumi(cli: Cli, pulumi: Pulumi, path: dict[str, str], version: str, state: str) -> None:
    pulumi(version=version)
    done = cli("doctor", "--json", environ=path)
    assert (found(done)["pulumi"][0], found(done)["launcher"][0]) == (state, "ok")


def test_every_check_that_is_not_ok_has_a_cure(cli: Cli, sandbox: Sandbox, pulumi: Pulumi, tmp_path: Path) -> None:
    """Also where the message of an error is one sentence."""
    silent = pulumi(err="error: no stack named 'dev' found", code=255, version="")
    runs = [
        cli("doctor", "--json", environ={"PATH": str(tmp_path)}),
        cli("doctor", "--json", environ={"OUTLIT_API_URL": "http://127.0.0.1:9"}),
        cli("doctor", "--json", "--stack", "dev", environ=silent),
    ]
    for route in ("validate_key", "sync_status"):
        sandbox.fault(route, status=503, body='{"error": "Busy. Later."}', times=None)
    runs.append(cli("doctor", "--json", environ=silent))
    checks = [check for done in runs for check in done.data["checks"]]
    assert {check["state"] for check in checks} == {"ok", "warning", "problem"}
    assert all(bool(check["cure"]) is (check["state"] != "ok") for check in checks)
    assert found(runs[2])["settings"][1:] == (
        'the configuration of stack "dev" cannot be read: there is no such stack in this project',
        "Correct that and run again.",
    )
