"""What the system tells of processes."""

from __future__ import annotations

from pathlib import Path


def stat(pid: int) -> list[str]:
    """What Linux tells of a process after its name: state (S sleeps, Z ended), parent, and so on (proc_pid_stat(5)).

    Raises:
        OSError: it is gone, or the system is another one.
    """
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
