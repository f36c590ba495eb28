"""The README's quickstart, each command as it is written, in an empty folder."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks

READY = """
until python -c 'import socket; socket.create_connection(("127.0.0.1", {port}))' 2>/dev/null; do sleep 0.1; done
trap 'kill %1' EXIT
"""


def script(port: int) -> str:
    """The shell's blocks, and the files that stand between them.

    It differs from what a reader types in four things: the clone is there, the port is a free one, the sandbox is
    waited for and ended, and nobody is asked whether to go on.
    """
    install, manifest, program, use = [block for block in blocks(Path("README.md")) if block.language]
    assert [block.language for block in (install, manifest, program, use)] == ["sh", "yaml", "python", "sh"]
    typed = use.code.replace("8787", str(port)).replace("sandbox &\n", f"sandbox --port {port} &\n")
    typed = typed.replace("&\n", f"&\n{READY.format(port=port)}", 1).replace("pulumi up\n", "pulumi up --yes\n")
    files = f"cat > Pulumi.yaml <<'END'\n{manifest.code}END\ncat > __main__.py <<'END'\n{program.code}END\n"
    assert install.code.startswith("git clone https://")
    return install.code.partition("\n")[2] + files + typed


@pytest.mark.full
def test_the_quickstart_ends_in_a_connection(tmp_path: Path, env: dict[str, str]) -> None:
    """From nothing to a first `up`, without an account."""
    ignored = shutil.ignore_patterns(".*", "build", "dist", "mutants", "__pycache__", "venv")
    shutil.copytree(ROOT, tmp_path / "outlit-pulumi", ignore=ignored)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(sys.executable)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {name: value for name, value in env.items() if name not in ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE")}
    done = subprocess.run(
        ["bash", "-e", "-c", script(port)],
        cwd=tmp_path,
        env={**env, "PATH": f"{tmp_path / 'bin'}:{env['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'connection: "stripe-org_sandbox"' in done.stdout
    assert (tmp_path / "hello-outlit" / ".pulumi" / "stacks").is_dir()
