"""`python tools/engine`: finds a Pulumi engine on this machine, or makes one, and prints the folder of its executables.

Four routes, best first: the ``pulumi`` on PATH, a copy made earlier, the official download by the Pulumi SDK, and a
build from the published Go modules that ``cli/go.mod`` and ``host/go.mod`` pin. All talk goes to stderr; stdout has the
folder alone, so that a Makefile can take it. Exit code: 0, or 1 when there is no engine, 130 on Ctrl-C, 143 on SIGTERM.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

HERE = Path(__file__).parent
EXECUTABLES = (
    "pulumi",
    "pulumi-language-python",  # the language host: runs the user's program
    "pulumi-language-python-exec",  # the script that the language host starts
    "pulumi-resource-pulumi-python",  # the script that starts dynamic providers
)
OLDEST = (3, 147, 0)
CLI_MODULE = "github.com/pulumi/pulumi/pkg/v3"
SDK_MODULE = "github.com/pulumi/pulumi/sdk/v3"
SCRIPTS = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")
SIGN_OF_LIFE_SECONDS = 15.0
ANSWER_SECONDS = 60.0
DOWNLOAD_SECONDS = 300.0
BUILD_SECONDS = 3600.0
BY_HAND = """\
Install Pulumi by hand, 3.147 or later:  https://www.pulumi.com/docs/install/
Then run this command again in a new terminal."""

DOWNLOAD = """\
import socket, sys
socket.setdefaulttimeout(20)
from pulumi.automation import PulumiCommand
from semver import VersionInfo
try:
    PulumiCommand.install(root=sys.argv[1], version=VersionInfo.parse(sys.argv[2]), skip_version_check=True)
except OSError as error:
    sys.exit(f"the download failed ({error})")
"""
"""The SDK's installer has no time limit: in a process of its own it can be stopped."""


class UnavailableError(Exception):
    """This route leads to no engine; the message is the reason, as part of a sentence."""


def say(line: str) -> None:
    """Shows a line at once."""
    print(line, file=sys.stderr, flush=True)


def spell(seconds: float) -> str:
    """A duration as people say it: `45 s`, `3 min 5 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def run(
    label: str, argv: Sequence[str | Path], log: Path, *, limit: float, cwd: Path | None = None, **env: str
) -> tuple[int | None, str]:
    """Runs a program to its end, with a sign of life every 15 seconds, and adds what it prints to a log.

    When its time is up, or this process is interrupted, it is killed together with everything that it started.

    Returns:
        Its exit code, None when its time was up, and what it printed.

    Raises:
        UnavailableError: it cannot be started.
    """
    # A file, not a pipe: a grandchild that keeps a pipe open cannot hold us up.
    with log.open("a+b") as output:
        begin = output.seek(0, os.SEEK_END)
        try:
            process = subprocess.Popen(
                argv,
                cwd=cwd,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a group of its own, so that all of it can be killed
            )
        except OSError as error:
            raise UnavailableError(f"{argv[0]} cannot be run ({error.strerror})") from error
        started = time.monotonic()
        code = None
        try:
            while code is None and (left := started + limit - time.monotonic()) > 0:
                try:
                    code = process.wait(timeout=min(SIGN_OF_LIFE_SECONDS, left))
                except subprocess.TimeoutExpired:
                    say(f"  {label}: {spell(time.monotonic() - started)}")
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        output.seek(begin)
        return code, output.read().decode(errors="replace")


def last_line(text: str) -> str:
    """Where programs put the reason of a failure."""
    lines = [line.strip() for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it printed nothing"


def version_in(text: str) -> tuple[int, int, int] | None:
    """The release in what `pulumi version` printed, or in a line of a go.mod."""
    found = re.search(r"(?:^|\s)v?(\d+)\.(\d+)\.(\d+)(?![.\d])", text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def pinned(module: str, required: str) -> str:
    """The version of a module that a go.mod here requires, such as `3.259.0`."""
    found = re.search(rf"^require {re.escape(required)} v(\S+)", (HERE / module / "go.mod").read_text(), re.MULTILINE)
    assert found, f"{module}/go.mod does not require {required}"
    return found[1]


def missing(*folders: Path) -> str:
    """The executables of an engine that none of these folders has."""
    path = os.pathsep.join(map(str, folders))
    return ", ".join(name for name in EXECUTABLES if not shutil.which(name, path=path))


def version_of(pulumi: Path) -> tuple[int, int, int]:
    """The version that this `pulumi` tells."""
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "log"
        code, said = run(
            "asking for its version", [pulumi, "version"], log, limit=ANSWER_SECONDS, PULUMI_SKIP_UPDATE_CHECK="true"
        )
    version = version_in(said)
    if code != 0 or version is None:
        reason = "no answer" if code is None else f"exit code {code}: {last_line(said)}"
        raise UnavailableError(f"the version of {pulumi} cannot be read ({reason})")
    return version


def on_path() -> Path:
    """The folder of the `pulumi` on PATH, which must be new enough and whole."""
    found = shutil.which("pulumi")
    if not found:
        raise UnavailableError("there is none")
    pulumi = Path(found).absolute()
    version = version_of(pulumi)
    if version < OLDEST or version[0] != OLDEST[0]:
        shown = ".".join(map(str, version))
        raise UnavailableError(f"{pulumi} is version {shown}; needed is 3.147 or later of 3.x")
    # Pulumi looks for the others on PATH and beside its own executable, also where that is a link to elsewhere.
    beside = [pulumi.parent, pulumi.resolve().parent]
    for folder in beside:
        if not missing(folder):
            return folder
    if absent := missing(*beside, *map(Path, os.environ.get("PATH", os.defpath).split(os.pathsep))):
        raise UnavailableError(f"{pulumi} lacks {absent}, beside it or on PATH")
    return pulumi.parent


class Cache:
    """The folder that keeps the pinned release for this platform, outside the checkout.

    An engine is made in a temporary folder beside its place and moved there when it is whole, so a run that is killed
    leaves nothing that could be taken for an engine; the next run removes what it does leave.
    """

    def __init__(self) -> None:
        base = Path(os.environ.get("XDG_CACHE_HOME", ""))
        if not base.is_absolute():  # the XDG rules say to ignore it then
            base = Path("~/.cache").expanduser()
        chosen = os.environ.get("OUTLIT_ENGINE_CACHE")
        self.root = Path(chosen).expanduser().absolute() if chosen else base / "outlit-pulumi" / "engine"
        self.version = pinned("cli", CLI_MODULE)
        self.name = f"v{self.version}-{platform.system().lower()}-{platform.machine()}"
        self.home = self.root / self.name
        self.log = self.root / f"{self.name}.build.log"

    def get(self) -> Path:
        """The folder of a copy made earlier."""
        if not self.home.exists():
            raise UnavailableError("nothing there yet")
        # A cache folder that was copied or restored in part can lack either.
        if absent := missing(self.home / "bin"):
            raise UnavailableError(f"it is incomplete: {absent} is missing")
        if not (self.home / "complete").is_file():
            raise UnavailableError("it is incomplete: the mark that it was finished is missing")
        return self.home / "bin"

    def fill(self, make: Callable[[Path, Path], None]) -> Path:
        """Makes an engine in the first folder, with temporary files in the second, and keeps it if it works.

        What another run made while this one waited for its turn is taken instead.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UnavailableError(
                f"the cache folder {self.root} cannot be made ({error.strerror}); OUTLIT_ENGINE_CACHE can name another"
            ) from error
        with self._alone():
            try:
                return self.get()
            except UnavailableError:
                self._tidy()
            try:
                scratch = Path(tempfile.mkdtemp(prefix=f"{self.name}.tmp-", dir=self.root))
                home, work = scratch / "engine", scratch / "work"
                (home / "bin").mkdir(parents=True)
                work.mkdir()
                make(home, work)
                if absent := missing(home / "bin"):
                    raise UnavailableError(f"the result lacks {absent}")
                if (found := version_of(home / "bin" / "pulumi")) != version_in(self.version):
                    raise UnavailableError(f"the result is version {'.'.join(map(str, found))}, not {self.version}")
                (home / "complete").touch()
                shutil.rmtree(self.home, ignore_errors=True)
                home.rename(self.home)
            finally:
                self._tidy()
        return self.home / "bin"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Holds the one writer's place. The system frees it when a process ends, however it ends."""
        lock = FileLock(self.root / f"{self.name}.lock")
        started, wait = time.monotonic(), 0.0
        while True:
            try:
                lock.acquire(timeout=wait)
                break
            except Timeout:
                say(f"  another run is making the engine; waiting for it: {spell(time.monotonic() - started)}")
                wait = SIGN_OF_LIFE_SECONDS
        with lock:
            yield

    def _tidy(self) -> None:
        for folder in self.root.glob(f"{self.name}.tmp-*"):
            shutil.rmtree(folder, ignore_errors=True)


def download(cache: Cache) -> Callable[[Path, Path], None]:
    """The official release, fetched by the Pulumi SDK."""

    def make(home: Path, work: Path) -> None:
        argv: list[str | Path] = [sys.executable, "-c", DOWNLOAD, home, cache.version]
        code, said = run("downloading", argv, work / "log", limit=DOWNLOAD_SECONDS, cwd=work, TMPDIR=str(work))
        if code != 0:
            late = f"it did not finish within {spell(DOWNLOAD_SECONDS)}"
            raise UnavailableError(late if code is None else last_line(said))

    return make


def build(cache: Cache) -> Callable[[Path, Path], None]:
    """The pinned release, compiled here from its published Go modules."""

    def make(home: Path, work: Path) -> None:
        go = shutil.which("go")
        if not go:
            raise UnavailableError("there is no go command on PATH")
        cache.log.write_bytes(b"")

        def step(label: str, module: str, *arguments: str) -> str:
            say(f"  {label}")
            # A go.work file above the checkout must not change what is built. Temporary files get removed.
            argv = [go, *arguments]
            env = {"GOWORK": "off", "GOTMPDIR": str(work)}
            code, said = run(label, argv, cache.log, limit=BUILD_SECONDS, cwd=HERE / module, **env)
            if code == 0:
                return said
            for line in said.splitlines()[-15:]:
                say(f"  | {line}")
            how = f"exit code {code}" if code is not None else f"not done after {spell(BUILD_SECONDS)}"
            raise UnavailableError(f"{label} failed ({how}); its whole output is in {cache.log}")

        def compile_(label: str, module: str, package: str, version: str) -> None:
            # Without the stamp `pulumi version` is empty. Flags here win over GOFLAGS.
            stamp = f"-s -w -X {SDK_MODULE}/go/common/version.Version=v{version}"
            flags = (
                "-mod=readonly",
                "-buildvcs=false",
                "-trimpath",
                "-ldflags",
                stamp,
                "-o",
                str(home / "bin") + os.sep,
            )
            step(label, module, "build", *flags, package)

        say("  this takes a few minutes, once")
        # The host first: it takes seconds, so a setup that cannot work shows early.
        host = pinned("host", SDK_MODULE)
        compile_("building the Python language host", "host", f"{SDK_MODULE}/python/cmd/pulumi-language-python", host)
        compile_("building the pulumi command", "cli", f"{CLI_MODULE}/cmd/pulumi", cache.version)
        listing = ("list", "-mod=readonly", "-m", "-f", "{{.Dir}}", SDK_MODULE)
        source = Path(step("finding the launcher scripts", "cli", *listing).strip().rpartition("\n")[2])
        for script in SCRIPTS:
            copy = home / "bin" / Path(script).name
            shutil.copyfile(source / script, copy)
            copy.chmod(0o755)

    return make


def find() -> Path | None:
    """The folder of the first engine that a route leads to; None, with what was tried and what to do, if none does."""
    cache = Cache()
    routes: dict[str, Callable[[], Path]] = {
        "pulumi on PATH": on_path,
        f"a copy made earlier, {cache.home}": cache.get,
        f"the official download of Pulumi {cache.version}": lambda: cache.fill(download(cache)),
        f"a build of Pulumi {cache.version} from its Go modules": lambda: cache.fill(build(cache)),
    }
    tried = []
    for title, attempt in routes.items():
        say(f"Trying {title}")
        try:
            folder = attempt()
        except (UnavailableError, OSError) as error:
            say(f"  no: {error}")
            tried.append(f"  - {title}: {error}")
        else:
            say("  yes")
            return folder
    say("\n".join(["\nNo Pulumi engine could be found or made. Tried:", *tried, "", BY_HAND]))
    return None


def main() -> int:
    """Finds an engine, prints its folder, and returns the exit code."""
    # Ended from outside, clean up as after Ctrl-C: children killed, temporary files removed.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    try:
        folder = find()
    except KeyboardInterrupt:
        say("\nStopped. Nothing is left half done; run it again whenever you like.")
        return 128 + signal.SIGINT
    if folder is None:
        return 1
    print(folder, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
