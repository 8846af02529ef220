"""Our own Java classes, compiled once an environment, and how a JVM is started.

The jar lies in the cache under a name that stands for its sources and for the JUnit it was
compiled with. An archive of the compiler's loaded classes lies beside it (application class data
sharing, `-XX:ArchiveClassesAtExit`), which halves the compiler's start.
"""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
import zipfile
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from fixwright_sandbox.guest.stage import Stage


_SOURCES = ("Json.java", "Compile.java", "Reports.java", "Run.java")
_TESTS = "Tests.java"
_QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")
_JUNIT = (
    "junit-platform-launcher",
    "junit-platform-engine",
    "junit-platform-commons",
    "junit-jupiter-api",
    "junit-jupiter-engine",
    "junit-jupiter-params",
    "junit-vintage-engine",
    "opentest4j",
    "apiguardian-api",
    "junit",
    "hamcrest",
)
_PLATFORM = ("launcher", "engine", "commons")
_JUPITER = ("api", "engine", "params")
_PLACES = ("/opt/fixwright/junit", "/usr/share/java")
_HEAP = 0.6
"""The part of a run's memory that its heap may take; the JVM itself needs the rest."""
_LEAST_HEAP = 32 << 20


class Toolbox(NamedTuple):
    """What runs Java.

    Attributes:
        jar: our classes.
        archive: the compiler's shared classes; "" while there are none.
        junit: JUnit's jars; none where there is no JUnit.
    """

    jar: str
    archive: str
    junit: tuple[str, ...]


class ToolboxError(Exception):
    """There is no Java to run with; the message is a sentence for the user."""


def toolbox(stage: Stage, *, archive: bool = False) -> Toolbox:
    """Return the tools, made now where they are not there yet.

    Args:
        stage: the run's, or the environment's.
        archive: make the archive, too: a second that is worth spending before a run asks.
    """
    junit = find_junit(stage.environment)
    sources = [stage.data(name) for name in (*_SOURCES, *((_TESTS,) if junit else ()))]
    total = hashlib.sha256("\n".join(junit).encode())
    for source in sources:
        with open(source, "rb") as file:
            total.update(file.read())
    folder = os.path.join(stage.cache, "java", total.hexdigest()[:16])
    jar, shared = os.path.join(folder, "tools.jar"), os.path.join(folder, "compiler.jsa")
    if not os.path.isfile(jar):
        _compile(stage, sources, junit, jar)
    if archive and not os.path.isfile(shared):
        _archive(stage, jar, shared)
    return Toolbox(jar, shared if os.path.isfile(shared) else "", junit)


def find_junit(environment: dict[str, str]) -> tuple[str, ...]:
    """Return the jars of the newest JUnit platform that is there: the image's, or Maven's."""
    for folder in (environment.get("FIXWRIGHT_JUNIT", ""), *_PLACES):
        if folder and glob.glob(os.path.join(folder, "junit-platform-launcher*.jar")):
            return tuple(jar for name in _JUNIT for jar in _jars(folder, name))
    home = os.path.join(environment.get("HOME", "/"), ".m2", "repository")
    return _from_maven(environment.get("MAVEN_REPOSITORY") or home)


def _jars(folder: str, name: str) -> list[str]:
    aliases = {"junit": ("junit4", "junit"), "hamcrest": ("hamcrest-all", "hamcrest")}
    for alias in aliases.get(name, (name,)):
        plain = os.path.join(folder, f"{alias}.jar")
        if os.path.isfile(plain):
            return [plain]
        found = sorted(glob.glob(os.path.join(folder, f"{alias}-[0-9]*.jar")))
        if found:
            return found[-1:]
    return []


def _from_maven(repository: str) -> tuple[str, ...]:
    """Return the newest JUnit 5 of which all parts are in a local repository.

    Its platform is `1.x`, its engine `5.x`, with the same x.
    """
    platform = os.path.join(repository, "org", "junit", "platform")
    jupiter = os.path.join(repository, "org", "junit", "jupiter")
    versions = glob.glob(os.path.join(platform, "junit-platform-launcher", "1.*"))
    for version in sorted(map(os.path.basename, versions), key=_number, reverse=True):
        engine = "5" + version[1:]
        wanted = [_jar(platform, f"junit-platform-{part}", version) for part in _PLATFORM]
        wanted += [_jar(jupiter, f"junit-jupiter-{part}", engine) for part in _JUPITER]
        if all(map(os.path.isfile, wanted)):
            return (*wanted, *_with_junit(repository, engine))
    return ()


def _with_junit(repository: str, engine: str) -> list[str]:
    """Return what JUnit 5 needs, and JUnit 4 where its engine is there."""
    patterns = ["org/opentest4j/opentest4j/*/opentest4j-*.jar", "org/apiguardian/*/*/*.jar"]
    vintage = _jar(f"{repository}/org/junit/vintage", "junit-vintage-engine", engine)
    found: list[str] = []
    if os.path.isfile(vintage):
        found.append(vintage)
        patterns += ["junit/junit/4.*/junit-4*.jar", "org/hamcrest/hamcrest-core/*/*.jar"]
    for pattern in patterns:
        found += sorted(glob.glob(f"{glob.escape(repository)}/{pattern}"))[-1:]
    return found


def _jar(folder: str, name: str, version: str) -> str:
    return os.path.join(folder, name, version, f"{name}-{version}.jar")


def _number(version: str) -> list[int]:
    return [int(part) if part.isdigit() else -1 for part in version.split(".")]


def _compile(stage: Stage, sources: list[str], junit: tuple[str, ...], jar: str) -> None:
    folder = os.path.join(os.path.dirname(jar), f"classes-{os.getpid()}")
    os.makedirs(folder, exist_ok=True)
    argv = ["javac", "-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC", "-proc:none", "-d", folder]
    argv += ["-cp", os.pathsep.join(junit), *sources]
    done = stage.tool(argv, cwd=stage.scratch, env=stage.environment)
    if done.exit:
        said = done.stderr.decode("utf-8", "replace").strip()
        message = "There is no Java compiler that works here (a JDK of version 17 or later)"
        raise ToolboxError(f"{message}: {said[-2_000:]}")
    partial = f"{jar}.{os.getpid()}"
    with zipfile.ZipFile(partial, "w") as archive:
        for name in sorted(os.listdir(os.path.join(folder, "fixwright"))):
            archive.write(os.path.join(folder, "fixwright", name), f"fixwright/{name}")
    os.replace(partial, jar)
    shutil.rmtree(folder, ignore_errors=True)


def _archive(stage: Stage, jar: str, shared: str) -> None:
    """Compile something with everything in it that a compiler loads, and keep the classes."""
    source = os.path.join(stage.scratch, "Warm.java")
    with open(source, "w", encoding="utf-8") as file:
        file.write(_WARM)
    arguments = os.path.join(stage.scratch, "warm.txt")
    with open(arguments, "w", encoding="utf-8") as file:
        file.write(f"-d\n{stage.scratch}\n-g\n-proc:none\n--\n{source}\n")
    partial = f"{shared}.{os.getpid()}"
    argv = ["java", *_QUICK, f"-XX:ArchiveClassesAtExit={partial}", "-cp", jar]
    done = stage.tool(
        [*argv, "fixwright.Compile", arguments], cwd=stage.scratch, env=stage.environment
    )
    if done.exit == 0 and os.path.isfile(partial):
        os.replace(partial, shared)


_WARM = """\
import java.util.*;
import java.util.function.*;
public class Warm<T extends Comparable<T>> {
    enum Kind { A, B }
    interface Shape { double area(); }
    record Circle(double r) implements Shape { public double area() { return Math.PI * r * r; } }
    private final List<T> items = new ArrayList<>();
    T most() throws Exception {
        T best = null;
        for (T item : items) if (best == null || item.compareTo(best) > 0) best = item;
        try { if (best == null) throw new IllegalStateException("x" + items.size()); }
        catch (RuntimeException e) { throw new Exception(e); } finally { items.clear(); }
        return best;
    }
    public static void main(String[] args) {
        Map<String, Integer> m = new HashMap<>();
        Function<Integer, Integer> f = x -> x + 1;
        int[] a = {1, 2, 3};
        for (int i = 0; i < a.length; i++) m.merge("k", f.apply(a[i]), Integer::sum);
        var s = switch (args.length) { case 0 -> "none"; default -> "some"; };
        Object o = s;
        if (o instanceof String t && !t.isEmpty()) System.out.printf("%s %d%n", t, m.get("k"));
        new Thread(() -> System.out.println(Kind.A)).start();
        m.entrySet().stream().map(Map.Entry::getKey).sorted().forEach(System.out::println);
    }
}
"""


def compile_argv(tools: Toolbox, arguments: str) -> list[str]:
    """Return how the compiler is started on a file of arguments."""
    archive = (f"-XX:SharedArchiveFile={tools.archive}",) if tools.archive else ()
    return ["java", *_QUICK, *archive, "-cp", tools.jar, "fixwright.Compile", arguments]


def java_argv(stage: Stage, classpath: list[str], *options: str) -> list[str]:
    """Return how a program's JVM is started, up to its main class."""
    heap = max(_LEAST_HEAP, int(int(stage.limits["memory_bytes"]) * _HEAP)) >> 20
    return [
        "java",
        f"-Xmx{heap}m",
        "-Xss1m",
        "-XX:+UseSerialGC",
        "-XX:-UsePerfData",
        "-XX:ReservedCodeCacheSize=96m",
        "-Xshare:auto",
        "-Dfile.encoding=UTF-8",
        "-Dstdout.encoding=UTF-8",
        "-Dstderr.encoding=UTF-8",
        *options,
        "-cp",
        os.pathsep.join(classpath),
    ]
