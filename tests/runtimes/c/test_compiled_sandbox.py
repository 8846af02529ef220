"""Go and C in real sandboxes: built, kept, failing at exact places, held to their memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from fixwright_sandbox import Blob, Result, RunFile
from support.go_toolchain import goroot
from support.sandboxes import Bench, backends, open_or_skip

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Programs:
    """A program that works, one that fails, one that takes all memory."""

    path: str
    fine: str
    broken: str
    place: tuple[str, int, int, int]
    hungry: str


PROGRAMS = {
    "go": Programs(
        "main.go",
        'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("it", 7) }\n',
        "package main\n\nfunc main() {\n\tvar items []int\n\tprintln(items[len(items)])\n}\n",
        ("runtime error", 4, 9, 26),
        "package main\n\nfunc main() {\n\tvar all [][]byte\n\tfor {\n"
        "\t\tpart := make([]byte, 1<<20)\n\t\tfor i := range part {\n\t\t\tpart[i] = 1\n\t\t}\n"
        "\t\tall = append(all, part)\n\t}\n}\n",
    ),
    "c": Programs(
        "main.c",
        '#include <stdio.h>\n\nint main(void) { printf("it %d\\n", 7); return 0; }\n',
        "#include <stdlib.h>\n\nint main(void) {\n    int *items = calloc(2, 4);\n"
        "    return items[2];\n}\n",
        ("heap-buffer-overflow", 4, 11, 19),
        "#include <stdlib.h>\n#include <string.h>\n\nint main(void) {\n"
        "    for (;;) memset(malloc(1 << 20), 1, 1 << 20);\n}\n",
    ),
}


@pytest.fixture(params=backends("docker", "bubblewrap"))
async def bench(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bench]:
    root = goroot()
    if root is not None:
        monkeypatch.setenv("GOROOT", str(root))
    sandbox = await open_or_skip(request.param)
    async with sandbox:
        yield Bench(sandbox)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("runtime", PROGRAMS)
async def test_programs_end_as_they_should(bench: Bench, runtime: str) -> None:
    programs = PROGRAMS[runtime]

    async def run(text: str) -> Result:
        bench.tree = {programs.path: Blob(text.encode())}
        execution = bench.start(RunFile(programs.path), runtime=runtime, wall_seconds=100.0)
        return await execution.wait()

    for text in (programs.fine, programs.fine, programs.fine.replace("it", "at")):
        result = await run(text)
        if result.status == "image":
            pytest.skip(result.message)
        assert result.status == "passed", result
        assert result.stdout.head == (b"at 7\n" if text != programs.fine else b"it 7\n")
    broken = await run(programs.broken)
    assert broken.status == "failed"
    (report,) = [each for each in broken.reports if each["type"] == "exception"]
    frame: dict[str, Any] = report["frames"][-1]  # type: ignore[index]  # as reports are
    told = (report["kind"], frame["line"], frame["column"], frame["endColumn"])
    assert told == programs.place
    assert (await run(programs.hungry)).status == "memory"
    assert (await run(programs.fine)).status == "passed"
