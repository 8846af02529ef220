"""The published table: no edit is silently wrong, and hardly one that could be applied refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_edit_of_the_benchmark_is_silently_wrong() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "edits.py")],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| **0** | 0 |" in done.stdout
