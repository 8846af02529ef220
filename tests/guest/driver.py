"""Run in the interpreter under test: what the sandbox's runner does around a Python job."""

import importlib
import json
import os
import sys
import types

guest, descriptor, job = sys.argv[1:]
package = types.ModuleType("fixwright_guest")
package.__path__ = [guest]
sys.modules["fixwright_guest"] = package
del sys.path[0]

python_job = importlib.import_module("fixwright_guest.python.job")


def report(value: object) -> None:
    os.write(int(descriptor), json.dumps(value).encode() + b"\n")


raise SystemExit(python_job.main(json.loads(job), report))
