"""Run a Python job in the forked child."""

from __future__ import annotations

import runpy
import sys
import traceback
from collections.abc import Callable
from typing import Any


def main(job: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> int:
    """Run the file as `python FILE` would; report an exception that nobody caught."""
    path: str = job["path"]
    sys.argv = [path, *job.get("args", ())]
    sys.path.insert(0, path.rpartition("/")[0] or ".")
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as exit_:
        if exit_.code is None or isinstance(exit_.code, int):
            return exit_.code or 0
        sys.stderr.write(f"{exit_.code}\n")
        return 1
    except BaseException as error:  # noqa: BLE001 (whatever the user's code raises is its result)
        report({"type": "exception", "kind": type(error).__name__, "message": str(error)})
        traceback.print_exc()
        return 1
    return 0
