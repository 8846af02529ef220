"""What code would touch, read off its text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixwright_sandbox.safety import UnknownLanguageError, languages, look, summary
from fixwright_sandbox.safety.look import LARGEST

# `«text»` marks what must be found, in order; the risks stand beside it.
CASES: list[tuple[str, str, list[str]]] = [
    ("python", "from shutil import rmtree as r\n«r»('x')", ["delete shutil.rmtree"]),
    ("python", "import subprocess as sp\n«sp.run»(['a'])", ["process subprocess.run"]),
    (
        "python",
        "import urllib.request\n«urllib.request.urlopen»('x')",
        ["network urllib.request.urlopen"],
    ),
    ("python", "é = 1; «eval»('1')", ["eval eval"]),
    ("python", "import os\nprint(«os.environ»['A'])", ["secrets os.environ"]),
    ("python", "«open('a', 'w')».write(open('b').read())", ["write open('a', 'w')"]),
    ("python", "for p in paths:\n    «p.unlink»()", ["delete p.unlink"]),
    ("python", "«while» True:\n    pass", ["loop while True:"]),
    ("python", "while True:\n    if a:\n        break", []),
    ("python", "«while» True:\n    def f():\n        return 1", ["loop while True:"]),
    ("python", "def «f»(n):\n    return f(n - 1)", ["recursion f"]),
    ("python", "def f(n):\n    if n < 1:\n        return 1\n    return f(n - 1)", []),
    ("python", "def f(n):\n    return n and f(n - 1)", []),
    ("python", "class A:\n    def «go»(self):\n        self.go()", ["recursion go"]),
    ("python", "class A:\n    def go(self):\n        self.other.go()", []),
    ("python", "rm = 1\nprint('os.remove')  # os.remove()", []),
    ("shellscript", "«rm» -rf $x", ["delete rm"]),
    ("shellscript", "«sudo» «rm» x", ["permissions sudo", "delete rm"]),
    ("shellscript", "«:»(){ :|:& };:", ["recursion :"]),
    ("shellscript", "echo hi > «/etc/passwd»", ["write /etc/passwd"]),
    ("shellscript", "echo hi > /dev/null; echo rm", []),
    ("shellscript", "«curl» x | «sh»", ["network curl", "eval sh"]),
    ("shellscript", "«while» true; do a; done", ["loop while true; do a; done"]),
    ("shellscript", "while true; do a && break; done", []),
    (
        "javascript",
        "import {rm as r} from 'node:fs/promises';\n«r»('a')",
        ["delete fs/promises.rm"],
    ),
    (
        "javascript",
        "const {spawn} = require('child_process'); «spawn»('a')",
        ["process child_process.spawn"],
    ),
    (
        "javascript",
        "const {exec: go} = require('child_process'); «go»('a')",
        ["process child_process.exec"],
    ),
    (
        "javascript",
        "import * as cp from 'child_process'; «cp.exec»('a')",
        ["process child_process.exec"],
    ),
    ("javascript", "while(true){ await x() }", []),
    ("javascript", "class A { «m»(){ this.m() } }", ["recursion m"]),
    ("javascript", "const rm = require('./mine'); rm('x')", []),
    (
        "typescript",
        "const fs = require('fs'); «fs.unlinkSync»(x as string)",
        ["delete fs.unlinkSync"],
    ),
    ("typescript", "new «Function»('a')(); «fetch»('x')", ["eval Function", "network fetch"]),
    ("typescript", "«for»(;;){}", ["loop for(;;){}"]),
    ("typescriptreact", "const a = <b onClick={() => «eval»('1')}/>", ["eval eval"]),
    (
        "go",
        'package a\nimport e "os/exec"\nfunc f(){ «e.Command»("x") }',
        ["process os/exec.Command"],
    ),
    ("go", 'package a\nimport ("os")\nfunc f(){ «os.RemoveAll»("x") }', ["delete os.RemoveAll"]),
    ("go", "package a\nfunc f(){ «for» {} }", ["loop for {}"]),
    ("go", "package a\nfunc f(){ for { break } }", []),
    ("c", "int «f»(){ return f(); }", ["recursion f"]),
    ("c", "int f(int n){ return n ? f(n - 1) : 0; }", []),
    ("c", 'int main(){ «system»("a"); «for»(;;){} }', ["process system", "loop for(;;){}"]),
    (
        "cpp",
        "int main(){ «std::filesystem::remove_all»(p); }",
        ["delete std.filesystem.remove_all"],
    ),
    ("cpp", 'int main(){ «::system»("a"); }', ["process system"]),
    ("rust", "use std::fs as f; fn main(){ «f::remove_file»(p); }", ["delete std.fs.remove_file"]),
    (
        "rust",
        "use std::process::Command; fn main(){ «Command::new»(x).arg(y); }",
        ["process std.process.Command.new"],
    ),
    ("rust", "fn main(){ «unsafe { a() }» }", ["native unsafe { a() }"]),
    ("rust", "fn main(){ loop { break; } }", []),
    ("java", "class A { void f(){ «Files.delete»(p); } }", ["delete Files.delete"]),
    (
        "java",
        "import java.net.Socket; class A { void f(){ new «Socket»(a, 1); } }",
        ["network java.net.Socket"],
    ),
    (
        "java",
        'class A { void f(){ «Runtime.getRuntime().exec»("x"); } }',
        ["process Runtime.getRuntime.exec"],
    ),
]


@pytest.mark.parametrize(("language", "marked", "expected"), CASES)
def test_what_code_would_touch(language: str, marked: str, expected: list[str]) -> None:
    source = marked.replace("«", "").replace("»", "")
    findings = look(source, language)
    assert [f"{each.risk} {each.name}" for each in findings] == expected
    lines = source.split("\n")
    texts = [lines[each.line][each.column : each.end_column] for each in findings]
    places = [piece.partition("»")[0] for piece in marked.split("«")[1:]]
    assert texts == places


def test_a_summary_names_each_risk_once_with_its_lines() -> None:
    source = "import os\n" + "os.remove('a')\n" * 7 + "eval('1')\n"
    assert summary(look(source, "python")) == (
        "By its text it may delete files (lines 2, 3, 4, 5, 6 and 2 more) "
        "and run text as code (line 9)."
    )
    assert not summary(look("print(1)", "python"))


def test_an_unknown_language_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownLanguageError, match=r"'cobol' can't be looked at; .*python"):
        look("", "cobol")


def test_only_so_much_is_looked_at() -> None:
    source = "x = 1\n" * (LARGEST // 6 + 1) + "eval('1')\n"
    assert look(source, "python") == ()
    assert len(look("eval('1')\n" * 1000, "python")) == 200


@given(language=st.sampled_from(sorted(languages())), source=st.text(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_text_can_be_looked_at(language: str, source: str) -> None:
    lines = source.encode("utf-8", "surrogatepass").split(b"\n")
    for each in look(source, language):
        line = lines[each.line].decode("utf-8", "replace")
        assert 0 <= each.column <= len(line)


def test_deeply_nested_code_is_looked_at_in_time() -> None:
    assert look("eval(" * 20_000 + ")" * 20_000, "python")  # quadratic would take minutes
