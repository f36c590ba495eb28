"""``outlit-pulumi doctor``: what Pulumi and this package need, looked at without changing anything."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Literal

import typer
from rich.table import Table
from rich.text import Text

from .. import __version__, catalog
from ..api.errors import ApiError, AuthenticationError, BadRequestError, UnreachableError
from ..api.redaction import Redactor, plain
from ..api.retry import Budget
from ..errors import ConfigurationError, OutlitError
from ..settings import API_KEY
from . import exits
from .context import Command, Json, Stack, command
from .screen import animated
from .stack import find, run

if TYPE_CHECKING:
    from ..api.client import OutlitClient
    from ..api.models import IntegrationItem
    from .which import Which

OLDEST = (3, 147)
"""The oldest Pulumi CLI that the package supports."""

_SECONDS = 15.0
"""The longest that one question to Outlit takes. A service that needs longer is in trouble."""

_SESSION = "outlit-pulumi-doctor"
"""An id that no browser session has: Outlit refuses it, and so shows that it serves the route."""

_INSTALL = "Install Pulumi with all that belongs to it: https://www.pulumi.com/docs/install/"

_PARTS = {
    "language host": "pulumi-language-python",
    "host script": "pulumi-language-python-exec",
    "launcher": "pulumi-resource-pulumi-python",
}
"""What Pulumi needs beside `pulumi`, by what it is: it runs programs in Python, and starts dynamic providers."""

_SENTENCE = re.compile(r'((?:"[^"]*"|\.(?! )|[^."])+)\. ')
"""The first sentence of several; a full stop in what is quoted ends none."""

_COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What.
        state: ``ok``, ``warning`` or ``problem``.
        found: What was found; never a key.
        cure: What to do; None where all is well.
    """

    name: str
    state: Literal["ok", "warning", "problem"]
    found: str
    cure: str | None = None


@dataclass(frozen=True)
class Answers:
    """What Outlit answered.

    Attributes:
        organization: Whose key it is; None where the service does not tell such things; or why there was no answer.
        routes: The routes that were tried, by name, each with the error that it answered, or None.
    """

    organization: str | ApiError | None
    routes: Mapping[str, ApiError | None]


@dataclass(frozen=True)
class Engine:
    """What this machine has of Pulumi.

    Attributes:
        pulumi: The path of the CLI; None where there is none.
        version: What it says of its version; empty where it says nothing.
        parts: The paths of what belongs to it, by their file names; None for one that is missing.
    """

    pulumi: str | None
    version: str
    parts: Mapping[str, str | None]


def doctor(ctx: typer.Context, stack: Stack = None, as_json: Json = False) -> None:
    """Check settings, API key, routes and the Pulumi installation.

    It changes nothing: connect and disconnect are not tried. Each line that is not ok has its cure.

    JSON: {"ok": true or false, "organizationId", "checks": [...]}, each with name, state (ok, warning or problem),
    found and cure (null where all is well).

    Exit codes: 0 no problem, but there may be warnings; 1 at least one problem; 2 wrong usage; 130 Ctrl-C.
    """
    with command(ctx, stack=stack, as_json=as_json, reads=True) as this:
        screen = this.outside.err
        with screen.status("Looking. Ctrl-C stops.") if animated(screen) else nullcontext():
            organization, checks = _workspace(this)
            checks += [*engine_checks(_engine(this.outside.environ)), _versions()]
        well = not any(check.state == "problem" for check in checks)
        data = {"ok": well, "organizationId": organization, "checks": [asdict(check) for check in checks]}
        this.result(data, _table(checks))
        if not well:
            raise typer.Exit(exits.NO)


def settings_checks(which: Which, hide: Redactor) -> Iterator[Check]:
    """The settings, and where they were found."""
    if which.in_the_clear:
        cure = f"Run `pulumi config set --secret {API_KEY} --stack {which.stack}`, and better make a new key."
        yield Check("API key", "warning", f"found in {which.key_from}, where it is in the clear", cure)
    else:
        yield Check("API key", "ok", f"found in {which.key_from}")
    yield Check("service", "ok", f"{hide(which.settings.base_url)} ({which.url_from})")
    if which.unused:
        cure = f"`unset {' '.join(which.unused)}`, unless it is what `pulumi up` should use."
        yield Check("environment", "warning", "`pulumi up` obeys variables that mean another workspace", cure)


def service_checks(answers: Answers) -> Iterator[Check]:
    """Whether Outlit accepts the key, and which routes it serves."""
    for error in (answers.organization, *answers.routes.values()):
        if isinstance(error, AuthenticationError):
            yield _problem("key", error)
            return
    failed = {name: error for name, error in answers.routes.items() if error is not None}
    if len(failed) == len(answers.routes):
        yield _problem("routes", next(iter(failed.values())))
        return
    if isinstance(answers.organization, str):
        yield Check("key", "ok", f"accepted; organization {plain(answers.organization)}")
    elif answers.organization is None:
        cure = "Nothing to do, but two limits apply: see docs/limits.md."
        yield Check("key", "warning", "accepted; this service does not say whose it is", cure)
    else:
        said, cure = _parts(answers.organization)
        yield Check("key", "warning", f"accepted; Outlit did not say whose it is: {said}", cure)
    for name in answers.routes:
        row = f"route {name}"
        yield _problem(row, failed[name]) if name in failed else Check(row, "ok", "served")


def engine_checks(found: Engine) -> Iterator[Check]:
    """What runs programs and dynamic providers."""
    if found.pulumi is None:
        yield Check("pulumi", "problem", "not on PATH", _INSTALL)
        return
    version = re.match(r"v?(\d+)\.(\d+)\S*", found.version)
    if version is None:
        yield Check("pulumi", "problem", f"{found.pulumi} does not tell its version", _INSTALL)
    elif (int(version[1]), int(version[2])) < OLDEST or int(version[1]) != OLDEST[0]:
        cure = f"Install {OLDEST[0]}.{OLDEST[1]} or later of {OLDEST[0]}.x: https://www.pulumi.com/docs/install/"
        yield Check("pulumi", "problem", f"{plain(version[0])}, {found.pulumi}", cure)
    else:
        yield Check("pulumi", "ok", f"{plain(version[0])}, {found.pulumi}")
    for name, file in _PARTS.items():
        path = found.parts.get(file)
        if path is None:
            yield Check(name, "problem", f"{file} is neither beside `pulumi` nor on PATH", _INSTALL)
        else:
            beside = os.path.dirname(path) == os.path.dirname(found.pulumi)
            yield Check(name, "ok", f"{file}, beside it" if beside else path)


def _problem(name: str, error: ApiError | ConfigurationError) -> Check:
    found, cure = _parts(error)
    return Check(name, "problem", found, cure)


def _parts(error: OutlitError) -> tuple[str, str]:
    """What is wrong and what helps: the first sentence of an error of ours, and the others."""
    text = exits.told(error)
    first = _SENTENCE.match(text)
    return (first[1], text[first.end() :]) if first else (text.rstrip("."), "Run again.")


def _workspace(this: Command) -> tuple[str | None, list[Check]]:
    """The organization, where it is known, and what was found of settings and service."""
    try:
        which = this.which
        client = this.client()
    except ConfigurationError as error:
        return None, [_problem("API key", error)]
    with client:
        answers = _ask(client, this)
        checks = [*settings_checks(which, client.hide), *service_checks(answers)]
    return (answers.organization if isinstance(answers.organization, str) else None), checks


def _ask(client: OutlitClient, this: Command) -> Answers:
    """Asks what changes nothing, and stops where the key is refused or nobody answers."""

    def budget() -> Budget:
        return Budget(client.clock, min(_SECONDS, this.settings.timeout))

    def connect_status() -> None:
        with suppress(BadRequestError):  # so the route refuses the id
            client.connect_status(_SESSION, budget=budget())

    items: list[IntegrationItem] = []
    questions: dict[str, Callable[[], object]] = {
        "list": lambda: items.extend(client.list_integrations(budget=budget()).items),
        "sync status": lambda: client.sync_status(_example(items), budget=budget()),
        "connect status": connect_status,
    }
    organization: str | ApiError | None
    try:
        organization = client.organization(budget=budget())
    except ApiError as error:
        organization = error
    routes: dict[str, ApiError | None] = {}
    for name, question in questions.items():
        if any(isinstance(error, (AuthenticationError, UnreachableError)) for error in routes.values()):
            break
        try:
            question()
        except ApiError as error:
            routes[name] = error
        else:
            routes[name] = None
    return Answers(organization, routes)


def _example(items: Sequence[IntegrationItem]) -> str:
    """A provider that the workspace offers, rather one that is connected."""
    return next((item.id for item in items if item.connected), items[0].id if items else next(iter(catalog.PROVIDERS)))


def _engine(environ: Mapping[str, str]) -> Engine:
    pulumi = find("pulumi", environ)
    version = ""
    folders = [environ.get("PATH", os.defpath)]
    if pulumi is not None:
        # Pulumi looks beside its own executable, too, also where that is a link to elsewhere.
        folders += [os.path.dirname(pulumi), os.path.dirname(os.path.realpath(pulumi))]
        try:
            version = run([pulumi, "version"], environ).stdout.strip()
        except (OSError, subprocess.TimeoutExpired):
            version = ""
    beside = {"PATH": os.pathsep.join(folders)}
    return Engine(pulumi, version, {file: find(file, beside) for file in _PARTS.values()})


def _versions() -> Check:
    sdk, python = metadata.version("pulumi"), platform.python_version()
    return Check("versions", "ok", f"outlit-pulumi {__version__}, Pulumi SDK {sdk}, Python {python}")


def _table(checks: Sequence[Check]) -> Table:
    made = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    made.add_column(no_wrap=True)
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    for check in checks:
        made.add_row(Text(check.state, style=_COLOURS[check.state]), check.name, check.found)
        if check.cure:
            made.add_row("", "", check.cure)
    return made
