"""Compile with rustc or cargo: only what changed, with what is told made into reports."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from fixwright_sandbox.guest.freshness import Tree

from .messages import diagnostic, read_lines
from .panics import simple
from .places import Places

if TYPE_CHECKING:
    from fixwright_sandbox.guest.stage import Stage

EDITION = "2024"
_EDITION = re.compile(r"^\s*//@?\s*edition:\s*(2015|2018|2021|2024)\b", re.MULTILINE)
_MISSING = re.compile(r"no matching package (?:named|found)[^`]*`(?P<name>[^`]+)`")
_ABSENT = re.compile(
    r"(?:failed to (?:get|select a version for|download|load source for dependency)"
    r"|attempting to make an HTTP request)[^`]*`(?P<name>[^`\s]+)"
)
_RUNNING_MANIFEST = re.compile(r"proc[-_]macro\s*=\s*true|^\s*build\s*=", re.MULTILINE)
_CONFIGURATION = re.compile(r"/\.cargo/config(?:\.toml)?$")
_RUNNING_CONFIGURATION = re.compile(r"rustc|linker|runner|credential|fuse-ld|link-arg")
_TOML_PLACE = re.compile(r"^ *--> (?P<path>[^\n]+?):(?P<line>\d+):(?P<column>\d+)$", re.MULTILINE)
_CARGO_ERROR = re.compile(r"^error: (?P<text>.+?)(?:\n\n(?P<rest>.*))?\Z", re.MULTILINE | re.DOTALL)


Take = Callable[[dict[str, Any], str], None]
"""Takes a diagnostic's report, and the message as the compiler renders it."""


class Built(NamedTuple):
    """What a compilation made.

    Attributes:
        ok: whether it did.
        executables: one `{path, src, kind, name, manifest}` for each program.
        libraries: `{name: path}` of the libraries it made.
        features: those of the package itself that are on.
    """

    ok: bool
    executables: tuple[dict[str, Any], ...] = ()
    libraries: dict[str, str] = {}  # noqa: RUF012 - a tuple's default, never changed
    features: tuple[str, ...] = ()


def edition_of(text: str) -> str:
    """Return the edition that a lone file asks for (`//@ edition: 2021`), else the newest."""
    match = _EDITION.search(text[:4_000])
    return match[1] if match else EDITION


def rustc(
    stage: Stage,
    path: str,
    places: Places,
    *,
    test: bool = False,
    extra: tuple[str, ...] = (),
    report: Take | None = None,
) -> Built:
    """Compile one file that is a crate of its own.

    Args:
        stage: the run's.
        path: the file, relative to the tree or absolute.
        places: the files of the run.
        test: build its tests.
        extra: more arguments.
        report: what takes a diagnostic, with the message as the compiler renders it; None
            for the stage.
    """
    take = report or _teller(stage)
    name = hashlib.sha256(repr((path, test, extra)).encode()).hexdigest()[:24]
    folder = os.path.join(stage.cache, "rustc", name)
    binary, record = os.path.join(folder, "program"), os.path.join(folder, "record.json")
    known = _unchanged(record, stage.root)
    if known is not None and os.path.isfile(binary):
        for message in known:
            _tell(message, places, take)
        return Built(ok=True, executables=(_program(binary, path),))
    os.makedirs(folder, exist_ok=True)
    crate = re.sub(r"\W", "_", os.path.basename(path).removesuffix(".rs")) or "program"
    argv = [
        "rustc",
        f"--edition={edition_of(read(os.path.join(stage.root, path)))}",
        f"--crate-name={crate if not crate[0].isdigit() else '_' + crate}",
        *(("--test",) if test else ()),
        "--error-format=json",
        "-Cdebuginfo=1",
        f"-Cincremental={os.path.join(folder, 'incremental')}",
        f"--emit=link={binary},dep-info={os.path.join(folder, 'inputs.d')}",
        *extra,
        path,
    ]
    if os.path.exists(record):
        os.unlink(record)
    done = stage.tool(argv, cwd=stage.root, env=_quiet(stage))
    messages: list[dict[str, Any]] = []
    read_lines(done.stderr, messages.append, stage.say)
    for message in messages:
        _tell(message, places, take)
    if done.exit:
        if not any(message.get("level") == "error" for message in messages):
            stage.report(simple("CompileError", f"rustc ended with status {done.exit}."))
        return Built(ok=False)
    _remember(record, os.path.join(folder, "inputs.d"), stage.root, messages)
    return Built(ok=True, executables=(_program(binary, path),))


def cargo(stage: Stage, manifest: str, arguments: list[str], places: Places, tree: Tree) -> Built:
    """Build with cargo; nothing is started when no file of the tree has changed.

    Args:
        stage: the run's.
        manifest: path of the `Cargo.toml`.
        arguments: what to build: `["build", "--bin", "x"]`.
        places: the files of the run, relative to the cargo workspace's root.
        tree: the files, dated by content.
    """
    name = hashlib.sha256(repr((manifest, arguments)).encode()).hexdigest()[:24]
    records = os.path.join(stage.cache, "cargo")
    record = os.path.join(records, tree.digest, f"{name}.json")
    known = _load(record)
    if known and _all_there(known["executables"]):
        for message in known["messages"]:
            _tell(message, places, _teller(stage))
        return Built(
            True, tuple(known["executables"]), known["libraries"], tuple(known["features"])
        )
    command, *rest = arguments
    argv = ["cargo", command, "--offline", "--message-format=json", "--manifest-path", manifest]
    _forget_others(records, tree.digest)
    with tree.dated(), without_new_lock(places.base):
        done = stage.tool(
            [*argv, *rest],
            cwd=stage.root,
            env=environment(stage),
            runs_code=_runs_code(tree),
        )
    messages: list[dict[str, Any]] = []
    artifacts: list[dict[str, Any]] = []

    def take(value: dict[str, Any]) -> None:
        if value.get("reason") == "compiler-message":
            messages.append(value["message"])
        elif value.get("reason") == "compiler-artifact":
            artifacts.append(value)

    read_lines(done.stdout, take, stage.say)
    for message in messages:
        _tell(message, places, _teller(stage))
    if done.exit:
        text = done.stderr.decode("utf-8", "replace")
        if not any(message.get("level") == "error" for message in messages):
            stage.say(text)
            stage.report(cargo_failure(text, manifest, places))
        return Built(ok=False)
    executables = [_executable(value) for value in artifacts if value.get("executable")]
    libraries = _libraries(artifacts)
    own = [value for value in artifacts if value["manifest_path"] == manifest]
    features = sorted({name for value in own for name in value["features"]})
    value = {
        "features": features,
        "executables": executables,
        "libraries": libraries,
        "messages": messages,
    }
    _save(record, value)
    return Built(True, tuple(executables), libraries, tuple(features))


@contextmanager
def without_new_lock(folder: str) -> Generator[None]:
    """Remove the `Cargo.lock` that cargo makes meanwhile: it is no file that the run made."""
    lock = os.path.join(folder, "Cargo.lock")
    had_lock = os.path.exists(lock)
    try:
        yield
    finally:
        if not had_lock and os.path.exists(lock):
            os.unlink(lock)


def environment(stage: Stage) -> dict[str, str]:
    """Return what cargo and its programs are given."""
    return {
        **_quiet(stage),
        "CARGO_TARGET_DIR": os.path.join(stage.cache, "target"),
        "CARGO_NET_OFFLINE": "true",
        "CARGO_TERM_COLOR": "never",
        "CARGO_PROFILE_DEV_DEBUG": "1",
        "CARGO_PROFILE_DEV_SPLIT_DEBUGINFO": "off",
    }


def cargo_failure(text: str, manifest: str, places: Places) -> dict[str, Any]:
    """Return the report of what cargo itself says is wrong, before anything is compiled."""
    missing = _MISSING.search(text) or _ABSENT.search(text)
    report: dict[str, Any] = {
        "type": "diagnostic",
        "severity": "error",
        "kind": "CargoError",
        "path": places.path(manifest),
        "notes": [line.strip() for line in text.splitlines() if line.strip()][:12],
        "related": [],
        "fixes": [],
    }
    source = places.source(manifest)
    if missing is not None:
        crate = missing["name"]
        report["kind"] = "MissingCrate"
        report["message"] = (
            f"The crate `{crate}` is not available without a network: vendor it into the project "
            "(cargo vendor), or let its dependencies be installed."
        )
        found = re.search(
            rf"^\s*[\"']?{re.escape(crate)}[\"']?(?=[\s.=])", source.text, re.MULTILINE
        )
        found = found or re.search(re.escape(crate), source.text)
        if found is not None:
            length = len(found[0].lstrip())
            return {**report, **_span(source.place(found.end() - length), length)}
        return {**report, **_span((0, 0), 1)}
    told = _CARGO_ERROR.search(text)
    message = told["text"].splitlines()[0] if told else text.strip()[:500]
    place = _TOML_PLACE.search(text)
    report["message"] = message
    if place is not None:
        report["path"] = places.path(place["path"])
        start = (int(place["line"]) - 1, int(place["column"]) - 1)
        source = places.source(place["path"])
        line = source.text.split("\n")[start[0]] if source.text else ""
        word = re.match(r"[\w.\-\"']+|.", line[start[1] :])
        return {**report, **_span(start, len(word[0]) if word else 1)}
    first = source.text.partition("\n")[0]
    return {**report, **_span((0, 0), max(1, len(first)))}


def _runs_code(tree: Tree) -> bool:
    """Tell whether building runs code of the workspace: build scripts, macros, wrappers."""
    return any(
        os.path.basename(path) == "build.rs"
        or (os.path.basename(path) == "Cargo.toml" and _RUNNING_MANIFEST.search(read(path)))
        or (_CONFIGURATION.search(path) and _RUNNING_CONFIGURATION.search(read(path)))
        for path in tree.paths
    )


def _span(start: tuple[int, int], length: int) -> dict[str, Any]:
    line, column = start
    return {"line": line, "column": column, "endLine": line, "endColumn": column + length}


def _teller(stage: Stage) -> Take:
    def take(report: dict[str, Any], rendered: str) -> None:
        stage.report(report)
        stage.say(rendered)

    return take


def _tell(message: dict[str, Any], places: Places, take: Take) -> None:
    report = diagnostic(message, places)
    if report is not None:
        take(report, str(message.get("rendered") or report["message"]))


def _quiet(stage: Stage) -> dict[str, str]:
    return {"RUST_BACKTRACE": "1", **stage.environment}


def _program(binary: str, path: str) -> dict[str, Any]:
    return {"path": binary, "src": path, "kind": "bin", "name": "", "manifest": None}


def _executable(value: dict[str, Any]) -> dict[str, Any]:
    target = value["target"]
    return {
        "path": value["executable"],
        "src": target["src_path"],
        "kind": target["kind"][0],
        "name": target["name"],
        "manifest": value["manifest_path"],
        "test": bool(value["profile"]["test"]),
    }


def _libraries(artifacts: list[dict[str, Any]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for value in artifacts:
        target = value["target"]
        files = [name for name in value["filenames"] if name.endswith((".rlib", ".so"))]
        kinds = set(target["kind"])
        if files and kinds & {"lib", "rlib", "proc-macro", "dylib"}:
            found[target["name"].replace("-", "_")] = files[0]
    return found


def _unchanged(record: str, root: str) -> list[dict[str, Any]] | None:
    """Return the messages of a build whose inputs are still what they were."""
    known = _load(record)
    if not known or any(
        _digest(os.path.join(root, path)) != digest for path, digest in known["inputs"].items()
    ):
        return None
    return list(known["messages"])


def _remember(record: str, inputs: str, root: str, messages: list[dict[str, Any]]) -> None:
    text = read(inputs)
    if "# env-dep:" in text:
        return  # It depends on variables, too: built anew each time.
    paths = [
        line[:-1].replace("\\ ", " ")
        for line in text.splitlines()
        if line.endswith(":") and not line.startswith("#")
    ]
    digests = {path: _digest(os.path.join(root, path)) for path in paths}
    _save(record, {"inputs": digests, "messages": messages})


def _forget_others(records: str, digest: str) -> None:
    """Forget what was built of other contents: the same files are written anew now."""
    for name in os.listdir(records) if os.path.isdir(records) else ():
        if name != digest:
            shutil.rmtree(os.path.join(records, name), ignore_errors=True)


def _all_there(executables: list[dict[str, Any]]) -> bool:
    return all(os.path.isfile(value["path"]) for value in executables)


def _load(record: str) -> dict[str, Any]:
    try:
        with open(record, encoding="utf-8") as file:
            return dict(json.load(file))
    except (OSError, ValueError):
        return {}


def _save(record: str, value: dict[str, Any]) -> None:
    os.makedirs(os.path.dirname(record), exist_ok=True)
    partial = record + ".part"
    with open(partial, "w", encoding="utf-8") as file:
        json.dump(value, file)
    os.replace(partial, record)


def read(path: str) -> str:
    """Return a file's text; empty where it can't be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _digest(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return ""
