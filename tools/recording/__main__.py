"""`python tools/recording`: runs `make demo` in a terminal and draws what it prints as docs/demo.svg.

With ``--check`` nothing is written: it says whether the picture still shows what the demo prints. Exit code: 0 when it was
written or is up to date, 1 when it is not, the demo's own when that failed. `story` says what of the output is left out, so
that the same demo always gives the same picture.
"""

from __future__ import annotations

import argparse
import os
import pty
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tools.recording.drawing import draw
from tools.recording.story import COLUMNS, tidy

PICTURE = ROOT / "docs" / "demo.svg"
COMMAND = ("make", "--no-print-directory", "demo")
STILL = "=== 5."
"""The step that is shown where nothing moves."""


def run() -> str:
    """What the demo prints to a terminal.

    Raises:
        subprocess.CalledProcessError: it failed; its output is on the error.
    """
    ours, its = pty.openpty()
    process = subprocess.Popen(COMMAND, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=its, stderr=subprocess.STDOUT)
    os.close(its)
    read = bytearray()
    while True:
        try:
            some = os.read(ours, 4096)
        except OSError:  # how Linux says that the other side is closed
            break
        if not some:
            break
        read += some
    os.close(ours)
    printed = read.decode("utf-8", "replace").replace("\r\n", "\n")
    if code := process.wait():
        raise subprocess.CalledProcessError(code, COMMAND, printed)
    # What make itself prepares comes before.
    return printed[printed.index("The program, ") :]


def picture(printed: str) -> str:
    """The picture of what the demo printed."""
    lines = ["$ make demo", "", *tidy(printed)]
    still = next(number for number, line in enumerate(lines) if line.startswith(STILL))
    return draw(
        lines,
        COLUMNS,
        title="make demo",
        description="The output of make demo: three integrations are previewed, connected, found missing by a refresh, "
        "connected again, and disconnected.",
        still=still,
    )


def main() -> int:
    """Writes the picture, or checks it."""
    parser = argparse.ArgumentParser(prog="python tools/recording", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether the picture is up to date")
    wanted = parser.parse_args()
    try:
        new = picture(run())
    except subprocess.CalledProcessError as failed:
        print(failed.output, file=sys.stderr)
        return failed.returncode
    if not wanted.check:
        PICTURE.write_text(new, encoding="utf-8")
    elif not PICTURE.exists() or PICTURE.read_text(encoding="utf-8") != new:
        print("docs/demo.svg is not what make demo prints. Run: python tools/recording", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
