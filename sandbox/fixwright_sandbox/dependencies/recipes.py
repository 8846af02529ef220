"""How each runtime's packages are installed into a layer, and found there by a run."""

from __future__ import annotations

import importlib.util
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from fixwright_sandbox.backends.base import Layer

from . import maven
from .cargo import main_manifest, stubs
from .model import Package, Wanted
from .records import Record
from .sources import CARGO_CONFIG, Sources

_OURS = ".fixwright"
REPORT = f"{_OURS}/report.json"
"""Where an installation tells what it installed."""
_LAYER = "/layer"
_NODE = "/node_modules"
"""Where Node looks for whatever lies in /workspace, from `require` as well as from `import`."""

_PIP = f"""\
export TMPDIR={_LAYER}/.tmp && mkdir -p "$TMPDIR" && python3 "$@"
status=$?
rm -rf {_LAYER}/.tmp
exit $status
"""
"""What pip unpacks goes to the layer's own disk: memory would be too small for large packages."""

_NPM = f"""\
npm "$@" || exit $?
if test -d node_modules; then
    mkdir -p {_OURS} && cp node_modules/.package-lock.json {REPORT}
    cp -a node_modules/. {_NODE}/ || exit $?
    rm -rf node_modules
fi
"""

_GO = f"""\
export GOFLAGS='-mod=mod -modcacherw' GOCACHE=/tmp/build GOPATH=/tmp/path
go mod download || exit $?
mkdir -p {_OURS} && GOPROXY=off go mod download -json > {REPORT}
"""
"""The module cache, whose folders the layer's owner can remove. No code of a module runs."""
_CARGO = f"""\
! test -f {CARGO_CONFIG} || cp {CARGO_CONFIG} {_LAYER}/config.toml || exit $?
cargo "$@" || exit $?
mkdir -p {_OURS} && cp "$(dirname "$3")/Cargo.lock" {REPORT}
"""
"""Cargo's home. The user's registries stay in it: runs have to know them, too."""
_GO_PROXY = "https://proxy.golang.org,direct"
"""Go's own; the runtime has none."""
_UNPROVEN = (
    "There is no go.sum, so nothing says that the modules are the right ones, and Go builds with "
    "none of them. Run `go mod tidy` and try again."
)


class CannotInstall(Exception):
    """It can't be installed; the message is a sentence for the user."""


@dataclass(frozen=True)
class Recipe:
    """How to install.

    Attributes:
        argv: what runs, in the tree that holds `files` alone.
        files: by path: manifests, and what the package manager needs.
        environment: its variables.
    """

    argv: tuple[str, ...]
    files: Mapping[str, bytes]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Use:
    """How a run finds a layer.

    Attributes:
        at: where it is mounted.
        environment: variables of the run.
        sites: folders that Python treats as its own `site-packages`.
    """

    at: str
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    sites: tuple[str, ...] = ()


USES: Mapping[str, Use] = MappingProxyType(
    {
        "python": Use(
            _LAYER, {"PYTHONPATH": f"{_LAYER}/python"}, (f"{_LAYER}/python",)
        ),
        "node": Use(_NODE),
        "go": Use(_LAYER, {"GOMODCACHE": _LAYER}),
        "rust": Use(_LAYER, {"CARGO_HOME": _LAYER}),
        "java": Use(_LAYER, maven.variables(_LAYER)),
    }
)  # fmt: skip
"""By runtime; one that is not here has no layers."""


def layer_of(record: Record) -> Layer:
    """The layer as a run is given it."""
    return Layer(record.place, USES[record.runtime].at)


def environment_of(layer: Layer | None, runtime: str) -> Mapping[str, str]:
    """The variables of a run that has a layer."""
    use = _use(layer, runtime)
    return use.environment if use is not None else {}


def sites_of(layer: Layer | None, runtime: str) -> list[str]:
    """The folders that a run treats as `site-packages`."""
    use = _use(layer, runtime)
    return list(use.sites) if use is not None else []


def weighed(layer: Layer | None) -> dict[str, object] | None:
    """What the guest holds to a size while it is filled."""
    return {"path": layer.at, "bytes": layer.most} if layer is not None and layer.filling else None


def _use(layer: Layer | None, runtime: str) -> Use | None:
    return USES.get(runtime) if layer is not None and not layer.filling else None


def recipe(wanted: Wanted, given: Sources) -> Recipe:
    """How to install what is wanted. Reads files, of pip. Raises `CannotInstall`."""
    makers: dict[str, Callable[[Wanted, Sources], Recipe]] = {
        "python": _python,
        "node": _node,
        "go": _go,
        "rust": _rust,
        "java": _java,
    }
    make = makers.get(wanted.runtime)
    if make is None:
        raise CannotInstall(f"Packages of {wanted.runtime} can't be installed into the sandbox.")
    return make(wanted, given)


def _python(wanted: Wanted, given: Sources) -> Recipe:
    """What the workspace asks for, by name and version: its files' options are not obeyed."""
    proven = all(each.hashes for each in wanted.packages)  # pip wants all of them, or none
    lines = "".join(_line(each, proven=proven) for each in wanted.packages)
    limits = "".join(_line(each, proven=proven) for each in wanted.limits)
    wheels = (*("--only-binary", ":all:"),) if given.secrets else ()
    argv = (
        *("bash", "-c", _PIP, "install", f"{_OURS}/pip.zip/pip", "install"),
        *("--no-input", "--no-cache-dir", "--disable-pip-version-check", "--progress-bar", "off"),
        *("--no-warn-script-location", "--root-user-action", "ignore", *wheels),
        *("--target", f"{_LAYER}/python", "--report", REPORT, "-r", f"{_OURS}/wanted.txt"),
        *(("-c", f"{_OURS}/limits.txt") if limits else ()),
        *(("--require-hashes",) if proven else ()),
    )
    files = {
        **wanted.manifests,
        **given.files,
        f"{_OURS}/pip.zip": pip(),
        f"{_OURS}/wanted.txt": lines.encode(),
        f"{_OURS}/limits.txt": limits.encode(),
    }
    return Recipe(argv, files, given.environment)


def _line(package: Package, *, proven: bool) -> str:
    hashes = "".join(f" --hash={each}" for each in package.hashes) if proven else ""
    return f"{package.name}{package.constraint}{hashes}\n"


def _node(wanted: Wanted, given: Sources) -> Recipe:
    """`npm ci` where there is npm's lock file. Nothing of the packages runs: no scripts."""
    locked = {"package-lock.json", "npm-shrinkwrap.json"} & wanted.manifests.keys()
    argv = (
        *("bash", "-c", _NPM, "install", "ci" if locked else "install"),
        *("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"),
        *("--cache", "/tmp/npm-cache"),  # noqa: S108 (the environment's, which nobody else sees)
    )
    return Recipe(argv, {**wanted.manifests, **given.files}, given.environment)


def _go(wanted: Wanted, given: Sources) -> Recipe:
    """`go mod download`, which holds what comes to go.sum. Raises `CannotInstall` without it."""
    if "go.sum" not in wanted.manifests:
        raise CannotInstall(_UNPROVEN)
    environment = {"GOPROXY": _GO_PROXY, **given.environment}
    environment |= {"GOMODCACHE": _LAYER, "GOENV": "off", "GOTOOLCHAIN": "local"}
    argv = ("bash", "-c", _GO, "install")
    return Recipe(argv, {**wanted.manifests, **given.files}, environment)


def _rust(wanted: Wanted, given: Sources) -> Recipe:
    """`cargo fetch`, to the letter of Cargo.lock where there is one. No code of a crate runs."""
    manifest = main_manifest(wanted.manifests)
    lock = manifest.replace("Cargo.toml", "Cargo.lock")
    argv = ("bash", "-c", _CARGO, "install", "fetch", "--manifest-path", manifest)
    if lock in wanted.manifests:
        argv += ("--locked",)
    files = {**stubs(wanted.manifests), **wanted.manifests, **given.files}
    environment = {**given.environment, "CARGO_HOME": _LAYER, "CARGO_NET_OFFLINE": "false"}
    return Recipe(argv, files, environment)


def _java(wanted: Wanted, given: Sources) -> Recipe:
    """Maven's own resolver over the POMs. No plugin and no code of an artifact runs."""
    files = {**wanted.manifests, **given.files, **maven.files(wanted.manifests)}
    argv = maven.argv(wanted.manifests, _LAYER, REPORT)
    return Recipe(("bash", "-c", *argv), files, given.environment)


def pip() -> bytes:
    """Pip itself as an archive that Python runs: this interpreter's, else the one it came with.

    Raises `CannotInstall` where there is neither.
    """
    found = importlib.util.find_spec("pip")
    if found is not None and found.origin is not None:
        return _archive(Path(found.origin).parent)
    bundled = importlib.util.find_spec("ensurepip")
    if bundled is not None and bundled.origin is not None:
        wheels = sorted(Path(bundled.origin).parent.glob("_bundled/pip-*.whl"))
        if wheels:
            return wheels[-1].read_bytes()
    raise CannotInstall(
        "The Python that Fixwright runs on has no pip; install it there (`python -m ensurepip`, "
        "or the package python3-venv)."
    )


def _archive(package: Path) -> bytes:
    told = io.BytesIO()
    with zipfile.ZipFile(told, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(package.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, Path(package.name, path.relative_to(package)))
    return told.getvalue()
