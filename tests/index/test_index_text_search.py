"""Searching the text of a workspace: it equals a naive search, with ripgrep and without."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixwright.index.catalog.searching import holding
from fixwright.index.line_patterns import within_lines
from fixwright.index.text_search import (
    CLIPPED,
    BadPattern,
    SearchEnd,
    TextHit,
    TextQuery,
    compiled,
    compiled_whole,
    literal_in,
    matches,
    search,
)
from fixwright.index.workspace_index import WorkspaceIndex


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "work"
    (root / "src").mkdir(parents=True)
    (root / ".ignore").write_text("out/\n")
    (root / "out").mkdir()
    (root / "out" / "a.py").write_text("needle = 0\n")
    (root / "src" / "a.py").write_text("needle = 1\r\nx = 'needle Needle'\n")
    (root / "src" / "latin.c").write_bytes(b"/* \xe9 needle */\n")
    (root / "src" / "zero.c").write_bytes(b"needle\0")
    (root / "wide.txt").write_bytes("\ufeff\u00e9\r\na broad one\n".encode("utf-16-le"))
    (root / "wide.md").write_bytes("\ufeffa broad".encode("utf-16-be") + b"\0")
    (root / "notes.md").write_text(
        "# no code\n\ud83d needle \U0001f600 needle".encode("utf-8", "replace").decode()
    )
    return root


@pytest.fixture
async def index(root: Path, tmp_path: Path) -> AsyncIterator[WorkspaceIndex]:
    index = await WorkspaceIndex.start([root], cache=tmp_path / "cache", workers=1)
    await index.wait_fresh()
    yield index
    await index.close()


async def found(
    index: WorkspaceIndex, query: TextQuery, limit: int = 1000
) -> tuple[list[TextHit], SearchEnd]:
    hits: list[TextHit] = []
    end: SearchEnd | None = None
    async for part in search(index, query, limit):
        assert end is None
        if isinstance(part, SearchEnd):
            end = part
        else:
            hits += part
    assert end is not None
    return hits, end


def places(hits: list[TextHit]) -> list[tuple[str, int, int, int]]:
    return [(Path(hit.path).name, hit.line, hit.column, hit.end_column) for hit in hits]


async def test_text_on_disk(index: WorkspaceIndex) -> None:
    hits, end = await found(index, TextQuery("needle"))
    assert places(hits) == [
        ("notes.md", 1, 2, 8),
        ("notes.md", 1, 11, 17),
        ("a.py", 0, 0, 6),
        ("a.py", 1, 5, 11),
        ("latin.c", 0, 5, 11),
    ]
    assert hits[2].text == "needle = 1"
    assert end == SearchEnd(is_complete=True, slow=())


async def test_utf_16_is_text(index: WorkspaceIndex) -> None:
    hits, _ = await found(index, TextQuery("broad"))
    assert places(hits) == [("wide.md", 0, 2, 7), ("wide.txt", 1, 2, 7)]
    assert hits[1].text == "a broad one"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (TextQuery("NEEDLE", ignore_case=True, files=("*.py",)), [(0, 0), (1, 5), (1, 12)]),
        (TextQuery("needle", files=("src/*",)), [(0, 0), (1, 5), (0, 5)]),
        (TextQuery(r"^needle = \d$", is_regex=True), [(0, 0)]),
        (TextQuery(r"n.", is_regex=True, whole_words=True, files=("*.md",)), [(0, 2)]),
        (TextQuery(r"x*", is_regex=True, files=("*.py",)), [(1, 0)]),
        (TextQuery("a.py"), []),
    ],
)
async def test_queries(
    index: WorkspaceIndex, query: TextQuery, expected: list[tuple[int, int]]
) -> None:
    hits, _ = await found(index, query)
    assert [(hit.line, hit.column) for hit in hits] == expected


async def test_open_documents_come_first_and_hide_the_disk(
    index: WorkspaceIndex, root: Path
) -> None:
    index.show(root / "src" / "a.py", None, "\nmy needle")
    hits, _ = await found(index, TextQuery("needle"))
    assert places(hits)[0] == ("a.py", 1, 3, 9)
    assert [hit.path for hit in hits].count(str(root / "src" / "a.py")) == 1
    index.hide(root / "src" / "a.py")
    hits, _ = await found(index, TextQuery("my needle"))
    assert not hits


async def test_it_ends_at_the_limit(index: WorkspaceIndex) -> None:
    hits, end = await found(index, TextQuery("needle"), limit=3)
    assert len(hits) == 3
    assert not end.is_complete
    hits, end = await found(index, TextQuery("needle"), limit=5)
    assert len(hits) == 5
    assert end.is_complete


async def test_a_pattern_that_explodes_costs_one_file(index: WorkspaceIndex, root: Path) -> None:
    (root / "bad.txt").write_text("a" * 60 + "!\n")
    index.reconcile()
    await index.wait_fresh()
    hits, end = await found(index, TextQuery(r"(a+)+$|needle = 1", is_regex=True))
    assert end.slow == (str(root / "bad.txt"),)
    assert places(hits) == [("a.py", 0, 0, 10)]


async def test_a_search_that_nobody_reads_on_is_cancelled(index: WorkspaceIndex) -> None:
    asked = search(index, TextQuery("needle"))
    await anext(asked)
    await asked.aclose()
    hits, _ = await found(index, TextQuery("needle"))
    assert len(hits) == 5


@pytest.mark.parametrize(
    "query",
    [
        TextQuery(""),
        TextQuery("a\nb"),
        TextQuery("(", is_regex=True),
        TextQuery(")|(", is_regex=True, whole_words=True),
        TextQuery("x" * 2000),
    ],
)
def test_bad_patterns(query: TextQuery) -> None:
    with pytest.raises(BadPattern, match=r"pattern|regular"):
        compiled(query)


def test_long_lines_are_clipped() -> None:
    line = "x" * 5000 + "needle" + "y" * 5000
    ((number, column, end, text, start),) = matches(line, re.compile("needle"), "", 10)
    assert (number, column, end) == (0, 5000, 5006)
    assert len(text) == CLIPPED
    assert text[column - start : end - start] == "needle"


PATTERNS = st.text(alphabet="ab01.*+?()[]{},|\\dw^$ -=", min_size=1, max_size=10)


@given(PATTERNS, st.text(alphabet="ab01 .()+-=|\n", max_size=40))
def test_what_a_pattern_must_hold_is_in_all_its_matches(pattern: str, text: str) -> None:
    query = TextQuery(pattern, is_regex=True)
    try:
        wanted = compiled(query)
    except BadPattern:
        return
    literal = literal_in(query)
    for match in wanted.finditer(text):
        assert literal in match.group()


PARTS = st.lists(
    st.sampled_from([
        "a", "b", "0", " ", ".", "*", "+", "?", "*?", "{1,2}", "|", "(", "(?:", ")", "^", "$", "]",
        "[", "[^", "[^]", "[^-", "[]", "-", "[ -z]", "[\\s\\d]", "[^ab]", "\\d", "\\D", "\\w",
        "\\W", "\\s", "\\S", "\\b", "\\B", "\\.", "\\t", "\\n", "\\Z", "\\]", "(?=", "(?!", "\\1",
    ]),
    min_size=1, max_size=7,
).map("".join)  # fmt: skip
LINES = st.text(alphabet="ab0 .\t]-\u2028\n\r", max_size=30)


def naive(text: str, pattern: re.Pattern[str]) -> list[tuple[int, int, int]]:
    return [
        (number, match.start(), match.end())
        for number, line in enumerate(re.split("\r\n|\r|\n", text))
        for match in pattern.finditer(line)
        if match.group()
    ]


@pytest.mark.filterwarnings("ignore:Possible:FutureWarning")
@given(PARTS, LINES, st.booleans(), st.booleans())
def test_a_whole_text_is_searched_as_its_lines_are(
    pattern: str, text: str, ignore_case: bool, whole_words: bool
) -> None:
    query = TextQuery(pattern, is_regex=True, ignore_case=ignore_case, whole_words=whole_words)
    try:
        wanted = compiled(query)
    except BadPattern:
        return
    expected = naive(text, wanted)
    for literal in {"", "" if ignore_case else literal_in(query)}:
        for whole in (None, compiled_whole(query)):
            rows = list(matches(text, wanted, literal, 1000, whole))
            assert [row[:3] for row in rows] == expected
            lines = re.split("\r\n|\r|\n", text)
            assert all(shown == lines[number] for number, _, _, shown, _ in rows)


@pytest.mark.parametrize(
    ("pattern", "rewritten"),
    [
        (r"def \w+_\d", r"def \w+_\d"),
        (r"^\s*[^a]b$", r"^[^\S\n]*[^\na]b$"),
        (r"[^]-]\W", r"[^\n\]-][^\w\n]"),
        (r"[\s,]", r"(?:(?!\n)[\s,])"),
        (r"(?:a|b)", r"(?:a|b)"),
        (r"a\nb", None),
        (r"(?=a)", None),
        (r"(a)\1", None),
        (r"\x0a", None),
        (r"a\Z", None),
        ("a\n", None),
    ],
)
def test_patterns_are_kept_within_lines(pattern: str, rewritten: str | None) -> None:
    assert within_lines(pattern) == rewritten


@pytest.mark.parametrize(
    ("pattern", "literal"),
    [
        (r"def \w+_name\(self", "_name(self"),
        (r"fo{2}bar", "bar"),
        (r"colou?r", "colo"),
        (r"[abc]+needle(hay)*", "needle"),
        (r"one|two", ""),
        (r"\w+\s*=\s*x\(\)", "x()"),
        (r"a\.*b\+", "b+"),
        (r"(?i)needle", ""),
        (r"\x41needle", ""),
    ],
)
def test_literals(pattern: str, literal: str) -> None:
    assert literal_in(TextQuery(pattern, is_regex=True)) == literal


async def test_it_equals_a_naive_search(tmp_path: Path) -> None:
    chosen = random.Random(7)
    root = tmp_path / "work"
    words = ["alpha", "Alpha", "beta", "x1", "\u00e9t\u00e9", "\U0001f600", "\u0130d", "", "\t"]
    ends = ["\n", "\r\n", "\r"]
    texts: dict[str, str] = {}
    for number in range(600):  # enough for ripgrep to be asked
        path = root / f"d{number % 7}" / f"f{number}.{chosen.choice(['py', 'txt', 'c'])}"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(" ".join(chosen.choices(words, k=4)) + chosen.choice(ends) for _ in range(5))
        path.write_bytes(text.encode("utf-16" if number % 50 == 3 else "utf-8"))
        texts[str(path)] = text
    index = await WorkspaceIndex.start([root], cache=tmp_path / "cache", workers=2)
    try:
        await index.wait_fresh()
        for query in (
            TextQuery("alpha"),
            TextQuery("ID", ignore_case=True),
            TextQuery("\u00e9t\u00e9"),
            TextQuery(r"x\d +beta", is_regex=True),
            TextQuery(r"\d\s+\w", is_regex=True),
            TextQuery(r"\bbeta$", is_regex=True, ignore_case=True, whole_words=True),
        ):
            pattern = compiled(query)
            expected = [
                (path, number, match.start(), match.end())
                for path, text in sorted(texts.items())
                for number, line in enumerate(re.split(r"\r\n|\r|\n", text))
                for match in pattern.finditer(line)
            ]
            hits, end = await found(index, query, 100_000)
            got = [(hit.path, hit.line, hit.column, hit.end_column) for hit in hits]
            assert got == expected, query
            assert expected
            assert end.is_complete
    finally:
        await index.close()


@pytest.mark.skipif(shutil.which("rg") is None, reason="needs ripgrep")
async def test_ripgrep_finds_the_files_and_reads_no_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = shutil.which("rg")
    assert tool is not None
    (tmp_path / "rc").write_text("--invert-match\n")
    monkeypatch.setenv("RIPGREP_CONFIG_PATH", str(tmp_path / "rc"))
    (tmp_path / ".ignore").write_text("*\n")
    for name, text in {"a": b"x --needle", "-b": b"\xff--NEEDLE", "c": b"none"}.items():
        (tmp_path / name).write_bytes(text)
    paths = [str(tmp_path / name) for name in ("a", "-b", "c")]
    assert await holding(tool, "--needle", paths, ignore_case=False) == paths[:1]
    assert await holding(tool, "--needle", paths, ignore_case=True) == sorted(paths[:2])
    gone = [*paths, str(tmp_path / "gone")]
    assert set(await holding(tool, "--needle", gone, ignore_case=False)) >= {paths[0]}
