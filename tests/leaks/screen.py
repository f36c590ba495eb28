"""Everything that a person, a log file or the state may get to see, gathered in one place and searched."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.faults.deployment import Deployment, Report

from .canaries import traces


class Screen:
    """Texts that were shown, with where each came from."""

    def __init__(self) -> None:
        self._shown: list[tuple[str, str]] = []

    def show(self, where: str, *texts: object) -> None:
        """Adds texts."""
        self._shown.extend((where, str(text)) for text in texts)

    def error(self, error: BaseException) -> None:
        """Adds an error: as Python prints it, and each in its chain by itself, even where Python would leave it out."""
        self.show("traceback", *traceback.format_exception(error))
        seen: list[BaseException] = []
        chain: list[BaseException | None] = [error]
        while chain:
            one = chain.pop()
            if one is None or one in seen:
                continue
            seen.append(one)
            self.show(f"chained {type(one).__name__}", one, repr(one), repr(vars(one)))
            chain += [one.__cause__, one.__context__]

    def command(self, stack: Deployment, report: Report) -> None:
        """Adds what a command showed, and the state that it left."""
        self.show("output", report.shown)
        for error in report.errors:
            self.error(error)
        for resource in stack.state.values():
            self.state(resource.outputs)

    def state(self, outputs: dict[str, Any]) -> None:
        """Adds the outputs of a resource, but for the declared config, which the engine encrypts."""
        kept = {name: value for name, value in outputs.items() if name != "config"}
        self.show("state", json.dumps(kept), json.dumps(kept, ensure_ascii=False), kept)

    def leaks(self, *secrets: str) -> list[str]:
        """What shows of the secrets, and where."""
        return [f"{where}: {trace}" for where, text in self._shown for trace in traces(text, secrets)[:1]]

    @contextmanager
    def logging(self) -> Iterator[None]:
        """Adds what any logger says, at any level."""
        handler = _ToScreen(self)
        root = logging.getLogger()
        level = root.level
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            root.setLevel(level)
            root.removeHandler(handler)


class _ToScreen(logging.Handler):
    def __init__(self, screen: Screen) -> None:
        super().__init__()
        self._screen = screen

    def emit(self, record: logging.LogRecord) -> None:
        self._screen.show(f"log {record.name}", self.format(record))
