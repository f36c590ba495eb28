"""docs/reference.md is what `python tools/reference` makes of the package, and leaves nothing out."""

from __future__ import annotations

import subprocess
import sys

import pytest

import outlit_pulumi
from outlit_pulumi import OutlitError
from tests.docs.pages import ROOT
from tools.reference import __main__ as reference
from tools.reference.docstrings import parse

PAGE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")


def test_the_page_is_up_to_date() -> None:
    """As a contributor checks it."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "reference"), "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", [name for name in outlit_pulumi.__all__ if name != "PROVIDERS"])
def test_each_public_name_has_a_section(name: str) -> None:
    """PROVIDERS is the table of providers."""
    assert f"\n### {name}\n" in PAGE


def test_a_name_without_a_place_fails() -> None:
    """A constant that the generator knows nothing of."""
    with pytest.raises(ValueError, match="outlit_pulumi.LIMIT has no place on the reference page"):
        reference.kind("LIMIT", 3)


def test_what_is_not_documented_fails() -> None:
    """No docstring; an argument without a meaning; a meaning without an argument; an error without a cure."""

    def silent() -> None: ...

    def halfway(one: int, two: int) -> None:
        """Does something.

        Args:
            one: The first.
        """

    class CurelessError(OutlitError):
        """Something happened.

        Cause:
            It was to happen.
        """

    with pytest.raises(ValueError, match="silent has no docstring"):
        parse(silent)
    with pytest.raises(ValueError, match="differ in two"):
        reference.function(halfway, "###")
    with pytest.raises(ValueError, match="CurelessError must say its cause and its cure"):
        reference.error(CurelessError)


def test_sections_of_a_docstring() -> None:
    """Text, lists and the other sections, with line breaks undone."""

    def documented() -> None:
        """Does ``one`` thing
        and another.

        More of it.

        Args:
            first: A meaning that goes on
                in the next line.
            second: Another.

        Returns:
            Something
            long.
        Raises:
            ValueError: never.
        """

    doc = parse(documented)
    assert doc.text == "Does `one` thing and another.\n\nMore of it."
    assert doc.items == {
        "Args": {"first": "A meaning that goes on in the next line.", "second": "Another."},
        "Raises": {"ValueError": "never."},
    }
    assert doc.texts == {"Returns": "Something long."}
