"""The page behind ``connectUrl``, which stands for Outlit's website: for people, in a browser.

Nobody signs in: whoever opens it on this machine is a member of every workspace. It works without JavaScript, shows no
key and no credential, and neither appears in the call log nor meets faults. It needs no key, so it takes forms from
itself only: any website that is open in a browser here can send one (cross-site request forgery).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import NoReturn
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

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

Fields = Mapping[str, str]
"""What came with a request: the query of a GET or HEAD, else the form."""

_READING = ["GET", "HEAD"]


class _Problem(Exception):
    """A request that leads to a page of its own, which says what is wrong."""

    def __init__(self, status: int, title: str, text: str, workspace: str | None = None) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.text = text
        self.workspace = workspace


@dataclass(frozen=True)
class _Notice:
    """What became of the form that was sent last."""

    good: bool
    title: str
    text: str


def page_routes(store: Store) -> APIRouter:
    """The routes of the page, for an app of this store."""
    routes = APIRouter(prefix="/integrations", include_in_schema=False)

    async def serve(request: Request, work: Callable[[Fields], Response]) -> Response:
        try:
            if request.method == "POST" and not _is_same_origin(request):
                raise _Problem(403, "Not from here", "This form was sent from another site. Nothing was changed.")
            return work(await _fields(request))
        except _Problem as problem:
            return _html("problem.html", problem.status, problem=problem, workspace=problem.workspace)

    def workspace_of(fields: Fields) -> str:
        names, name = store.workspaces(), _field(fields, "workspace")
        if name not in names:
            raise _Problem(404, "No such workspace", "This sandbox has no workspace of that name.")
        return name

    @routes.api_route("", methods=_READING)
    async def show(request: Request) -> Response:
        def work(fields: Fields) -> Response:
            names = store.workspaces()
            if "workspace" not in fields and len(names) > 1:
                waiting = {name: len(store.pending_sessions(name)) for name in names}
                return _html("workspaces.html", waiting=waiting)
            workspace = workspace_of({"workspace": names[0], **fields})
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

        return await serve(request, work)

    @routes.api_route("/", methods=_READING)
    @routes.api_route("/connect", methods=_READING)
    @routes.api_route("/approve", methods=_READING)
    @routes.api_route("/deny", methods=_READING)
    async def go_to_page(request: Request) -> Response:
        # From the browser's history, or typed: what these change, they change for forms only.
        def work(fields: Fields) -> Response:
            about = {"workspace": fields["workspace"]} if "workspace" in fields else {}
            return _go(_address(**about))

        return await serve(request, work)

    @routes.post("/connect")
    async def connect(request: Request) -> Response:
        def work(fields: Fields) -> Response:
            workspace = workspace_of(fields)
            provider = _provider(store, workspace, fields).offer.id
            store.start_session(workspace, provider)
            return _back(workspace)

        return await serve(request, work)

    @routes.post("/approve")
    async def approve(request: Request) -> Response:
        return await serve(request, lambda fields: end_session(fields, "connected", None))

    @routes.post("/deny")
    async def deny(request: Request) -> Response:
        return await serve(request, lambda fields: end_session(fields, "failed", DENIED))

    def end_session(fields: Fields, outcome: str, error: str | None) -> Response:
        workspace, session_id = workspace_of(fields), _field(fields, "session")
        try:
            store.finish_session(workspace, session_id, outcome, error)
        except InvalidRequest:
            _refuse_session(store, workspace, session_id)
        return _back(workspace, session=session_id)

    @routes.api_route("/disconnect", methods=_READING)
    async def confirm_disconnect(request: Request) -> Response:
        def work(fields: Fields) -> Response:
            workspace = workspace_of(fields)
            integration = _provider(store, workspace, fields)
            if integration.connection is None:
                raise _not_connected(integration, workspace)
            return _html("disconnect.html", workspace=workspace, integration=integration)

        return await serve(request, work)

    @routes.post("/disconnect")
    async def disconnect(request: Request) -> Response:
        def work(fields: Fields) -> Response:
            workspace = workspace_of(fields)
            integration = _provider(store, workspace, fields)
            try:
                store.disconnect(workspace, integration.offer.id)
            except NotConnected:
                raise _not_connected(integration, workspace) from None
            return _back(workspace, disconnected=integration.offer.id)

        return await serve(request, work)

    @routes.api_route("/style.css", methods=_READING)
    async def style() -> Response:
        return _file("style.css", "text/css")

    @routes.api_route("/icon.svg", methods=_READING)
    async def icon() -> Response:
        return _file("icon.svg", "image/svg+xml")

    return routes


# Reading


def _is_same_origin(request: Request) -> bool:
    """Whether a form was sent from a page of this very server. Browsers send ``Origin`` with every POST."""
    origin = request.headers.get("origin", "").lower()
    site = request.headers.get("sec-fetch-site", "same-origin")
    return origin == f"http://{request.headers.get('host', '')}".lower() and site == "same-origin"


async def _fields(request: Request) -> Fields:
    if request.method in _READING:
        text = request.scope["query_string"]
    else:
        text = await request.body()
    try:
        fields = parse_qs(text.decode(errors="replace"), keep_blank_values=True, max_num_fields=16)
    except ValueError:
        fields = {}
    # One that is given twice counts as missing.
    return {name: values[0] for name, values in fields.items() if len(values) == 1}


def _field(fields: Fields, name: str) -> str:
    if name not in fields:
        raise _Problem(400, "Something is missing", f"The request has no {name}. Nothing was changed.")
    return fields[name]


def _provider(store: Store, workspace: str, fields: Fields) -> Integration:
    try:
        return store.integration(workspace, _field(fields, "provider"))
    except InvalidRequest:
        raise _Problem(404, "No such provider", "This sandbox does not offer that provider.", workspace) from None


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


def _refuse_session(store: Store, workspace: str, session_id: str) -> NoReturn:
    """Says why a session cannot be ended."""
    try:
        session = store.session(workspace, session_id)
    except InvalidRequest:
        text = "There is no such request in this workspace. It may be one of an earlier run of the sandbox."
        raise _Problem(404, "No such request", text, workspace) from None
    name = store.offers[session.provider].name
    if session.status == "expired":
        title = "This request has expired"
        text = f"It was not answered within {_span(SESSION_SECONDS * 1000)}. Ask again to connect {name}."
    else:
        title = "This request was answered already"
        text = f"{name} was connected." if session.status == "connected" else f"{name} was not connected."
    raise _Problem(409, title, f"{text} Nothing was changed now.", workspace)


def _not_connected(integration: Integration, workspace: str) -> _Problem:
    name = integration.offer.name
    return _Problem(409, f"{name} is not connected", "There is nothing to disconnect.", workspace)


# Answering


def _back(workspace: str, **about: str) -> Response:
    return _go(_address("", workspace=workspace, **about))


def _go(address: str) -> Response:
    return Response(status_code=303, headers={**_HEADERS, "Location": address})


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
