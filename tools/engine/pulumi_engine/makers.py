"""The two ways to make an engine: the official download, and a build from published Go modules."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .commands import Say, run, spell
from .engine import UnavailableError, Version
from .store import Maker

HERE = Path(__file__).parent
FETCH = (sys.executable, "-I", HERE / "fetch.py")
DOWNLOAD_SECONDS = 300.0
BUILD_SECONDS = 3600.0
TAIL_LINES = 15

CLI_MODULE = "github.com/pulumi/pulumi/pkg/v3"
SDK_MODULE = "github.com/pulumi/pulumi/sdk/v3"
CLI_PACKAGE = f"{CLI_MODULE}/cmd/pulumi"
HOST_PACKAGE = f"{SDK_MODULE}/python/cmd/pulumi-language-python"
SCRIPTS = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")


def download(
    version: Version,
    env: Mapping[str, str],
    say: Say,
    command: Sequence[str | Path] = FETCH,
    limit: float = DOWNLOAD_SECONDS,
) -> Maker:
    """The official release, fetched by the Pulumi Python SDK. `command` is given the folder and the version."""

    def make(home: Path, work: Path) -> None:
        ended = run(
            [*command, home, str(version)],
            limit=limit,
            env={**env, "TMPDIR": str(work)},
            cwd=work,
            alive=_alive("downloading", say),
        )
        if ended.code is None:
            raise UnavailableError(f"it did not finish within {spell(limit)}")
        if ended.code != 0:
            raise UnavailableError(ended.last_line)

    return make


class Modules:
    """The two wrapper modules whose go.mod and go.sum pin the build, down to the checksum of every module in it."""

    def __init__(self, folder: Path = HERE.parent) -> None:
        self.cli = folder / "cli"
        self.host = folder / "host"
        self.version = self._pin(self.cli, CLI_MODULE)
        self.host_version = self._pin(self.host, SDK_MODULE)
        self.go = go_version(f"go version go{self._line(self.cli, 'go')}") or (0, 0)

    def _pin(self, module: Path, required: str) -> Version:
        version = Version.parse(self._line(module, f"require {required}"))
        assert version, f"{module}/go.mod pins no release of {required}"
        return version

    @staticmethod
    def _line(module: Path, start: str) -> str:
        for line in (module / "go.mod").read_text().splitlines():
            if line.startswith(f"{start} "):
                return line.removeprefix(start).split("//")[0].strip()
        raise LookupError(f"{module}/go.mod has no line that starts with {start!r}")


def go_version(text: str) -> tuple[int, int] | None:
    """The language version in what `go version` printed, such as (1, 26), or None."""
    match = re.search(r"\bgo(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else None


def build(modules: Modules, env: Mapping[str, str], say: Say, log: Path) -> Maker:
    """The pinned release, compiled here from its published Go modules. `log` gets the whole output of the build."""

    def make(home: Path, work: Path) -> None:
        # A go.work file above the checkout must not change what is built. Compiler files stay where they get removed.
        go_env = {**env, "GOWORK": "off", "GOTMPDIR": str(work)}
        go = _go(modules, go_env, say)
        log.write_bytes(b"")
        target = home / "bin"
        target.mkdir()

        def compile_(label: str, module: Path, package: str, version: Version) -> None:
            # The command line wins over GOFLAGS. Without the stamp `pulumi version` is empty, and nobody can parse it.
            stamp = f"-s -w -X {SDK_MODULE}/go/common/version.Version=v{version}"
            output = str(target / package.rpartition("/")[2])
            argv = [go, "build", "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags", stamp, "-o", output]
            _step(label, [*argv, package], module, go_env, say, log)

        say("this takes a few minutes, once")
        # The host first: it takes seconds, so a setup that cannot work shows early.
        compile_("building the Python language host", modules.host, HOST_PACKAGE, modules.host_version)
        compile_("building the pulumi command", modules.cli, CLI_PACKAGE, modules.version)
        listing = [go, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", SDK_MODULE]
        printed = _step("finding the launcher scripts", listing, modules.cli, go_env, say, log)
        source = Path(printed.strip().rpartition("\n")[2])  # lines about downloads can come before it
        for script in SCRIPTS:
            copy = target / Path(script).name
            shutil.copyfile(source / script, copy)
            copy.chmod(0o755)

    return make


def _go(modules: Modules, env: Mapping[str, str], say: Say) -> str:
    """The path of a `go` command that is new enough. Raises UnavailableError otherwise."""
    needed = "{}.{} or later".format(*modules.go)
    found = shutil.which("go", path=env.get("PATH"))
    if not found:
        raise UnavailableError(f"there is no go command on PATH; needed is Go {needed}")
    # Asked in the module's folder, where a go that may fetch newer toolchains (GOTOOLCHAIN) answers with that one.
    ended = run(
        [found, "version"], limit=DOWNLOAD_SECONDS, env=env, cwd=modules.cli, alive=_alive("asking go its version", say)
    )
    version = go_version(ended.out)
    if ended.code != 0 or version is None:
        problem = "no answer" if ended.code is None else ended.last_line
        raise UnavailableError(f"the version of {found} cannot be read ({problem}); needed is Go {needed}")
    if version < modules.go:
        raise UnavailableError(f"{found} is Go {version[0]}.{version[1]}; needed is Go {needed}")
    return found


def _step(label: str, argv: Sequence[str | Path], module: Path, env: Mapping[str, str], say: Say, log: Path) -> str:
    """Run one step of the build and return what it printed; when it fails, show the end of that."""
    say(label)
    ended = run(argv, limit=BUILD_SECONDS, env=env, cwd=module, log=log, alive=_alive(label, say))
    if ended.code == 0:
        return ended.out
    for line in ended.out.splitlines()[-TAIL_LINES:]:
        say(f"| {line}")
    how = f"exit code {ended.code}" if ended.code is not None else f"not done after {spell(BUILD_SECONDS)}"
    raise UnavailableError(f"{label} failed ({how}); its whole output is in {log}")


def _alive(label: str, say: Say) -> Callable[[float], None]:
    return lambda seconds: say(f"{label}: {spell(seconds)}")
