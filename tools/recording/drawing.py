"""Lines of a terminal as a moving picture: one SVG, which needs no script and loads nothing.

Rich draws the lines. The template puts them behind a window, and moves them and a cover over those that are still to come,
one step per line. Where nothing moves (a viewer without CSS animation, or a reader who asked for less motion), the window
shows the part that `still` names.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROWS = 30
"""Lines that the window shows."""

THEME = TerminalTheme(
    (13, 17, 23),
    (201, 209, 217),
    [(72, 79, 88), (255, 123, 114), (63, 185, 80), (210, 153, 34), (88, 166, 255), (188, 140, 255), (57, 197, 207)] * 2,
)
PLAIN, DIM, BOLD = Style(), Style(color="#8b949e"), Style(color="#f0f6fc", bold=True)
HEADING = Style(color="#58a6ff", bold=True)
GREEN, RED, YELLOW = Style(color="#3fb950"), Style(color="#ff7b72"), Style(color="#d29922")

KINDS: tuple[tuple[str, Style], ...] = (
    (r"===", HEADING),
    (r"  \$ |\$ |Every step", BOLD),
    (r"    \S|The program", DIM),
    (r"  \| +error:", RED),
    (r"  \| +warning:", YELLOW),
    (r"  \| +\+ ", GREEN),
    (r"  \| +- ", RED),
    (r"  \| +~ ", YELLOW),
    (r"  Outlit now has", BOLD),
)
"""What a line begins with, and how it is shown. The demo itself prints without colours."""

LINE, COMMAND, STEP, END = 0.05, 0.8, 4.5, 6.0
"""Seconds: for a line, after a command, at the end of a step, at the end of all."""

HEIGHT, WIDTH, LEFT, TOP = 24.4, 12.2, 14.0, 44.0
"""Of a line and of a character, as Rich draws them; where the first line begins. All in units of the picture."""


def styles(lines: Sequence[str]) -> Iterator[Style]:
    """How each line is shown. A diagnostic goes on for as long as lines are indented like it."""
    diagnostic = None
    for line in lines:
        shown = next((style for begins, style in KINDS if re.match(begins, line)), PLAIN)
        if re.match(r"  \| +(error|warning):", line):
            diagnostic = shown
        elif not line.startswith("  |     "):
            diagnostic = None
        yield diagnostic or shown


def moments(lines: Sequence[str]) -> Iterator[tuple[float, int]]:
    """When how many lines are there: seconds from the start, number of lines."""
    now = 0.0
    for number, line in enumerate(lines, 1):
        yield now, number
        ends_step = number < len(lines) and lines[number].startswith("===")
        now += STEP if ends_step else COMMAND if line.lstrip().startswith("$ ") else LINE
    yield now + END, len(lines)


def keyframes(lines: Sequence[str], name: str, offset: int) -> str:
    """The steps of one movement: where it is once ``n`` lines are there.

    Args:
        lines: All lines.
        name: The movement's.
        offset: How many lines stay before it moves.
    """
    steps = list(moments(lines))
    total = steps[-1][0]
    frames, last = [], None
    for second, number in steps:
        lines_up = number if offset == 0 else -max(0, number - offset)
        if lines_up != last:
            frames.append(f"{100 * second / total:.3f}%{{transform:translateY({lines_up * HEIGHT:.1f}px)}}")
        last = lines_up
    frames.append(f"100%{{transform:translateY({(last or 0) * HEIGHT:.1f}px)}}")
    return f"@keyframes {name}{{{''.join(frames)}}}"


def draw(lines: Sequence[str], columns: int, *, title: str, description: str, still: int) -> str:
    """The picture.

    Args:
        lines: What to show, none of them longer than ``columns``.
        columns: Width of the window, in characters.
        title: The window's title.
        description: What the picture shows, for those who do not see it.
        still: The line that is on top of the window where nothing moves.
    """
    console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for line, style in zip(lines, styles(lines), strict=True):
        text = Text(line, style=style, no_wrap=True, overflow="crop")
        if line.startswith("  |"):
            text.stylize(DIM, 0, 3)
        console.print(text)
    total = list(moments(lines))[-1][0]
    width, height = 2 * LEFT + columns * WIDTH, TOP + ROWS * HEIGHT + 14
    template = f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-labelledby="title about">
<title id="title">{title}</title>
<desc id="about">{description}</desc>
<style>
text{{{{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace;font-size:20px}}}}
.title{{{{fill:#8b949e;font-size:17px}}}}
.scroll{{{{transform:translateY({-still * HEIGHT:.1f}px)}}}}
.cover{{{{transform:translateY({len(lines) * HEIGHT:.1f}px)}}}}
@media (prefers-reduced-motion:no-preference){{{{
.scroll{{{{animation:scroll {total:.1f}s step-end infinite}}}}
.cover{{{{animation:cover {total:.1f}s step-end infinite}}}}
}}}}
{_doubled(keyframes(lines, "scroll", ROWS))}
{_doubled(keyframes(lines, "cover", 0))}
{{styles}}
</style>
<defs><clipPath id="window"><rect width="{columns * WIDTH:.0f}" height="{ROWS * HEIGHT:.0f}"/></clipPath>
{{lines}}
</defs>
<rect x=".5" y=".5" width="{width - 1:.0f}" height="{height - 1:.0f}" rx="10" fill="#0d1117" stroke="#30363d"/>
<circle cx="22" cy="22" r="7" fill="#ff5f57"/><circle cx="44" cy="22" r="7" fill="#febc2e"/><circle cx="66" cy="22" r="7" fill="#28c840"/>
<text class="title" x="{width / 2:.0f}" y="28" text-anchor="middle">{title}</text>
<g transform="translate({LEFT:.0f} {TOP:.0f})" clip-path="url(#window)"><g class="scroll">
{{backgrounds}}{{matrix}}
<rect class="cover" width="{columns * WIDTH:.0f}" height="{ROWS * HEIGHT:.0f}" fill="#0d1117"/>
</g></g>
</svg>
"""
    picture = console.export_svg(title=title, theme=THEME, code_format=template, unique_id="t")
    # Each line has a clip path of its own, where the window's is enough; and each line break is a text.
    picture = re.sub(r'<clipPath id="t-line-.*?</clipPath>\n?', "", picture, flags=re.DOTALL)
    picture = re.sub(r"<text [^>]*>\n</text>", "", picture)
    picture = re.sub(r' clip-path="url\(#t-line-\d+\)"', "", picture)
    return picture.replace("</text><text", "</text>\n<text")


def _doubled(text: str) -> str:
    """Text for a template in which single braces mean something."""
    return text.replace("{", "{{").replace("}", "}}")
