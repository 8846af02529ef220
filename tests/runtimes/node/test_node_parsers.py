"""What reads JavaScript and what its tools say: pure functions, on real output."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixwright_sandbox.guest.sources import Sources
from fixwright_sandbox.runtimes.node.guest import esbuild_log, facts, project, stacks, typecheck
from fixwright_sandbox.runtimes.node.guest.script import Script, blanked

TSC_6 = """\
\x1b[96ma.ts\x1b[0m:\x1b[93m4\x1b[0m:28 - error TS2322: Type 'string' is not assignable.

4  const ümlaut = "é"; const n: number = "x" + ümlaut; console.log(u.nam, n);
                             ~

a.ts:4:68 - error TS2551: Property 'nam' does not exist on type 'User'. Did you mean 'name'?

4  const ümlaut = "é"; const n: number = "x" + ümlaut; console.log(u.nam, n);
                                                                     ~~~

  a.ts:2:18
    2 interface User { name: string; age: number }
                       ~~~~
    'name' is declared here.


Found 2 errors in the same file, starting at: a.ts:4
"""
TSC_7 = TSC_6.replace("a.ts:2:18\n", "a.ts:2:18 - 'name' is declared here.\n").replace(
    "    'name' is declared here.\n", ""
)
CHECKED = """\
import { foo } from './b';
interface User { name: string; age: number }

\tconst ümlaut = "é"; const n: number = "x" + ümlaut; console.log(u.nam, n);
"""
ESBUILD = """\
✘ [ERROR] Expected ")" but found "{"

    f.ts:2:9:
      2 │   if (é.on {
        │            ^
        ╵            )

✘ [ERROR] The symbol "user" has already been declared

    f.ts:6:6:
      6 │ const user = 2;
        ╵       ~~~~

  The symbol "user" was originally declared here:

    f.ts:5:6:
      5 │ const user = 1;
        ╵       ~~~~

2 errors
"""


@pytest.mark.parametrize("output", [TSC_6, TSC_7], ids=["typescript-6", "typescript-7"])
def test_the_compilers_errors_with_their_ends(output: str, tmp_path: Path) -> None:
    (tmp_path / "a.ts").write_text(CHECKED)
    first, second = typecheck.parse(output, Sources(str(tmp_path)))
    assert (first["kind"], first["line"], first["column"], first["endColumn"]) == (
        "TS2322",
        3,
        27,
        28,
    )
    assert (second["path"], second["column"], second["endColumn"]) == ("a.ts", 67, 70)
    (related,) = second["related"]
    assert related["message"] == "'name' is declared here."
    assert (related["line"], related["column"], related["endColumn"]) == (1, 17, 21)
    (fix,) = second["fixes"]
    place = {"line": 3, "column": 67, "endLine": 3, "endColumn": 70}
    assert fix["edits"] == [{**place, "text": "name"}]


def test_the_compilers_message_of_several_lines_and_of_no_file(tmp_path: Path) -> None:
    output = (
        "error TS18003: No inputs were found in config file.\n"
        "a.ts:1:7 - error TS2345: Argument of type 'A' is not assignable.\n"
        "  Property 'x' is missing in type 'A'.\n\n1 const a = 1;\n        ~\n"
    )
    (tmp_path / "a.ts").write_text("const a = 1;\n")
    first, second = typecheck.parse(output, Sources(str(tmp_path)))
    assert (first["path"], first["line"]) == (None, None)
    assert second["message"].endswith("\n  Property 'x' is missing in type 'A'.")
    assert (second["column"], second["endColumn"]) == (6, 7)


def test_esbuilds_errors(tmp_path: Path) -> None:
    source = "function f() {\n  if (é.on {\n  }\n}\nconst user = 1;\nconst user = 2;\n"
    (tmp_path / "f.ts").write_text(source)
    first, second = esbuild_log.diagnostics(ESBUILD, Sources(str(tmp_path)))
    assert (first["message"], first["line"]) == ('Expected ")" but found "{"', 1)
    assert (second["line"], second["column"], second["endColumn"]) == (5, 6, 10)
    (related,) = second["related"]
    assert "originally declared" in related["message"]
    assert (related["line"], related["column"], related["endColumn"]) == (4, 6, 10)


def test_an_error_that_a_program_printed() -> None:
    stderr = (
        "starting\n"
        "Failed: [HttpError: nope] {\n}\n"
        "RangeError: page 7\n of 5\n"
        "    at page (file:///w/a%20b.mjs:2:26)\n"
        "    at async main (/w/c.js:5:9)\n"
        "    at node:internal/main/run_main_module:28:49\n"
        "bye\n"
    )
    printed = stacks.printed_in(stderr)
    assert printed is not None
    assert (printed.kind, printed.message) == ("RangeError", "page 7\n of 5")
    assert printed.calls[:2] == (
        stacks.Call("/w/a b.mjs", 2, 26, "page"),
        stacks.Call("/w/c.js", 5, 9, "async main"),
    )
    assert stacks.printed_in("nothing\nhere") is None


@pytest.mark.parametrize(
    ("source", "hidden"),
    [
        ("a = 'x}' + \"}\"", "}"),
        ("a = `x ${ {b: `}`} } }` ; c", "x"),
        ("a = /[}'\"]/g.test(b)", "}"),
        ("a = b / c / d", ""),
        ("return /}/", "}"),
        ("// }\na /* } */ b", "}"),
        ("<p>It's {here}</p>", ""),
    ],
)
def test_literals_are_blanked(source: str, hidden: str) -> None:
    bare = blanked(source)
    assert len(bare) == len(source)
    if hidden:
        assert hidden not in bare
    else:
        assert bare == source


def test_what_a_file_imports_and_is() -> None:
    script = Script(
        [
            "import a, { b } from './a'; // import x from './no'",
            "import type { T } from './types';",
            "export * from './c';",
            "const d = await import('./d');",
            "const text = \"import e from './e'\";",
        ]
    )
    assert [one.specifier for one in script.imports()] == ["./a", "./c", "./d"]
    assert script.is_module
    assert not script.is_commonjs
    assert Script(["async function f() { await 1 }"]).is_module is False
    assert Script(["await 1"]).is_module is True
    assert Script(["module.exports = require('x')"]).is_commonjs


def test_columns_are_code_points() -> None:
    script = Script(["'😀'; ümlaut.x()"])
    assert script.column_of(0, 6) == 5
    assert script.called(0, 5).end_column == len("'😀'; ümlaut.x()")


def test_facts_of_what_is_not_there() -> None:
    place = {"path": "a.js", "line": 0, "column": 12, "endLine": 0, "endColumn": 16}
    script = Script(["console.log(user.profile.name)"])
    told = facts.facts_of("ReferenceError", "usre is not defined", {}, place, script, "/nowhere")
    assert told == {"name": "usre", "candidates": ["console", "log", "user", "profile", "name"]}
    place = {**place, "column": 25, "endColumn": 29}
    message = "Cannot read properties of null (reading 'name')"
    told = facts.facts_of("TypeError", message, {"code": "X"}, place, script, "/nowhere")
    assert told == {
        "code": "X",
        "name": "name",
        "objType": "null",
        "isNone": True,
        "object": "user.profile",
    }


def test_facts_of_modules_that_are_not_there(tmp_path: Path) -> None:
    for name in ("parser.mjs", "parsers.mjs", "notes.txt"):
        (tmp_path / name).write_text("")
    message = f"Cannot find module '{tmp_path}/parse.mjs' imported from {tmp_path}/main.mjs"
    told = facts.facts_of("Error", message, {}, None, None, str(tmp_path))
    assert told["importer"] == f"{tmp_path}/main.mjs"
    assert told["candidates"] == ["parser.mjs", "parsers.mjs"]
    place = {"path": "main.js", "line": 0, "column": 0, "endLine": 0, "endColumn": 1}
    message = "Cannot find module './parse'\nRequire stack:\n- /w/main.js"
    told = facts.facts_of("Error", message, {}, place, Script([""]), str(tmp_path))
    assert told["candidates"] == ["parser.mjs", "parsers.mjs"]
    known = {"known": ["fs", "path"]}
    told = facts.facts_of("Error", "Cannot find package 'paht'", known, place, None, "/nowhere")
    assert (told["name"], told["candidates"]) == ("paht", ["fs", "path"])


def test_settings_with_comments_are_inherited(tmp_path: Path) -> None:
    (tmp_path / "base.json").write_text(
        '{"compilerOptions": {"module": "CommonJS", "jsx": "react"}}'
    )
    (tmp_path / "tsconfig.json").write_text(
        '{"extends": "./base", /* a */ "compilerOptions": {"paths": {"@/*": ["src/*"],}, // b\n}}'
    )
    (tmp_path / "src").mkdir()
    found = project.Project(str(tmp_path)).compiling(str(tmp_path / "src" / "a.ts"))
    assert (found.module, found.jsx) == ("commonjs", "react")
    targets = [f"{tmp_path}/src/*"]
    assert found.paths == ({"prefix": "@/", "suffix": "", "targets": targets},)
