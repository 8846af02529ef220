"""What images are made of: recipes, what they fetch, what a project asks for. No engine needed."""

from __future__ import annotations

import base64
import hashlib
import http.server
import io
import json
import re
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixwright_sandbox.images import Halt, ImageError, budget
from fixwright_sandbox.images.custom import write_project
from fixwright_sandbox.images.devcontainer import plain_json, wanted
from fixwright_sandbox.images.fetch import PLATFORMS, fetch
from fixwright_sandbox.images.packages import Package, packages
from fixwright_sandbox.images.recipe import (
    Recipe,
    base_recipe,
    chosen,
    portable_recipe,
    runtime_recipes,
    write_context,
)
from fixwright_sandbox.runtimes.catalogue import runtimes

RECIPES = [base_recipe(), portable_recipe(), *runtime_recipes().values()]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_a_recipe_is_pinned_labelled_and_not_root(recipe: Recipe) -> None:
    dockerfile = (recipe.folder / "Dockerfile").read_text()
    assert f"LABEL fixwright.image={recipe.tag.removeprefix('fixwright/')}\n" in dockerfile
    assert re.findall(r"^USER (.*)$", dockerfile, re.MULTILINE)[-1] == "10001:10001"
    assert budget(recipe.name) is not None
    if recipe.base is None:
        assert re.search(r"^debian:trixie-slim@sha256:[0-9a-f]{64}$", recipe.official_base())
    else:
        assert recipe.official_base() == recipe.base.tag
    for requirements in recipe.folder.glob("requirements.txt"):
        text = requirements.read_text()
        assert len(re.findall(r"^\S+==\S+", text, re.MULTILINE)) >= 1
        assert "--hash=sha256:" in text
    for lock in recipe.folder.glob("package-lock.json"):
        entries = json.loads(lock.read_text())["packages"]
        own = {name: entry for name, entry in entries.items() if name and "inBundle" not in entry}
        assert own
        assert all(entry["integrity"].startswith("sha512-") for entry in own.values())
        assert not any("resolved" in entry for entry in own.values()), "names a registry"


def test_every_runtime_names_the_image_that_its_recipe_makes() -> None:
    named = {name: each.image for name, each in runtimes().items() if each.image}
    made = {name: recipe.tag for name, recipe in runtime_recipes().items()}
    assert named.items() <= made.items()


def test_an_unknown_runtime_is_named_with_those_that_there_are() -> None:
    with pytest.raises(ImageError, match=r"no image for 'cobol'; there are .*go.*python"):
        chosen(["go", "cobol"])


def test_a_recipe_changes_with_its_files_and_with_its_base(tmp_path: Path) -> None:
    base = made_recipe(tmp_path / "base", "FROM scratch\n")
    recipe = made_recipe(tmp_path / "one", "FROM base\n", base)
    first = recipe.digest()
    assert made_recipe(tmp_path / "same", "FROM base\n", base).digest() == first
    (base.folder / "Dockerfile").write_text("FROM scratch\nUSER 1\n")
    second = recipe.digest()
    (recipe.folder / "more").write_text("")
    assert len({first, second, recipe.digest()}) == 3


def test_a_context_is_the_same_bytes_again_and_its_scripts_can_run(tmp_path: Path) -> None:
    recipe = made_recipe(tmp_path / "one", "FROM scratch\n")
    script = recipe.folder / "prepare"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o600)  # an installer lost the bit
    fetched = tmp_path / "fetched"
    (fetched / "npm").mkdir(parents=True)
    (fetched / "npm" / "link").symlink_to("target")
    contexts: list[bytes] = []
    for _ in range(2):
        with io.BytesIO() as out:
            write_context(recipe, fetched, out)
            contexts.append(out.getvalue())
        (recipe.folder / "Dockerfile").touch()
    assert contexts[0] == contexts[1]
    with tarfile.open(fileobj=io.BytesIO(contexts[0])) as archive:
        modes = {member.name: member.mode for member in archive}
        assert modes["prepare"] == 0o755
        assert modes["Dockerfile"] == 0o644
        assert archive.getmember("fetched/npm/link").linkname == "target"


def made_recipe(folder: Path, dockerfile: str, base: Recipe | None = None) -> Recipe:
    folder.mkdir()
    (folder / "Dockerfile").write_text(dockerfile)
    return Recipe(folder.name, f"fixwright-test/{folder.name}:1", folder, base)


class Fetching:
    """A recipe with a package, and a wheelhouse that has it."""

    def __init__(self, tmp_path: Path) -> None:
        self.into = tmp_path / "fetched"
        self.lines: list[str] = []
        self.recipe = made_recipe(tmp_path / "recipe", "FROM scratch\n")
        self.wheels = tmp_path / "wheels"
        self.wheels.mkdir()
        wheel = self.wheels / "grain-1.0-py3-none-any.whl"
        about = "Metadata-Version: 2.1\nName: grain\nVersion: 1.0\n"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("grain.py", "GRAIN = 1\n")
            archive.writestr("grain-1.0.dist-info/METADATA", about)
            archive.writestr("grain-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
            archive.writestr("grain-1.0.dist-info/RECORD", "")
        self.hash = hashlib.sha256(wheel.read_bytes()).hexdigest()

    def fetch(self, pin: str, architecture: str = "amd64") -> bool:
        (self.recipe.folder / "requirements.txt").write_text(f"grain==1.0 --hash=sha256:{pin}\n")
        return fetch(self.recipe, architecture, self.into, Halt(), self.lines.append)


@pytest.fixture
def fetching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fetching:
    fetching = Fetching(tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(fetching.wheels))
    return fetching


@pytest.mark.parametrize("architecture", PLATFORMS)
def test_a_wheelhouse_of_the_machine_is_used(fetching: Fetching, architecture: str) -> None:
    assert fetching.fetch(fetching.hash, architecture)
    assert (fetching.into / "pip" / "grain.py").read_text() == "GRAIN = 1\n"


def test_what_has_another_hash_is_refused(fetching: Fetching) -> None:
    with pytest.raises(ImageError, match=r"(?s)pip install.* ended with status .*HASH"):
        fetching.fetch("0" * 64)


def test_a_machine_that_nothing_is_pinned_for_is_named(fetching: Fetching) -> None:
    with pytest.raises(ImageError, match="pinned for amd64 and arm64, not for riscv64"):
        fetching.fetch(fetching.hash, "riscv64")


def test_a_recipe_without_pins_fetches_nothing(tmp_path: Path) -> None:
    recipe = made_recipe(tmp_path / "recipe", "FROM scratch\n")
    assert not fetch(recipe, "amd64", tmp_path / "fetched", Halt(), print)
    assert not (tmp_path / "fetched").exists()


def test_a_halt_is_obeyed_before_anything_is_fetched(fetching: Fetching) -> None:
    halt = Halt()
    halt.halt()
    (fetching.recipe.folder / "requirements.txt").write_text("grain==1.0\n")
    with pytest.raises(ImageError, match="Stopped before it was done"):
        fetch(fetching.recipe, "amd64", fetching.into, halt, print)


def test_a_halt_ends_a_program(tmp_path: Path) -> None:
    halt = Halt()
    began = tmp_path / "began"
    code = "import pathlib, sys, time\npathlib.Path(sys.argv[1]).touch()\n"
    code += "print(1, flush=True)\ntime.sleep(600)\n"

    def stop(line: str) -> None:
        threading.Thread(target=halt.halt).start()

    with pytest.raises(ImageError, match="Stopped before it was done"):
        halt.run([sys.executable, "-c", code, str(began)], said=stop)
    assert began.exists()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """An npm registry with one package: its address, and the package's integrity."""
    with io.BytesIO() as out:
        with tarfile.open(fileobj=out, mode="w:gz") as archive:
            for name, text in (
                ("package.json", '{"name": "grain", "version": "1.0.0"}'),
                ("index.js", "module.exports = 1\n"),
            ):
                member = tarfile.TarInfo(f"package/{name}")
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text.encode()))
        tarball = out.getvalue()
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()

    class Registry(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = f"http://127.0.0.1:{self.server.server_port}"  # type: ignore[attr-defined]  # an HTTPServer
            dist = {"tarball": f"{address}/grain/-/grain-1.0.0.tgz", "integrity": integrity}
            about = {"name": "grain", "version": "1.0.0", "dist": dist}
            full = {"name": "grain", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": about}}
            found = tarball if self.path.endswith(".tgz") else json.dumps(full).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(found)))
            self.end_headers()
            self.wfile.write(found)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", integrity
        server.shutdown()
        thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("tampered", [False, True])
def test_a_registry_of_the_machine_is_used(
    registry: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, tampered: bool
) -> None:
    address, integrity = registry
    monkeypatch.setenv("npm_config_registry", address)
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    recipe = made_recipe(tmp_path / "recipe", "FROM scratch\n")
    about = {"name": "image", "dependencies": {"grain": "1.0.0"}}
    pinned = "sha512-" + base64.b64encode(bytes(64)).decode() if tampered else integrity
    entries = {"": about, "node_modules/grain": {"version": "1.0.0", "integrity": pinned}}
    lock = {"name": "image", "lockfileVersion": 3, "requires": True, "packages": entries}
    (recipe.folder / "package.json").write_text(json.dumps(about))
    (recipe.folder / "package-lock.json").write_text(json.dumps(lock))
    into = tmp_path / "fetched"
    if tampered:
        with pytest.raises(ImageError, match=r"(?s)ended with status .*EINTEGRITY"):
            fetch(recipe, "amd64", into, Halt(), print)
    else:
        assert fetch(recipe, "amd64", into, Halt(), print)
        assert (into / "npm/node_modules/grain/index.js").exists()


def test_packages_are_told_by_every_database() -> None:
    status = (
        "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.41-12\n"
        "Description: GNU\n Version: 9\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n"
    )
    node = b'{"name": "@types/node", "version": "24.19.2"}'
    databases = {
        "var/lib/dpkg/status": status.encode(),
        "usr/lib/Pip-26.3.dist-info/METADATA": b"Name: Pip\nVersion: 26.3\n\nVersion: 0\n",
        "opt/node_modules/@types/node/package.json": node,
        "opt/node_modules/@types/node/lib/package.json": b"{not one of its own",
        "opt/fixwright/go/VERSION": b"go1.27.3\ntime 2026-10-19T22:20:36Z\n",
    }
    found = packages({name: text for name, text in databases.items() if b"{not" not in text})
    assert found == [
        Package("deb", "libc6", "2.41-12", "amd64"),
        Package("golang", "std", "1.27.3"),
        Package("npm", "@types/node", "24.19.2"),
        Package("pypi", "pip", "26.3"),
    ]
    assert [each.url for each in found] == [
        "pkg:deb/debian/libc6@2.41-12?arch=amd64",
        "pkg:golang/std@1.27.3",
        "pkg:npm/%40types/node@24.19.2",
        "pkg:pypi/pip@26.3",
    ]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('{"a": 1, // one\n "b": [1, 2,], /* two */ }', {"a": 1, "b": [1, 2]}),
        ('{"url": "http://x//y", "c": ",}", "d": "/* no */"}',) * 2,
        ('{"quote": "\\"//\\"",}', {"quote": '"//"'}),
    ],
)
def test_json_with_comments_is_read(written: str, meant: object) -> None:
    expected = json.loads(meant) if isinstance(meant, str) else meant
    assert json.loads(plain_json(written)) == expected


class Project:
    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, text: str) -> None:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def devcontainer(self, **keys: object) -> None:
        self.write(".devcontainer/devcontainer.json", json.dumps(keys))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "project").mkdir()
    return Project(tmp_path / "project")


def test_a_devcontainer_goes_before_a_dockerfile(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "of this machine")
    project.write("Dockerfile", "FROM scratch\n")
    assert wanted(project.root).source == "Dockerfile"
    args = {"A": "1", "B": "${localEnv:SECRET}", "C": "${localEnv:SECRET:usual}"}
    build = {"dockerfile": "../Dockerfile", "context": "..", "args": args, "target": "dev"}
    project.devcontainer(build=build, features={}, customizations={}, postCreateCommand="make")
    want = wanted(project.root)
    assert want.source == ".devcontainer/devcontainer.json"
    assert (want.context, want.dockerfile) == (project.root, project.root / "Dockerfile")
    assert want.args == {"A": "1", "B": "", "C": "usual"}
    assert want.target == "dev"
    assert want.unheeded == ("features", "postCreateCommand")
    assert wanted(project.root, "Dockerfile").args == {}


def test_a_devcontainer_may_name_an_image(project: Project) -> None:
    project.devcontainer(image="debian:trixie-slim")
    assert wanted(project.root).image == "debian:trixie-slim"


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({}, "neither `image` nor `build.dockerfile`"),
        ({"dockerComposeFile": "x"}, "docker-compose is not supported"),
        ({"image": 1}, "image of .* has to be a text"),
        ({"build": []}, "something else where an object has to be"),
        ({"build": {"dockerfile": "Dockerfile", "args": {"A": 1}}}, "A of .* has to be a text"),
        ({"build": {"dockerfile": "../../Dockerfile"}}, "leads out of the project"),
        ({"build": {"dockerfile": "Dockerfile", "context": "../.."}}, "leads out of the project"),
        ({"build": {"dockerfile": "absent"}}, "does not exist: .devcontainer/absent"),
    ],
)
def test_what_cannot_be_followed_is_said(
    project: Project, keys: dict[str, object], reason: str
) -> None:
    project.write("../Dockerfile", "FROM scratch\n")
    project.write(".devcontainer/Dockerfile", "FROM scratch\n")
    project.devcontainer(**keys)
    with pytest.raises(ImageError, match=reason):
        wanted(project.root)


def test_a_link_does_not_lead_out_of_the_project(project: Project) -> None:
    project.write("../outside", "FROM scratch\n")
    (project.root / "Dockerfile").symlink_to("../outside")
    with pytest.raises(ImageError, match="leads out of the project"):
        wanted(project.root)


def test_a_project_that_says_nothing(project: Project) -> None:
    with pytest.raises(ImageError, match=r"none of \.devcontainer/devcontainer\.json.*Dockerfile"):
        wanted(project.root)
    project.write("devcontainer.json", "{")
    with pytest.raises(ImageError, match=r"devcontainer\.json is not JSON"):
        wanted(project.root, "devcontainer.json")


def test_a_context_leaves_out_what_is_ignored(project: Project) -> None:
    project.write("Dockerfile", "FROM scratch\n")
    project.write(".dockerignore", "# big\nbig\n*.key\n!public.key\n")
    for name in ("big/data", "a.key", "public.key", "src/a.py"):
        project.write(name, name)
    (project.root / "out").symlink_to("/etc/passwd")
    with io.BytesIO() as out:
        write_project(wanted(project.root), out)
        out.seek(0)
        with tarfile.open(fileobj=out) as archive:
            members = {member.name: member for member in archive}
    assert members.keys() == {
        *("Dockerfile", ".dockerignore", "public.key", "src", "src/a.py", "out")
    }
    assert members["out"].issym()


def test_a_dockerfile_beside_its_context_comes_along(project: Project) -> None:
    project.write("docker/Dockerfile", "FROM scratch\n")
    project.write("app/main.py", "")
    project.write(
        "devcontainer.json", '{"build": {"dockerfile": "docker/Dockerfile", "context": "app"}}'
    )
    with io.BytesIO() as out:
        write_project(wanted(project.root, "devcontainer.json"), out)
        out.seek(0)
        with tarfile.open(fileobj=out) as archive:
            assert archive.getnames() == ["main.py", ".fixwright.Dockerfile"]
