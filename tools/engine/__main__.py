"""`python tools/engine` finds a Pulumi engine on this machine, or makes one, and prints the folder of its executables.

It tries four routes, best first: the ``pulumi`` on PATH, a copy made earlier, the official download by the Pulumi SDK,
and a build from the published Go modules that ``cli/go.mod`` and ``host/go.mod`` pin. All messages go to stderr; stdout
has the folder alone, for the Makefile. Exit code: 0, or 1 when there is no engine, 130 on Ctrl-C, 143 on SIGTERM.
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
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

HERE = Path(__file__).parent
EXECUTABLES = (
    "pulumi",
    "pulumi-language-python",  # the language host: runs the user's program
    "pulumi-language-python-exec",  # the script that the language host starts
    "pulumi-resource-pulumi-python",  # the script that starts dynamic providers
)
CLI_MODULE = "github.com/pulumi/pulumi/pkg/v3"
SDK_MODULE = "github.com/pulumi/pulumi/sdk/v3"
SIGN_OF_LIFE_SECONDS = 15.0
ANSWER_SECONDS = 60.0
DOWNLOAD_SECONDS = 300.0
BUILD_SECONDS = 3600.0
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

DOWNLOAD = """\
import socket, subprocess, sys
from pulumi.automation import PulumiCommand
from semver import VersionInfo
socket.setdefaulttimeout(20)
try:
    PulumiCommand.install(root=sys.argv[1], version=VersionInfo.parse(sys.argv[2]))
except subprocess.CalledProcessError as error:
    sys.exit(error.output.decode(errors="replace"))
except OSError as error:
    sys.exit(str(error))
"""
"""The SDK's installer has no time limit, so it runs in a process that can be stopped."""

BY_HAND = """
Install Pulumi by hand, 3.147 or later:  https://www.pulumi.com/docs/install/
Then run this command again in a new terminal. OUTLIT_ENGINE_CACHE can name another cache folder."""


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
    task: str, argv: Sequence[str | Path], limit: float, *, log: Path | None = None, cwd: Path | None = None, **env: str
) -> str:
    """Runs a program, with a sign of life every 15 seconds, and returns its output, which also goes to the log.

    When its time is up, or this process is interrupted, the program is killed with everything that it started.

    Raises:
        UnavailableError: the program failed or was too slow; if there is a log, the end of the output was shown.
    """
    started = said = time.monotonic()
    interrupts: list[int] = []

    def note(number: int, _: object) -> None:
        interrupts.append(number)

    # A file, not a pipe: a grandchild that keeps a pipe open would hold this process up.
    with log.open("a+b") if log else tempfile.TemporaryFile() as output:
        begin = output.seek(0, os.SEEK_END)
        # Noted and obeyed below: raised in the midst of subprocess, one leaves the program running, or waits for ever.
        before = {number: signal.signal(number, note) for number in INTERRUPTS}
        try:
            process = subprocess.Popen(
                argv,
                cwd=cwd,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a process group of its own, so that all of it can be killed
            )
            while (code := process.poll()) is None and not interrupts and (now := time.monotonic()) < started + limit:
                if now >= said + SIGN_OF_LIFE_SECONDS:
                    said = now
                    say(f"  {task}: {spell(now - started)}")
                time.sleep(0.02)
            if code is None:
                with suppress(ProcessLookupError, PermissionError):  # it ended by itself meanwhile
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        for caught in interrupts:
            signal.raise_signal(caught)
        output.seek(begin)
        printed = output.read().decode(errors="replace")
    if code == 0:
        return printed
    lines = [line.strip() for line in re.sub(r"\x1b\[[0-9;]*m", "", printed).splitlines() if line.strip()]
    reason = lines[-1][:300] if lines else "it printed nothing"  # programs put the reason last
    how = f"no end after {spell(limit)}" if code is None else f"exit code {code}: {reason}"
    if log is None:
        raise UnavailableError(f"{task} failed ({how})")
    for line in lines[-15:]:
        say(f"  | {line}")
    raise UnavailableError(f"{task} failed ({how}); its whole output is in {log}")


def pinned(module: str) -> str:
    """The version of Pulumi that a wrapper module here requires, such as `3.259.0`."""
    found = re.search(r"^require github\.com/pulumi/\S+ v(\S+)", (HERE / module / "go.mod").read_text(), re.MULTILINE)
    assert found, f"{module}/go.mod does not require Pulumi"
    return found[1]


def cache_root() -> Path:
    """Where engines are kept between runs: outside the checkout, unless the user says otherwise."""
    if chosen := os.environ.get("OUTLIT_ENGINE_CACHE"):
        return Path(chosen).expanduser().absolute()
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not base.is_absolute():  # the XDG rules say to ignore it then
        base = Path("~/.cache").expanduser()
    return base / "outlit-pulumi" / "engine"


VERSION = pinned("cli")
HOME = cache_root() / f"v{VERSION}-{platform.system().lower()}-{platform.machine()}"
LOG = HOME.with_name(f"{HOME.name}.build.log")


def missing(*folders: Path) -> str:
    """The executables of an engine that none of these folders has."""
    path = os.pathsep.join(map(str, folders))
    return ", ".join(name for name in EXECUTABLES if not shutil.which(name, path=path))


def version_of(pulumi: Path) -> str:
    """The version that this `pulumi` tells, such as `3.259.0`."""
    task = f"asking {pulumi} for its version"
    printed = run(task, [pulumi, "version"], ANSWER_SECONDS, PULUMI_SKIP_UPDATE_CHECK="true")
    found = re.search(r"^v?(\d+\.\d+\.\d+)(?![.\d])", printed, re.MULTILINE)
    if not found:
        raise UnavailableError(f"{task} gave no version ({printed.strip()[:300]!r})")
    return found[1]


def on_path() -> Path:
    """The folder of the `pulumi` on PATH, which must be new enough and whole."""
    found = shutil.which("pulumi")
    if not found:
        raise UnavailableError("there is none")
    pulumi = Path(found).absolute()
    version = version_of(pulumi)
    major, minor, _ = map(int, version.split("."))
    if major != 3 or minor < 147:
        raise UnavailableError(f"{pulumi} is version {version}; needed is 3.147 or later of 3.x")
    # Pulumi looks for the others on PATH and beside its own executable, also where that is a link to elsewhere.
    beside = [pulumi.parent, pulumi.resolve().parent]
    if absent := missing(*beside, *map(Path, os.environ.get("PATH", os.defpath).split(os.pathsep))):
        raise UnavailableError(f"{pulumi} lacks {absent}, beside it or on PATH")
    return next((folder for folder in beside if not missing(folder)), pulumi.parent)


def cached() -> Path:
    """The folder of a copy made earlier."""
    if not HOME.exists():
        raise UnavailableError("nothing there yet")
    # A cache folder that was copied or restored in part can lack either.
    if absent := missing(HOME / "bin"):
        raise UnavailableError(f"it is incomplete: {absent} is missing")
    if not (HOME / "complete").is_file():
        raise UnavailableError("it is incomplete: the mark that it was finished is missing")
    return HOME / "bin"


def turn() -> AbstractContextManager[object]:
    """Waits until this process alone may write to the cache. The system frees the lock of a process that is killed."""
    lock = FileLock(HOME.with_name(f"{HOME.name}.lock"))
    started, wait = time.monotonic(), 0.0
    while True:
        try:
            return lock.acquire(timeout=wait)
        except Timeout:
            say(f"  another run is making the engine; waiting for it: {spell(time.monotonic() - started)}")
            wait = SIGN_OF_LIFE_SECONDS


def fill(make: Callable[[Path, Path], None]) -> Path:
    """Makes an engine in the first folder, with temporary files in the second, and keeps it in the cache if it works.

    It is made beside its place and moved there when it is whole: a run that is killed leaves nothing that could be
    taken for an engine. What another run made while this one waited for its turn is taken instead.
    """
    HOME.parent.mkdir(parents=True, exist_ok=True)
    prefix = f"{HOME.name}.tmp-"
    with turn():
        with suppress(UnavailableError):
            return cached()
        for leftover in HOME.parent.glob(f"{prefix}*"):  # of runs that were killed
            shutil.rmtree(leftover, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=prefix, dir=HOME.parent, ignore_cleanup_errors=True) as scratch:
            engine = Path(scratch, "engine")
            (engine / "bin").mkdir(parents=True)
            make(engine, Path(scratch))
            if absent := missing(engine / "bin"):
                raise UnavailableError(f"the result lacks {absent}")
            if (version := version_of(engine / "bin" / "pulumi")) != VERSION:
                raise UnavailableError(f"the result is version {version}, not {VERSION}")
            (engine / "complete").touch()
            shutil.rmtree(HOME, ignore_errors=True)
            engine.rename(HOME)
    return HOME / "bin"


def download(engine: Path, scratch: Path) -> None:
    """Has the Pulumi SDK fetch the official release."""
    argv = [sys.executable, "-c", DOWNLOAD, str(engine), VERSION]
    run("the download", argv, DOWNLOAD_SECONDS, cwd=scratch, TMPDIR=str(scratch))


def build(engine: Path, scratch: Path) -> None:
    """Compiles the pinned release from its published Go modules."""
    go = shutil.which("go")
    if not go:
        raise UnavailableError("there is no go command on PATH")
    LOG.write_bytes(b"")

    def step(task: str, module: str, *arguments: str) -> str:
        say(f"  {task}")
        # A go.work file above the checkout must not change what is built. The scratch folder gets removed.
        env = {"GOWORK": "off", "GOTMPDIR": str(scratch)}
        return run(task, [go, *arguments], BUILD_SECONDS, log=LOG, cwd=HERE / module, **env)

    say("  this takes a few minutes, once")
    # The host first: it takes seconds, so a setup that cannot work shows early.
    for task, module, package in (
        ("building the Python language host", "host", f"{SDK_MODULE}/python/cmd/pulumi-language-python"),
        ("building the pulumi command", "cli", f"{CLI_MODULE}/cmd/pulumi"),
    ):
        # Without the stamp `pulumi version` is empty. Flags here win over GOFLAGS.
        stamp = f"-s -w -X {SDK_MODULE}/go/common/version.Version=v{pinned(module)}"
        flags = ["-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags", stamp, "-o", f"{engine / 'bin'}{os.sep}"]
        step(task, module, "build", *flags, package)
    listing = step("finding the launcher scripts", "cli", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", SDK_MODULE)
    source = Path(listing.strip().rpartition("\n")[2])  # lines about downloads can come before it
    for script in ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python"):
        copy = engine / "bin" / Path(script).name
        shutil.copyfile(source / script, copy)
        copy.chmod(0o755)


def find() -> Path | None:
    """The folder of the first engine that a route leads to; None, with what was tried and what to do, if none does."""
    routes: dict[str, Callable[[], Path]] = {
        "pulumi on PATH": on_path,
        f"a copy made earlier, {HOME}": cached,
        f"the official download of Pulumi {VERSION}": lambda: fill(download),
        f"a build of Pulumi {VERSION} from its Go modules": lambda: fill(build),
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
    say("\n".join(["\nNo Pulumi engine could be found or made. Tried:", *tried, BY_HAND]))
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
