"""docs/demo.svg, the picture of `make demo`."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from tests.docs.pages import ROOT
from tools.recording.drawing import draw
from tools.recording.story import COLUMNS, tidy

PICTURE = ROOT / "docs" / "demo.svg"
SVG = "{http://www.w3.org/2000/svg}"

ONE = """The program, x:

  | Updating (demo):
  | @ updating....
  |  +  pulumi:pulumi:Stack quickstart-demo creating (0s)
  |  +  pulumi-python:dynamic/outlit:Integration stripe created (0.32s)
  |  +  pulumi-python:dynamic/outlit:Integration clerk created (12s)
  |  +  pulumi:pulumi:Stack quickstart-demo created (0.57s)
  | Outputs:
  |     url: "http://127.0.0.1:36121"
  |
  | Duration: 1s
  |

Every step did what it should (19 s). Everything is cleaned up.
"""
OTHER = """The program, x:

  | Updating (demo):
  |  +  pulumi:pulumi:Stack quickstart-demo creating (0s)
  |  +  pulumi-python:dynamic/outlit:Integration clerk created (0.01s)
  |  +  pulumi-python:dynamic/outlit:Integration stripe created (1s)
  | @ updating.......
  |  +  pulumi:pulumi:Stack quickstart-demo created (5s)
  | Outputs:
  |     url: "http://127.0.0.1:8080"
  |
  | Duration: 6s
  |

Every step did what it should (27 s). Everything is cleaned up.
"""


def shown() -> str:
    """The text of the picture."""
    texts = ET.parse(PICTURE).iter(f"{SVG}text")
    return "\n".join("".join(text.itertext()).replace("\N{NO-BREAK SPACE}", " ") for text in texts)


def test_what_differs_from_run_to_run_is_left_out() -> None:
    """Order, progress, times and the port."""
    assert tidy(ONE) == tidy(OTHER)
    assert tidy(ONE) == [
        "The program, x:",
        "",
        "  | Updating (demo):",
        "  |  +  pulumi:pulumi:Stack quickstart-demo created",
        "  |  +  pulumi-python:dynamic/outlit:Integration clerk created",
        "  |  +  pulumi-python:dynamic/outlit:Integration stripe created",
        "  | Outputs:",
        '  |     url: "http://127.0.0.1:8787"',
        "",
        "Every step did what it should. Everything is cleaned up.",
    ]


def test_of_a_failed_run_the_unchanged_are_not_counted() -> None:
    """Their number depends on when it ended; that of a run without failure stays."""
    failed = ["  | Resources:", "  |     1 errored"]
    assert tidy("  | Resources:\n  |     4 unchanged\n  |     1 errored") == tidy("\n".join(failed)) == failed
    assert tidy("  |     4 unchanged") == ["  |     4 unchanged"]


def test_a_long_line_goes_on_below_where_it_began() -> None:
    """Between words, and never wider than the window."""
    lines = tidy(f"  |     error: {'word ' * 30}")
    assert len(lines) == 2
    assert lines[1].startswith("  |     word")
    assert max(map(len, lines)) <= COLUMNS


def test_the_same_lines_give_the_same_picture() -> None:
    """So that a new one differs only where the demo does; text is shown as text."""
    first, second = (draw(["$ a <b> & {c}"], COLUMNS, title="t", description="d", still=0) for _ in range(2))
    assert first == second
    assert "a <b> & {c}" in "".join(ET.fromstring(first).itertext()).replace("\N{NO-BREAK SPACE}", " ")


def test_it_is_small_and_loads_nothing() -> None:
    """It is on the first page: no script, no font or picture from elsewhere, no path of the machine that made it."""
    source = PICTURE.read_text(encoding="utf-8")
    assert len(source) < 100_000
    assert re.findall(r"<script|<image|@import|@font-face|href=|url\((?!#)", source) == []
    assert set(re.findall(r"https?://[\w.:]+", source)) == {"http://www.w3.org", "http://127.0.0.1:8787"}
    assert re.findall(r"/(?:root|home|tmp|Users|work)/", source) == []


def test_it_shows_every_step_of_the_demo() -> None:
    """Those that the demo has now, by their titles and explanations; `python tools/recording --check` compares all."""
    story = (ROOT / "tools" / "demo" / "__main__.py").read_text(encoding="utf-8")
    titles = re.findall(r'\.heading\(\s*"([^"]+)"', story)
    assert re.findall(r"^=== \d+\. (.*)$", shown(), re.MULTILINE) == titles
    for explained in re.findall(r"\.heading\(([^()]*(?:\([^()]*\)[^()]*)*)\)\n", story):
        for text in re.findall(r'"([^"]+)"', explained):
            assert text in shown()


@pytest.mark.long
def test_it_is_what_the_demo_prints() -> None:
    """All of it, with the engine at hand: Pulumi's own words differ between its versions."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "recording"), "--check"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
