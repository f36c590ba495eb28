"""The sandbox as a process and as a server: starting, stopping, restarting, and what it leaves behind."""

from __future__ import annotations

import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

import outlit_pulumi.sandbox
from outlit_pulumi.sandbox import (
    DEFAULT_API_KEY,
    Sandbox,
    SandboxRequestError,
    SandboxStartError,
    Server,
    Store,
    fingerprint,
)

CANARY = "canary-9f8e7d6c5b4a"
CONFIG = {"apiKey": CANARY, "region": "us", "projectId": "12345"}


@contextmanager
def start(*options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "outlit_pulumi.sandbox", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()  # else a test that fails would wait for a process that goes on


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_command_line_says_how_to_use_it_and_ends_on_a_signal(number: signal.Signals) -> None:
    with start("--port", "0") as process:
        assert process.stdout
        first = process.stdout.readline()
        found = re.fullmatch(r"Outlit sandbox ready at (http://127\.0\.0\.1:\d+)\n", first)
        assert found
        url = found.group(1)
        headers = {"Authorization": f"Bearer {DEFAULT_API_KEY}"}
        assert httpx.get(f"{url}/api/integrations", headers=headers, trust_env=False).status_code == 200
        assert [process.stdout.readline() for _ in range(4)] == [
            f"API key: {DEFAULT_API_KEY}\n",
            "Use it with:\n",
            f"  export OUTLIT_API_URL={url} OUTLIT_API_KEY={DEFAULT_API_KEY}\n",
            f"Browser sessions are approved at {url}/integrations\n",
        ]
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


def test_frozen_time_moves_by_advance_alone() -> None:
    with Sandbox("acme", frozen=True, process=True) as sandbox:
        for provider in ("stripe", "granola"):
            sandbox.connect(provider, {"apiKey": "sk"})
        sandbox.advance(1.5)
        sandbox.connect("fireflies", {"apiKey": "sk"})
        first, second, third = (datetime.fromisoformat(found["connectedAt"]) for found in sandbox.connections())
    assert (second - first, third - first) == (timedelta(0), timedelta(seconds=1.5))


def test_command_line_options_reach_the_service() -> None:
    key = "ok_" + "k" * 32
    with Sandbox("acme", limit=1, plan="pro", extra_providers=2, api_key=key, process=True) as sandbox:
        assert len(sandbox.list(api_key=key)) == 12
        assert sandbox.connect("stripe", {"apiKey": "sk"})["connectionId"] == "stripe-org_acme"
        with pytest.raises(SandboxRequestError) as caught:
            sandbox.connect("extra-0002", {"any": "thing"})
        assert isinstance(caught.value.body, dict)
        assert (caught.value.body["plan"], caught.value.body["limit"]) == ("pro", 1)


def not_a_database(path: Path) -> None:
    path.write_text("This is no database, whatever its name says. " * 40)


def another_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE other (x)")
    connection.close()


def another_version(path: Path) -> None:
    Store(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 1")
    connection.close()


def not_its_document(path: Path) -> None:
    Store(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE state SET document = '{\"workspaces\": 1}'")


def no_document(path: Path) -> None:
    Store(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM state")


@pytest.mark.parametrize(
    "make", [Path.mkdir, not_a_database, another_database, another_version, not_its_document, no_document]
)
def test_bad_state_file(tmp_path: Path, make: Callable[[Path], None]) -> None:
    state = tmp_path / "state"
    make(state)
    before = state.read_bytes() if state.is_file() else None
    assert_refuses_to_start("--port", "0", "--state", str(state), naming=str(state))
    assert (state.read_bytes() if state.is_file() else None) == before


def test_state_file_in_a_missing_directory(tmp_path: Path) -> None:
    state = str(tmp_path / "missing" / "state")
    assert_refuses_to_start("--port", "0", "--state", state, naming=state)


def test_a_state_file_without_a_name() -> None:
    """From a variable that is not set: nothing would be kept."""
    assert_refuses_to_start("--port", "0", "--state", "", naming="Cannot open the state file")


def test_state_file_in_use(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    with Sandbox(state=state):
        assert_refuses_to_start("--port", "0", "--state", state, naming="locked")


def test_port_in_use() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert_refuses_to_start("--port", port, naming=port)


def test_host_option_reaches_the_server() -> None:
    with start("--port", "0", "--host", "0.0.0.0", "--json") as process:
        assert process.stdout
        ready = json.loads(process.stdout.readline())
        assert ready["url"].startswith("http://127.0.0.1:")
        headers = {"Authorization": f"Bearer {ready['apiKey']}", "Host": "0.0.0.0"}
        assert httpx.get(f"{ready['url']}/api/integrations", headers=headers, trust_env=False).status_code == 200
        process.terminate()
        process.communicate(timeout=20)


def test_bad_options() -> None:
    assert_refuses_to_start("--port", "70000", naming="70000")
    assert_refuses_to_start("--api-key", "ok_short", naming="API key")
    assert_refuses_to_start("--limit", "-1", naming="limit")
    usage = "`python -m outlit_pulumi.sandbox --help` shows the usage."
    for options, said in (
        (["ok_CANARY" + "k" * 32], "Unrecognized arguments: (not shown)"),
        (["--port", "x"], "Argument --port: invalid int value: 'x'"),
        (["--limit"], "Argument --limit: expected one argument"),
        (["--made\nup"], "Unrecognized arguments: --made up"),
    ):
        assert_refuses_to_start(*options, naming=f"outlit sandbox: {said}. {usage}\n")


def assert_refuses_to_start(*options: str, naming: str) -> None:
    with start(*options) as process:
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (2, "")
    assert err.count("\n") == 1
    assert naming in err


@pytest.mark.parametrize("process", [False, True])
def test_context_manager_says_why_it_cannot_start(process: bool) -> None:
    with (
        Sandbox() as first,
        pytest.raises(SandboxStartError, match="Cannot use port"),
        Sandbox(port=int(first.url.rpartition(":")[2]), process=process),
    ):
        pass


def test_package_without_its_parent_on_the_path_still_starts_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.chdir("/")
    with Sandbox(process=True) as sandbox:
        assert len(sandbox.list()) == 10


@pytest.mark.parametrize("process", [False, True])
def test_state_survives_a_restart(tmp_path: Path, process: bool) -> None:
    state = tmp_path / "state.db"
    with Sandbox("acme", state=state, process=process) as sandbox:
        sandbox.connect("posthog", CONFIG)
        sandbox.disconnect("posthog")
        sandbox.connect("posthog", CONFIG)
        sandbox.set_sync("posthog", "FAILED", error_message="Key revoked.")
        session_id = sandbox.connect("slack")["sessionId"]
        globex = sandbox.add_workspace("globex")
        sandbox.connect("stripe", {"apiKey": "sk"}, api_key=globex)
        sandbox.advance(86_400)
        before = sandbox.list(), sandbox.connections(), sandbox.list(api_key=globex)
    with Sandbox("acme", state=state, process=process) as sandbox:
        after = sandbox.list(), sandbox.connections(), sandbox.list(api_key=globex)
        # A day was added, so only a lost offset or connection shows; a minute may have passed since.
        assert [after[0], after[1]] == [before[0], before[1]]
        assert after[2][6]["connectionId"] == "stripe-org_globex"
        assert after[2][6]["lastDataReceivedAt"] >= before[2][6]["lastDataReceivedAt"]
        assert sandbox.connect_status(session_id)["status"] == "expired"
        sandbox.disconnect("posthog")
        assert sandbox.connect("posthog", CONFIG)["connectionId"] == "posthog-org_acme-3"
        assert sandbox.calls()[-1]["provider"] == "posthog"


def test_state_survives_a_kill(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with start("--port", "0", "--state", str(state)) as process:
        assert process.stdout
        url = process.stdout.readline().split()[-1]
        headers = {"Authorization": f"Bearer {DEFAULT_API_KEY}"}
        body = {"provider": "posthog", "config": CONFIG}
        httpx.post(f"{url}/api/integrations/connect", json=body, headers=headers, trust_env=False).raise_for_status()
        process.kill()
        process.communicate()
    with Sandbox(state=state) as sandbox:
        assert [item["fingerprint"] for item in sandbox.connections()] == [fingerprint(CONFIG)]


def test_a_new_key_replaces_the_old_one(tmp_path: Path) -> None:
    new = "ok_" + "n" * 32
    with Sandbox(state=tmp_path / "state") as sandbox:
        sandbox.connect("stripe", {"apiKey": "sk"})
    with Sandbox(state=tmp_path / "state", api_key=new) as sandbox:
        assert len(sandbox.list(connected_only=True)) == 1
        with pytest.raises(SandboxRequestError) as caught:
            sandbox.list(api_key=DEFAULT_API_KEY)
        assert caught.value.status == 401


def test_credentials_are_nowhere(tmp_path: Path) -> None:
    key = f"ok_{CANARY}_{'k' * 32}"
    with start("--port", "0", "--state", str(tmp_path / "state.db"), "--api-key", key) as process:
        assert process.stdout
        url = process.stdout.readline().split()[-1]
        seen = [process.stdout.readline() for _ in range(4)]
        assert [CANARY in line for line in seen] == [True, False, True, False]  # the key is printed, once, on purpose
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, trust_env=False) as api:
            bodies: list[dict[str, object]] = [
                {"provider": "posthog", "config": CONFIG},
                {"provider": "posthog", "config": CONFIG, "force": True},
                {"provider": "posthog", "config": {**CONFIG, CANARY: CANARY}},
                {"provider": "posthog", "config": {**CONFIG, "region": CANARY}},
                {"provider": "posthog", "config": {**CONFIG, "projectId": [CANARY]}},
                {"provider": CANARY, "config": CONFIG},
                {"provider": "slack", "config": CONFIG},
            ]
            answers = [api.post("/api/integrations/connect", json=body) for body in bodies]
            assert [answer.status_code for answer in answers] == [200, 200, 400, 400, 400, 400, 400]
            answers.append(api.get("/api/integrations/sync-status", params={"provider": CANARY}))
            answers.append(api.get("/api/integrations", headers={"Authorization": f"Bearer {CANARY}"}))
            answers.append(api.post("/api/integrations/connect", content=json.dumps(bodies[0])[:-1]))
            answers += [api.get(path) for path in ("/sandbox/calls", "/sandbox/connections", "/api/integrations")]
            files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
            process.terminate()
            out, err = process.communicate(timeout=20)
    files |= {f"{path.name} at the end": path.read_bytes() for path in tmp_path.iterdir()}
    assert "state.db" in files
    assert fingerprint(CONFIG).encode() in b"".join(files.values())  # the search can find what is there
    for text in [*(answer.content for answer in answers), *files.values(), out.encode(), err.encode()]:
        assert CANARY.encode() not in text
    assert (out, err) == ("", "")


def test_calls_that_are_cut_off_leave_no_trace(capfd: pytest.CaptureFixture[str]) -> None:
    with Sandbox(process=False) as sandbox:
        port = int(sandbox.url.rpartition(":")[2])
        for sent in (
            b"POST /api/integrations/connect HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{",
            b"nonsense\r\n\r\n",
        ):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(sent)
        sandbox.list()
    captured = capfd.readouterr()
    assert "Traceback" not in captured.out + captured.err


@pytest.mark.parametrize("process", [False, True])
def test_idle_connections_do_not_hold_up_the_end(process: bool) -> None:
    with httpx.Client(trust_env=False) as client:
        with Sandbox(process=process) as sandbox:
            response = client.get(
                f"{sandbox.url}/api/integrations", headers={"Authorization": f"Bearer {sandbox.api_key}"}
            )
            assert response.status_code == 200
            before = time.monotonic()
        # A few milliseconds on an idle machine; uvicorn's own patience would be without end.
        assert time.monotonic() - before < 5


def test_a_server_that_has_ended_can_still_be_left() -> None:
    """It may have failed: the command then ends with 1, and without a traceback."""
    with closing(Store()) as store, Server(store) as server:
        server.__exit__(None, None, None)
        assert not server.running


def test_sandboxes_side_by_side() -> None:
    with Sandbox("one") as one, Sandbox("two", process=True) as two:
        one.connect("stripe", {"apiKey": "sk"})
        assert two.connections() == []
        assert one.url != two.url


def test_environment_proxies_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with Sandbox() as sandbox:
        assert len(sandbox.list()) == 10


def test_logging_of_the_host_is_left_alone() -> None:
    # Run apart: pytest sets logging up itself.
    code = (
        "import logging; from outlit_pulumi.sandbox import Sandbox\n"
        "with Sandbox() as sandbox: sandbox.list()\n"
        "print(logging.getLogger().handlers, logging.getLogger('uvicorn').handlers)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[] []\n", "")


def test_public_names() -> None:
    assert set(outlit_pulumi.sandbox.__all__) <= set(dir(outlit_pulumi.sandbox))
