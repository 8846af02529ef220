"""Images as an engine makes them: built, kept, halted, looked through, and a project's own."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import docker
import pytest

from fixwright_sandbox import (
    Blob,
    Limits,
    Request,
    RunCommand,
    RunFile,
    SandboxSettings,
    open_sandbox,
)
from fixwright_sandbox.images import (
    BuildEvent,
    Halt,
    ImageEngine,
    ImageError,
    ImageResult,
    Step,
    budget,
    build,
    custom,
    cyclonedx,
    scan,
)
from fixwright_sandbox.images.build import build_one
from fixwright_sandbox.images.recipe import Recipe, base_recipe, runtime_recipes
from support.needs import needs

pytestmark = [pytest.mark.docker, pytest.mark.slow]
PATIENCE = 60.0
TOOLS = {
    "c": ["g++ --version", "cmake --version", "ctest --version", "make --version"],
    "go": ["go version"],
    "java": ["javac -version", "mvn -v"],
    "node": ["npm --version", "esbuild --version", "tsc --version"],
    "python": ["python3 -m pytest --version", "python3 -m pip --version", "bash --version"],
    "rust": ["rustc --version", "cargo --version"],
}


@dataclass
class Site:
    """A place to make images at; what they leave in the engine can be told by their label."""

    folder: Path
    client: docker.DockerClient
    label: str = field(default_factory=lambda: f"fixwright.test={uuid.uuid4().hex}")

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    def recipe(self, *lines: str) -> Recipe:
        """A recipe of the test's own, over the base."""
        folder = self.folder / "recipe"
        folder.mkdir(exist_ok=True)
        head = ["ARG BASE=fixwright/base:1", "FROM ${BASE}", f"LABEL {self.label}", "USER root"]
        end = "USER 10001:10001"
        (folder / "Dockerfile").write_text("\n".join([*head, *lines, end]) + "\n")
        tag = f"fixwright-test/{self.label.partition('=')[2]}:1"
        return Recipe("probe", tag, folder, base_recipe())

    def images(self) -> list[str]:
        """Named ones by their names, and how many have none."""
        found = self.client.api.images(all=True, filters={"label": self.label})
        return sorted(name for each in found for name in each["RepoTags"] or ["<none>"])

    def nameless(self) -> int:
        """Images of ours that no other is made of."""
        return len(self.client.api.images(filters={"label": self.label, "dangling": True}))

    def containers(self) -> int:
        return len(self.client.api.containers(all=True, filters={"label": self.label}))

    def remove(self) -> None:
        for each in self.client.api.images(filters={"label": self.label}):
            self.client.api.remove_image(each["Id"], force=True)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    needs("docker")
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    client = docker.from_env()
    site = Site(tmp_path, client)
    yield site
    assert list(scratch.iterdir()) == []
    assert site.containers() == 0
    assert site.nameless() == 0
    site.remove()
    client.close()


@pytest.fixture
def engine() -> Iterator[ImageEngine]:
    needs("docker")
    with ImageEngine() as engine:
        yield engine


@pytest.mark.parametrize("name", sorted(runtime_recipes()))
def test_an_image_of_a_runtime_may_be_shipped(engine: ImageEngine, name: str) -> None:
    recipe = runtime_recipes()[name]
    seen = scan(engine, recipe.tag, largest=budget(name))
    assert seen.findings == ()
    kinds = {package.kind for package in seen.packages}
    assert kinds >= {"deb"} | {"node": {"npm"}, "python": {"pypi"}, "go": {"golang"}}.get(
        name, set()
    )
    bill = cyclonedx(seen)
    assert bill == json.loads(json.dumps(bill))
    assert len(bill["components"]) == len(seen.packages) > 80  # type: ignore[arg-type]  # a list


@pytest.mark.parametrize("name", sorted(runtime_recipes()))
def test_an_image_of_a_runtime_starts_its_tools_without_writing(
    engine: ImageEngine, name: str
) -> None:
    check = "import sys, os; assert sys.version_info >= (3, 11) and os.getuid() == 10001"
    commands = [f"python3 -c '{check}'", *TOOLS[name]]
    status, said = engine.try_out(runtime_recipes()[name].tag, ["sh", "-euc", "\n".join(commands)])
    assert (status, said if status else "") == (0, "")


def test_an_image_is_built_once_and_kept(site: Site) -> None:
    recipe = site.recipe("RUN echo first >/opt/first")
    assert build_one(recipe, cache=site.cache).status == "built"
    assert build_one(recipe, cache=site.cache).status == "current"
    assert build_one(recipe, cache=site.cache, force=True).status == "built"
    kept = [file.name for file in site.cache.glob("probe-*")]
    site.remove()
    again = build_one(recipe, cache=site.cache)
    # Where a registry answers, the engine has its images from there.
    assert again.status == ("loaded" if kept else "built")
    assert again.size > 0
    changed = site.recipe("RUN echo second >/opt/first")
    assert build_one(changed, cache=site.cache).status == "built"
    assert len(list(site.cache.glob("probe-*"))) == len(kept)
    assert site.nameless() == 0


def test_a_damaged_archive_is_as_good_as_none(site: Site, engine: ImageEngine) -> None:
    recipe = site.recipe()
    site.cache.mkdir()
    archive = site.cache / f"probe-{recipe.digest()}-{engine.architecture}.tar.gz"
    archive.write_bytes(b"\x1f\x8b\x08 nothing like an image")
    assert build_one(recipe, cache=site.cache).status == "built"


def test_two_at_once_do_the_work_once(site: Site) -> None:
    recipe = site.recipe("RUN sleep 1")
    with ThreadPoolExecutor(2) as two:
        made = [two.submit(build_one, recipe, keep=False) for _ in range(2)]
        assert sorted(each.result().status for each in made) == ["built", "current"]


def test_a_step_that_fails_is_named_and_nothing_is_left(site: Site) -> None:
    recipe = site.recipe("RUN echo before >/opt/file", "RUN echo no such thing >&2; exit 7")
    with pytest.raises(ImageError, match=r"in the step RUN echo no such thing .* code: 7"):
        build_one(recipe, keep=False)
    assert site.images() == []


def test_a_halt_ends_a_build_and_nothing_is_left(site: Site) -> None:
    recipe = site.recipe("RUN echo started; sleep 600")
    halt = Halt()

    def stop(event: BuildEvent) -> None:
        if getattr(event, "line", "") == "started":
            threading.Thread(target=halt.halt).start()

    with pytest.raises(ImageError, match=r"Stopped before it was done|code: 137"):
        build_one(recipe, keep=False, report=stop, halt=halt)
    assert site.images() == []


def test_progress_tells_steps_and_results(site: Site) -> None:
    events: list[BuildEvent] = []
    build_one(site.recipe("RUN echo hello"), keep=False, report=events.append)
    steps = [event for event in events if isinstance(event, Step) and event.number]
    assert [step.what for step in steps if step.what.startswith("RUN")] == ["RUN echo hello"]
    assert [step.number for step in steps] == list(range(1, steps[0].of + 1))
    assert any(getattr(event, "line", "") == "hello" for event in events)
    assert [type(event) for event in events[-1:]] == [ImageResult]


def test_all_images_are_there(engine: ImageEngine) -> None:
    results = build(["node", "python"])
    assert [result.status for result in results] == ["current"] * 3
    with pytest.raises(ImageError, match="no image for 'cobol'"):
        build(["cobol"])


def test_no_engine_is_said() -> None:
    with pytest.raises(ImageError, match="No Docker Engine answers"):
        build(host="unix:///nowhere/docker.sock")


def test_what_the_machine_fetches_through_stays_out_of_an_image(
    site: Site, engine: ImageEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://user:hunter2@proxy.invalid:3128")
    monkeypatch.setenv("PIP_INDEX_URL", "http://user:hunter2@index.invalid/simple")
    recipe = site.recipe('RUN case "$http_proxy" in *proxy.invalid:3128) ;; *) exit 1; esac')
    build_one(recipe, keep=False)
    archive = b"".join(engine.save(recipe.tag))
    assert b"proxy.invalid:3128)" in archive, "nothing to find it in"
    assert b"hunter2" not in archive
    assert scan(engine, recipe.tag).findings == ()


def test_a_scan_finds_what_must_not_be(site: Site, engine: ImageEngine) -> None:
    recipe = site.recipe(
        "VOLUME /data",
        "ENV API_TOKEN=abc PIP_INDEX_URL=http://index.example",
        "RUN cp /bin/true /opt/su && chmod 4755 /opt/su && mkdir -m 0777 /opt/any"
        " && echo x >/opt/open && chmod 0666 /opt/open && mkdir -p /var/lib/apt/lists"
        " && echo x >/var/lib/apt/lists/a && printf '[global]' >/etc/pip.conf"
        " && echo '-----BEGIN PRIVATE KEY-----' >/opt/k"
        " && head -c 48 /dev/urandom | base64 --wrap=0 >>/opt/k"
        " && echo 'Acquire::http::Proxy \"http://proxy\";' >/etc/apt/apt.conf.d/proxy",
    )
    build_one(recipe, keep=False)
    seen = scan(engine, recipe.tag, largest=1_000_000)
    found = {(each.rule, each.place) for each in seen.findings}
    assert found >= {
        ("size", recipe.tag),
        ("volume", "/data"),
        ("secret", "API_TOKEN"),
        ("secret", "PIP_INDEX_URL"),
        ("secret", "history"),
        ("secret", "etc/pip.conf"),
        ("secret", "opt/k"),
        ("secret", "etc/apt/apt.conf.d/proxy"),
        ("setuid", "opt/su"),
        ("writable", "opt/any"),
        ("writable", "opt/open"),
        ("left", "var/lib/apt/lists/a"),
    }


def test_an_image_that_is_not_there_cannot_be_looked_through(engine: ImageEngine) -> None:
    with pytest.raises(ImageError, match="no image fixwright/none:1 to look through"):
        scan(engine, "fixwright/none:1")


async def ran(image: str, job: RunFile | RunCommand) -> tuple[int | None, str]:
    """Run a job in an image: the exit code, and what it wrote."""
    tree = {"main.py": Blob(b"import ctypes, json, ssl, sys\nprint(sys.version_info[:2])\n")}
    settings = SandboxSettings(backend="docker", images={"python": image}, pool=0)
    async with await open_sandbox(settings) as sandbox:
        request = Request("python", job, tree, Limits(wall_seconds=PATIENCE))
        result = await sandbox.start("custom", request).wait()
        return result.exit_code, (result.stdout.head + result.stderr.head).decode()


def project(site: Site, *lines: str, **files: str) -> Path:
    folder = site.folder / "project"
    folder.mkdir()
    (folder / "Dockerfile").write_text("\n".join(lines) + "\n")
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


async def test_a_projects_own_image_runs(site: Site) -> None:
    folder = project(
        site,
        "FROM fixwright/base:1",
        f"LABEL {site.label}",
        "USER root",
        "COPY greeting /etc/greeting",
        'ENTRYPOINT ["/bin/false"]',
        "HEALTHCHECK CMD touch /tmp/healthy",
        greeting="hello of the project",
    )
    image = custom(folder)
    assert (image.python, image.brought) == ("python3", False)
    events: list[BuildEvent] = []
    assert custom(folder, report=events.append) == image
    assert not any(isinstance(event, Step) for event in events), "built again"
    exit_code, said = await ran(image.tag, RunCommand(("cat", "/etc/greeting")))
    assert (exit_code, said) == (0, "hello of the project")


async def test_an_image_with_nothing_in_it_gets_a_python(site: Site) -> None:
    folder = project(
        site,
        "FROM fixwright/c:1 AS made",
        "COPY hello.c /tmp/",
        "RUN gcc -static -o /tmp/hello /tmp/hello.c",
        "FROM scratch",
        f"LABEL {site.label}",
        "COPY --from=made /tmp/hello /bin/hello",
        **{"hello.c": '#include <stdio.h>\nint main(void) { puts("from nothing"); return 3; }\n'},
    )
    image = custom(folder)
    assert image.brought
    assert await ran(image.tag, RunFile("main.py")) == (0, "(3, 13)\n")
    assert await ran(image.tag, RunCommand(("/bin/hello",))) == (3, "from nothing\n")


def test_an_image_whose_python_is_old_keeps_it(site: Site, engine: ImageEngine) -> None:
    folder = project(
        site,
        "FROM fixwright/base:1",
        f"LABEL {site.label}",
        "USER root",
        "RUN rm /usr/bin/python3 && printf '#!/bin/sh\\necho Python 3 9\\n' >/usr/bin/python3"
        " && chmod 0755 /usr/bin/python3",
    )
    image = custom(folder)
    assert image.brought
    assert engine.try_out(image.tag, ["python3"]) == (0, "Python 3 9\n")
    assert engine.try_out(image.tag, [image.python, "-c", "print(1)"]) == (0, "1\n")


def test_a_devcontainer_with_a_build_is_followed(site: Site, engine: ImageEngine) -> None:
    folder = project(site, "ARG FROM", "FROM ${FROM} AS dev", f"LABEL {site.label}", "FROM absent")
    build_keys = {"dockerfile": "Dockerfile", "args": {"FROM": "fixwright/base:1"}, "target": "dev"}
    written = json.dumps({"build": build_keys, "features": {"x": {}}})
    (folder / ".devcontainer.json").write_text(f"// ours\n{written}")
    image = custom(folder)
    assert image.unheeded == ("features",)
    assert engine.facts(image.tag) is not None


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["VOLUME /data"], r"declares volumes \(/data\)"),
        (["RUN exit 9"], "in the step RUN exit 9: .* code: 9"),
        (["NONSENSE"], "unknown instruction: NONSENSE"),
    ],
)
def test_a_project_whose_image_will_not_do(site: Site, lines: list[str], reason: str) -> None:
    folder = project(site, "FROM fixwright/base:1", f"LABEL {site.label}", *lines)
    with pytest.raises(ImageError, match=reason):
        custom(folder)
    assert site.images() == []


def test_a_registry_that_does_not_have_it_is_said(site: Site) -> None:
    folder = project(site, "FROM scratch")
    (folder / ".devcontainer.json").write_text('{"image": "registry.invalid/none:1"}')
    with pytest.raises(ImageError, match=r"registry\.invalid/none:1 can't be pulled"):
        custom(folder)
