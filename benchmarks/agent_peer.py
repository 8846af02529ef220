"""mini-swe-agent on the same scripted model: installed into a folder of the benchmark's own.

Where it can't be installed, it is named and left out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

PACKAGES = ("mini-swe-agent==2.4.6", "mcp")
"""litellm, which it asks its models by, imports the second and does not say so."""
NAME = "mini-swe-agent 2.4.6"

_PROGRAM = """
import json, sys, time
from pathlib import Path
import minisweagent, yaml
from minisweagent.agents.default import DefaultAgent
from minisweagent.environments.local import LocalEnvironment
from minisweagent.models.litellm_model import LitellmModel
config = yaml.safe_load((Path(minisweagent.__file__).parent / "config" / "mini.yaml").read_text())
agent, model = config["agent"], config["model"]
model["model_kwargs"] = {"drop_params": True, "api_base": sys.argv[1], "api_key": "none"}
agent = {key: agent[key] for key in ("system_template", "instance_template")}
made = DefaultAgent(
    LitellmModel(model_name="openai/scripted", cost_tracking="ignore_errors", **model),
    LocalEnvironment(**config["environment"]),
    cost_limit=0, output_path=Path(sys.argv[2]) / "trajectory.json", **agent,
)
steps = []
def timed(work):
    def step():
        begun = time.perf_counter()
        try:
            return work()
        finally:
            steps.append((time.perf_counter() - begun) * 1000)
    return step
made.step = timed(made.step)
ended = made.run("Do nothing.")
print(json.dumps({"steps": steps, "ended": ended.get("exit_status")}))
"""


def installed(folder: Path) -> Path | None:
    """Its interpreter; None where it can't be installed."""
    python = folder / "mini" / "bin" / "python"
    if python.is_file():
        return python
    try:
        subprocess.run([sys.executable, "-m", "venv", str(folder / "mini")], check=True)
        pip = [str(python), "-m", "pip", "install", "-q", *PACKAGES]
        subprocess.run(pip, check=True, timeout=900, capture_output=True)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"{NAME} is left out: {error}", file=sys.stderr)
        return None
    return python


def steps(python: Path, url: str, folder: Path) -> list[float]:
    """Milliseconds of each of its steps against a model at `url`."""
    quiet = {
        "MSWEA_SILENT_STARTUP": "1", "MSWEA_CONFIGURED": "true",
        "MSWEA_MODEL_RETRY_STOP_AFTER_ATTEMPT": "1",
    }  # fmt: skip
    place = {"MSWEA_GLOBAL_CONFIG_DIR": str(folder), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    said = subprocess.run(
        [str(python), "-c", _PROGRAM, url, str(folder)],
        env={**os.environ, **quiet, **place}, cwd=folder, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    if said.returncode:
        raise RuntimeError(f"{NAME} failed: {said.stderr[-2000:]}")
    return list(json.loads(said.stdout.splitlines()[-1])["steps"])
