"""A pom's libraries are found in the local repository."""

from __future__ import annotations

from pathlib import Path

from fixwright_sandbox.runtimes.java.guest.maven import Pom, jars_of

_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <groupId>org.example</groupId><artifactId>{name}</artifactId><version>{version}</version>
  {rest}
</project>
"""


def _dependency(name: str, version: str = "", more: str = "") -> str:
    told = f"<version>{version}</version>" if version else ""
    return (
        f"<dependency><groupId>org.example</groupId><artifactId>{name}</artifactId>"
        f"{told}{more}</dependency>"
    )


def _install(repository: Path, name: str, version: str, rest: str = "", kind: str = "jar") -> None:
    folder = repository / "org" / "example" / name / version
    folder.mkdir(parents=True)
    (folder / f"{name}-{version}.pom").write_text(
        _POM.format(name=name, version=version, rest=rest)
    )
    if kind == "jar":
        (folder / f"{name}-{version}.jar").write_bytes(b"")


def _project(tmp_path: Path, rest: str) -> Pom:
    (tmp_path / "pom.xml").write_text(_POM.format(name="app", version="1", rest=rest))
    return Pom.read(str(tmp_path / "pom.xml"))


def _names(jars: tuple[str, ...]) -> list[str]:
    return [Path(jar).name for jar in jars]


def test_what_a_library_needs_comes_along(tmp_path: Path) -> None:
    inner = f"<dependencies>{_dependency('deep', '2')}</dependencies>"
    _install(tmp_path / "m2", "near", "1.5", inner)
    _install(tmp_path / "m2", "deep", "2")
    pom = _project(tmp_path, f"<dependencies>{_dependency('near', '1.5')}</dependencies>")
    assert _names(jars_of(pom, str(tmp_path / "m2"))[0]) == ["near-1.5.jar", "deep-2.jar"]


def test_a_version_may_be_a_property_or_managed_by_a_bom(tmp_path: Path) -> None:
    managed = _dependency("two", "7")
    bom = f"<dependencyManagement><dependencies>{managed}</dependencies></dependencyManagement>"
    _install(tmp_path / "m2", "bom", "3", bom, kind="pom")
    _install(tmp_path / "m2", "one", "4")
    _install(tmp_path / "m2", "two", "7")
    imported = _dependency("bom", "3", "<type>pom</type><scope>import</scope>")
    pom = _project(
        tmp_path,
        "<properties><one.version>4</one.version></properties>"
        f"<dependencyManagement><dependencies>{imported}</dependencies></dependencyManagement>"
        f"<dependencies>{_dependency('one', '${one.version}')}{_dependency('two')}</dependencies>",
    )
    assert _names(jars_of(pom, str(tmp_path / "m2"))[0]) == ["one-4.jar", "two-7.jar"]


def test_tests_options_and_exclusions_of_libraries_stay_out(tmp_path: Path) -> None:
    unwanted = "".join(
        [
            _dependency("tested", "1", "<scope>test</scope>"),
            _dependency("optional", "1", "<optional>true</optional>"),
            _dependency("excluded", "1"),
        ]
    )
    _install(tmp_path / "m2", "near", "1", f"<dependencies>{unwanted}</dependencies>")
    for name in ("tested", "optional", "excluded"):
        _install(tmp_path / "m2", name, "1")
    exclusion = (
        "<exclusions><exclusion><groupId>org.example</groupId>"
        "<artifactId>excluded</artifactId></exclusion></exclusions>"
    )
    pom = _project(tmp_path, f"<dependencies>{_dependency('near', '1', exclusion)}</dependencies>")
    assert _names(jars_of(pom, str(tmp_path / "m2"))[0]) == ["near-1.jar"]


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    pom = _project(tmp_path, f"<dependencies>{_dependency('gone', '9')}</dependencies>")
    assert jars_of(pom, str(tmp_path / "m2")) == ((), ("org.example:gone:9",))


def test_a_broken_pom_is_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "pom.xml").write_text("<project>")
    assert jars_of(Pom.read(str(tmp_path / "pom.xml")), str(tmp_path)) == ((), ())
