"""Puts a project on disk: all of it or nothing, and never over something that is there."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ..exits import UsageError


def shown(folder: Path) -> str:
    """A path as it may be shown."""
    return "".join(character if character.isprintable() else "?" for character in str(folder))


def require_free(folder: Path) -> None:
    """Makes sure that nothing is in the way.

    Raises:
        UsageError: something is, or it cannot be found out.
    """
    try:
        if not (folder.absolute().exists() or folder.is_symlink()):
            return
        taken = not folder.is_dir() or any(folder.iterdir())
    except (OSError, ValueError) as error:
        raise UsageError(f"{shown(folder)} cannot be used: {_reason(error)}. Name another folder with --out.") from None
    if taken:
        what = "is not empty" if folder.is_dir() else "is no folder"
        raise UsageError(f"{shown(folder)} exists and {what}. Nothing was written. Name a new folder with --out.")


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Writes the files, and makes the folder if need be. What was made is removed again if it fails or is interrupted.

    Raises:
        UsageError: they cannot be written, or somebody else has just made one of them.
    """
    made: list[Path] = []
    try:
        for each in (*reversed(folder.parents), folder):
            if not each.exists():
                each.mkdir(exist_ok=True)  # somebody else may have just made it
                made.append(each)
        for name, text in files.items():
            path = folder / name
            with path.open("x", encoding="utf-8", newline="\n") as file:
                made.append(path)
                file.write(text)
    except BaseException as error:
        for path in reversed(made):
            with suppress(OSError):  # a folder in which somebody else has put something
                path.rmdir() if path.is_dir() else path.unlink()
        if isinstance(error, OSError):
            raise UsageError(
                f"{shown(folder)} could not be written: {_reason(error)}. Nothing was left there."
            ) from None
        raise


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
