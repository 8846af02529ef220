"""What TypeScript's own compiler says: TS errors, with their exact ranges.

A run never waits for it to begin. `FIXWRIGHT_TYPES` in the run's environment says when it is asked:

- `failure` (the default): after a run that failed. Its errors in the files that the failure went
  through are warnings then, and the facts of a failure hold those at its line (`typescript`).
- `always`: after every run; its errors are failures, also of a program that went well.
- `never`.

As the framework of a job of tests, `tsc` checks the whole project, and does nothing else.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from fixwright_sandbox.guest.bounds import clip
from fixwright_sandbox.guest.sources import Sources

from .script import Script

if TYPE_CHECKING:
    from .driver import Program

ENDINGS = (".ts", ".tsx", ".mts", ".cts")
_FAILED = 2
_SECONDS = 60
_MOST = 50
_ANSI = re.compile(r"\x1b\[[\d;]*m")
_HEAD = re.compile(
    r"^(?:(?P<path>\S[^\n]*?):(?P<line>\d+):(?P<column>\d+) - )?"
    r"(?P<level>error|warning) (?P<code>TS\d+): (?P<text>.*)$"
)
_RELATED = re.compile(
    r"^ {2}(?P<path>\S[^\n]*?):(?P<line>\d+):(?P<column>\d+)(?: - (?P<text>.*))?$"
)
_CODE = re.compile(r"^(?P<lead> *)(?P<number>\d+) ")
_MARK = re.compile(r"^ *(?P<mark>~+)\s*$")
_MEANT = re.compile(r"Did you mean (?:to write )?'([\w$]+)'\?$")
_OF_NODE = ("TS2580", "TS2591", "TS7016")
_NODE_MODULE = re.compile(
    r"Cannot find (?:module|name) '(?:node:[\w/]+|fs|path|os|http|https|url|util|events|assert"
    r"|crypto|stream|buffer|child_process|worker_threads|process|NodeJS|fs/promises|readline"
    r"|timers/promises)'"
)
_ALONE = (
    *("--skipLibCheck", "--target", "esnext", "--module", "esnext"),
    *("--moduleResolution", "bundler", "--moduleDetection", "force", "--jsx", "preserve"),
    *("--strict", "--allowImportingTsExtensions", "--noErrorTruncation"),
)


def after_run(
    program: Program, file: str, found: list[dict[str, Any]], status: int
) -> tuple[int, list[dict[str, Any]]]:
    """Check types after a run, if they are to be.

    Returns:
        The run's status, and the compiler's reports.
    """
    when = program.stage.environment.get("FIXWRIGHT_TYPES", "failure")
    if when == "never" or (when != "always" and status <= 0):
        return status, []
    errors = check(program, file)
    if when == "always":
        return (status or _FAILED if errors else status), errors[:_MOST]
    passed = {frame["path"] for report in found for frame in report.get("frames", ())}
    passed.add(program.sources.path(file))
    kept = [{**error, "severity": "warning"} for error in errors if error["path"] in passed]
    for report in found:
        _attach(report, kept)
    return status, kept[:_MOST]


def check(program: Program, file: str) -> list[dict[str, Any]]:
    """Return what the compiler says of a file, or of the project it belongs to."""
    folder = os.path.dirname(file)
    compiler = program.tools.typescript(folder)
    if compiler is None:
        return []
    config = program.project.compiling(file).path
    argv = [*compiler, "--noEmit", "--pretty"]
    argv += ["--project", config] if config else [*_ALONE, file]
    types = program.tools.types
    if types is not None and not config:
        argv += ["--typeRoots", types, "--types", "node", "--lib", "esnext"]
    root = program.project.root
    done = program.stage.tool(argv, cwd=root, timeout=_SECONDS)
    found = parse(done.stdout.decode("utf-8", "replace"), Sources(root))
    if types is None and program.project.installed(folder, "@types/node") is None:
        found = [one for one in found if not _lacks_node(one)]
    return found


def parse(output: str, sources: Sources) -> list[dict[str, Any]]:
    """Return a report of each error in what `tsc --pretty` prints.

    Its marks under the source tell where a range ends, which nothing else that it prints does.

    Args:
        output: its stdout; paths relative to the root of `sources`.
        sources: the files.
    """
    found: list[dict[str, Any]] = []
    place: dict[str, Any] | None = None
    for line in _ANSI.sub("", output).splitlines():
        head, related = _HEAD.match(line), _RELATED.match(line)
        if head is not None:
            place = _report(head, sources)
            found.append(place)
        elif not found or re.match(r"^Found \d+ errors?", line):
            place = None
        elif related is not None and found[-1]["path"] is not None:
            place = _place(related, sources)
            place["message"] = clip(related["text"] or "")
            found[-1]["related"].append(place)
        elif place is not None:
            _read_on(line, place, sources)
    for report in found:
        _finish(report)
    return found


def _read_on(line: str, place: dict[str, Any], sources: Sources) -> None:
    """Take a line below a head: source, marks under it, or more of the message."""
    code, mark = _CODE.match(line), _MARK.match(line)
    if code is not None and place.get("path") and (len(code["lead"]) in (0, 4)):
        place["at"] = int(code["number"]) - 1
        place["gutter"] = code.end()
        return
    if mark is not None and "at" in place:
        script = Script(sources.lines(place["path"]))
        place["endLine"] = place["at"]
        place["endColumn"] = script.column_of(place["at"], len(line.rstrip()) - place["gutter"])
        return
    text = line.strip()
    if text and text != "..." and "at" not in place:
        place["message"] = clip(f"{place['message']}\n{line.rstrip()}")
    elif text and not place["message"]:
        place["message"] = clip(text)


def _report(head: re.Match[str], sources: Sources) -> dict[str, Any]:
    names = ("path", "line", "column", "endLine", "endColumn")
    nowhere: dict[str, Any] = dict.fromkeys(names)
    return {
        "type": "diagnostic",
        "severity": head["level"],
        "kind": head["code"],
        "message": clip(head["text"]),
        "notes": [],
        "related": [],
        "fixes": [],
        **(_place(head, sources) if head["path"] else nowhere),
    }


def _place(match: re.Match[str], sources: Sources) -> dict[str, Any]:
    path = match["path"]
    script = Script(sources.lines(path) or [""])
    line = int(match["line"]) - 1
    span = script.token(line, script.column_of(line, int(match["column"]) - 1))
    return {"path": sources.path(path), **span.report()}


def _finish(report: dict[str, Any]) -> None:
    for place in (report, *report["related"]):
        place.pop("at", None)
        place.pop("gutter", None)
    meant = _MEANT.search(report["message"].partition("\n")[0])
    if meant is not None and report["line"] is not None and report["line"] == report["endLine"]:
        place = {key: report[key] for key in ("line", "column", "endLine", "endColumn")}
        report["fixes"].append(
            {"message": f"Change to {meant[1]}", "edits": [{**place, "text": meant[1]}]}
        )


def _lacks_node(report: dict[str, Any]) -> bool:
    """Tell whether an error only says that Node's types are not installed."""
    return report["kind"] in _OF_NODE or _NODE_MODULE.search(report["message"]) is not None


def _attach(report: dict[str, Any], errors: list[dict[str, Any]]) -> None:
    frames = [f for f in report.get("frames", ()) if not f["path"].startswith(("/", "<"))]
    place = report.get("place") or (frames[-1] if frames else None)
    if place is None or "facts" not in report:
        return
    here = [
        {key: error[key] for key in ("kind", "message", "line", "column", "endLine", "endColumn")}
        for error in errors
        if error["path"] == place["path"] and error["line"] == place["line"]
    ]
    if here:
        report["facts"]["typescript"] = here
