"""Resolvers: which files of a workspace an import means."""

from __future__ import annotations

import pytest

from fixwright.index.extraction import exact
from fixwright.index.filetree import FileTree, resolve
from fixwright.index.languages import language_for


def of(files: dict[str, str]) -> FileTree:
    return FileTree(frozenset(files), lambda path: files[path].encode())


def resolved(files: dict[str, str], path: str) -> list[list[str]]:
    """What each import of one file means, in order."""
    language = language_for(None, path)
    assert language is not None
    found = exact(language, files[path].encode()).imports
    return [resolve(language, each, path, of(files)) for each in found]


def test_python_packages_relative_imports_and_source_roots() -> None:
    files = {
        "pyproject.toml": "",
        "src/app/__init__.py": "",
        "src/app/core.py": "",
        "src/app/sub/__init__.py": "",
        "src/app/sub/deep.py": (
            "from . import other\nfrom ..core import run\nfrom app import core\nimport app.sub\n"
            "from .... import x\nimport numpy\nfrom .. import *\n"
        ),
        "src/app/sub/other.py": "",
        "tests/test_core.py": "import app.core\nimport helpers\nfrom src.app import core as c\n",
        "tests/helpers.py": "",
        "stubs/only.pyi": "",
        "tools/run.py": "import only, lonely\n",
    }
    assert resolved(files, "src/app/sub/deep.py") == [
        ["src/app/sub/other.py", "src/app/sub/__init__.py"],
        ["src/app/core.py"],
        ["src/app/core.py", "src/app/__init__.py"],
        ["src/app/sub/__init__.py"],
        [],
        [],
        ["src/app/__init__.py"],
    ]
    assert resolved(files, "tests/test_core.py") == [
        ["src/app/core.py"],
        ["tests/helpers.py"],
        ["src/app/core.py", "src/app/__init__.py"],
    ]
    assert resolved(files, "tools/run.py") == [[], []]


JAVASCRIPT = {
    "package.json": '{"name": "root", "imports": {"#lib/*": "./src/lib/*.js"}}',
    "tsconfig.json": """{
        // comments and trailing commas are usual here
        "compilerOptions": {"baseUrl": "src", "paths": {"@app/*": ["app/*"], "exact": ["one.ts"],}},
    }""",
    "src/a.ts": (
        "import x from './b.js';\nimport './dir';\nimport y from '@app/z';\nimport 'exact';\n"
        "import 'app/z';\nimport 'pkg';\nimport 'pkg/feature';\nimport '@scope/two/x';\n"
        "import '#lib/q';\nimport 'react';\nexport * from './data.json';\nimport '../../out';\n"
    ),
    "src/b.ts": "",
    "src/dir/index.tsx": "",
    "src/app/z.ts": "",
    "src/one.ts": "",
    "src/data.json": "{}",
    "src/lib/q.js": "",
    "packages/pkg/package.json": """{
        "name": "pkg",
        "exports": {".": {"types": "./dist/i.d.ts", "import": "./main.mjs"}, "./*": "./lib/*.js"}
    }""",
    "packages/pkg/main.mjs": "",
    "packages/pkg/lib/feature.js": "const p = require('./own'), {f} = require('..');\n",
    "packages/pkg/lib/own.cjs": "",
    "packages/two/package.json": '{"name": "@scope/two", "main": "missing.js"}',
    "packages/two/x.js": "",
}


def test_typescript_and_javascript() -> None:
    assert resolved(JAVASCRIPT, "src/a.ts") == [
        ["src/b.ts"],
        ["src/dir/index.tsx"],
        ["src/app/z.ts"],
        ["src/one.ts"],
        ["src/app/z.ts"],
        ["packages/pkg/main.mjs"],
        ["packages/pkg/lib/feature.js"],
        ["packages/two/x.js"],
        ["src/lib/q.js"],
        [],
        ["src/data.json"],
        [],
    ]
    assert resolved(JAVASCRIPT, "packages/pkg/lib/feature.js") == [
        ["packages/pkg/lib/own.cjs"],
        ["packages/pkg/main.mjs"],
    ]


def test_go_packages() -> None:
    files = {
        "go.mod": "module example.com/m\n\nreplace example.com/other => ./local/other\n",
        "main.go": (
            'package main\nimport (\n\t"fmt"\n\t"example.com/m/in"\n\t"example.com/other/deep"\n)\n'
        ),
        "extra.go": "package main\n",
        "in/a.go": "package in\n",
        "in/b.go": "package in\n",
        "in/a_test.go": "package in\n",
        "local/other/deep/d.go": "package deep\n",
        "nested/go.mod": "module example.com/m/nested\n",
        "nested/x/x.go": 'package x\nimport "example.com/m/nested/x/y"\n',
        "nested/x/y/y.go": "package y\n",
    }
    assert resolved(files, "main.go") == [
        ["extra.go"],
        [],
        ["in/a.go", "in/b.go"],
        ["local/other/deep/d.go"],
    ]
    assert resolved(files, "nested/x/x.go") == [[], ["nested/x/y/y.go"]]


def test_rust_modules_and_crates() -> None:
    files = {
        "one/Cargo.toml": '[package]\nname = "my-one"\n',
        "one/src/lib.rs": "mod a;\nmod b;\nuse a::inner::Thing;\nmod inline { }\n",
        "one/src/a.rs": "pub mod inner;\nuse super::b::{self, Other};\nuse crate::top;\n",
        "one/src/a/inner.rs": "use super::super::b;\nuse std::fmt;\n",
        "one/src/b/mod.rs": "mod c;\n",
        "one/src/b/c.rs": "use self::x;\nuse super::y;\n",
        "two/Cargo.toml": '[package]\nname = "two"\n[lib]\nname = "twolib"\n',
        "two/src/lib.rs": "",
        "two/src/main.rs": "use my_one::a::inner;\nuse twolib::z;\nextern crate serde;\n",
    }
    assert resolved(files, "one/src/lib.rs") == [
        ["one/src/a.rs"],
        ["one/src/b/mod.rs"],
        ["one/src/a/inner.rs"],
    ]
    assert resolved(files, "one/src/a.rs") == [
        ["one/src/a/inner.rs"],
        ["one/src/b/mod.rs"],
        ["one/src/b/mod.rs"],
        ["one/src/lib.rs"],
    ]
    assert resolved(files, "one/src/a/inner.rs") == [["one/src/b/mod.rs"], []]
    assert resolved(files, "one/src/b/mod.rs") == [["one/src/b/c.rs"]]
    assert resolved(files, "one/src/b/c.rs") == [["one/src/b/c.rs"], ["one/src/b/mod.rs"]]
    assert resolved(files, "two/src/main.rs") == [["one/src/a/inner.rs"], ["two/src/lib.rs"], []]


def test_java_packages() -> None:
    files = {
        "app/src/main/java/p/q/A.java": (
            "package p.q;\nimport p.r.B;\nimport static p.r.B.m;\nimport p.r.*;\n"
            "import p.r.B.Inner;\nimport java.util.List;\n"
        ),
        "app/src/main/java/p/q/C.java": "package p.q;\n",
        "app/src/main/java/p/r/B.java": "",
        "lib/src/main/java/p/r/B.java": "",
        "lib/src/main/java/p/r/D.java": "",
    }
    b = ["app/src/main/java/p/r/B.java", "lib/src/main/java/p/r/B.java"]
    assert resolved(files, "app/src/main/java/p/q/A.java") == [
        ["app/src/main/java/p/q/C.java"],
        b,
        b,
        [*b, "lib/src/main/java/p/r/D.java"],
        b,
        [],
    ]


def test_c_and_cpp_includes() -> None:
    files = {
        "src/a.c": (
            '#include "own.h"\n#include <stdio.h>\n#include <proj/api.h>\n#include "../up.h"\n'
            '#include "deep/x.h"\n'
        ),
        "src/own.h": "",
        "include/proj/api.h": "",
        "up.h": "",
        "third/deep/x.h": "",
        "third/stdio.h": "",
        "x/y.cpp": '#include "own.h"\n',
    }
    assert resolved(files, "src/a.c") == [
        ["src/own.h"],
        [],
        ["include/proj/api.h"],
        ["up.h"],
        ["third/deep/x.h"],
    ]
    assert resolved(files, "x/y.cpp") == [["src/own.h"]]


def test_bash_sources() -> None:
    files = {
        "bin/run.sh": (
            '. ./lib.sh\nsource "$(dirname "$0")/lib.sh"\n. "$HERE/../common/c.sh"\n. "$X"\n'
            ". /etc/profile\n"
        ),
        "bin/lib.sh": "",
        "common/c.sh": "",
    }
    assert resolved(files, "bin/run.sh") == [
        ["bin/lib.sh"],
        ["bin/lib.sh"],
        ["common/c.sh"],
        [],
        [],
    ]


@pytest.mark.parametrize("manifest", ["", "{", "[1]", '{"exports": 3, "name": "pkg"}'])
def test_broken_build_files_say_nothing(manifest: str) -> None:
    files = {
        "package.json": manifest,
        "tsconfig.json": manifest,
        "Cargo.toml": manifest,
        "go.mod": manifest,
        "a.ts": "import 'pkg';\nimport './b';\n",
        "b.ts": "",
        "a.rs": "use other::x;\n",
        "a.go": 'package a\nimport "x/y"\n',
    }
    assert resolved(files, "a.ts") == [[], ["b.ts"]]
    assert resolved(files, "a.rs") == [[]]
    assert resolved(files, "a.go") == [[], []]
