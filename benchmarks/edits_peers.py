"""The same edits by others: their own matchers, as their packages have them.

Each is installed into a folder of the benchmark's own and run there, on files: aider and OpenHands
from PyPI, codex and gemini-cli from npm. Where that fails, the peer is named and left out.
"""

from __future__ import annotations

import difflib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

PYPI = {
    "aider": [["aider-chat==0.86.2"]],
    "openhands": [  # it asks for a newer Python than its editor needs, and for much beside
        ["--no-deps", "--ignore-requires-python", "openhands-aci==0.3.3"],
        ["binaryornot<0.5", "cachetools<6", "charset-normalizer", "pydantic", "flake8"],
        ["gitpython", "whatthepatch", "grep-ast", "requests", "beautifulsoup4", "markdownify"],
        ["mammoth", "openpyxl", "pdfminer-six", "puremagic", "pydub", "pypdf", "python-pptx"],
        ["speechrecognition", "youtube-transcript-api", "pandas", "rapidfuzz"],
    ],
}
NPM = ["@openai/codex@0.169.0", "@google/gemini-cli-core@0.61.0"]

_AIDER = """
import difflib, json, os, sys
from aider.coders import editblock_coder, udiff_coder
from aider.io import InputOutput
io = InputOutput(pretty=False, yes=True, fancy_input=False)
how = sys.argv[1]

def hunk_of(old, new):
    old, new = old.splitlines(True), new.splitlines(True)
    return list(difflib.unified_diff(old, new, n=len(old) + len(new)))[3:]

def apply(path, case):
    content = io.read_text(path)
    if how == "diff":
        after = editblock_coder.do_replace(path, content, case["old"], case["new"], ("```", "```"))
        if not after:
            return False
    elif how == "udiff":
        hunk = udiff_coder.normalize_hunk(hunk_of(case["old"], case["new"]))
        after = hunk and udiff_coder.do_replace(path, content, hunk)
        if not after:
            return False
    io.write_text(path, after)
    return True

cases = json.load(open(sys.argv[-1]))
made = []
for case in cases:
    try:
        made.append(apply(case["path"], case))
    except Exception:
        made.append(False)
sys.stderr.write("RESULT" + json.dumps(made))
"""

_OPENHANDS = """
import json, sys
from openhands_aci.editor.editor import OHEditor
editor = OHEditor()
made = []
for case in json.load(open(sys.argv[-1])):
    try:
        editor(command="str_replace", path=case["path"], old_str=case["oldBare"],
               new_str=case["newBare"])
        made.append(True)
    except Exception:
        made.append(False)
sys.stderr.write("RESULT" + json.dumps(made))
"""

_GEMINI = """
import fs from 'node:fs';
import { calculateReplacement, getErrorReplaceResult }
  from '@google/gemini-cli-core/dist/src/tools/edit.js';
const cases = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
import { detectOmissionPlaceholders }
  from '@google/gemini-cli-core/dist/src/tools/omissionPlaceholderDetector.js';
const quiet = { getUsageStatisticsEnabled: () => false, getTelemetryEnabled: () => false,
  getDebugMode: () => false, getSessionId: () => 'x', isInteractive: () => false };
const config = new Proxy(quiet, { get: (of, name) => of[name] ?? (() => undefined) });
const made = [];
for (const one of cases) {
  try {
    let text = fs.readFileSync(one.path, 'utf8');
    const crlf = text.includes('\\r\\n');
    text = text.replace(/\\r\\n/g, '\\n');
    if (one.oldBare === '') {  // a new file, which the tool writes; one that exists it refuses
      if (text === '') fs.writeFileSync(one.path, one.newBare);
      made.push(text === '');
      continue;
    }
    const shown = new Set(detectOmissionPlaceholders(one.oldBare));
    if (detectOmissionPlaceholders(one.newBare).some((each) => !shown.has(each))) {
      made.push(false);
      continue;
    }
    const params = { file_path: one.path, old_string: one.oldBare, new_string: one.newBare,
      instruction: 'x', expected_replacements: 1 };
    const done = await calculateReplacement(config, { params, currentContent: text });
    const bad = getErrorReplaceResult(params, done.occurrences, done.finalOldString,
      done.finalNewString);
    if (!bad) {
      fs.writeFileSync(one.path, crlf ? done.newContent.replace(/\\r?\\n/g, '\\r\\n')
        : done.newContent);
    }
    made.push(!bad);
  } catch (error) { made.push(false); }
}
process.stderr.write('RESULT' + JSON.stringify(made));
process.exit(0);
"""


@dataclass(frozen=True)
class Peer:
    """Another's matcher: from edits of files to whether each was made."""

    name: str
    run: Callable[[Sequence[dict[str, object]]], list[bool]]


@dataclass(frozen=True)
class PeerCase:
    """What a peer is given: a file, and an edit of it."""

    read: str
    now: str
    old: str
    new: str


def results(peer: Peer, cases: Sequence[PeerCase]) -> list[str | None]:
    """The file after each edit; None where it was refused, or nothing has changed."""
    with tempfile.TemporaryDirectory() as folder:
        given = [_given(Path(folder, f"{n}.txt"), case) for n, case in enumerate(cases)]
        made = peer.run(given)
        after = [Path(str(each["path"])).read_bytes().decode() for each in given]
    return [
        text if done and text != case.now else None
        for text, done, case in zip(after, made, cases, strict=True)
    ]


def _given(path: Path, case: PeerCase) -> dict[str, object]:
    """The edit as each wants it: whole lines, or text without the line break at its end."""
    path.write_bytes(case.now.encode())
    bare = case.old.endswith("\n") and case.new.endswith("\n")
    old, new = case.old, case.new
    if old and "\n" not in old:
        line = next((each for each in case.read.split("\n") if old in each), old)
        old, new = f"{line}\n", f"{line.replace(old, new)}\n"
    return {
        "path": str(path),
        "old": old,
        "new": new,
        "oldBare": case.old[:-1] if bare else case.old,
        "newBare": case.new[:-1] if bare else case.new,
    }


def installed(folder: Path) -> tuple[list[Peer], list[str]]:
    """The peers that can be had, and sentences on those that can't."""
    folder.mkdir(parents=True, exist_ok=True)
    peers, missing = list[Peer](), list[str]()
    for name, packages in PYPI.items():
        python = folder / name / "bin" / "python"
        try:
            if not (folder / name / "done").exists():
                _run([sys.executable, "-m", "venv", str(folder / name)])
                for part in packages:
                    _run([str(python), "-m", "pip", "install", "--quiet", *part])
                (folder / name / "done").touch()
        except subprocess.SubprocessError as error:
            missing.append(f"{name} could not be installed: {error}")
            continue
        if name == "aider":
            for how in ("diff", "udiff"):
                command = [str(python), "-c", _AIDER, how]
                peers.append(Peer(f"aider {how}", _driver(command)))
        else:
            peers.append(Peer("OpenHands str_replace", _driver([str(python), "-c", _OPENHANDS])))
    try:
        if not (folder / "node" / "done").exists():
            (folder / "node").mkdir(exist_ok=True)
            _run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts",
                  "--prefix", str(folder / "node"), *NPM])  # fmt: skip
            (folder / "node" / "done").touch()
    except (subprocess.SubprocessError, OSError) as error:
        missing.append(f"codex and gemini-cli could not be installed: {error}")
        return peers, missing
    program = next((folder / "node").glob("node_modules/@openai/codex-*/vendor/*/bin/codex"), None)
    if program is None:
        missing.append("codex has no program for this machine")
    else:
        peers.append(Peer("codex apply_patch", lambda cases: _codex(program, cases)))
    script = folder / "node" / "driver.mjs"
    script.write_text(_GEMINI)
    peers.append(Peer("gemini-cli replace", _driver(["node", str(script)])))
    return peers, missing


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=900)


def _driver(command: list[str]) -> Callable[[Sequence[dict[str, object]]], list[bool]]:
    def run(cases: Sequence[dict[str, object]]) -> list[bool]:
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(list(cases), file)
            file.flush()
            done = subprocess.run(
                [*command, file.name], capture_output=True, text=True, timeout=900, check=False
            )
        if "RESULT" not in done.stderr:
            raise RuntimeError(f"{command[0]} gave no result: {done.stderr[-2000:]}")
        return [bool(each) for each in json.loads(done.stderr.rpartition("RESULT")[2])]

    return run


def _codex(program: Path, cases: Sequence[dict[str, object]]) -> list[bool]:
    def one(case: dict[str, object]) -> bool:
        path = Path(str(case["path"]))
        old, new = (str(case[key]).splitlines() for key in ("old", "new"))
        diff = list(difflib.unified_diff(old, new, n=len(old) + len(new), lineterm=""))[3:]
        patch = ["*** Begin Patch", f"*** Update File: {path.name}", "@@", *diff, "*** End Patch"]
        done = subprocess.run(
            [str(program), "--codex-run-as-apply-patch", "\n".join(patch)], cwd=path.parent,
            capture_output=True, timeout=60, check=False,
            env={"HOME": str(path.parent), "PATH": os.defpath},
        )  # fmt: skip
        return done.returncode == 0

    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(one, cases))
