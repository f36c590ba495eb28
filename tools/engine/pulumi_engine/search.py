"""The four routes in order, and what the user reads."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .commands import Say
from .engine import NEEDED, UnavailableError, on_path
from .makers import Modules, build, download
from .store import Store, cache_root

BY_HAND = f"""\
Install Pulumi by hand, {NEEDED}:  https://www.pulumi.com/docs/install/
Then run this command again in a new terminal."""


@dataclass(frozen=True)
class Route:
    """One way to an engine: what it is called, and what returns the folder or raises UnavailableError or OSError."""

    title: str
    attempt: Callable[[], Path]


class NoEngineError(Exception):
    """No route led to an engine; the message says what was tried, and what the user can do."""


def routes(say: Say) -> list[Route]:
    """The ways to an engine, best first."""
    env = os.environ
    modules = Modules()
    store = Store(cache_root(env), modules.version, env)
    log = store.root / f"{store.name}.build.log"
    return [
        Route("pulumi on PATH", lambda: on_path(env)),
        Route(f"a copy made earlier, {store.home}", store.get),
        Route(
            f"the official download of Pulumi {store.version}",
            lambda: store.fill(download(store.version, env, say), say),
        ),
        Route(
            f"a build of Pulumi {store.version} from its Go modules",
            lambda: store.fill(build(modules, env, say, log), say),
        ),
    ]


def find(ways: Sequence[Route], say: Say) -> Path:
    """The folder of the first engine that these routes lead to. Raises NoEngineError when there is none."""
    tried: list[str] = []
    for route in ways:
        say(f"Trying {route.title}")
        try:
            folder = route.attempt()
        except (UnavailableError, OSError) as error:
            say(f"  no: {error}")
            tried.append(f"  - {route.title}: {error}")
        else:
            say("  yes")
            return folder
    raise NoEngineError("\n".join(["No Pulumi engine could be found or made. Tried:", *tried, "", BY_HAND]))


def main(choose: Callable[[Say], Sequence[Route]]) -> int:
    """Find an engine and print its folder as the only line on stdout; all other talk goes to stderr."""
    # Ended from outside, clean up as after Ctrl-C: children killed, temporary files removed.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, frame: sys.exit(128 + received))
    try:
        folder = find(choose(lambda line: _tell(f"  {line}")), _tell)
    except NoEngineError as error:
        _tell(f"\n{error}")
        return 1
    except KeyboardInterrupt:
        _tell("\nStopped. Nothing is left half done; run it again whenever you like.")
        return 128 + signal.SIGINT
    print(folder, flush=True)
    return 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
