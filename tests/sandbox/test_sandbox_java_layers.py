"""Layers of Java: what POMs and Gradle's lock files name, from a repository of our own."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from fixwright_sandbox import Blob, Job, Request, Result, RunFile, RunTests, Sandbox
from fixwright_sandbox.dependencies import Wanted, wanted
from fixwright_sandbox.dependencies.install import Installed
from fixwright_sandbox.dependencies.maven import SETTINGS
from fixwright_sandbox.dependencies.recipes import layer_of
from fixwright_sandbox.dependencies.records import Record
from fixwright_sandbox.dependencies.sources import Sources, sources
from support.packages import Index, publish_to_maven, serve_index, write_summed
from support.sandboxes import backends, open_or_skip

pytestmark = pytest.mark.slow

MAIN = """\
public class Main {
    public static void main(String[] arguments) throws Exception {
        System.out.println(org.example.near.Near.said());
    }
}
"""
NEAR = """\
package org.example.near;

public class Near {
    public static String said() throws Exception {
        return "near and " + Class.forName("org.example.deep.Deep").getMethod("said").invoke(null);
    }
}
"""


def deep(version: str) -> str:
    told = f'public static String said() {{ return "deep {version}"; }}'
    return f"package org.example.deep; public class Deep {{ {told} }}"


def dependency(name: str, version: str = "", more: str = "") -> str:
    told = f"<version>{version}</version>" if version else ""
    return (
        f"<dependency><groupId>org.example</groupId><artifactId>{name}</artifactId>"
        f"{told}{more}</dependency>"
    )


def depends(*told: str) -> str:
    return f"<dependencies>{''.join(told)}</dependencies>"


def manages(*told: str) -> str:
    return f"<dependencyManagement>{depends(*told)}</dependencyManagement>"


def pom(rest: str, name: str = "mine") -> str:
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        f"<groupId>org.mine</groupId><artifactId>{name}</artifactId><version>1</version>"
        f"{rest}</project>"
    )


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A repository: `near` 1 needs `deep` 1, and there is a `deep` 2, a parent and a BOM."""
    if shutil.which("javac") is None:
        pytest.skip("there is no javac to make jars with")
    folder = tmp_path / "house"
    publish_to_maven(folder, "deep", "1", {"org/example/deep/Deep.java": deep("1")})
    publish_to_maven(folder, "deep", "2", {"org/example/deep/Deep.java": deep("2")})
    sources_of_near = {"org/example/near/Near.java": NEAR}
    publish_to_maven(folder, "near", "1", sources_of_near, depends(dependency("deep", "1")))
    publish_to_maven(folder, "bom", "1", {}, manages(dependency("deep", "2")), "pom")
    return folder


@pytest.fixture
def index(house: Path) -> Iterator[Index]:
    """It, served."""
    with serve_index(house) as served:
        yield served


@pytest_asyncio.fixture(params=backends("docker", "bubblewrap"))
async def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Sandbox]:
    """A sandbox with layers of its own; the engine's bridge may not reach loopback."""
    layers = tmp_path / "layers"
    opened = await open_or_skip(request.param, layers=layers, install_network="host")
    try:
        yield opened
    finally:
        records = list(opened.layers().records)
        await opened.close()
        closing = await open_or_skip(request.param, layers=layers)
        for record in records:
            await closing.layers().remove(record)
        await closing.close()
        assert not [each for each in layers.glob("*") if each.is_dir()]


def mirrored(index: Index, more: str = "") -> bytes:
    """The settings of a user whose artifacts all come from there."""
    address = index.url.removesuffix("/simple")
    mirror = f"<id>mine</id><mirrorOf>*</mirrorOf><url>{address}</url>"
    return f"<settings><mirrors><mirror>{mirror}</mirror></mirrors>{more}</settings>".encode()


def asks(tree: dict[str, str]) -> Wanted:
    return wanted("java", {path: lambda text=text: text.encode() for path, text in tree.items()})


async def install(sandbox: Sandbox, tree: dict[str, str], index: Index) -> Installed:
    given = Sources(files={SETTINGS: mirrored(index)})
    return await sandbox.layers().start(asks(tree), given=given).wait()


async def run(
    sandbox: Sandbox, tree: dict[str, str], record: Record | None, job: Job | None = None
) -> Result:
    blobs = {path: Blob(text.encode()) for path, text in tree.items()}
    layer = layer_of(record) if record is not None else None
    what = job or RunFile("src/main/java/Main.java")
    return await sandbox.start("layers", Request("java", what, blobs, layer=layer))


def releases(installed: Installed) -> list[str]:
    assert installed.record is not None, installed
    return [f"{each.name} {each.version}" for each in installed.record.releases]


async def test_what_a_pom_names_is_found_read_only_and_without_network(
    sandbox: Sandbox, index: Index
) -> None:
    tree = {"pom.xml": pom(depends(dependency("near", "1"))), "src/main/java/Main.java": MAIN}
    bare = await run(sandbox, tree, None)
    assert bare.status == "failed"
    installed = await install(sandbox, tree, index)
    assert releases(installed) == ["org.example:deep 1", "org.example:near 1"]
    asked = len(index.asked)
    result = await run(sandbox, tree, installed.record)
    assert result.stdout.data == b"near and deep 1\n", result
    assert not result.files
    assert len(index.asked) == asked


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (
            manages(dependency("bom", "1", "<type>pom</type><scope>import</scope>"))
            + depends(dependency("near", "1")),
            b"near and deep 2\n",
        ),
        (depends(dependency("near", "[1,2)"), dependency("deep", "2")), b"near and deep 2\n"),
        (
            "<properties><v>1</v></properties>"
            "<profiles><profile><id>p</id><activation><activeByDefault>true</activeByDefault>"
            f"</activation>{depends(dependency('near', '${v}'))}</profile></profiles>"
            + depends(dependency("deep", "2", "<scope>runtime</scope>")),
            b"near and deep 2\n",
        ),
    ],
    ids=["bom", "range-and-nearest", "profile-and-property"],
)
async def test_versions_are_those_that_maven_takes(
    sandbox: Sandbox, house: Path, index: Index, rest: str, said: bytes
) -> None:
    versions = "<metadata><groupId>org.example</groupId><artifactId>near</artifactId>"
    versions += "<versioning><versions><version>1</version></versions></versioning></metadata>"
    write_summed(house / "org/example/near/maven-metadata.xml", versions.encode())
    tree = {"pom.xml": pom(rest), "src/main/java/Main.java": MAIN}
    installed = await install(sandbox, tree, index)
    assert releases(installed) == ["org.example:deep 2", "org.example:near 1"], installed
    result = await run(sandbox, tree, installed.record)
    assert result.stdout.data == said, result


async def test_scopes_exclusions_and_optional_ones(
    sandbox: Sandbox, house: Path, index: Index
) -> None:
    hidden = depends(
        dependency("deep", "1", "<scope>test</scope>"),
        dependency("near", "1", "<optional>true</optional>"),
    )
    publish_to_maven(house, "shy", "1", {"org/example/shy/Shy.java": "class Shy {}"}, hidden)
    none = "<exclusion><groupId>*</groupId><artifactId>deep</artifactId></exclusion>"
    rest = depends(
        dependency("shy", "1", "<scope>provided</scope>"),
        dependency("near", "1", f"<scope>test</scope><exclusions>{none}</exclusions>"),
    )
    installed = await install(sandbox, {"pom.xml": pom(rest)}, index)
    assert releases(installed) == ["org.example:near 1", "org.example:shy 1"]


async def test_modules_have_each_other_and_class_paths_of_their_own(
    sandbox: Sandbox, index: Index
) -> None:
    above = "<parent><groupId>org.mine</groupId><artifactId>mine</artifactId>"
    above += "<version>1</version></parent>"
    modules = (
        "<packaging>pom</packaging><modules><module>kit</module><module>app</module></modules>"
    )

    def module(name: str, rest: str) -> str:
        told = f"{above}<artifactId>{name}</artifactId>{rest}"
        return f"<project><modelVersion>4.0.0</modelVersion>{told}</project>"

    own = "<dependency><groupId>org.mine</groupId><artifactId>kit</artifactId>"
    own += "<version>${project.version}</version></dependency>"
    tree = {
        "pom.xml": pom(modules + manages(dependency("near", "1"))),
        "kit/pom.xml": module("kit", depends(dependency("near"))),
        "app/pom.xml": module("app", depends(own, dependency("deep", "2"))),
        "app/src/main/java/Main.java": MAIN,
        "app/src/test/resources/pom.xml": "<project>not Maven's</project>",
    }
    what = asks(tree)
    assert [each.title for each in what.packages] == [
        "org.example:deep:2 (app/pom.xml:1)",
        "org.example:near (kit/pom.xml:1)",
    ]
    assert not what.conflicts
    installed = await install(sandbox, tree, index)
    result = await run(sandbox, tree, installed.record, RunFile("app/src/main/java/Main.java"))
    assert result.stdout.data == b"near and deep 2\n", result


async def test_a_changed_pom_runs_with_what_of_it_is_there(sandbox: Sandbox, index: Index) -> None:
    tree = {"pom.xml": pom(depends(dependency("near", "1"))), "src/main/java/Main.java": MAIN}
    installed = await install(sandbox, tree, index)
    tree["pom.xml"] = pom(depends(dependency("near", "1"), dependency("later", "3")))
    result = await run(sandbox, tree, installed.record)
    assert result.stdout.data == b"near and deep 1\n", result


async def test_what_gradle_has_locked(sandbox: Sandbox, index: Index) -> None:
    lock = (
        "# This is a Gradle generated file for dependency locking.\n"
        "org.example:bom:1=runtimeClasspath\n"
        "org.example:deep:2=runtimeClasspath\n"
        "org.example:near:1=compileClasspath,runtimeClasspath\nempty=annotationProcessor\n"
    )
    tree = {"build.gradle": "plugins { id 'java' }", "gradle.lockfile": lock}
    tree["src/main/java/Main.java"] = MAIN
    what = asks(tree)
    assert what.locked
    assert not what.problems
    installed = await install(sandbox, tree, index)
    assert releases(installed) == ["org.example:deep 2", "org.example:near 1"]
    result = await run(sandbox, tree, installed.record)
    assert result.stdout.data == b"near and deep 2\n", result


async def test_what_is_not_there_is_named(sandbox: Sandbox, index: Index) -> None:
    installed = await install(sandbox, {"pom.xml": pom(depends(dependency("none", "1")))}, index)
    assert installed.record is None
    assert "ERROR: " in installed.message
    assert "org.example:none:jar:1" in installed.message
    assert not list(sandbox.layers().records)


async def test_what_does_not_match_its_checksum_is_refused(
    sandbox: Sandbox, house: Path, index: Index
) -> None:
    (house / "org/example/deep/1/deep-1.jar").write_bytes(b"another")
    installed = await install(sandbox, {"pom.xml": pom(depends(dependency("deep", "1")))}, index)
    assert installed.record is None
    assert "hecksum" in installed.message


async def test_the_repositories_of_a_workspace_are_not_asked(
    sandbox: Sandbox, index: Index, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    publish_to_maven(other, "evil", "1", {"org/example/Evil.java": "class Evil {}"})
    with serve_index(other) as theirs:
        address = theirs.url.removesuffix("/simple")
        told = f"<repository><id>theirs</id><url>{address}</url></repository>"
        rest = f"<repositories>{told}</repositories>{depends(dependency('evil', '1'))}"
        central = mirrored(index).replace(b"<mirrorOf>*<", b"<mirrorOf>central<")
        given = Sources(files={SETTINGS: central})
        installed = await sandbox.layers().start(asks({"pom.xml": pom(rest)}), given=given).wait()
        assert installed.record is None
        assert not theirs.asked


async def test_passwords_of_the_settings_reach_the_registry_and_no_output(
    sandbox: Sandbox, index: Index, tmp_path: Path
) -> None:
    server = "<server><id>mine</id><username>me</username><password>${env.TOKEN}</password>"
    home = tmp_path / "home"
    (home / ".m2").mkdir(parents=True)
    preemptive = (
        "<configuration><httpConfiguration><all><usePreemptive>true</usePreemptive></all>"
        "</httpConfiguration></configuration>"
    )
    servers = f"<servers>{server}{preemptive}</server></servers>"
    (home / ".m2/settings.xml").write_bytes(mirrored(index, servers))
    given = sources("java", {"HOME": str(home), "TOKEN": "very-secret", "OTHER": "x"})
    assert given.secrets == ("${env.TOKEN}", "very-secret")
    assert "OTHER" not in given.environment
    what = asks({"pom.xml": pom(depends(dependency("deep", "1")))})
    installed = await sandbox.layers().start(what, given=given).wait()
    assert releases(installed) == ["org.example:deep 1"]


TEST = """\
import org.junit.jupiter.api.Test;

class OwnTest {
    @Test
    void where() {
        System.out.println(Test.class.getProtectionDomain().getCodeSource().getLocation());
        System.out.println(org.example.deep.Deep.said());
    }
}
"""


@pytest.mark.docker
async def test_tests_run_with_the_junit_that_the_pom_names(house: Path, tmp_path: Path) -> None:
    opened = await open_or_skip("docker", layers=tmp_path / "layers", install_network="host")
    version = _copy_junit(house)
    junit = "<dependency><groupId>org.junit.jupiter</groupId><artifactId>junit-jupiter</artifactId>"
    junit += f"<version>{version}</version><scope>test</scope></dependency>"
    tree = {"pom.xml": pom(depends(dependency("deep", "2"), junit))}
    tree["src/test/java/OwnTest.java"] = TEST
    async with opened as sandbox:
        with serve_index(house) as index:
            installed = await install(sandbox, tree, index)
        assert any("junit-platform-launcher" in each for each in releases(installed))
        result = await run(sandbox, tree, installed.record, RunTests(()))
        assert result.status == "passed", result.stderr.data
        assert b"/layer/repository/org/junit/jupiter/junit-jupiter-api" in result.stdout.data
        assert b"deep 2" in result.stdout.data
        assert [each["outcome"] for each in result.reports if each["type"] == "test"] == ["passed"]
    closing = await open_or_skip("docker", layers=tmp_path / "layers")
    assert installed.record is not None
    await closing.layers().remove(installed.record)
    await closing.close()


def _copy_junit(house: Path) -> str:
    """Put the image's JUnit into a repository; returns Jupiter's version."""
    folders = "org/junit org/opentest4j org/apiguardian com/univocity"
    told = f"tar -C /usr/share/maven-repo --hard-dereference -chf - {folders}"
    argv = ["docker", "run", "--rm", "--network=none", "fixwright/java:1", "bash", "-c", told]
    data = subprocess.run(argv, check=True, timeout=60, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for entry in archive:
            content = archive.extractfile(entry) if entry.isfile() else None
            if content is not None:
                write_summed(house / entry.name, content.read())
    versions = (house / "org/junit/jupiter/junit-jupiter").iterdir()
    return next(each.name for each in versions if each.name[0].isdigit())
