"""Is the `pulumi` on PATH one that can be used, and if not, why?"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pulumi_engine.engine import UnavailableError, Version, check, on_path

Script = Callable[..., Path]
Engine = Callable[..., None]


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ("v3.147.0", (3, 147, 0)),
        ("3.259.0\n", (3, 259, 0)),
        ("v3.260.0-alpha.xa1b2c3d", (3, 260, 0)),
        ("v3.260.0-dev.0+dirty", (3, 260, 0)),
        ("warning: something first\nv3.259.0", (3, 259, 0)),
        ("", None),
        ("dev", None),
        ("v3.259", None),
        ("1.2.3.4", None),
        ("address 10.20.30.40", None),
    ],
)
def test_version_is_read_from_what_pulumi_prints(printed: str, version: tuple[int, int, int] | None) -> None:
    """Releases and development builds are told apart from text that is no version."""
    assert Version.parse(printed) == version


def test_versions_compare_by_number() -> None:
    """As text, 3.99 would come after 3.147."""
    assert Version(3, 99, 0) < Version(3, 147, 0) < Version(3, 147, 1)


@pytest.mark.parametrize("version", ["3.147.0", "3.300.1"])
def test_new_enough_and_whole(engine_scripts: Engine, only_bin: dict[str, str], tmp_path: Path, version: str) -> None:
    """The usual case of somebody who has Pulumi."""
    engine_scripts(version)
    assert on_path(only_bin) == tmp_path / "bin"


def test_none(only_bin: dict[str, str]) -> None:
    """No `pulumi` at all."""
    with pytest.raises(UnavailableError, match="there is none"):
        on_path(only_bin)


@pytest.mark.parametrize("version", ["3.146.9", "2.25.0", "4.0.0"])
def test_unsuitable_version(engine_scripts: Engine, only_bin: dict[str, str], version: str) -> None:
    """Too old, or a major version that the SDK cannot drive: both numbers are told."""
    engine_scripts(version)
    with pytest.raises(UnavailableError, match=rf"is version {version}; needed is 3\.147 or later of 3\.x"):
        on_path(only_bin)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("echo", r"exit code 0: it printed nothing"),
        ("echo broken >&2; exit 3", r"exit code 3: broken"),
        ("echo v3.259.0; exit 1", r"exit code 1: v3\.259\.0"),
        ("exec /bin/sleep 60", r"no answer within 0 s"),
    ],
)
def test_version_that_cannot_be_read(script: Script, only_bin: dict[str, str], body: str, reason: str) -> None:
    """Silent, failing or hanging: the user reads which, and what is needed."""
    script("pulumi", body)
    limit = 0.3 if "sleep" in body else 30.0
    with pytest.raises(UnavailableError, match=rf"cannot be read \({reason}\); needed is 3\.147 or later"):
        on_path(only_bin, limit=limit)


def test_file_that_is_no_program(script: Script, only_bin: dict[str, str]) -> None:
    """For example an executable of another machine type."""
    script("pulumi").write_bytes(b"\x7fELF of another machine")
    with pytest.raises(UnavailableError, match=r"cannot be run \(Exec format error\)"):
        on_path(only_bin)


def test_missing_language_host(engine_scripts: Engine, only_bin: dict[str, str], tmp_path: Path) -> None:
    """A CLI alone, as some package managers install it, cannot run a Python program."""
    engine_scripts()
    (tmp_path / "bin" / "pulumi-language-python").unlink()
    with pytest.raises(UnavailableError, match=r"lacks pulumi-language-python, beside it or on PATH"):
        on_path(only_bin)


def test_companions_elsewhere_on_path(engine_scripts: Engine, only_bin: dict[str, str], tmp_path: Path) -> None:
    """They need not be in the same folder."""
    engine_scripts(folder="bin")
    (tmp_path / "other").mkdir()
    (tmp_path / "bin" / "pulumi-language-python").rename(tmp_path / "other" / "pulumi-language-python")
    env = {**only_bin, "PATH": os.pathsep.join([only_bin["PATH"], str(tmp_path / "other")])}
    assert on_path(env) == tmp_path / "bin"


def test_link_to_an_installation(engine_scripts: Engine, only_bin: dict[str, str], tmp_path: Path) -> None:
    """A link on PATH leads to the folder that has everything."""
    engine_scripts(folder="opt")
    (tmp_path / "bin" / "pulumi").symlink_to(tmp_path / "opt" / "pulumi")
    assert on_path(only_bin) == tmp_path / "opt"


def test_check_wants_exactly_the_version(engine_scripts: Engine, only_bin: dict[str, str], tmp_path: Path) -> None:
    """What was made must be what was pinned."""
    engine_scripts("3.259.1")
    with pytest.raises(UnavailableError, match=r"the result is version 3\.259\.1, not 3\.259\.0"):
        check(tmp_path / "bin", Version(3, 259, 0), only_bin)
