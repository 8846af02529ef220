"""Make JavaScript of the TypeScript and JSX that a program is about to load, and keep it.

A file is transformed once for each content; what a program changes while it runs is transformed
by the hook, for that run alone.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fixwright_sandbox.guest.sources import Sources

from . import esbuild_log
from .project import Project
from .script import Script

if TYPE_CHECKING:
    from fixwright_sandbox.guest.stage import Stage

TARGET = "node20"
ENDINGS = (".ts", ".tsx", ".mts", ".cts", ".jsx")
_OTHERS = (*ENDINGS, ".js", ".mjs", ".cjs")
_WRITTEN_AS = {
    ".js": (".ts", ".tsx", ".jsx"),
    ".mjs": (".mts",),
    ".cjs": (".cts",),
    ".jsx": (".tsx",),
}
_MOST_FILES = 5_000
_OPTIONS = ("--sourcemap=inline", "--sources-content=false", "--color=false", "--log-limit=50")
_VERSION = "1"


@dataclass
class Prepared:
    """What the hook is told: the files to load instead, and the errors of those that can't be."""

    files: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    broken: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])
    rendered: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class _Wanted:
    file: str
    key: str
    format: str
    jsx: str


class Transformer:
    """Calls esbuild for what the cache has not."""

    def __init__(self, stage: Stage, project: Project, esbuild: str) -> None:
        self._stage = stage
        self._project = project
        self._esbuild = esbuild
        self._folder = os.path.join(stage.cache, "transformed")
        os.makedirs(self._folder, exist_ok=True)

    def prepare(self, entries: list[str]) -> Prepared:
        """Transform files and what they import from the tree, as far as names tell.

        Args:
            entries: absolute paths.
        """
        prepared = Prepared()
        wanted: list[_Wanted] = []
        waiting, seen = list(entries), set(entries)
        while waiting and len(seen) < _MOST_FILES:
            file = waiting.pop()
            if not file.endswith(ENDINGS) or "/node_modules/" in file:
                continue
            one, imports = self._look_at(file)
            if one is not None:
                wanted.append(one)
            for found in imports:
                if found not in seen:
                    seen.add(found)
                    waiting.append(found)
        self._make([one for one in wanted if not os.path.exists(self._made(one))], prepared)
        for one in wanted:
            if one.file not in prepared.broken:
                prepared.files[one.file] = {
                    "code": self._made(one),
                    "format": one.format,
                    "stamp": _stamp(one.file),
                }
        return prepared

    def text(self, text: str, path: str, output: str) -> tuple[str, str]:
        """Transform a text that stands for a file; the result is written to `output`.

        Returns:
            The format, and what esbuild said where it failed.
        """
        script = Script(text.split("\n"))
        form = self.format_of(path, script)
        ending = path.rpartition(".")[2]
        argv = [self._esbuild, f"--loader={ending.removeprefix('m').removeprefix('c')}"]
        argv += [
            f"--format={_NAMES[form]}",
            f"--target={TARGET}",
            f"--sourcefile={path}",
            *_OPTIONS,
        ]
        if jsx := self._jsx(path, script):
            argv.append(f"--jsx={jsx}")
        done = self._stage.tool(argv, cwd=self._project.root, stdin=text.encode("utf-8", "replace"))
        if done.exit:
            return form, done.stderr.decode("utf-8", "replace")
        with open(output, "wb") as file:
            file.write(done.stdout)
        return form, ""

    def format_of(self, path: str, script: Script) -> str:
        """Return `module` or `commonjs`: what the file's ending, package and syntax say."""
        if path.endswith((".mts", ".mjs")):
            return "module"
        if path.endswith((".cts", ".cjs")):
            return "commonjs"
        kind = self._project.package(path).get("type")
        if kind in ("module", "commonjs"):
            return str(kind)
        if script.is_commonjs or not script.is_module:
            return "commonjs"
        of_config = self._project.compiling(path).module
        waits = "import.meta" in script.bare or "await" in script.bare
        return "commonjs" if of_config == "commonjs" and not waits else "module"

    def _look_at(self, file: str) -> tuple[_Wanted | None, list[str]]:
        try:
            with open(file, "rb") as opened:
                data = opened.read()
        except OSError:
            return None, []
        compiling = self._project.compiling(file)
        package = self._project.package(file).get("type")
        said = json.dumps([_VERSION, file, compiling.text, package, TARGET]).encode()
        key = hashlib.sha256(said + b"\0" + data).hexdigest()[:40]
        notes = os.path.join(self._folder, f"{key}.json")
        try:
            with open(notes, encoding="utf-8") as opened:
                form, jsx, specifiers = json.load(opened)
        except (OSError, ValueError):
            text = data.decode("utf-8", "replace").removeprefix("\ufeff")
            script = Script(text.replace("\r\n", "\n").split("\n"))
            form, jsx = self.format_of(file, script), self._jsx(file, script)
            specifiers = [one.specifier for one in script.imports()]
            with open(notes, "w", encoding="utf-8") as opened:
                json.dump([form, jsx, specifiers], opened)
        folder = os.path.dirname(file)
        found = [self._resolved(specifier, folder, compiling.paths) for specifier in specifiers]
        return _Wanted(file, key, form, jsx), [one for one in found if one is not None]

    def _jsx(self, path: str, script: Script) -> str:
        if not path.endswith(("x", ".js")) or self._project.compiling(path).jsx:
            return ""
        own = "React" in script.words() or "@jsx" in script.text
        return "transform" if own else "automatic"

    def _resolved(
        self, specifier: str, folder: str, paths: tuple[dict[str, Any], ...]
    ) -> str | None:
        if specifier.startswith("."):
            return _on_disk(os.path.normpath(os.path.join(folder, specifier)))
        for one in paths:
            prefix, suffix = one["prefix"], one["suffix"]
            if specifier.startswith(prefix) and specifier.endswith(suffix):
                star = specifier[len(prefix) : len(specifier) - len(suffix)]
                for target in one["targets"]:
                    found = _on_disk(target.replace("*", star, 1))
                    if found is not None:
                        return found
        return None

    def _made(self, one: _Wanted) -> str:
        return os.path.join(self._folder, f"{one.key}.js")

    def _make(self, wanted: list[_Wanted], prepared: Prepared) -> None:
        groups: dict[tuple[str, str], list[_Wanted]] = {}
        for one in wanted:
            groups.setdefault((one.format, one.jsx), []).append(one)
        for group in groups.values():
            if self._call(group) and len(group) > 1:
                for one in group:
                    self._alone(one, prepared)
            elif not os.path.exists(self._made(group[0])):
                self._alone(group[0], prepared)

    def _alone(self, one: _Wanted, prepared: Prepared) -> None:
        log = self._call([one])
        if not log:
            return
        reports = esbuild_log.diagnostics(log, Sources(self._project.root))
        first: dict[str, Any] = reports[0] if reports else {"message": log.strip(), "line": 0}
        prepared.broken[one.file] = reports
        prepared.rendered[one.file] = log
        prepared.files[one.file] = {
            "broken": first["message"],
            "line": (first["line"] or 0) + 1,
            "stamp": _stamp(one.file),
        }

    def _call(self, group: list[_Wanted]) -> str:
        """Transform files of one kind; return what esbuild said if it failed."""
        argv = [self._esbuild, *(f"{one.key}={one.file}" for one in group)]
        argv += [f"--outdir={self._folder}", f"--format={_NAMES[group[0].format]}"]
        argv += [f"--target={TARGET}", "--log-level=warning", *_OPTIONS]
        if group[0].jsx:
            argv.append(f"--jsx={group[0].jsx}")
        done = self._stage.tool(argv, cwd=self._project.root)
        return done.stderr.decode("utf-8", "replace") if done.exit else ""


_NAMES = {"module": "esm", "commonjs": "cjs"}


def _on_disk(base: str) -> str | None:
    stem, ending = os.path.splitext(base)
    candidates = [base, *(stem + other for other in _WRITTEN_AS.get(ending, ()))]
    candidates += [base + other for other in _OTHERS]
    candidates += [os.path.join(base, f"index{other}") for other in _OTHERS]
    return next((path for path in candidates if os.path.isfile(path)), None)


def _stamp(path: str) -> str:
    found = os.stat(path)
    return f"{found.st_mtime_ns}:{found.st_size}"
