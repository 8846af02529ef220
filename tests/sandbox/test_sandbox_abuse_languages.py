"""What compilers and build scripts can be made to do: the cache, the next run and the host stay.

A compiler that runs what the workspace says is a program like any other: what it left in the
cache of what was built is thrown away, and what the driver says of it is never believed more
than what the program itself says.
"""

from __future__ import annotations

import pytest

from fixwright_sandbox import Blob, Limits, Request, Result, RunFile, RunTests
from fixwright_sandbox.jobs import Job
from support.sandboxes import PATIENCE, Bench

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]

SPOIL = "for f in $(find /cache -type f); do echo spoilt > $f; done 2>/dev/null; echo x > /cache/x"
LEFT = "find /cache -name x | wc -l; grep -rl spoilt /cache /tmp | wc -l"


async def run(
    bench: Bench, runtime: str, files: dict[str, str], job: Job, wall_seconds: float = PATIENCE
) -> Result:
    """Run a job of a language, within limits that let its compiler live."""
    tree = {path: Blob(text.encode()) for path, text in files.items()}
    limits = Limits(wall_seconds=wall_seconds)
    result = await bench.sandbox.start(bench.workspace, Request(runtime, job, tree, limits)).wait()
    if result.status == "image":
        pytest.skip(result.message)
    return result


def notes(result: Result) -> list[object]:
    return [report["message"] for report in result.reports if report.get("type") == "note"]


THROWN_AWAY = "The program wrote to the cache of what was built; it was thrown away."

RUST = {
    "Cargo.toml": "[package]\nname = 'a'\nversion = '0.1.0'\nedition = '2021'\n",
    "src/main.rs": 'fn main() { println!("right"); }',
}
BUILD_SCRIPT = (
    'fn main() { std::process::Command::new("sh").arg("-c").arg(r#"' + SPOIL + '"#)'
    ".status().unwrap(); }"
)


async def test_a_build_script_can_not_poison_the_cache(safe_bench: Bench) -> None:
    main = RunFile("src/main.rs")
    spoilt = await run(safe_bench, "rust", {**RUST, "build.rs": BUILD_SCRIPT}, main)
    assert THROWN_AWAY in notes(spoilt), spoilt
    clean = await run(safe_bench, "rust", RUST, main)
    assert (clean.status, clean.stdout.data) == ("passed", b"right\n"), clean


PROGRAMS: dict[str, tuple[dict[str, str], Job]] = {
    "node": (
        {
            "a.ts": "import { execSync } from 'child_process';\n"
            f"execSync({SPOIL!r}, {{shell: '/bin/sh'}});\nconst n: number = 1; console.log('on', n)"
        },
        RunFile("a.ts"),
    ),
    "go": (
        {
            "a.go": 'package main\nimport ("fmt"; "os/exec")\nfunc main() {\n'
            f'\texec.Command("sh", "-c", `{SPOIL}`).Run()\n\tfmt.Println("on", 1)\n}}\n'
        },
        RunFile("a.go"),
    ),
    "c": (
        {
            "a.c": "#include <stdio.h>\n#include <stdlib.h>\n"
            f'int main(void) {{ int n = system("{SPOIL}"); (void)n; puts("on 1"); }}\n'
        },
        RunFile("a.c"),
    ),
    "java": (
        {
            "A.java": "public class A { public static void main(String[] a) throws Exception {\n"
            f'new ProcessBuilder("sh", "-c", "{SPOIL}").start().waitFor();\n'
            'System.out.println("on 1"); } }\n'
        },
        RunFile("A.java"),
    ),
}
HARMLESS = {
    "node": {"a.ts": "const n: number = 2; console.log('on', n)"},
    "go": {"a.go": 'package main\nimport "fmt"\nfunc main() { fmt.Println("on", 2) }\n'},
    "c": {"a.c": '#include <stdio.h>\nint main(void) { puts("on 2"); }\n'},
    "java": {
        "A.java": "public class A { public static void main(String[] a) {\n"
        'System.out.println("on 2"); } }\n'
    },
}


@pytest.mark.parametrize("runtime", PROGRAMS)
async def test_a_program_can_not_poison_what_is_built_next(safe_bench: Bench, runtime: str) -> None:
    files, job = PROGRAMS[runtime]
    spoilt = await run(safe_bench, runtime, files, job)
    assert (spoilt.status, spoilt.stdout.data) == ("passed", b"on 1\n"), spoilt
    assert THROWN_AWAY in notes(spoilt)
    for texts, said in ((HARMLESS[runtime], b"on 2\n"), (files, b"on 1\n")):
        clean = await run(safe_bench, runtime, texts, job)
        assert (clean.status, clean.stdout.data) == ("passed", said), clean


PROCESSOR = """
import java.util.Set;
import javax.annotation.processing.*;
import javax.lang.model.element.TypeElement;
@SupportedAnnotationTypes("*")
public class P extends AbstractProcessor {
    @Override public boolean process(Set<? extends TypeElement> s, RoundEnvironment r) {
        try { new ProcessBuilder("sh", "-c", "%s").start().waitFor(); } catch (Exception e) {}
        return false;
    }
}
"""
PACK = """
set -e
mkdir -p out/META-INF/services lib
echo P > out/META-INF/services/javax.annotation.processing.Processor
javac -proc:none -d out P.java
(cd out && jar cf ../lib/p.jar .)
"""


async def test_an_annotation_processor_can_not_poison_the_cache(safe_bench: Bench) -> None:
    files = {"A.java": HARMLESS["java"]["A.java"]}
    probe = await run(safe_bench, "java", files, RunFile("A.java"))
    assert probe.status == "passed", probe
    workspace = await safe_bench.sandbox.create(
        runtime="java", files={"P.java": PROCESSOR % SPOIL, **files}
    )
    async with workspace:
        packed = await workspace.run(PACK, keep=True, timeout=PATIENCE)
        assert (packed.status, packed.kept) == ("passed", True), packed
        await workspace.remove("P.java")
        await workspace.remove("out")
        spoilt = await workspace.run(file="A.java", timeout=PATIENCE)
        assert spoilt.status in {"passed", "failed"}, spoilt  # it spoils the compiler's jar, too
        assert THROWN_AWAY in notes(spoilt)
        await workspace.remove("lib")
        clean = await workspace.run(file="A.java", timeout=PATIENCE)
        assert (clean.status, clean.stdout.data) == ("passed", b"on 2\n"), clean
        assert notes(clean) == []
        left = await workspace.run(LEFT, timeout=PATIENCE)
        assert left.stdout.data.split()[0] == b"0", left


BOMBS: dict[str, tuple[str, dict[str, str], Job]] = {
    "templates": (
        "c",
        {
            "a.cpp": "template<int N, int M> struct F {\n"
            "  static const int v = F<N - 1, M * 2>::v + F<N - 1, M * 2 + 1>::v; };\n"
            "template<int M> struct F<0, M> { static const int v = 1; };\n"
            "int main() { return F<30, 0>::v; }\n"
        },
        RunFile("a.cpp"),
    ),
    "macros": (
        "c",
        {
            "a.c": "#define A0(x) x x x x x x x x x x\n"
            + "".join(f"#define A{n}(x) A{n - 1}(A{n - 1}(x))\n" for n in range(1, 6))
            + "int main(void) { A5(;) }\n"
        },
        RunFile("a.c"),
    ),
    "constants": (
        "rust",
        {
            "a.rs": "const X: u64 = { let mut n = 0u64; loop { n = n.wrapping_add(1); } };\n"
            '#[allow(long_running_const_eval)]\nfn main() { println!("{}", X); }\n'
        },
        RunFile("a.rs"),
    ),
    "includes itself": ("c", {"a.c": '#include "a.c"\n#include "a.c"\n'}, RunFile("a.c")),
    "reads without end": ("c", {"a.c": '#include "/dev/zero"\n'}, RunFile("a.c")),
    "embeds the machine": (
        "c",
        {"a.c": 'int main(void) { __asm__(".incbin \\"/dev/zero\\""); }\n'},
        RunFile("a.c"),
    ),
}


@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_for_the_compiler_meets_a_limit(safe_bench: Bench, name: str) -> None:
    runtime, files, job = BOMBS[name]
    result = await run(safe_bench, runtime, files, job, wall_seconds=8)
    assert result.status in {"failed", "timeout", "memory", "disk", "output"}, result
    assert result.message
    clean = {"b.c": HARMLESS["c"]["a.c"]} if runtime == "c" else {"b.rs": RUST["src/main.rs"]}
    (path,) = clean
    after = await run(safe_bench, runtime, clean, RunFile(path))
    assert after.status == "passed", after


HOGS: dict[str, tuple[dict[str, str], Job]] = {
    "node": (
        {"a.js": "const a = []; for (;;) a.push(Buffer.alloc(16 << 20, 1));"},
        RunFile("a.js"),
    ),
    "java": (
        {
            "A.java": "import java.util.*; public class A { public static void main(String[] a) {\n"
            "List<byte[]> l = new ArrayList<>(); while (true) l.add(new byte[16 << 20]); } }\n"
        },
        RunFile("A.java"),
    ),
}


@pytest.mark.parametrize("runtime", HOGS)
async def test_the_end_of_memory_is_told(safe_bench: Bench, runtime: str) -> None:
    files, job = HOGS[runtime]
    result = await run(safe_bench, runtime, files, job)
    kinds = {str(report.get("kind")) for report in result.reports}
    told = result.status == "memory" or any("emory" in kind for kind in kinds)
    assert told, result
    clean = await run(
        safe_bench, runtime, HARMLESS[runtime], RunFile(next(iter(HARMLESS[runtime])))
    )
    assert clean.status == "passed", clean


KILLS = {
    "node": (
        {"a.js": "try { process.kill(process.ppid, 'SIGKILL') } catch {}\nprocess.kill(-1, 9)"},
        RunFile("a.js"),
    ),
    "c": (
        {
            "a.c": "#include <signal.h>\n#include <unistd.h>\n"
            "int main(void) { kill(getppid(), 9); kill(1, 9); kill(-1, 9); pause(); }\n"
        },
        RunFile("a.c"),
    ),
}


@pytest.mark.parametrize("runtime", KILLS)
async def test_a_program_that_kills_its_driver_fails(safe_bench: Bench, runtime: str) -> None:
    files, job = KILLS[runtime]
    result = await run(safe_bench, runtime, files, job)
    assert (result.status, result.signal) == ("failed", "SIGKILL"), result
    clean = await run(
        safe_bench, runtime, HARMLESS[runtime], RunFile(next(iter(HARMLESS[runtime])))
    )
    assert clean.status == "passed", clean


async def test_go_generate_is_not_run(safe_bench: Bench) -> None:
    files = {
        "go.mod": "module a\ngo 1.20\n",
        "a.go": 'package a\n//go:generate sh -c "echo made > /workspace/made"\n',
        "a_test.go": 'package a\nimport "testing"\nfunc TestA(t *testing.T) {}\n',
    }
    result = await run(safe_bench, "go", files, RunTests())
    assert result.status == "passed", result
    assert result.files == ()
