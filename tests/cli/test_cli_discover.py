"""`outlit-pulumi discover`: what it writes, what it prints, and what it never does."""

from __future__ import annotations

import ast
import io
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from outlit_pulumi.api.models import IntegrationItem
from outlit_pulumi.api.redaction import Redactor
from outlit_pulumi.cli.app import main
from outlit_pulumi.cli.discover.folder import write
from outlit_pulumi.cli.discover.found import Found, discover
from outlit_pulumi.cli.discover.project import Project, base_url_to_set, program, project_name, requirement
from outlit_pulumi.cli.exits import UsageError
from outlit_pulumi.cli.surroundings import Surroundings, console
from outlit_pulumi.sandbox import Sandbox

KEY = "ok_CANARY_key_of_the_workspace_0123456789"
CANARY = "CANARY"
NEW_STACK = (
    "In a stack that does not track these connections yet, they are recorded and not sent; in one that does, "
    "`pulumi up` sends them"
)


@dataclass
class Done:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """All of it."""
        return self.out + self.err


def run(sandbox: Sandbox, *arguments: str, env: Mapping[str, str] | None = None) -> Done:
    """Runs `outlit-pulumi discover` against the sandbox, as with its output in pipes."""
    out, err = io.StringIO(), io.StringIO()
    environ = {"OUTLIT_API_KEY": sandbox.api_key, "OUTLIT_API_URL": sandbox.url, **(env or {})}
    outside = Surroundings(environ=environ, out=console(out, environ), err=console(err, environ))
    code = main(["discover", *arguments], outside)
    return Done(code, out.getvalue(), err.getvalue())


def offered(sandbox: Sandbox, *items: dict[str, Any]) -> None:
    """Makes the sandbox's next list hold exactly these."""
    sandbox.fault("list", status=200, body=json.dumps({"items": list(items)}), content_type="application/json")


def found(*items: IntegrationItem) -> list[Found]:
    return discover(items, Redactor(()))[0]


def item(id_: str, connection_id: str | None = "made-up", **more: Any) -> IntegrationItem:
    return IntegrationItem(id=id_, status="connected", connection_id=connection_id, **more)


SLACK = item("slack", "slack-org_acme", sync_status="SUCCESS", last_data_received_at="2026-04-01T09:00:00.000Z")
POSTHOG = item("posthog", "posthog-org_acme", sync_status="FAILED", error_message="bad key")
SMALL = (SLACK, POSTHOG)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(workspace="acme", api_key=KEY, extra_providers=1, frozen=True) as running:
        yield running


@pytest.fixture
def connected(sandbox: Sandbox) -> Sandbox:
    """Six connections, one of them made in a browser."""
    sandbox.connect("stripe", {"apiKey": "sk_CANARYstripe0123456789"})
    sandbox.connect("posthog", {"apiKey": "phx_CANARYposthog0123456789", "region": "eu", "projectId": "12345"})
    sandbox.connect("supabase", {"projectUrl": "https://CANARY.supabase.co", "serviceRoleKey": "CANARYsupabase"})
    sandbox.connect("clerk", {"secretKey": "sk_CANARYclerk0123456789"})
    sandbox.connect("extra-0001", {"token": "CANARYextra0123456789"})
    sandbox.complete_session(sandbox.connect("slack")["sessionId"])
    return sandbox


# What is written


def test_the_program_of_a_small_workspace() -> None:
    """Word for word, in the list's order."""
    assert (
        program(found(*SMALL, item("google-calendar")), credentials=False)
        == '''\
"""The integrations that are connected to an Outlit workspace, as code.

Next: set up a stack with the commands in README.md. `pulumi up` then takes each connection over as it is.
"""

import outlit_pulumi as outlit
import pulumi

slack = outlit.Integration("slack", provider="slack", adopt_existing=True)
posthog = outlit.Integration("posthog", provider="posthog", adopt_existing=True)
google_calendar = outlit.Integration("google-calendar", provider="google-calendar", adopt_existing=True)

pulumi.export("slack", slack.connection_id)
pulumi.export("posthog", posthog.connection_id)
pulumi.export("google-calendar", google_calendar.connection_id)
'''
    )


def test_the_program_with_credentials() -> None:
    """Secret fields are required as secrets, public ones as they are, and nothing has a value."""
    assert (
        program(found(*SMALL, item("clerk")), credentials=True)
        == '''\
"""The integrations that are connected to an Outlit workspace, as code.

Next: set up a stack with the commands in README.md. `pulumi up` then takes each connection over as it is.
"""

import outlit_pulumi as outlit
import pulumi

config = pulumi.Config()

slack = outlit.Integration("slack", provider="slack", adopt_existing=True)
posthog = outlit.Integration(
    "posthog",
    provider="posthog",
    config=outlit.PostHogConfigArgs(
        api_key=config.require_secret("posthogApiKey"),
        region=pulumi.Output.from_input(config.require("posthogRegion")),
        project_id=config.require("posthogProjectId"),
    ),
    adopt_existing=True,
)
clerk = outlit.Integration(
    "clerk",
    provider="clerk",
    config=outlit.ClerkConfigArgs(secret_key=config.require_secret("clerkSecretKey")),
    adopt_existing=True,
)

pulumi.export("slack", slack.connection_id)
pulumi.export("posthog", posthog.connection_id)
pulumi.export("clerk", clerk.connection_id)
'''
    )


def test_the_other_files_of_a_small_workspace() -> None:
    """The project file, and a README whose commands make the stack ready without a value on any of them."""
    files = Project("acme-integrations", found(*SMALL), credentials=False, base_url=None).files()
    assert list(files) == [
        "Pulumi.yaml",
        "__main__.py",
        "requirements.txt",
        ".gitignore",
        "README.md",
    ]
    assert files["Pulumi.yaml"] == (
        'name: "acme-integrations"\ndescription: The integrations of an Outlit workspace\n'
        "runtime:\n  name: python\n  options:\n    toolchain: pip\n    virtualenv: venv\n"
    )
    assert re.fullmatch(r"outlit-pulumi(>=| @ file:///)\S+\n", files["requirements.txt"])
    assert """\
The variables `OUTLIT_API_KEY` and `OUTLIT_API_URL` win over the stack's configuration: `unset` those that mean another workspace.
Then, in this folder:

    pulumi install                            # makes venv and installs requirements.txt
    pulumi stack init dev
    pulumi config set --secret outlit:apiKey  # asks for the workspace's API key
    pulumi up                                 # takes each connection over as it is
    pulumi preview --expect-no-changes        # from now on, nothing to do
""" in files["README.md"]  # noqa: E501  # the file's own line


def test_the_readme_with_credentials_has_a_command_for_each_field() -> None:
    files = Project("acme", found(*SMALL), credentials=True, base_url="https://outlit.example/a'b").files()
    assert """\
    pulumi config set outlit:baseUrl 'https://outlit.example/a'"'"'b'
    pulumi config set --secret outlit:apiKey  # asks for the workspace's API key
    pulumi config set --secret posthogApiKey  # PostHog personal API key (phx_...)
    pulumi config set posthogRegion           # us or eu
    pulumi config set posthogProjectId        # PostHog project id
""" in files["README.md"]
    assert NEW_STACK in files["README.md"]


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("outlit-integrations", "outlit-integrations"),
        ("Kunde Ü: a/b", "Kunde-a-b"),
        ("", "outlit-integrations"),
        ("...", "outlit-integrations"),
        ("x" * 300, "x" * 100),
    ],
)
def test_the_project_is_named_after_its_folder(folder: str, name: str) -> None:
    assert project_name(folder) == name


@pytest.mark.parametrize(
    ("direct_url", "line"),
    [
        (None, "outlit-pulumi>=1.2.3"),
        ('{"url": "file:///src/outlit-pulumi", "dir_info": {}}', "outlit-pulumi @ file:///src/outlit-pulumi"),
        ('{"url": "https://made-up:password@example.com/outlit.git", "vcs_info": {}}', "outlit-pulumi>=1.2.3"),
    ],
)
def test_the_project_requires_the_package_from_where_it_came(direct_url: str | None, line: str) -> None:
    """Unless the address may hold a password."""
    assert requirement("1.2.3", direct_url) == line


@pytest.mark.parametrize("name", ["no", "null", "1e3", "12", "2026-04-01"])
def test_a_name_that_yaml_takes_for_something_else_is_quoted(name: str) -> None:
    files = Project(name, found(SLACK), credentials=False, base_url=None).files()
    assert files["Pulumi.yaml"].startswith(f'name: "{name}"\n')


ODD = (
    "import",
    "config",
    "print",
    "a b",
    "a-b",
    "a_b",
    "123",
    "---",
    "ü",
    'quote"quote',
    "it's",
    'both"\'"',
    "back\\slash\\",
    'line\nbreak")\nimport os',
    "\u2028\x85\x00",
    "../../etc/passwd",
    "::urn::",
    "$(touch owned)",
    "\U0001f600",
    "x" * 200,
    *(f"crm-{number}" for number in range(3)),
)
"""Ids that no service would use, and that must do no harm."""


def test_the_program_passes_formatter_linter_and_type_checker(tmp_path: Path) -> None:
    """As it is, whatever the ids are."""
    ids = ("slack", "fireflies", "granola", "posthog", "stripe", "supabase", "clerk", *ODD)
    for credentials in (False, True):
        text = program(found(*(item(id_) for id_ in ids)), credentials=credentials)
        (tmp_path / f"credentials_{credentials}.py".lower()).write_text(text, encoding="ascii")
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = true\n")
    tools = [
        ["ruff", "format", "--check", "--diff", "--isolated", "--no-cache", "--line-length=120"],
        ["ruff", "check", "--isolated", "--no-cache", "--line-length=120", "--select=A,E4,E7,E9,F,I,N,W"],
        ["mypy", f"--cache-dir={tmp_path / 'cache'}"],
    ]
    for tool in tools:
        command = [sys.executable, "-m", *tool, *(path.name for path in sorted(tmp_path.glob("*.py")))]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_of_an_entry_that_comes_twice_the_first_one_counts() -> None:
    """`pulumi up` takes that one over."""
    [one] = found(item("stripe", "first"), item("stripe", "second"))
    assert one.connection_id == "first"


def test_odd_ids_get_names_of_their_own() -> None:
    """Valid, unique, nobody else's; an id that is a name already keeps it."""
    named = {f.provider: (f.name, f.variable) for f in found(*(item(id_) for id_ in ODD))}
    assert named["import"] == ("import", "import_")
    assert named["config"] == ("config", "config_")
    assert named["a b"] == ("integration", "integration")
    assert named["a-b"] == ("a-b", "a_b")
    assert named["a_b"] == ("a_b", "a_b_2")
    assert named["123"] == ("123", "integration_123")
    assert named["---"] == ("integration-2", "integration_2")
    assert named["ü"] == ("integration-3", "integration_3")


# The command


def test_a_workspace_becomes_a_project(connected: Sandbox, tmp_path: Path) -> None:
    """All that is connected, in the list's order; one call, and nothing secret in what is written and printed."""
    connected.clear_calls()
    folder = tmp_path / "new" / "acme"
    done = run(connected, "--out", str(folder))
    assert done.code == 0, done.said
    assert [call["route"] for call in connected.calls()] == ["list"]
    tree = ast.parse((folder / "__main__.py").read_text())
    variables = [node.targets[0].id for node in tree.body if isinstance(node, ast.Assign)]  # type: ignore[attr-defined]
    assert variables == ["slack", "posthog", "stripe", "supabase", "clerk", "extra_0001"]
    assert f"Wrote {folder}: Pulumi.yaml, __main__.py, requirements.txt, .gitignore, README.md." in done.out
    assert "6 connections: Slack, PostHog, Stripe, Supabase Auth, Clerk, Extra 1." in done.out
    assert f"    pulumi config set outlit:baseUrl {connected.url}\n" in done.out
    written = "".join(path.read_text() for path in folder.iterdir())
    assert CANARY not in written + done.said
    assert connected.url in written


def test_credentials_are_asked_for_and_never_written(connected: Sandbox, tmp_path: Path) -> None:
    """The summary has the keys that the program requires and the commands that set them."""
    folder = tmp_path / "acme"
    done = run(connected, "--credentials", "--json", "--out", str(folder))
    assert done.code == 0, done.said
    summary = json.loads(done.out)
    assert summary["config"] == [
        {"key": "posthogApiKey", "secret": True},
        {"key": "posthogRegion", "secret": False},
        {"key": "posthogProjectId", "secret": False},
        {"key": "stripeApiKey", "secret": True},
        {"key": "supabaseProjectUrl", "secret": False},
        {"key": "supabaseServiceRoleKey", "secret": True},
        {"key": "clerkSecretKey", "secret": True},
    ]
    setting = [shlex.split(command) for command in summary["commands"] if "config set" in command]
    assert [words[-1] for words in setting if words[3] == "--secret"] == [
        "outlit:apiKey",
        "posthogApiKey",
        "stripeApiKey",
        "supabaseServiceRoleKey",
        "clerkSecretKey",
    ]
    notes = ["Extra 1 is not in the catalogue of this version, so none of its credentials are declared."]
    assert summary["notes"] == notes
    assert CANARY not in "".join(path.read_text() for path in folder.iterdir()) + done.said


def test_what_is_said_of_credentials_is_said_of_a_new_stack(connected: Sandbox, tmp_path: Path) -> None:
    """In another one, `pulumi up` sends them."""
    done = run(connected, "--credentials", "--out", str(tmp_path / "acme"))
    assert NEW_STACK in done.out
    assert NEW_STACK not in run(connected, "--out", str(tmp_path / "plain")).out


def test_the_summary_names_what_was_written(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.complete_session(sandbox.connect("slack")["sessionId"])
    done = run(sandbox, "--json", "--out", str(tmp_path / "acme"))
    summary = json.loads(done.out)
    (slack,) = summary.pop("items")
    assert slack.pop("syncStatus")
    assert slack == {
        "id": "slack",
        "name": "Slack",
        "resource": "slack",
        "connectionId": "slack-org_acme",
        "status": "connected",
        "errorMessage": None,
    }
    assert summary == {
        "folder": str(tmp_path / "acme"),
        "files": ["Pulumi.yaml", "__main__.py", "requirements.txt", ".gitignore", "README.md"],
        "config": [],
        "commands": [
            "pulumi install",
            "pulumi stack init dev",
            f"pulumi config set outlit:baseUrl {sandbox.url}",
            "pulumi config set --secret outlit:apiKey",
            "pulumi up",
            "pulumi preview --expect-no-changes",
        ],
        "notes": [],
    }


def test_what_fails_is_declared_and_told(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.connect("clerk", {"secretKey": "sk_made_up"})
    sandbox.set_sync("clerk", "FAILED", error_message="the key was revoked")
    done = run(sandbox, "--out", str(tmp_path / "acme"))
    assert done.code == 0, done.said
    assert 'Note: Clerk is declared, but its sync is FAILED: "the key was revoked"\n' in done.out
    assert 'provider="clerk"' in (tmp_path / "acme" / "__main__.py").read_text()


def test_a_connection_without_an_id_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    slack = {"id": "slack", "status": "connected", "connectionId": None}
    offered(sandbox, slack, {"id": "stripe", "status": "error", "connectionId": "stripe-org_acme"})
    done = run(sandbox, "--out", str(tmp_path / "acme"))
    assert "Note: Stripe is declared, but its status is error.\n" in done.out
    assert "Note: Outlit's list gives no connection id for Slack: `pulumi up` fails until there is one.\n" in done.out


def test_the_key_is_not_written_where_the_service_repeats_it(sandbox: Sandbox, tmp_path: Path) -> None:
    """An id that holds it is left out, with a word about it; in a name and a message it is hidden."""
    offered(
        sandbox,
        {"id": f"crm-{KEY}", "status": "connected", "connectionId": "made-up"},
        {"id": "stripe", "status": "connected", "connectionId": f"stripe-{KEY}", "errorMessage": f"key {KEY}"},
        {"id": "crm", "name": f"The {KEY} CRM", "status": "connected", "connectionId": "made-up"},
    )
    folder = tmp_path / "acme"
    done = run(sandbox, "--out", str(folder))
    assert done.code == 0, done.said
    assert "Note: An entry of Outlit's list is left out: its id looks like a credential.\n" in done.out
    assert "2 connections: Stripe, The [redacted] CRM.\n" in done.out
    assert CANARY not in "".join(path.read_text() for path in folder.iterdir()) + done.said


def test_a_connection_id_may_share_letters_with_the_key() -> None:
    ((only,), _) = discover([item("slack", "slack-org_workspace")], Redactor(["ok_local_workspace_key_0123456789"]))
    assert only.connection_id == "slack-org_workspace"


def test_a_base_url_that_must_not_be_shown_is_asked_for() -> None:
    """Outlit's own needs no command at all."""
    hide = Redactor((KEY,))
    assert base_url_to_set("https://app.outlit.ai", hide) is None
    assert base_url_to_set("https://eu.outlit.example", hide) == "https://eu.outlit.example"
    hidden = base_url_to_set(f"https://proxy.example/{KEY}", hide)
    files = Project("acme", found(SLACK), credentials=False, base_url=hidden).files()
    assert "    pulumi config set outlit:baseUrl\n" in files["README.md"]


def test_nothing_connected_writes_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    folder = tmp_path / "acme"
    done = run(sandbox, "--out", str(folder))
    assert (done.code, done.out) == (1, "Nothing is connected in this workspace. Nothing was written.\n")
    done = run(sandbox, "--json", "--out", str(folder))
    empty: dict[str, list[str]] = {"files": [], "items": [], "config": [], "commands": [], "notes": []}
    assert (done.code, json.loads(done.out)) == (1, {"folder": None, **empty})
    offered(sandbox, {"id": f"crm-{KEY}", "status": "connected"})
    done = run(sandbox, "--out", str(folder))
    assert done.code == 1
    assert "Nothing that can be declared is connected in this workspace. Nothing was written.\n" in done.out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("what", ["a full folder", "a file", "a dangling link"])
def test_nothing_is_overwritten(connected: Sandbox, tmp_path: Path, what: str) -> None:
    """It is an error before anything is asked, and what was there stays."""
    target = tmp_path / "acme"
    if what == "a full folder":
        target.mkdir()
        (target / "Pulumi.yaml").write_text("mine")
    elif what == "a file":
        target.write_text("mine")
    else:
        target.symlink_to(tmp_path / "nowhere")
    connected.clear_calls()
    done = run(connected, "--out", str(target))
    assert done.code == 2
    assert done.err.startswith(f"outlit-pulumi: {target} exists and is ")
    assert done.err.endswith(" Nothing was written. Name a new folder with --out.\n")
    assert connected.calls() == []
    left = [path for path in tmp_path.rglob("*") if not path.is_dir() and not path.is_symlink()]
    assert [path.read_text() for path in left] == ([] if what == "a dangling link" else ["mine"])


@pytest.mark.parametrize("name", ["", " ", "-", "--credentials"])
def test_a_folder_without_a_name_is_wrong_usage(
    connected: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """An empty one, from a variable that is not set, is not this folder, and `cd -` leads elsewhere."""
    monkeypatch.chdir(tmp_path)
    done = run(connected, "--out", name)
    assert (done.code, done.err) == (2, "outlit-pulumi: --out needs the name of a folder. Nothing was written.\n")
    assert list(tmp_path.iterdir()) == []


def test_where_this_folder_is_gone_it_says_so(
    connected: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    done = run(connected)
    assert done.code == 2
    assert done.err.startswith("outlit-pulumi: outlit-integrations cannot be used: No such file or directory.")


def test_an_empty_folder_may_be_used(connected: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "acme").mkdir()
    assert run(connected, "--out", str(tmp_path / "acme")).code == 0
    assert (tmp_path / "acme" / "Pulumi.yaml").exists()


def test_no_answer_writes_nothing(connected: Sandbox, tmp_path: Path) -> None:
    done = run(connected, "--out", str(tmp_path / "acme"), env={"OUTLIT_API_KEY": "ok_" + "x" * 32})
    assert done.code == 3
    assert "does not accept the API key" in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_failure_half_way_leaves_nothing(tmp_path: Path) -> None:
    """Neither the files nor the folders, where those are new; what somebody else put there stays."""
    for folder in ("new", "new/below/it"):
        with pytest.raises(UsageError, match="could not be written: .* Nothing was left there."):
            write(tmp_path / folder, {"first": "text", "no/such/folder": "text"})
        assert list(tmp_path.iterdir()) == []
    (tmp_path / "theirs").write_text("theirs")
    with pytest.raises(UsageError):
        write(tmp_path, {"first": "text", "theirs": "ours"})
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("theirs", "theirs")]
