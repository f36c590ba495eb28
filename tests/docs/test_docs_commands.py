"""The commands in the documents exist: targets of make, modules, scripts, commands and options of both programs.

A command is a line of a shell block or of an indented block, or code in a sentence that begins like a command. Lines
that run other programs (pip, cd, cron) are not judged.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer

from outlit_pulumi.cli.app import app
from tests.docs.pages import ROOT, SHELL, blocks, inline, pages

Command = tuple[str, ...]


def split(line: str) -> Iterator[Command]:
    """The commands of a line of a shell, without their settings of variables."""
    try:
        words = list(shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars="|&;()"))
    except ValueError:  # text with an apostrophe
        return
    command: list[str] = []
    for word in [*words, ";"]:
        if set(word) <= set("|&;()"):
            if command:
                yield tuple(command)
            command = []
        elif command or not re.match(r"\w+=", word):
            command.append(word)


def commands(page: Path) -> Iterator[Command]:
    """The commands of a document."""
    for block in blocks(page):
        if block.language in SHELL or (not block.language and not block.code.startswith("  ")):
            for line in block.code.replace("\\\n", " ").splitlines():
                yield from split(re.sub(r"(^|\s)#.*", "", line))
    for code in inline(page):
        if re.match(r"(make|pulumi|python|outlit-pulumi) ", code):
            yield from split(code)


def written(program: str) -> list[tuple[Path, Command]]:
    """What the documents say to run of a program, with where."""
    return sorted({(page, command) for page in pages() for command in commands(page) if command[0].endswith(program)})


def targets() -> set[str]:
    """Those of the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


def unknown_option(command: Any, words: Sequence[str]) -> str | None:
    """The first word of a call that the command line does not know; None when it knows all.

    Args:
        command: A command of Typer's, which has click's interface, though not always click's classes.
        words: What follows it.
    """
    if command.context_settings.get("ignore_unknown_options"):
        return None  # passed on
    options = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    commands = getattr(command, "commands", None)
    for number, word in enumerate(words):
        if commands and word in commands:
            return unknown_option(commands[word], words[number + 1 :])
        if word.startswith("-") and word.split("=")[0] not in {*options, "--help", "-h"}:
            return word
        if commands and re.fullmatch("[a-z][a-z-]*", word):
            return word
    return None


@pytest.mark.parametrize(("page", "command"), written("make"))
def test_targets_of_make(page: Path, command: Command) -> None:
    """``make test lint PYTHON=...``."""
    wanted = [word for word in command[1:] if re.fullmatch("[a-z-]+", word) and not word.startswith("-")]
    assert set(wanted) <= targets()


@pytest.mark.parametrize(("page", "command"), written("python"))
def test_modules_and_scripts_of_python(page: Path, command: Command) -> None:
    """``python -m outlit_pulumi.sandbox`` and ``python tools/demo``, from the root or beside the document."""
    if "-m" in command:
        module = command[command.index("-m") + 1]
        assert module in ("pip", "venv") or find_spec(module) is not None
    elif len(command) > 1 and not command[1].startswith("-"):
        assert (ROOT / command[1]).exists() or (ROOT / page.parent / command[1]).exists()


@pytest.mark.parametrize(("page", "command"), written("outlit-pulumi"))
def test_commands_of_outlit_pulumi(page: Path, command: Command) -> None:
    """``outlit-pulumi status --watch``."""
    assert unknown_option(typer.main.get_command(app), command[1:]) is None


def test_unknown_commands_and_options_are_found() -> None:
    """A misspelt one would be."""
    line = typer.main.get_command(app)
    assert unknown_option(line, ["lst"]) == "lst"
    assert unknown_option(line, ["list", "--conected"]) == "--conected"
    assert list(split("cd x && A=1 make tset | tee log")) == [("cd", "x"), ("make", "tset"), ("tee", "log")]


@cache
def usage(*words: str) -> str:
    """What ``pulumi ... --help`` prints."""
    engine = os.environ.get("OUTLIT_ENGINE_BIN", "")
    path = os.pathsep.join(filter(None, (engine, os.environ.get("PATH", ""))))
    pulumi = shutil.which("pulumi", path=path)
    if pulumi is None:
        pytest.skip("there is no Pulumi engine: run `make test`")
    environment = {**os.environ, "PATH": path, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    return subprocess.run(
        [pulumi, *words, "--help"], env=environment, capture_output=True, text=True, timeout=60, check=True
    ).stdout


@pytest.mark.full
def test_commands_and_options_of_pulumi() -> None:
    """``pulumi refresh --expect-no-changes``: each option is one that the engine's own help has."""
    wrong = []
    for page, command in written("pulumi"):
        if command[0] != "pulumi":
            continue
        words = [word for word in command[1:] if re.fullmatch("[a-z-]+", word) and not word.startswith("-")]
        path: Command = ()
        # What is no command of a group gets the group's own help.
        while words and usage(*path, words[0]) != usage(*path):
            path += (words.pop(0),)
        options = [word.split("=")[0] for word in command[1:] if word.startswith("-")]
        missing = [option for option in options if not re.search(rf"(^|\s){option}\b", usage(*path), re.MULTILINE)]
        if missing or not path or (words and "[command]" in usage(*path)):
            wrong.append((str(page), " ".join(command), missing))
    assert wrong == []
