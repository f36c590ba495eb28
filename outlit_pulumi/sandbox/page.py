"""The page behind ``connectUrl``, which stands for Outlit's website: for people, in a browser.

Nobody signs in: whoever opens it on this machine is a member of every workspace. It works without JavaScript, shows no
key and no credential, and neither appears in the call log nor meets faults. It needs no key, so it takes forms from
itself only: any website that is open in a browser here can send one (cross-site request forgery).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Annotated
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Depends, Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from outlit_pulumi.sandbox.dependencies import Here
from outlit_pulumi.sandbox.state import Session
from outlit_pulumi.sandbox.store import (
    SESSION_SECONDS,
    Integration,
    InvalidRequest,
    NotConnected,
    Store,
    timestamp,
)

DENIED = "Access was denied in the browser (access_denied)."
"""Why a session failed that a person denied, as a poll then says."""

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Not no-referrer: with that, browsers send forms with the origin "null".
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_FILES = resources.files(__package__) / "templates"
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))

_READING = ["GET", "HEAD"]


class Problem(Exception):
    """A request that leads to a page of its own, which says what is wrong."""

    def __init__(self, status: int, title: str, text: str, workspace: str | None = None) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.text = text
        self.workspace = workspace


def show_problem(problem: Problem) -> Response:
    """The page that says what is wrong."""
    return _html("problem.html", problem.status, problem=problem, workspace=problem.workspace)


@dataclass(frozen=True)
class _Notice:
    """What became of the form that was sent last."""

    good: bool
    title: str
    text: str


async def _fields(request: Request) -> Mapping[str, str]:
    """What came with a request: the query of a GET or HEAD, else the form, which must come from this very server."""
    if request.method in _READING:
        text = request.scope["query_string"]
    elif _is_same_origin(request):
        text = await request.body()
    else:
        raise Problem(403, "Not from here", "This form was sent from another site. Nothing was changed.")
    try:
        fields = parse_qs(text.decode(errors="replace"), keep_blank_values=True, max_num_fields=16)
    except ValueError:
        fields = {}
    # One that is given twice counts as missing.
    return {name: values[0] for name, values in fields.items() if len(values) == 1}


def _is_same_origin(request: Request) -> bool:
    """Whether a form was sent from a page of this very server. Browsers send ``Origin`` with every POST."""
    origin = request.headers.get("origin", "").lower()
    site = request.headers.get("sec-fetch-site", "same-origin")
    return origin == f"http://{request.headers.get('host', '')}".lower() and site == "same-origin"


Fields = Annotated[Mapping[str, str], Depends(_fields)]


def _field(fields: Mapping[str, str], name: str) -> str:
    if name not in fields:
        raise Problem(400, "Something is missing", f"The request has no {name}. Nothing was changed.")
    return fields[name]


async def _workspace(here: Here, fields: Fields) -> str:
    """The workspace that a request names."""
    name = _field(fields, "workspace")
    if name not in here.store.workspaces():
        raise Problem(404, "No such workspace", "This sandbox has no workspace of that name.")
    return name


NamedWorkspace = Annotated[str, Depends(_workspace)]


async def _integration(here: Here, fields: Fields, workspace: NamedWorkspace) -> Integration:
    """The provider that a request names, as the workspace sees it."""
    try:
        return here.store.integration(workspace, _field(fields, "provider"))
    except InvalidRequest:
        raise Problem(404, "No such provider", "This sandbox does not offer that provider.", workspace) from None


NamedIntegration = Annotated[Integration, Depends(_integration)]

routes = APIRouter(prefix="/integrations", include_in_schema=False)


@routes.api_route("", methods=_READING)
async def show(here: Here, fields: Fields) -> Response:
    """All integrations of a workspace, or all workspaces."""
    store = here.store
    names = store.workspaces()
    if "workspace" not in fields and len(names) > 1:
        return _html("workspaces.html", waiting={name: len(store.pending_sessions(name)) for name in names})
    workspace = await _workspace(here, {"workspace": names[0], **fields})
    integrations = store.integrations(workspace)
    known = {item.offer.id: item for item in integrations}
    sessions = store.pending_sessions(workspace)
    return _html(
        "integrations.html",
        workspace=workspace,
        several=len(names) > 1,
        plan=store.plan(workspace),
        now=store.now(),
        notice=_notice(store, workspace, known, fields),
        requests=[(session, known[session.provider]) for session in sessions],
        asked={session.provider for session in sessions},
        integrations=integrations,
    )


@routes.api_route("/", methods=_READING)
@routes.api_route("/connect", methods=_READING)
@routes.api_route("/approve", methods=_READING)
@routes.api_route("/deny", methods=_READING)
async def go_to_page(fields: Fields) -> Response:
    """For the browser's history, or what is typed: what these change, they change for forms only."""
    return _go(**{name: value for name, value in fields.items() if name == "workspace"})


@routes.post("/connect")
async def connect(here: Here, workspace: NamedWorkspace, integration: NamedIntegration) -> Response:
    """Starts a browser session."""
    here.store.start_session(workspace, integration.offer.id)
    return _go(workspace=workspace)


@routes.post("/approve")
async def approve(here: Here, workspace: NamedWorkspace, fields: Fields) -> Response:
    """Ends a browser session well."""
    return _end_session(here.store, workspace, _field(fields, "session"), "connected")


@routes.post("/deny")
async def deny(here: Here, workspace: NamedWorkspace, fields: Fields) -> Response:
    """Ends a browser session."""
    return _end_session(here.store, workspace, _field(fields, "session"), "failed", DENIED)


def _end_session(store: Store, workspace: str, session_id: str, outcome: str, error: str | None = None) -> Response:
    try:
        store.finish_session(workspace, session_id, outcome, error)
    except InvalidRequest:
        raise _ended(store, workspace, session_id) from None
    return _go(workspace=workspace, session=session_id)


@routes.api_route("/disconnect", methods=_READING)
async def confirm_disconnect(workspace: NamedWorkspace, integration: NamedIntegration) -> Response:
    """Asks before it disconnects."""
    if integration.connection is None:
        raise _not_connected(integration, workspace)
    return _html("disconnect.html", workspace=workspace, integration=integration)


@routes.post("/disconnect")
async def disconnect(here: Here, workspace: NamedWorkspace, integration: NamedIntegration) -> Response:
    """Disconnects."""
    try:
        here.store.disconnect(workspace, integration.offer.id)
    except NotConnected:
        raise _not_connected(integration, workspace) from None
    return _go(workspace=workspace, disconnected=integration.offer.id)


@routes.api_route("/style.css", methods=_READING)
async def style() -> Response:
    """How the page looks."""
    return _file("style.css", "text/css")


@routes.api_route("/icon.svg", methods=_READING)
async def icon() -> Response:
    """The page's icon."""
    return _file("icon.svg", "image/svg+xml")


# Saying what happened


def _notice(store: Store, workspace: str, known: Mapping[str, Integration], fields: Fields) -> _Notice | None:
    """What to say of the session or provider that the address names: how it stands, whatever the address claims."""
    if "session" in fields:
        try:
            session = store.session(workspace, fields["session"])
        except InvalidRequest:
            return None
        name = known[session.provider].offer.name
        if session.status == "connected":
            return _Notice(True, f"{name} is connected", "You can close this page and go back to where you came from.")
        if session.status == "failed":
            return _Notice(False, f"{name} was not connected", session.error or "No reason was given.")
    integration = known.get(fields.get("disconnected", ""))
    if integration is not None and integration.connection is None:
        return _Notice(True, f"{integration.offer.name} is disconnected", "What was synced from it has been deleted.")
    return None


def _ended(store: Store, workspace: str, session_id: str) -> Problem:
    """Why a session cannot be ended."""
    try:
        session = store.session(workspace, session_id)
    except InvalidRequest:
        text = "There is no such request in this workspace. It may be one of an earlier run of the sandbox."
        return Problem(404, "No such request", text, workspace)
    name = store.offers[session.provider].name
    if session.status == "expired":
        title = "This request has expired"
        text = f"It was not answered within {_span(SESSION_SECONDS * 1000)}. Ask again to connect {name}."
    else:
        title = "This request was answered already"
        text = f"{name} was connected." if session.status == "connected" else f"{name} was not connected."
    return Problem(409, title, f"{text} Nothing was changed now.", workspace)


def _not_connected(integration: Integration, workspace: str) -> Problem:
    name = integration.offer.name
    return Problem(409, f"{name} is not connected", "There is nothing to disconnect.", workspace)


# Answering


def _go(**about: str) -> Response:
    return Response(status_code=303, headers={**_HEADERS, "Location": _address(**about)})


def _html(template: str, status: int = 200, **values: object) -> Response:
    content = _TEMPLATES.get_template(template).render({"workspace": None, "several": False, **values})
    return Response(content, status, _HEADERS, "text/html")


def _file(name: str, media_type: str) -> Response:
    return Response((_FILES / name).read_bytes(), headers=_HEADERS, media_type=media_type)


# What templates use


def _address(path: str = "", **query: str) -> str:
    """The address of a page."""
    return f"/integrations{path}?{urlencode(query)}" if query else f"/integrations{path}"


def _span(milliseconds: int) -> str:
    """A length of time in words, in its largest whole unit."""
    for seconds, unit in _UNITS:
        count = milliseconds // 1000 // seconds
        if count:
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a minute"


def _expires_in(session: Session, now: int) -> str:
    return _span(session.created_at + SESSION_SECONDS * 1000 - now)


def _listed(names: Sequence[str]) -> str:
    """Names in a sentence: ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


_TEMPLATES = Environment(
    loader=PackageLoader(__package__),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals["address"] = _address
_TEMPLATES.filters.update(span=_span, listed=_listed, expires_in=_expires_in, timestamp=timestamp)
