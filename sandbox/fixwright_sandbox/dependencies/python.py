"""Python: `requirements*.txt`, `pyproject.toml` and imports."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Iterable, Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from . import reading
from .model import Conflict, Files, Package, Unknown, Wanted
from .names import distribution_of
from .reading import ManifestError

_MANIFESTS = (
    "requirements.txt",
    "requirements-dev.txt",
    "requirements-test.txt",
    "dev-requirements.txt",
    "test-requirements.txt",
    "requirements/base.txt",
    "requirements/dev.txt",
    "requirements/test.txt",
)
_LOCKS = ("pylock.toml", "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock")
_GROUPS = ("dev", "test", "tests", "testing")
"""Groups and extras that running a project's tests needs."""
_INCLUDE = re.compile(r"^(?:-r|--requirement|-c|--constraint)[ =]+(?P<path>\S+)")
_HASH = re.compile(r"\s--hash[ =](\S+)")
_HALF_HASHED = "{} has no hash, so those of the other packages are not checked: pip checks all."
_PROVIDED = frozenset({"pytest", "iniconfig", "packaging", "pluggy", "pygments", "pip"})
"""What every environment of the runtime has."""
_MOST_SOURCES = 2_000
_LARGEST_SOURCE = 1 << 20
_MOST_INCLUDED = 20


def wanted(files: Files) -> Wanted:
    """What a tree's manifests and imports ask for."""
    packages: list[Package] = []
    limits: list[Package] = []
    manifests: dict[str, bytes] = {}
    problems: list[str] = []
    for path in (*_MANIFESTS, "pyproject.toml"):
        try:
            if path == "pyproject.toml":
                packages += _pyproject(files, path, manifests, problems)
            else:
                packages += _requirements(files, path, manifests, problems, limits)
        except ManifestError as error:
            problems.append(str(error))
    locks = [path for path in _LOCKS if path in files]
    for path in locks:
        manifests.update(reading.among(files, [path]))
    applying = [each for each in packages if _applies(each)]
    imported, unknown = _imports(files, {canonicalize_name(each.name) for each in applying})
    chosen = tuple(_without_repeats([*applying, *imported]))
    bare = [each for each in chosen if not each.hashes]
    if bare and len(bare) < len(chosen):
        problems.append(_HALF_HASHED.format(bare[0].title))
    return Wanted(
        runtime="python",
        packages=chosen,
        manifests=manifests,
        locked=bool(locks),
        conflicts=tuple(_conflicts(applying)),
        limits=tuple(_without_repeats(limits)),
        unknown=tuple(unknown),
        problems=tuple(problems),
    )


def _applies(package: Package) -> bool:
    return canonicalize_name(package.name) not in _PROVIDED or bool(package.constraint)


# ---- manifests


def _requirements(
    files: Files,
    path: str,
    manifests: dict[str, bytes],
    problems: list[str],
    limits: list[Package],
) -> list[Package]:
    """One requirements file and those that it includes; constraints are added to `limits`."""
    source = reading.text(files, path)
    if source is None or path in manifests or len(manifests) >= _MOST_INCLUDED:
        return []
    manifests[path] = source.encode()
    found: list[Package] = []
    for number, line in _logical_lines(source):
        origin = f"{path}:{number}"
        included = _INCLUDE.match(line)
        if included:
            folder = path.rpartition("/")[0]
            other = _joined(folder, included["path"])
            if line.startswith(("-r", "--requirement")):
                found += _requirements(files, other, manifests, problems, limits)
            else:
                limits += _requirements(files, other, manifests, problems, limits)
        elif not line.startswith("-"):
            found += _parsed(line, origin, problems)
        elif line.startswith(("-e", "--editable")):
            problems.append(f"{origin}: the project itself is not installed; its files are there.")
    return found


def _logical_lines(source: str) -> Iterator[tuple[int, str]]:
    """Lines without comments, continued ones joined, each with the number of its first."""
    begun, first = "", 0
    for number, raw in enumerate(source.splitlines(), 1):
        line = re.sub(r"(^|\s)#.*$", "", raw).strip()
        begun, first = f"{begun} {line}".strip(), first or number
        if begun.endswith("\\"):
            begun = begun[:-1].rstrip()
            continue
        if begun:
            yield first, begun
        begun, first = "", 0


def _joined(folder: str, path: str) -> str:
    parts: list[str] = []
    for part in f"{folder}/{path}".split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _parsed(line: str, origin: str, problems: list[str]) -> list[Package]:
    hashes = tuple(_HASH.findall(line))
    line = _HASH.sub("", line).strip()
    try:
        requirement = Requirement(line)
    except InvalidRequirement as error:
        reason = str(error).split("\n", 1)[0]
        problems.append(f"{origin}: {line!r} is not a requirement: {reason}.")
        return []
    if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
        return []
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    where = f" @ {requirement.url}" if requirement.url else str(requirement.specifier)
    return [Package(requirement.name + extras, where, origin, hashes=hashes)]


def _pyproject(
    files: Files, path: str, manifests: dict[str, bytes], problems: list[str]
) -> list[Package]:
    source = reading.text(files, path)
    data = reading.toml(files, path)
    if source is None or data is None:
        return []
    project = reading.table(data.get("project"))
    extras = reading.table(project.get("optional-dependencies"))
    groups = reading.table(data.get("dependency-groups"))
    lines = [
        *reading.texts(project.get("dependencies")),
        *(line for name in _GROUPS for line in reading.texts(extras.get(name))),
        *(line for name in _GROUPS for line in _group(groups, name, frozenset())),
    ]
    if lines:
        manifests[path] = source.encode()
    own = canonicalize_name(reading.string(project.get("name")) or "-")
    found = [
        package
        for line in lines
        for package in _parsed(line, f"{path}:{reading.line_of(source, line)}", problems)
    ]
    return [each for each in found if canonicalize_name(each.name.partition("[")[0]) != own]


def _group(groups: reading.Table, name: str, seen: frozenset[str]) -> Iterator[str]:
    """A dependency group's lines; groups may include others (PEP 735)."""
    if name in seen:
        return
    yield from reading.texts(groups.get(name))
    for each in reading.items(groups.get(name)):
        included = reading.string(reading.table(each).get("include-group"))
        if included:
            yield from _group(groups, included, seen | {name})


# ---- conflicts


def _conflicts(packages: Iterable[Package]) -> Iterator[Conflict]:
    """Two exact versions of one package, or an exact one that another place excludes."""
    by_name: dict[str, list[Package]] = {}
    for each in packages:
        if not each.constraint.startswith(" @"):
            by_name.setdefault(canonicalize_name(each.name.partition("[")[0]), []).append(each)
    for name, asked in by_name.items():
        for each in asked:
            exact = re.fullmatch(r"===?\s*([^,*]+)", each.constraint)
            other = exact and next(
                (
                    other
                    for other in asked
                    if other.constraint
                    and not SpecifierSet(other.constraint).contains(exact[1], prereleases=True)
                ),
                None,
            )
            if other:
                message = (
                    f"{each.origin} asks for {name}{each.constraint} and {other.origin} for "
                    f"{name}{other.constraint}; no version is both. Change one of them."
                )
                yield Conflict(name, message)
                break


# ---- what the code imports


def _imports(files: Files, asked: set[str]) -> tuple[list[Package], list[Unknown]]:
    own = _own_modules(files)
    found: dict[str, Package] = {}
    unknown: dict[str, Unknown] = {}
    for path in sorted(path for path in files if path.endswith(".py"))[:_MOST_SOURCES]:
        for name, line in _imported(files, path):
            top = name.partition(".")[0]
            if top in own or top in sys.stdlib_module_names:
                continue
            distribution = distribution_of(name)
            if distribution is None:
                if canonicalize_name(top) not in asked:
                    unknown.setdefault(top, Unknown(top, f"{path}:{line}"))
            elif distribution not in asked and distribution not in _PROVIDED:
                package = Package(distribution, "", f"import in {path}:{line}", by_import=True)
                found.setdefault(distribution, package)
    return list(found.values()), list(unknown.values())


def _own_modules(files: Files) -> frozenset[str]:
    """Names that an import finds in the tree: modules and packages at any folder's top."""
    own: set[str] = set()
    for path in files:
        if path.endswith((".py", ".pyi", ".so")):
            folders = path.split("/")
            own.update(folders[:-1])
            own.add(folders[-1].partition(".")[0])
    return frozenset(own)


def _imported(files: Files, path: str) -> Iterator[tuple[str, int]]:
    """Modules that a file imports whatever happens, with one-based lines.

    An import inside `try` is left out: what a file can do without is not asked for.
    """
    try:
        source = reading.content(files, path)
        if source is None or len(source) > _LARGEST_SOURCE:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            waiting: list[ast.AST] = [ast.parse(source)]
    except (SyntaxError, ValueError, ManifestError, RecursionError, MemoryError):
        return  # what can't be parsed fails when it runs, and says why
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0 and node.module:
                yield node.module, node.lineno
        elif not isinstance(node, ast.Try) and not _for_types(node):
            waiting.extend(ast.iter_child_nodes(node))


def _for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def _without_repeats(packages: Iterable[Package]) -> Iterator[Package]:
    seen: set[tuple[str, str]] = set()
    for each in sorted(packages, key=lambda each: (each.name.lower(), each.origin)):
        if (each.name, each.constraint) not in seen:
            seen.add((each.name, each.constraint))
            yield each
