"""``python -m outlit_pulumi`` and the command ``outlit-pulumi``."""

from __future__ import annotations

import sys

_OF_EXTRA = ("typer", "rich")


def main() -> int:
    """Runs the command line with the arguments of the process.

    Returns:
        The exit code; 2 where the extra ``cli`` is not installed, 130 after Ctrl-C.
    """
    try:
        from .cli.app import main as run

        return run()
    except KeyboardInterrupt:  # while it loads; a command sees to it itself
        print("Interrupted.", file=sys.stderr)
        return 130
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _OF_EXTRA:
            raise
        print(
            "outlit-pulumi: the command line needs the extra cli. Install the package with it: "
            "pip install 'path/to/outlit-pulumi[cli]'",
            file=sys.stderr,
        )
        return 2


if __name__ == "__main__":
    sys.exit(main())
