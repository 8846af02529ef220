"""gcc and g++: flags, sanitizers, compiling with results kept, linking."""

from __future__ import annotations

import glob
import os
import resource
import shlex
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from .keep import Keeper
from .project import CPP_ENDINGS, HEADER_ENDINGS

if TYPE_CHECKING:
    from fixwright_sandbox.guest.stage import Stage

_VERSION = "1"
_SHADOW = 18 << 40
"""Bytes of address space that AddressSanitizer reserves for itself."""
_COMMON = (
    *("-g", "-O0", "-fno-omit-frame-pointer", "-pthread", "-Wall", "-Wextra"),
    "-fdiagnostics-format=json",
)
_UNDEFINED = (
    "-fsanitize=undefined",
    "-fno-sanitize-recover=undefined",
    # What programs live with: told, but no reason to end them. Alignment shares its check with
    # null pointers in gcc, which are a reason.
    "-fno-sanitize=alignment",
    "-fsanitize-recover=signed-integer-overflow,shift,float-cast-overflow,enum,bool",
)


class Object(NamedTuple):
    """A compiled source: the object file, empty where it failed, and what the compiler said."""

    path: str
    said: str
    worked: bool
    files: tuple[str, ...]


class Compiler:
    """Compiles for one run, from the root of the tree, so that messages name relative paths."""

    def __init__(self, stage: Stage, keeper: Keeper) -> None:
        self._stage = stage
        self._keeper = keeper
        self.environment = {**stage.environment, "LC_ALL": "C.UTF-8", "TMPDIR": stage.scratch}
        self._path = self.environment.get("PATH")
        self.sanitizers = self._sanitizers()

    def missing(self, *, cpp: bool) -> str | None:
        """Return the compiler's name where there is none."""
        name = "g++" if cpp else "gcc"
        return None if shutil.which(name, path=self._path) else name

    def identity(self) -> str:
        """Return what of the compiler and its flags decides what is built."""
        found = shutil.which("gcc", path=self._path) or shutil.which("g++", path=self._path) or ""
        changed = str(os.stat(found).st_mtime_ns) if found else ""
        own = [self.environment.get(name, "") for name in ("CFLAGS", "CXXFLAGS", "CPPFLAGS")]
        own += [self.environment.get(name, "") for name in ("LDFLAGS", "LDLIBS")]
        return "\0".join((_VERSION, found, changed, *self.sanitizers, *own))

    def flags(self, *, cpp: bool) -> list[str]:
        """Return the flags for a language: ours, then those of the environment."""
        own = self.environment.get("CPPFLAGS", "") + " "
        own += self.environment.get("CXXFLAGS" if cpp else "CFLAGS", "")
        extra = ["-D_GLIBCXX_ASSERTIONS"] if cpp else []
        return [*_COMMON, *extra, *self.sanitizers, *shlex.split(own)]

    def compile(
        self, source: str, includes: Sequence[str], *, text: str | None = None, quiet: bool = False
    ) -> Object:
        """Compile a source, or take the result that was kept.

        Args:
            source: its path relative to the root.
            includes: folders for headers, relative to the root.
            text: compile this instead of the file, as the same language.
            quiet: leave out warnings of what is not used.
        """
        cpp = is_cpp(source)
        header = source.endswith(HEADER_ENDINGS)
        argv = ["g++" if cpp else "gcc", *self.flags(cpp=cpp)]
        argv += ["-Wno-unused", "-Wno-unused-parameter"] if quiet else []
        argv += [f"-I{folder or '.'}" for folder in includes]
        key = self._keeper.key("object", self.identity(), source, *argv, text or "")
        kept = self._keeper.get(key)
        if kept is not None and (kept["header"] or os.path.isfile(self._keeper.path(key, ".o"))):
            files = tuple(kept["inputs"])
            return Object(self._keeper.path(key, ".o"), kept["said"], worked=True, files=files)
        os.makedirs(self._keeper.folder, exist_ok=True)
        output, depends = self._keeper.path(key, ".o"), self._keeper.path(key, ".d")
        argv += ["-fsyntax-only"] if header else ["-c"]
        argv += ["-MMD", "-MF", depends, "-MT", "it", "-o", os.devnull if header else output]
        if text is None:
            argv += ["-x", _language(source), source]
        else:
            argv += ["-x", _language(source), f"-iquote{os.path.dirname(source) or '.'}", "-"]
        finished = self._stage.tool(
            argv,
            cwd=self._stage.root,
            env=self.environment,
            stdin=(text or "").encode("utf-8", "surrogateescape"),
        )
        said = finished.stderr.decode("utf-8", "replace")
        worked = finished.exit == 0
        files = _dependencies(depends, source) if text is None or worked else ()
        if worked and text is None:
            folders = {os.path.dirname(each) for each in files} | set(includes)
            value = {"said": said, "inputs": list(files), "header": header}
            self._keeper.put(key, value, files, folders)
        return Object(output, said, worked, files)

    def link(self, objects: Sequence[str], output: str, *, cpp: bool) -> tuple[bool, str]:
        """Link objects to a program; return whether it worked, and what was said."""
        argv = ["g++" if cpp else "gcc", "-g", "-pthread", *self.sanitizers]
        argv += shlex.split(self.environment.get("LDFLAGS", ""))
        argv += [*objects, "-o", output, "-lm"]
        argv += shlex.split(self.environment.get("LDLIBS", ""))
        finished = self._stage.tool(argv, cwd=self._stage.root, env=self.environment)
        return finished.exit == 0, finished.stderr.decode("utf-8", "replace")

    def _sanitizers(self) -> tuple[str, ...]:
        """Return the flags of the sanitizers that can work here.

        AddressSanitizer reserves far more address space than a program ever uses, so a limit on
        reserved memory rules it out.
        """
        found: list[str] = []
        if _has_runtime("libubsan", self._path):
            found.extend(_UNDEFINED)
        soft, _ = resource.getrlimit(resource.RLIMIT_DATA)
        roomy = soft in (resource.RLIM_INFINITY, -1) or soft >= _SHADOW
        if roomy and _has_runtime("libasan", self._path):
            found.insert(0, "-fsanitize=address")
        return tuple(found)


def is_cpp(source: str) -> bool:
    """Tell whether a file is C++ by its name; `.h` is taken for C."""
    return source.endswith((*CPP_ENDINGS, ".hh", ".hpp", ".hxx"))


def _language(source: str) -> str:
    kind = "c++" if is_cpp(source) else "c"
    return f"{kind}-header" if source.endswith(HEADER_ENDINGS) else kind


def _has_runtime(name: str, path: str | None) -> bool:
    """Tell whether gcc's folder holds a sanitizer's runtime."""
    gcc = shutil.which("gcc", path=path) or shutil.which("g++", path=path)
    if gcc is None:
        return False
    base = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(gcc))), "lib", "gcc")
    found = glob.glob(os.path.join(base, "*", "*", f"{name}.*"))
    return any(file.endswith((".so", ".a")) for file in found)


def _dependencies(path: str, source: str) -> tuple[str, ...]:
    """Return the files that a Makefile rule of gcc's names; the source where it can't be read."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read()
        os.unlink(path)
    except OSError:
        return (source,)
    words = text.replace("\\\n", " ").replace("\\ ", "\0").split()[1:]
    return tuple(dict.fromkeys(word.replace("\0", " ") for word in words if word != "-"))
