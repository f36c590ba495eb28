"""`python tools/demo/picture.py`: runs the demo, and draws how it finds drift and puts it right as docs/demo.svg.

Like the demo, it needs an engine: put ``OUTLIT_ENGINE_BIN=$(python tools/engine)`` before the command. The picture
leaves out progress, durations, and resources and outputs that did not change. It is light or dark as the reader's
system is, and its font is one of that system.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

DEMO = Path(__file__).resolve().parent
PICTURE = DEMO.parents[1] / "docs" / "demo.svg"
COLUMNS = 90

PART = re.compile(r"^=== \d+\. Drift$.*(?=\n\n=== \d+\. A preview)", re.MULTILINE | re.DOTALL)
LEFT_OUT = (
    r"^  \| @.*\n",  # progress of the run
    r"^  \|  .  pulumi.*ing \(.*\n",  # progress of a resource
    r"^  \|     pulumi.*\n",  # a resource that did not change
    r"^  \| Outputs:\n(?:  \|     .*\n)+(?=  \|\n)",  # outputs, none of which changed
    r"^  \| Duration:.*\n",
    r" \(\d[\d.]*s\)$",
    r"^  \|\n",
)

# Background, foreground, then black, red, green, yellow, blue, magenta, cyan and white.
LIGHT = "ffffff 1f2328 24292f cf222e 116329 7d4e00 0969da 8250df 1b7c83 57606a"
DARK = "0d1117 e6edf3 484f58 ff7b72 3fb950 d29922 58a6ff bc8cff 39c5cf b1bac4"
SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" role="img"
  width="{width}" height="{height:.0f}" viewBox="0 0 {width} {height:.0f}">
<title>make demo</title>
<style>
text {{ font: {char_height}px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace }}
rect {{ stroke: #8b949e }}
{styles}
@media (prefers-color-scheme: dark) {{
rect {{ fill: #0d1117 }}
.t-title {{ fill: #e6edf3 }}
DARK
}}
</style>
<defs>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})">{matrix}</g>
</svg>
"""
"""Rich's own template loads a font from a network."""


def theme(colours: str) -> TerminalTheme:
    """The colours as Rich takes them."""
    background, foreground, *normal = [(red, green, blue) for red, green, blue in map(bytes.fromhex, colours.split())]
    return TerminalTheme(background, foreground, normal)


def draw(output: str) -> str:
    """Draws the part of the demo's output that the picture shows."""
    told = Text.from_ansi(output)
    part = PART.search(told.plain)
    assert part is not None, "the demo has the steps that the picture shows"
    shown = Text()
    at = part.start()
    for gap in re.compile("|".join(LEFT_OUT), re.MULTILINE).finditer(told.plain, *part.span()):
        shown += told[at : gap.start()]
        at = gap.end()
    shown += told[at : part.end()]

    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    for line in shown.split("\n", allow_blank=True):
        margin = re.match(r"(  \|)? *", line.plain)
        indent = margin.end() if margin else 0
        for row in line[indent:].wrap(console, COLUMNS - indent) or [Text()]:
            console.print(line[:indent] + row)
    # The same classes, in other colours.
    dark = console.export_svg(theme=theme(DARK), code_format="{styles}", unique_id="t", clear=False)
    picture = console.export_svg(title="make demo", theme=theme(LIGHT), code_format=SVG, unique_id="t")
    return picture.replace("DARK", dark).replace("</text><text", "</text>\n<text")


def main() -> int:
    """Writes the picture. Returns the exit code of the demo."""
    colours = {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
    with subprocess.Popen([sys.executable, DEMO], env=os.environ | colours, stdout=subprocess.PIPE, text=True) as demo:
        output, _ = demo.communicate()
    if demo.returncode == 0:
        PICTURE.write_text(draw(output), encoding="utf-8")
    return demo.returncode


if __name__ == "__main__":
    sys.exit(main())
