"""Runs the official download, as a child process: `python -I fetch.py FOLDER VERSION`.

The Pulumi SDK gives its download neither a time limit nor quiet errors. In a process of its own it can be stopped, and
whatever goes wrong becomes one line: the reason, printed last on stderr. `-I` keeps this folder's modules out of its imports.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import urllib.error

CONNECT_SECONDS = 20.0


def main(folder: str, version: str) -> str | None:
    """Install this version of Pulumi into `folder`/bin; returns the reason when that fails."""
    # Imported here, so that a Python without the SDK gets a reason and not a traceback.
    try:
        from pulumi.automation import PulumiCommand
        from semver import VersionInfo
    except ImportError as error:
        return f"it needs the pulumi Python SDK: {error}"
    socket.setdefaulttimeout(CONNECT_SECONDS)
    try:
        PulumiCommand.install(root=folder, version=VersionInfo.parse(version), skip_version_check=True)
    except subprocess.CalledProcessError as error:
        printed = bytes(error.output or b"").decode(errors="replace").strip()
        return f"the installer failed with exit code {error.returncode}: {printed.rpartition(chr(10))[2]}"
    except urllib.error.HTTPError as error:
        return f"the download site answered {error.code} {error.reason}"
    except OSError as error:
        return f"the download site cannot be reached ({getattr(error, 'reason', error)})"
    return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
