"""What is run to fetch what POMs and Gradle's lock files name: Maven's resolver, without Maven.

`mvn` itself could fetch only with a plugin, and would run what a POM's build extensions are. So a
program of ours (`Resolve.java`, which Java compiles as it starts) works with the libraries of the
Maven that is there: they resolve exactly as `mvn` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import resources
from xml.sax.saxutils import escape

from . import java

SETTINGS = ".fixwright/settings.xml"
"""Where an installation finds the user's settings of Maven."""
SECURITY = ".fixwright/settings-security.xml"
"""Where it finds what decrypts passwords in them."""
_PROGRAM = ".fixwright/Resolve.java"
_WORK = ".fixwright/gradle"

_SCRIPT = f"""\
home=$(dirname "$(dirname "$(readlink -f "$(command -v mvn)")")")
if ! ls "$home"/lib/maven-core-3* > /dev/null 2>&1; then
    echo "ERROR: There is no Maven 3 here, which fetches Java's packages (apt install maven); \\
Docker's image has it." >&2
    exit 1
fi
settings=
test ! -f {SETTINGS} || settings={SETTINGS}
exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dmaven.home="$home" \\
    -Dsettings.security={SECURITY} -Dorg.slf4j.simpleLogger.defaultLogLevel=error \\
    -cp "$home/lib/*:$home/boot/*" {_PROGRAM} "$settings" "$home/conf/settings.xml" "$@"
"""

_DEPENDENCY = """\
  <dependency>
    <groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version>
    <exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>
  </dependency>
"""
_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion>
<groupId>fixwright.gradle</groupId><artifactId>lock-{number}</artifactId><version>1</version>
<dependencies>
{dependencies}</dependencies>
</project>
"""


def variables(layer: str) -> dict[str, str]:
    """The variables by which a run finds a layer."""
    return {
        "MAVEN_REPOSITORY": f"{layer}/repository",
        "FIXWRIGHT_CLASSPATHS": f"{layer}/classpaths.json",
    }


def argv(manifests: Mapping[str, bytes], layer: str, report: str) -> tuple[str, ...]:
    """The script for bash, and its arguments: what to fill, then each module and its POM."""
    locks = dict(_locks(manifests))
    modules = (word for path in manifests for word in (path, locks.get(path, path)))
    told = variables(layer)
    places = (told["MAVEN_REPOSITORY"], told["FIXWRIGHT_CLASSPATHS"], report)
    return (_SCRIPT, "install", *places, *modules)


def files(manifests: Mapping[str, bytes]) -> dict[str, bytes]:
    """The program, and for each `gradle.lockfile` a POM that names the same."""
    found = {_PROGRAM: _program()}
    for number, (path, pom) in enumerate(_locks(manifests)):
        source = manifests[path].decode("utf-8-sig", "replace")
        told = "".join(_DEPENDENCY.format(*map(escape, names)) for _, *names in java.locked(source))
        found[pom] = _POM.format(number=number, dependencies=told).encode()
    return found


def _program() -> bytes:
    folder = resources.files("fixwright_sandbox.dependencies")
    return folder.joinpath("Resolve.java").read_bytes()


def _locks(manifests: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    locks = [path for path in manifests if path.rpartition("/")[2] == java.GRADLE_LOCK]
    yield from ((path, f"{_WORK}/{number}.xml") for number, path in enumerate(locks))
