"""Fixes that a compiler or a runtime suggests: run before they are offered, in any language."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fixwright.fix.fix import Fix
from fixwright.fix.problem import problem_of
from fixwright.headless import headless
from fixwright.runs.target import Target
from fixwright.workspace.paths import path_to_uri
from support.models import edit
from support.needs import needs

pytestmark = [pytest.mark.docker, pytest.mark.slow]

# File, broken program, and the line of it that the fix leaves.
MENDED = {
    "a misspelt name, to gcc": (
        "a.c",
        "int main(void) {\n    int total = 0;\n    return totl;\n}\n",
        "    return total;",
    ),
    "a misspelt name, to g++": (
        "a.cpp",
        "#include <string>\nint main() {\n    std::string name;\n    return nme.size();\n}\n",
        "    return name.size();",
    ),
    "a conversion, to rustc": (
        "a.rs",
        "fn main() {\n    let x: i32 = 5;\n    let y: i64 = x;\n    assert_eq!(y, 5);\n}\n",
        "    let y: i64 = x.into();",
    ),
    "a misspelt name, to node": (
        "a.js",
        "const total = 4\nif (totl !== 4) throw new Error('no')\n",
        "if (total !== 4) throw new Error('no')",
    ),
    "a misspelt function, to node": (
        "a.mjs",
        "if (Math.celi(1.5) !== 2) throw new Error('no')\n",
        "if (Math.ceil(1.5) !== 2) throw new Error('no')",
    ),
}

# File, program, what a model makes of it, and why that is not called verified.
SILENCED = {
    "catches it, in JavaScript": (
        "a.js",
        "null.x\n",
        edit("a.js", "null.x", "try { null.x } catch {}"),
        "catches an exception",
    ),
    "leaves early, in Go": (
        "a.go",
        (
            'package main\n\nimport "os"\n\nfunc main() {\n'
            "\tvar a []int\n\t_ = os.Args\n\tprintln(a[1])\n}\n"
        ),
        edit("a.go", "\tprintln", "\tos.Exit(0)\n\tprintln"),
        "early",
    ),
    "takes out the check, in C": (
        "a.c",
        "#include <assert.h>\nint main(void) {\n    assert(1 + 1 == 3);\n    return 0;\n}\n",
        edit("a.c", "    assert(1 + 1 == 3);\n", ""),
        "takes out",
    ),
}


async def fixed(folder: Path, name: str, text: str) -> Fix:
    path = folder / name
    path.write_text(text)
    async with headless(path) as tools:
        run = await tools.runner.run(tools.snapshot, Target("file", path_to_uri(path)))
        problem = problem_of(run, run.failures[0])
        assert problem is not None
        return await tools.ladder.fix(tools.snapshot, problem, lambda _: None)


@pytest.fixture(autouse=True)
def docker(monkeypatch: pytest.MonkeyPatch) -> None:
    needs("docker")
    monkeypatch.setenv("FIXWRIGHT_SANDBOX_BACKEND", "docker")


@pytest.mark.parametrize("name", MENDED)
async def test_what_the_tool_suggests_is_verified(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIXWRIGHT_MODEL_PROVIDER", "none")
    file, program, line = MENDED[name]
    fix = await fixed(tmp_path, file, program)
    assert fix.status == "verified", fix.reason
    assert line in fix.draft.text(path_to_uri(tmp_path / file)).splitlines()
    assert (tmp_path / file).read_text() == program, "only a person applies it"


@pytest.mark.parametrize("name", SILENCED)
async def test_silencing_a_program_is_not_verified(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, program, turn, why = SILENCED[name]
    script = tmp_path / "script.json"
    script.write_text(json.dumps({"turns": [turn] * 3}))
    monkeypatch.setenv("FIXWRIGHT_MODEL_PROVIDER", "scripted")
    monkeypatch.setenv("FIXWRIGHT_MODEL_SCRIPT", str(script))
    folder = tmp_path / "w"
    folder.mkdir()
    fix = await fixed(folder, file, program)
    assert fix.status == "unverified", fix
    assert why in (fix.reason or "")
