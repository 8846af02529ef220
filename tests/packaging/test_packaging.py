"""What people install: built from the tree, put in a fresh environment, started there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"fixwright": ROOT / "server", "fixwright_sandbox": ROOT / "sandbox"}
SUPPORTED = ["3.11", "3.12", "3.13"]

NOT_FOR_IMPORT = {
    "fixwright_sandbox.guest.bootstrap",  # sent as text; acts when an interpreter reads it
    "fixwright_sandbox.runtimes.python.guest.pytest_plugin",  # loaded by a run's pytest
}
OF_AN_EXTRA = ("fixwright_sandbox.service.", "fixwright.doors.mcp_server", "fixwright.doors.acp_")
"""Imported only where the extra was asked for; those who lack it are told by its command."""

IMPORT_EVERYTHING = f"""
not_for_import = {NOT_FOR_IMPORT!r}
of_an_extra = {OF_AN_EXTRA!r}
import importlib, json, pkgutil
import fixwright, fixwright_sandbox

imported = []
for package in (fixwright, fixwright_sandbox):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if module.name.startswith(of_an_extra):
            continue
        if not module.name.endswith(".__main__") and module.name not in not_for_import:
            importlib.import_module(module.name)
            imported.append(module.name)
files = [fixwright.__file__, fixwright_sandbox.__file__]
print(json.dumps({{"modules": imported, "files": files}}))
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class Distributions(NamedTuple):
    """The two archives that one `python -m build` makes: the wheel from the sdist."""

    sdist: Path
    wheel: Path

    @property
    def version(self) -> str:
        return self.wheel.name.split("-")[1]


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command that has to succeed, away from this tree and its environment."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL"))}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, f"{command} exited with {done.returncode}:\n{done.stdout}"
    return done.stdout


def find_interpreter(version: str) -> Path | None:
    """Find a Python of this minor version on the PATH or among pyenv's."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.executable)
    on_path = shutil.which(f"python{version}")
    candidates = [Path(on_path)] if on_path else []
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates += sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"))
    for candidate in candidates:
        # pyenv's shims are there for versions that are not chosen, and then fail.
        probe = subprocess.run([candidate, "-c", "import venv"], capture_output=True, check=False)
        if probe.returncode == 0:
            return candidate
    return None


def tree_files() -> set[str]:
    """List what the packages consist of in the source tree, as paths in the wheel."""
    return {
        path.relative_to(base).as_posix()
        for name, base in PACKAGES.items()
        for path in (base / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def tree_modules() -> set[str]:
    """List the modules of the source tree that an import may reach."""
    files = tree_files()
    modules = {
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in files
        if name.endswith(".py")
        and not name.endswith("__main__.py")
        and f"{name.rpartition('/')[0]}/__init__.py" in files  # an example is only data
    }
    wanted = {each for each in modules if not each.startswith(OF_AN_EXTRA)}
    return wanted - PACKAGES.keys() - NOT_FOR_IMPORT


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", out, ROOT, cwd=out)
    (sdist,) = out.glob("*.tar.gz")
    (wheel,) = out.glob("*.whl")
    return Distributions(sdist, wheel)


def test_the_wheel_holds_every_file_of_both_packages_and_nothing_else(
    distributions: Distributions,
) -> None:
    with zipfile.ZipFile(distributions.wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == tree_files()
    assert {"fixwright/py.typed", "fixwright_sandbox/py.typed"} <= packed


def test_the_wheel_carries_the_licence(distributions: Distributions) -> None:
    with zipfile.ZipFile(distributions.wheel) as archive:
        (licence,) = [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]
        assert b"Apache License" in archive.read(licence)


def test_the_source_distribution_can_be_tested(distributions: Distributions) -> None:
    with tarfile.open(distributions.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    this_file = Path(__file__).relative_to(ROOT).as_posix()
    assert {this_file, "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE"} <= names
    assert not [name for name in names if "node_modules" in name or "__pycache__" in name]


@pytest.mark.parametrize("version", SUPPORTED)
def test_a_fresh_environment_runs_the_wheel(
    version: str, distributions: Distributions, tmp_path: Path
) -> None:
    interpreter = find_interpreter(version)
    if interpreter is None:
        pytest.skip(f"no Python {version} on this machine")
    run(interpreter, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv/bin/python"
    quietly = ["-qq", "--disable-pip-version-check"]
    run(python, "-m", "pip", "install", *quietly, distributions.wheel, cwd=tmp_path)

    # Warnings of the compiler (an invalid escape, say) differ between versions.
    installed = [tmp_path / f"venv/lib/python{version}/site-packages/{name}" for name in PACKAGES]
    run(python, "-W", "error", "-m", "compileall", "-qf", *installed, cwd=tmp_path)

    report = json.loads(run(python, "-c", IMPORT_EVERYTHING, cwd=tmp_path).splitlines()[-1])
    assert [Path(file).parent for file in report["files"]] == installed
    assert set(report["modules"]) == tree_modules()

    command = run(tmp_path / "venv/bin/fixwright", "--version", cwd=tmp_path)
    assert distributions.version in command


@pytest.mark.docker
def test_the_sandbox_images_python_imports_the_wheel(
    distributions: Distributions, tmp_path: Path
) -> None:
    """The image's Python is newer than most machines', so this covers one more version."""
    image = ["docker", "run", "--rm", "--network=none", "--read-only", "--tmpfs=/tmp"]
    image += [f"--volume={tmp_path}:/site:ro", "--env=PYTHONPATH=/site", "fixwright/python:1"]
    what = "import sys; print('%d.%d' % sys.version_info[:2])"
    version = run(*image, "python3", "-c", what, cwd=tmp_path).strip()
    assert version in SUPPORTED

    install = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    foreign = ["--python-version", version, "--only-binary=:all:", "--target", tmp_path]
    run(*install, *foreign, distributions.wheel, cwd=tmp_path)
    tmp_path.chmod(0o755)  # the image's user is not ours

    report = json.loads(run(*image, "python3", "-c", IMPORT_EVERYTHING, cwd=tmp_path))
    assert set(report["modules"]) == tree_modules()
