"""The sandbox for tests and scripts: a ``with`` block that has a running one, and methods that control it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypedDict, Unpack
from urllib.parse import quote, urlencode

from pydantic.alias_generators import to_camel

from outlit_pulumi.sandbox.faults import Kind, RouteName
from outlit_pulumi.sandbox.server import Server
from outlit_pulumi.sandbox.state import SandboxStartError
from outlit_pulumi.sandbox.store import DEFAULT_API_KEY, Store

_TIMEOUT_SECONDS = 30
_PACKAGE_PARENT = Path(__file__).resolve().parents[2]


class CallRecord(TypedDict):
    """One call of one of the API's routes, as `Sandbox.calls` has it; see `Call` for the meaning of its members."""

    method: str
    route: RouteName
    provider: str | None
    status: int | None
    force: bool | None
    workspace: str | None
    fault: Kind | None


class ConnectionRecord(TypedDict):
    """A connection, as `Sandbox.connections` has it; see `Connection`. ``connectedAt`` is in the API's format."""

    provider: str
    connectionId: str
    fingerprint: str | None
    connectedAt: str


class Configuration(TypedDict, total=False):
    """What `Sandbox.configure` changes: the members of `Plan`, whose name is ``plan`` here, and those of `Habits`."""

    limit: int | None
    plan: str
    key_check: bool
    stable_ids: bool
    new_id_on_force: bool


class FaultMembers(TypedDict, total=False):
    """What `Sandbox.fault` takes besides the route: the members of `Fault`."""

    kind: Kind
    times: int | None
    skip: int
    probability: float
    seed: int
    after: bool
    provider: str | None
    workspace: str | None
    seconds: float
    status: int
    body: str
    content_type: str
    headers: dict[str, str]
    members: Sequence[str]


_Calls = list[CallRecord]
_Connections = list[ConnectionRecord]
_Items = list[dict[str, Any]]


class SandboxRequestError(Exception):
    """The sandbox did not answer 200 to a method of `Sandbox`.

    Attributes:
        status: The HTTP status.
        body: The body: parsed where it is JSON, else text.
    """

    def __init__(self, status: int, body: object) -> None:
        super().__init__(f"The sandbox answered {status}: {body}")
        self.status = status
        self.body = body


class Sandbox:
    """A running sandbox for the length of a ``with`` block.

    Methods that take ``api_key`` act in that key's workspace; left out, in the first one. Every method talks HTTP and
    raises `SandboxRequestError` when the answer is not 200.

    Args:
        workspace: The name of the first workspace.
        limit: How many connections each workspace may have; None for any number.
        plan: The name of every workspace's plan.
        extra_providers: How many made-up providers (``extra-0001`` ...) to offer.
        state: The state file; None keeps everything in memory.
        port: The port on ``127.0.0.1``; 0 for a free one.
        api_key: The first workspace's key; None for the well-known one.
        frozen: Whether its time stands still but for `advance`, so that no sync ends in the midst of a test.
        process: Whether it runs as ``python -m outlit_pulumi.sandbox`` rather than on a thread.

    Raises:
        SandboxStartError: On entering, when it cannot start.

    Attributes:
        url: The base URL (within the block).
        api_key: The first workspace's key.
        workspace: The first workspace's name.
    """

    url: str

    def __init__(
        self,
        workspace: str = "sandbox",
        *,
        limit: int | None = None,
        plan: str = "free",
        extra_providers: int = 0,
        state: str | Path | None = None,
        port: int = 0,
        api_key: str | None = None,
        frozen: bool = False,
        process: bool = False,
    ) -> None:
        self.workspace = workspace
        self.api_key = DEFAULT_API_KEY if api_key is None else api_key
        self._state = state
        self._options: dict[str, Any] = {
            "workspace": workspace,
            "api_key": self.api_key,
            "limit": limit,
            "plan": plan,
            "extra_providers": extra_providers,
            "frozen": frozen,
        }
        self._port = port
        self._process = process
        self._server: Server | None = None
        self._cleanup = ExitStack()
        # Calls to this machine must not go to the proxy of the environment.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def __enter__(self) -> Self:
        with ExitStack() as cleanup:
            self.url = self._start_process(cleanup) if self._process else self._start_thread(cleanup)
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()

    # The call log

    def calls(self) -> _Calls:
        """Every call of the API's routes in every workspace, in the order in which they were read."""
        calls: _Calls = self._request("GET", "/sandbox/calls")["calls"]
        return calls

    def clear_calls(self) -> None:
        """Empties the call log."""
        self._request("DELETE", "/sandbox/calls")

    # State

    def connections(self, api_key: str | None = None) -> _Connections:
        """The connections of a workspace, with the fingerprints of the configs in use, oldest first."""
        connections: _Connections = self._request("GET", "/sandbox/connections", api_key=api_key)["connections"]
        return connections

    def complete_session(
        self,
        session_id: str,
        outcome: Literal["connected", "failed"] = "connected",
        *,
        error: str | None = None,
        api_key: str | None = None,
    ) -> dict[str, Any]:
        """Ends a browser session as a person would, and returns what a poll now answers.

        ``connected`` makes the connection; where the plan does not allow one, the session fails. ``error`` is the
        reason of a failure.
        """
        body = {"outcome": outcome, "error": error}
        return self._request("POST", f"/sandbox/sessions/{quote(session_id, safe='')}", body, api_key=api_key)

    def set_sync(
        self,
        provider: str,
        status: str,
        *,
        model: str | None = None,
        error_message: str | None = None,
        api_key: str | None = None,
    ) -> None:
        """Makes the sync of one model, or of all, stand at ``status``; ``SUCCESS`` lets it go on from now."""
        body = {"provider": provider, "model": model, "status": status, "errorMessage": error_message}
        self._request("POST", "/sandbox/syncs", body, api_key=api_key)

    def advance(self, seconds: float) -> None:
        """Moves the sandbox's time forward by seconds."""
        self._request("POST", "/sandbox/clock", {"advance": seconds})

    def add_workspace(self, name: str) -> str:
        """Makes a workspace, unless there is one of that name, and returns a key of it."""
        key: str = self._request("POST", "/sandbox/workspaces", {"name": name})["apiKey"]
        return key

    def configure(self, *, api_key: str | None = None, **settings: Unpack[Configuration]) -> None:
        """Changes the plan of a workspace (its connection limit, None for none, and name) and the service's `Habits`.

        What is left out stays.
        """
        body = {to_camel(name): value for name, value in settings.items()}
        self._request("POST", "/sandbox/settings", body, api_key=api_key)

    def lag(self, *routes: Literal["list", "sync_status"], seconds: float | None = None) -> None:
        """Has routes show what was ``seconds`` ago, but nothing from before this call; 0 ends it.

        Without a number they show what is at this call, until they are told otherwise.
        """
        self._request("POST", "/sandbox/lag", {"routes": list(routes), "seconds": seconds})

    # Faults

    def fault(self, route: RouteName | Literal["*"], **members: Unpack[FaultMembers]) -> None:
        """Makes the next ``times`` calls of a route (``*``: of any; None: all) meet a fault.

        `Fault` says what the kinds and the members mean, and what they are when left out: ``kind="answer"`` and
        ``times=1`` among them. ``answer`` needs ``status``; its body is empty unless given. A member that the kind does
        not have is refused.
        """
        body = {to_camel(name): value for name, value in members.items()}
        self._request("POST", "/sandbox/faults", {"route": route, **body})

    def clear_faults(self) -> None:
        """Drops every fault that has not happened yet."""
        self._request("DELETE", "/sandbox/faults")

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Refuses connections while its block runs; those that there are end. Not with ``process``: see `refuse`."""
        if self._server is None:
            raise RuntimeError("refusing() needs a sandbox on a thread of this process; use refuse(seconds).")
        with self._server.refusing():
            yield

    def refuse(self, seconds: float) -> None:
        """Refuses connections from now on, for some seconds; those that there are end."""
        self._request("POST", "/sandbox/refuse", {"seconds": seconds})

    # The service's own routes

    def connect(
        self,
        provider: str,
        config: Mapping[str, str] | None = None,
        force: bool = False,
        api_key: str | None = None,
    ) -> dict[str, Any]:
        """Calls the connect route and returns its body; without ``config`` that is a browser session."""
        body: dict[str, object] = {"provider": provider}
        if config is not None:
            body["config"] = dict(config)
        if force:
            body["force"] = True
        return self._request("POST", "/api/integrations/connect", body, api_key=api_key)

    def connect_status(self, session_id: str, api_key: str | None = None) -> dict[str, Any]:
        """Calls the connect status route and returns its body."""
        query = urlencode({"sessionId": session_id})
        return self._request("GET", f"/api/integrations/connect/status?{query}", api_key=api_key)

    def disconnect(self, provider: str, api_key: str | None = None) -> dict[str, Any]:
        """Calls the disconnect route and returns its body."""
        return self._request("POST", "/api/integrations/disconnect", {"provider": provider}, api_key=api_key)

    def sync_status(self, provider: str, api_key: str | None = None) -> dict[str, Any]:
        """Calls the sync status route and returns its body."""
        query = urlencode({"provider": provider})
        return self._request("GET", f"/api/integrations/sync-status?{query}", api_key=api_key)

    def list(self, connected_only: bool = False, api_key: str | None = None) -> _Items:
        """Calls the list route and returns its items."""
        query = "?connectedOnly=true" if connected_only else ""
        items: _Items = self._request("GET", f"/api/integrations{query}", api_key=api_key)["items"]
        return items

    def _request(
        self, method: str, path: str, body: Mapping[str, object] | None = None, *, api_key: str | None = None
    ) -> dict[str, Any]:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.api_key if api_key is None else api_key}",
                "Content-Type": "application/json",
            },
        )
        try:
            with self._opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
                status, content = response.status, response.read()
        except urllib.error.HTTPError as problem:
            with problem:
                status, content = problem.code, problem.read()
        try:
            answer = json.loads(content)
        except ValueError:
            answer = content.decode(errors="replace")
        if status != 200 or not isinstance(answer, dict):
            raise SandboxRequestError(status, answer)
        return answer

    # Starting

    def _start_thread(self, cleanup: ExitStack) -> str:
        store = cleanup.enter_context(closing(Store(self._state, **self._options)))
        self._server = cleanup.enter_context(Server(store, self._port))
        return self._server.url

    def _start_process(self, cleanup: ExitStack) -> str:
        errors = cleanup.enter_context(tempfile.TemporaryFile(mode="w+"))  # noqa: SIM115  # the stack closes it
        # The package may be importable here by other means than the environment, which is all that a child gets.
        path = os.pathsep.join(filter(None, (str(_PACKAGE_PARENT), os.environ.get("PYTHONPATH"))))
        options = {**self._options, "port": self._port, "state": self._state}
        arguments = ["--frozen"] if options.pop("frozen") else []
        arguments += [f"--{name.replace('_', '-')}={value}" for name, value in options.items() if value is not None]
        process = cleanup.enter_context(  # which waits for its end
            subprocess.Popen(
                [sys.executable, "-m", "outlit_pulumi.sandbox", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, "PYTHONPATH": path},
            )
        )
        cleanup.callback(process.terminate)
        assert process.stdout is not None
        ready = re.search(r"http://\S+", process.stdout.readline())
        if ready is None:
            process.wait()
            errors.seek(0)
            raise SandboxStartError(errors.read().strip() or "The sandbox ended before it was ready.")
        return ready.group()
