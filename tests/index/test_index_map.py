"""The ranked map: what is on it, how it looks, and that it stays within its budget."""

from __future__ import annotations

import random
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixwright.index.catalog.building import from_records
from fixwright.index.catalog.edges import Edges, Node, edges_of
from fixwright.index.catalog.ranking import Interest, rank, rank_in
from fixwright.index.catalog.record import Record, pack
from fixwright.index.extraction import extract
from fixwright.index.languages import language_for
from fixwright.index.ranked_map import (
    Candidate,
    Focus,
    MapEntry,
    fitted,
    ranked_map,
    rendered,
)
from fixwright.index.workspace_index import WorkspaceIndex

BANK = '''\
LIMIT = 100

class Account:
    """One account."""

    def open_account(self, owner):
        return owner

    def deposit_money(self, amount: int) -> None:
        check_amount(amount)


def check_amount(amount):
    assert amount > 0


def never_used():
    pass
'''
USE = "from bank import Account, check_amount\n\ndef use_account():\n    Account()\n"
TEST = "from bank import never_used\n\ndef test_never():\n    never_used()\n"
JAVA = "class Account {\n  int balanceOf() {\n    return 1;\n  }\n}\n"
RUST = "struct Shape;\nimpl Shape {\n    fn area_of(&self) -> u8 {\n        1\n    }\n}\n"


def files(root: Path) -> None:
    root.mkdir(parents=True)
    (root / "bank.py").write_text(BANK)
    for number in range(4):
        (root / f"use{number}.py").write_text(USE.replace("use_account", f"use_account{number}"))
    (root / "tests").mkdir()
    (root / "tests" / "test_bank.py").write_text(TEST)
    (root / "Account.java").write_text(JAVA)
    (root / "shape.rs").write_text(RUST)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "work"
    files(root)
    return root


async def started(root: Path, cache: Path) -> WorkspaceIndex:
    index = await WorkspaceIndex.start([root], cache=cache, workers=1)
    await index.wait_fresh()
    return index


async def test_a_whole_map(root: Path, tmp_path: Path) -> None:
    index = await started(root, tmp_path / "cache")
    try:
        found = await ranked_map(index, Focus(), 100_000, len)
    finally:
        await index.close()
    assert found.left_out == 0
    assert found.size == len(found.text)
    parts = dict(part.split(":\n", 1) for part in found.text.split("\n\n") if part)
    assert found.files[0].path == str(root / "bank.py")
    assert parts["bank.py"].rstrip("\n") == (
        " 1 LIMIT\n"
        " 3 class Account:\n"
        " 6   def open_account(self, owner): …\n"
        " 9   def deposit_money(self, amount: int) -> None: …\n"
        "13 def check_amount(amount): …\n"
        "17 def never_used(): …"
    )
    assert parts["Account.java"].rstrip() == "1 class Account {\n2   int balanceOf() { … }"
    assert parts["shape.rs"].rstrip() == (
        "1 struct Shape\n2 impl Shape {\n3   fn area_of(&self) -> u8 { … }"
    )


async def test_what_many_use_comes_first_and_tests_last(root: Path, tmp_path: Path) -> None:
    index = await started(root, tmp_path / "cache")
    try:
        small = await ranked_map(index, Focus(), 70, len)
        rows = await index.ranked([], [], [], 100)
    finally:
        await index.close()
    heads = "bank.py:\n   …\n 3 class Account: …\n   …\n13 def check_amount(amount): …\n"
    assert small.text == heads
    assert small.left_out > 0
    order = [str(row[0]).removeprefix(f"{root}/") for row in rows]
    assert order[0] == "bank.py"
    assert order[-1] == "tests/test_bank.py"


async def test_focus(root: Path, tmp_path: Path) -> None:
    index = await started(root, tmp_path / "cache")
    try:
        for focus in (
            Focus(symbols=["Shape.area_of"]),
            Focus(words=["AREA"]),
            Focus(files=[str(root / "shape.rs")]),
        ):
            found = await ranked_map(index, focus, 60, len)
            assert found.files[0].path.endswith("shape.rs"), focus
        none = await ranked_map(index, Focus(files=["/not/there"], words=["zzz"]), 60, len)
        assert none.files[0].path.endswith("bank.py")
    finally:
        await index.close()


async def test_after_edits_it_is_that_of_a_fresh_index(root: Path, tmp_path: Path) -> None:
    index = await started(root, tmp_path / "cache")
    focus = Focus(words=["money"])
    try:
        before = await ranked_map(index, focus, 10_000, len)
        index.show(root / "use1.py", None, "from bank import never_used\nnever_used()\n")
        await index.wait_fresh()
        shown = await ranked_map(index, focus, 10_000, len)
        (root / "use1.py").write_text("from bank import never_used\nnever_used()\n")
        index.hide(root / "use1.py")
        (root / "use2.py").unlink()
        (root / "use3.py").write_text("def other_thing(): pass\n")
        index.changed([root / f"use{number}.py" for number in (1, 2, 3)])
        await index.wait_fresh()
        after = await ranked_map(index, focus, 10_000, len)
        rows = await index.ranked([], [], ["money"], 100)
    finally:
        await index.close()
    fresh = await started(root, tmp_path / "other")
    try:
        assert await ranked_map(fresh, focus, 10_000, len) == after
        assert await fresh.ranked([], [], ["money"], 100) == rows  # to the last bit
    finally:
        await fresh.close()
    assert "other_thing" in after.text
    assert "use_account1" in before.text
    assert "use_account1" not in shown.text


def test_ranks_do_not_depend_on_how_the_index_came_to_be() -> None:
    language = language_for(None, "a.py")
    assert language is not None
    texts = [
        f"def name_{n}():\n    name_{(n * 7) % 20}()\n    name_{(n * 3) % 20}()\n"
        for n in range(20)
    ]
    records = [pack(extract(language, text.encode())) for text in texts]

    def ranked(order: list[int], parts: int) -> list[object]:
        ids = {number: 1 + at for at, number in enumerate(order)}
        nodes = [Node(f"{number:02}.py", ids[number], 0, 1.0) for number in range(20)]
        segments = [
            from_records(sorted((ids[number], records[number]) for number in order[at::parts]))
            for at in range(parts)
        ]
        return list(rank(segments, nodes, Interest(words=frozenset({"name_1"})), 100))

    expected = ranked(list(range(20)), 1)
    assert len(expected) == 20
    shuffled = random.Random(1).sample(range(20), 20)
    assert ranked(shuffled, 1) == expected
    assert ranked(shuffled, 5) == expected


def test_edges_that_follow_edits_are_those_of_a_fresh_start() -> None:
    language = language_for(None, "a.py")
    assert language is not None
    chosen = random.Random(5)

    def record() -> Record:
        lines = [
            f"def name_{chosen.randrange(30)}(_a, B):\n    name_{chosen.randrange(30)}()\n"
            for _ in range(chosen.randrange(6))
        ]
        return pack(extract(language, "".join(lines).encode()))

    count = 24
    records = {number: record() for number in range(1, count + 1)}
    held = list(records)
    segments = [from_records(sorted(records.items()))]
    edges: Edges | None = None
    for step in range(60):
        nodes = [Node(f"{at:02}.py", held[at], at % 2, 1.0) for at in range(count)]
        edges = edges_of(segments, nodes, edges)
        fresh = edges_of([from_records(sorted(records.items()))], nodes)
        assert edges.is_whole
        for own, expected in ((edges.symbols, fresh.symbols), (edges.uses, fresh.uses)):
            for each in fields(expected):
                one, other = getattr(own, each.name), getattr(expected, each.name)
                assert one.dtype == other.dtype
                assert one.tobytes() == other.tobytes(), (step, each.name)
        for interest in (Interest(), Interest(frozenset({3}), frozenset({"name_2"}))):
            assert rank_in(edges, segments, interest, 50) == rank_in(fresh, segments, interest, 50)
        assert edges_of(segments, nodes, edges) is edges
        for at in chosen.sample(range(count), chosen.choice([1, 1, 2, 3, 9])):
            held[at] = max(records) + 1
            records[held[at]] = record()
            segments.append(from_records([(held[at], records[held[at]])]))
        if step % 7 == 0:  # as the index merges them
            segments = [from_records(sorted(records.items()))]


def test_edges_of_what_is_not_read_yet_are_not_to_be_kept() -> None:
    assert not edges_of([], [Node("a.py", 1, 0, 1.0)]).is_whole
    assert edges_of([], []).is_whole


def test_names_that_many_files_define_say_little() -> None:
    language = language_for(None, "a.py")
    assert language is not None
    texts = [f"def run_it():\n    pass\ndef own_{n}():\n    pass\n" for n in range(30)]
    texts += ["def rare_thing():\n    pass\n"]
    texts += [f"run_it()\nrare_thing()\n# {n}\n" for n in range(10)]
    records = [(at + 1, pack(extract(language, text.encode()))) for at, text in enumerate(texts)]
    nodes = [Node(f"{at:02}.py", at + 1, 0, 1.0) for at in range(len(texts))]
    best = rank([from_records(records)], nodes, Interest(), 1)[0]
    assert (best.node, best.ordinal) == (30, 0)


def candidates(seed: int, count: int) -> list[Candidate]:
    chosen = random.Random(seed)
    found: list[Candidate] = []
    for at in range(count):
        path = f"/w/{chosen.choice('abcdef')}.py"
        top = MapEntry(
            10 * at, "class " + "C" * chosen.randint(1, 30), "class", 9 * at, 9 * at + 8, 0
        )
        inner = MapEntry(10 * at + 1, "def f()", "method", 9 * at + 1, 9 * at + 3, 1)
        nested = chosen.random() < 0.5
        found.append(
            Candidate(path, "python", inner if nested else top, (top,) if nested else (), 1.0)
        )
    return found


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 60), st.integers(-1, 2500))
def test_never_above_the_budget_and_nothing_left_out_that_fits(
    seed: int, count: int, budget: int
) -> None:
    offered = candidates(seed, count)
    found = fitted(offered, ["/w"], budget, len)
    assert found.size == len(found.text) <= max(budget, 0)
    assert found.text == rendered(found.files, ["/w"])
    taken = {(file.path, entry.ordinal) for file in found.files for entry in file.entries}
    assert found.left_out <= len(offered)
    left = [each for each in offered if (each.path, each.entry.ordinal) not in taken]
    if found.left_out == 0:
        assert not left
    for each in left[:5]:
        wanted = [
            other
            for other in offered
            if (other.path, other.entry.ordinal) in taken or other is each
        ]
        assert len(fitted(wanted, ["/w"], 10**9, len).text) > budget


def test_several_roots_are_told_apart() -> None:
    entry = MapEntry(0, "X", "constant", 0, 0, 0)
    offered = [Candidate(f"/w/{root}/x.py", "python", entry, (), 1.0) for root in ("one", "two")]
    found = fitted(offered, ["/w/one", "/w/two"], 100, len)
    assert found.text == "one/x.py:\n1 X\n\ntwo/x.py:\n1 X\n"


def test_what_a_file_uses_of_its_own_says_nothing() -> None:
    language = language_for(None, "a.py")
    assert language is not None
    texts = [
        "def own_helper():\n    pass\n" + "own_helper()\n" * 50,
        "def other_helper():\n    pass\n",
        "other_helper()\n",
    ]
    records = [(at + 1, pack(extract(language, text.encode()))) for at, text in enumerate(texts)]
    nodes = [Node(f"{at}.py", at + 1, 0, 1.0) for at in range(len(texts))]
    first, second = rank([from_records(records)], nodes, Interest(), 2)
    assert (first.node, second.node) == (1, 0)
    assert first.score > 5 * second.score
