"""``outlit-pulumi doctor``: what Pulumi and this package need, looked at without changing anything."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
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
from ..settings import API_KEY, BASE_URL, load
from . import exits
from .context import Command, command
from .options import Json, Stack
from .stack import configuration, find, run, selected

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


def doctor(ctx: typer.Context, stack: Stack = None, as_json: Json = False) -> None:
    """Check settings, API key, routes and the Pulumi installation.

    It changes nothing: connect and disconnect are not tried. Each line that is not ok has its cure.

    JSON: {"ok": true or false, "organizationId", "checks": [...]}, each with name, state (ok, warning or problem),
    found and cure (null where all is well).

    Exit codes: 0 no problem, but there may be warnings; 1 at least one problem; 2 wrong usage; 130 Ctrl-C.
    """
    with command(ctx, stack=stack, as_json=as_json, reads=True) as this:
        with this.outside.err.status("Looking. Ctrl-C stops."):
            organization, checks = _workspace(this)
            checks += [*_engine(this.outside.environ), _versions()]
        well = not any(check.state == "problem" for check in checks)
        data = {"ok": well, "organizationId": organization, "checks": [asdict(check) for check in checks]}
        this.result(data, _table(checks))
        if not well:
            raise typer.Exit(exits.NO)


def _workspace(this: Command) -> tuple[str | None, list[Check]]:
    """The organization, where it is known, and what was found of settings and service."""
    try:
        which = this.which
        client = this.client()
    except ConfigurationError as error:
        return None, [_problem("settings", error)]
    with client:
        organization, checks = _service(client, min(_SECONDS, this.settings.timeout))
        return organization, [*_settings(which, client.hide), *_up(which, this.outside.environ), *checks]


def _settings(which: Which, hide: Redactor) -> Iterator[Check]:
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


def _up(which: Which, environ: Mapping[str, str]) -> Iterator[Check]:
    """What `pulumi up` on the selected stack takes from that stack, where all here is the environment's."""
    stack = selected(environ) if which.stack is None else None
    if stack is None:
        return
    try:
        up = load({name: entry.value for name, entry in configuration(stack, environ).items()}.get, environ)
    except ConfigurationError as error:
        yield _problem("stack", error)
        return
    if up.base_url != which.settings.base_url:
        found = f'`pulumi up` on stack "{stack}" asks another service than this: that of its {BASE_URL}'
        yield Check("stack", "warning", found, "Set OUTLIT_API_URL to that, too, to have it looked at here.")


def _service(client: OutlitClient, seconds: float) -> tuple[str | None, list[Check]]:
    """Whether Outlit accepts the key, and which routes it serves. Stops where the key is refused or nobody answers."""

    def budget() -> Budget:
        return Budget(client.clock, seconds)

    def connect_status() -> None:
        with suppress(BadRequestError):  # so the route refuses the id
            client.connect_status(_SESSION, budget=budget())

    items: list[IntegrationItem] = []
    questions: dict[str, Callable[[], object]] = {
        "list": lambda: items.extend(client.list_integrations(budget=budget()).items),
        "sync status": lambda: client.sync_status(_example(items), budget=budget()),
        "connect status": connect_status,
    }
    organization = None
    routes: list[Check] = []
    try:
        key, organization = _key(client, budget())
        for name, question in questions.items():
            try:
                question()
            except AuthenticationError:
                raise
            except ApiError as error:
                routes.append(_problem(f"route {name}", error))
                if isinstance(error, UnreachableError):
                    break
            else:
                routes.append(Check(f"route {name}", "ok", "served"))
    except AuthenticationError as error:
        return organization, [_problem("key", error)]
    if all(route.state == "problem" for route in routes):
        return organization, [replace(routes[0], name="routes")]
    return organization, [key, *routes]


def _key(client: OutlitClient, budget: Budget) -> tuple[Check, str | None]:
    """Whose key it is, which only holds if another route accepts the key."""
    try:
        organization = client.organization(budget=budget)
    except AuthenticationError:
        raise
    except ApiError as error:
        said, cure = _parts(error)
        return Check("key", "warning", f"accepted; Outlit did not say whose it is: {said}", cure), None
    if organization is None:
        cure = "Nothing to do, but two limits apply: see docs/limits.md."
        return Check("key", "warning", "accepted; this service does not say whose it is", cure), None
    return Check("key", "ok", f"accepted; organization {plain(organization)}"), organization


def _example(items: Sequence[IntegrationItem]) -> str:
    """A provider that the workspace offers, rather one that is connected."""
    return next((item.id for item in items if item.connected), items[0].id if items else next(iter(catalog.PROVIDERS)))


def _problem(name: str, error: ApiError | ConfigurationError) -> Check:
    found, cure = _parts(error)
    return Check(name, "problem", found, cure)


def _parts(error: OutlitError) -> tuple[str, str]:
    """What is wrong and what helps: the first sentence of an error of ours, and the others."""
    text = exits.told(error)
    first = _SENTENCE.match(text)
    cure = "Run again." if isinstance(error, ApiError) else "Correct that and run again."
    return (first[1], text[first.end() :]) if first else (text.rstrip("."), cure)


def _engine(environ: Mapping[str, str]) -> Iterator[Check]:
    """What runs programs and dynamic providers."""
    pulumi = find("pulumi", environ)
    if pulumi is None:
        yield Check("pulumi", "problem", "not on PATH", _INSTALL)
        return
    yield _version(pulumi, environ)
    # Pulumi looks beside its own executable, too, also where that is a link to elsewhere.
    folders = (environ.get("PATH", os.defpath), os.path.dirname(pulumi), os.path.dirname(os.path.realpath(pulumi)))
    for name, file in _PARTS.items():
        path = find(file, {"PATH": os.pathsep.join(folders)})
        if path is None:
            yield Check(name, "problem", f"{file} is neither beside `pulumi` nor on PATH", _INSTALL)
        else:
            beside = os.path.dirname(path) == os.path.dirname(pulumi)
            yield Check(name, "ok", f"{file}, beside it" if beside else path)


def _version(pulumi: str, environ: Mapping[str, str]) -> Check:
    said = ""
    with suppress(OSError, subprocess.TimeoutExpired):
        said = run([pulumi, "version"], environ).stdout.strip()
    version = re.match(r"v?(\d+)\.(\d+)\S*", said)
    if version is None:
        return Check("pulumi", "problem", f"{pulumi} does not tell its version", _INSTALL)
    found = f"{plain(version[0])}, {pulumi}"
    if int(version[1]) == OLDEST[0] and int(version[2]) >= OLDEST[1]:
        return Check("pulumi", "ok", found)
    cure = f"Install {OLDEST[0]}.{OLDEST[1]} or later of {OLDEST[0]}.x: https://www.pulumi.com/docs/install/"
    return Check("pulumi", "problem", found, cure)


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
