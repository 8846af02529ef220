"""Agreement on real sources: the pruned walk with the query, and both with universal-ctags.

The sources are what this machine has: Python's standard library, the headers of the system, npm,
and the folders in `FIXWRIGHT_SOURCES` (clones of anything).
What ctags lists besides, and we leave out on purpose:

* packages, and modules that are imported under a name (`namespace`, `packageName`, `alias`,
  `unknown`): they are imports here, not definitions;
* names that are computed (`[key]()`), types and functions without a name (`__anon…`,
  `AnonymousFunction…`) and embedded fields of Go (`anonMember`), whose name is another type's;
* variables inside of functions, and in JavaScript and TypeScript the constants and properties that
  it finds there; here-documents of Bash;
* local variables that hold an object, which are classes to its JavaScript;
* in C++ what a macro builds: the grammar sees the macro, ctags guesses.

We list besides: prototypes, plain variables of Python and Bash, methods of object literals.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
import tree_sitter

from fixwright.index.extraction import TooSlow, extract
from fixwright.index.languages import Language, all_languages, language_for

GOLDEN = Path(__file__).parent / "golden"
ROOTS = (
    Path(sysconfig.get_path("stdlib")),
    Path("/usr/include"),
    Path("/usr/lib/node_modules"),
    Path("/usr/share"),
    *map(Path, filter(None, os.environ.get("FIXWRIGHT_SOURCES", "").split(os.pathsep))),
)
BUDGET = 600_000
"""Bytes of each language."""
LARGEST = 200_000
CTAGS = {
    "python": ("Python", {"class", "function", "member"}),
    "c": ("C", {"enumerator", "enum", "function", "macro", "member", "struct", "typedef", "union"}),
    "cpp": ("C++", {"class", "enum", "enumerator", "macro", "member", "struct", "typedef"}),
    "javascript": ("JavaScript", {"generator", "method"}),
    "bash": ("Sh", {"function"}),
    "go": ("Go", {"const", "func", "interface", "struct", "type", "var"}),
    "java": ("Java", {"class", "enum", "enumConstant", "field", "interface", "method"}),
    "rust": ("Rust", {"enum", "enumerator", "field", "function", "interface", "macro", "method",
                      "module", "struct", "typedef"}),
    "typescript": ("TypeScript", {"class", "enum", "function", "interface", "method"}),
}  # fmt: skip


def sources(language: Language) -> Iterator[tuple[Path, bytes]]:
    left = BUDGET
    for root in ROOTS:
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(set(folders) - {"site-packages", "test", "lib2to3", "ext"})
            for name in sorted(names):
                file = Path(folder, name)
                if file.suffix not in language.extensions or not file.is_file():
                    continue
                data = file.read_bytes()
                found = language_for(None, name, data[:4096])
                if found is not language or len(data) > LARGEST or ".min." in name:
                    continue
                yield file, data
                left -= len(data)
                if left < 0:
                    return


def by_query(language: Language, data: bytes) -> set[str]:
    root = language.parser().parse(data).root_node
    matches = tree_sitter.QueryCursor(language.query("definitions")).matches(root)
    names = [captures["name"][0] for _, captures in matches]
    texts = [data[name.start_byte : name.end_byte].decode() for name in names]
    return {text.split("::")[-1].strip().strip("'\"").lstrip("#") for text in texts}


def by_walk(language: Language, data: bytes) -> set[str]:
    names = [each.name for each in extract(language, data).definitions]
    return {name.split("::")[-1].lstrip("#") for name in names}


@pytest.mark.parametrize("language", all_languages(), ids=lambda language: language.name)
def test_the_walk_finds_what_the_query_finds_in_the_golden_files(language: Language) -> None:
    source = (GOLDEN / f"{language.name}.txt").read_text("utf-8").partition("=" * 80)[0].encode()
    assert by_query(language, source) - by_walk(language, source) == set()


@pytest.mark.slow
@pytest.mark.parametrize("language", all_languages(), ids=lambda language: language.name)
def test_the_walk_finds_what_the_query_finds_in_real_sources(language: Language) -> None:
    expected = found = 0
    missing: list[tuple[str, set[str]]] = []
    for file, data in sources(language):
        try:
            data.decode()
            names = by_query(language, data)
            walked = by_walk(language, data)
        except (TooSlow, UnicodeDecodeError):
            continue
        expected += len(names)
        found += len(names & walked)
        if names - walked:
            missing.append((str(file), names - walked))
    if expected < 100:
        pytest.skip(f"too few sources of {language.name} on this machine")
    assert found >= 0.97 * expected, (found, expected, missing[:20])


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ctags") is None, reason="universal-ctags is not installed")
@pytest.mark.parametrize("name", sorted(CTAGS))
def test_ctags_finds_nothing_that_we_do_not(name: str) -> None:
    language = next(each for each in all_languages() if each.name == name)
    theirs, kinds = CTAGS[name]
    files = dict(sources(language))
    tags = subprocess.run(
        ["ctags", "--output-format=json", "--fields=+K", f"--language-force={theirs}",
         "-f", "-", "-L", "-"],
        input="\n".join(map(str, files)), capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    ours = {str(file): by_walk(language, data) for file, data in files.items()}
    expected = found = 0
    missing: list[tuple[str, str, str]] = []
    for line in tags.splitlines():
        tag = json.loads(line)
        simple = tag.get("name", "").split(".")[-1].split("::")[-1]
        if tag.get("kind") not in kinds or simple.startswith(("__anon", "Anonymous", "[")):
            continue
        expected += 1
        if simple in ours[tag["path"]]:
            found += 1
        else:
            missing.append((tag["path"], tag["kind"], simple))
    if expected < 100:
        pytest.skip(f"too few sources of {name} on this machine")
    assert found >= 0.96 * expected, (found, expected, missing[:20])
