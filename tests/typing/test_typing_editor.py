"""What an editor shows while a program is written, asked of pyright's language server."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from outlit_pulumi import PROVIDERS

pytestmark = pytest.mark.full

HEAD = "import outlit_pulumi as outlit\n"


class Editor:
    """An editor with one file, in which the cursor stands at the ``|`` of a text."""

    def __init__(self, server: subprocess.Popen[bytes], folder: Path) -> None:
        assert server.stdin is not None
        assert server.stdout is not None
        self._to: IO[bytes] = server.stdin
        self._from: IO[bytes] = server.stdout
        self._folder = folder
        self._id = 0
        root = {"uri": folder.as_uri(), "name": "program"}
        formats = {"completion": {"completionItem": {"documentationFormat": ["plaintext"]}}}
        client = {
            "textDocument": {**formats, "hover": {"contentFormat": ["plaintext"]}},
            "workspace": {"configuration": True},
        }
        self.ask("initialize", processId=None, rootUri=root["uri"], workspaceFolders=[root], capabilities=client)
        self._send(method="initialized", params={})

    def at(self, method: str, text: str) -> Any:
        """What the server answers about the place of the cursor."""
        before, _, after = text.partition("|")
        path = self._folder / f"program{self._id}.py"
        uri = path.as_uri()
        item = {"uri": uri, "languageId": "python", "version": 1, "text": HEAD + before + after}
        self._send(method="textDocument/didOpen", params={"textDocument": item})
        lines = (HEAD + before).split("\n")
        place = {"line": len(lines) - 1, "character": len(lines[-1])}
        return self.ask(f"textDocument/{method}", textDocument={"uri": uri}, position=place)

    def ask(self, method: str, **params: Any) -> Any:
        """The result of a request. What the server asks meanwhile is answered with the interpreter to use."""
        self._id += 1
        self._send(id=self._id, method=method, params=params)
        while True:
            message = self._receive()
            if "method" not in message and message.get("id") == self._id:
                return message["result"]
            if "method" in message and "id" in message:
                asked = (message.get("params") or {}).get("items", [])
                self._send(id=message["id"], result=[{"pythonPath": sys.executable} for _ in asked] if asked else None)

    def close(self) -> None:
        """Ends the server."""
        self.ask("shutdown")
        self._send(method="exit")

    def _send(self, **message: Any) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._to.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._to.flush()

    def _receive(self) -> dict[str, Any]:
        length = 0
        while (line := self._from.readline()) != b"\r\n":
            assert line, "the language server ended"
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        received: dict[str, Any] = json.loads(self._from.read(length))
        return received


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    """One server for all: it starts slowly."""
    command = [sys.executable, "-c", "from basedpyright.langserver import main; main()", "--stdio"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        stop = threading.Timer(120, server.kill)
        stop.start()
        try:
            editor = Editor(server, tmp_path_factory.mktemp("program"))
            yield editor
            editor.close()
        finally:
            stop.cancel()


def completed(editor: Editor, text: str) -> set[str]:
    """The labels of what is offered at the cursor."""
    return {item["label"].strip("\"'") for item in editor.at("completion", text)["items"]}


@pytest.mark.parametrize(
    "text",
    [
        'outlit.Integration("x", provider="|")',
        'outlit.Integration("x", "|")',
        'outlit.Integration.get("x", "|")',
        'outlit.get_sync_status("|")',
    ],
)
def test_provider_completes(editor: Editor, text: str) -> None:
    assert set(PROVIDERS) <= completed(editor, text)


def test_fields_and_choices_complete(editor: Editor) -> None:
    assert {"api_key=", "region=", "project_id="} <= completed(editor, "outlit.PostHogConfigArgs(|)")
    assert {"api_key", "region", "project_id"} <= completed(editor, 'x: outlit.PostHogConfigArgsDict = {"|"}')
    for before in ("outlit.PostHogConfigArgs(region=", 'outlit.Integration("x", "posthog", {"api_key": "", "region": '):
        assert {"us", "eu"} <= completed(editor, f'{before}"|"')
    assert "last_synced_at" in completed(editor, "def show(sync: outlit.SyncOutput) -> None:\n    sync.|")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('outlit.Integ|ration("x", "slack", adopt_existing=True)', "Take over a connection that exists."),
        ('outlit.Prov|ider("x", api_key="")', "The workspace's API key"),
        ('outlit.PostHogConfigArgs(api_key="", region="us", project|_id="1")', "PostHog project id"),
        ("def show(args: outlit.PostHogConfigArgs) -> None:\n    args.project|_id", "PostHog project id"),
    ],
)
def test_docstrings_show(editor: Editor, text: str, told: str) -> None:
    """The package's own, not those of Pulumi's base classes."""
    shown = editor.at("hover", text)["contents"]["value"]
    assert told in shown
