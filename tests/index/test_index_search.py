"""Segments and the fuzzy search over them, against a naive search of the same names."""

from __future__ import annotations

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from fixwright.index.catalog.building import from_records, merged
from fixwright.index.catalog.record import pack, unpack
from fixwright.index.catalog.search import Tier, key_of, query_classes, search
from fixwright.index.catalog.segment import NOTHING, Segment
from fixwright.index.facts import Definition, FileFacts, Import

_SEEN = 64


def facts_of(names: list[str], used: dict[str, int] | None = None) -> FileFacts:
    definitions = tuple(
        Definition(
            name, "function", (n, 0, n + 1, 0), (n, 4, n, 4 + len(name)), None, "", f"def {n}"
        )
        for n, name in enumerate(names)
    )
    return FileFacts("python", definitions=definitions, identifiers=used or {})


def segment_of(*files: list[str]) -> Segment:
    return from_records([(n, pack(facts_of(names))) for n, names in enumerate(files, 1)])


# The naive search: the definition of what the fast one has to find, one name at a time.


def folded(text: str) -> str:
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


def is_word(char: str) -> bool:
    return char in string.ascii_letters + string.digits or ord(char) >= 0x80


def starts_word(name: str, at: int) -> bool:
    char, before = name[at], name[at - 1] if at else ""
    following = name[at + 1 : at + 2]
    if at == 0:
        return True
    if is_word(char) and not is_word(before):
        return True
    upper = char in string.ascii_uppercase
    return upper and (
        before not in string.ascii_uppercase or following in set(string.ascii_lowercase)
    )


def by_words(query: str, name: str, seen: str, at: int, first: bool = True) -> bool:
    """Reachable ends, as a set: each character continues the one before or starts a later word."""
    ends = {i for i, c in enumerate(seen) if c == query[0] and starts_word(name, i)}
    for char in query[1:]:
        lowest = min(ends, default=len(seen))
        ends = {
            i
            for i, c in enumerate(seen)
            if c == char and i > lowest and (i - 1 in ends or starts_word(name, i))
        }
    return bool(ends)


def naive_key(query: str, name: str) -> int | None:
    query, low = folded(query), folded(name)
    seen = low[:_SEEN]
    if not query or len(query) > _SEEN:
        return None
    at, end = 0, 0
    for char in query:
        at = seen.find(char, at) + 1
        if at == 0:
            return None
        end = at
    places = [i for i in range(len(seen)) if seen.startswith(query, i)]
    if low == query:
        tier = Tier.EXACT
    elif 0 in places:
        tier = Tier.PREFIX
    elif any(starts_word(name, place) for place in places):
        tier = Tier.WORD_PREFIX
    elif by_words(query, name, seen, 0):
        tier = Tier.WORDS
    elif places:
        tier = Tier.SUBSTRING
    else:
        tier = Tier.SUBSEQUENCE
    return key_of(tier, end if tier == Tier.SUBSEQUENCE else 0, min(len(name), 1023))


names = st.text(alphabet="abAB_1", min_size=1, max_size=80) | st.from_regex(
    r"[a-z]{1,4}(_?[A-Za-z][a-z]{0,3}){0,6}", fullmatch=True
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(names, min_size=1, max_size=30), st.text(alphabet="abAB_1z", min_size=1, max_size=6)
)
def test_finds_what_a_naive_search_finds_in_its_order(given_names: list[str], query: str) -> None:
    segment = segment_of(given_names)
    found = search(segment.lengths, segment.bits, query_classes(query), 1000)
    expected = sorted(
        (key, name) for name in set(given_names) if (key := naive_key(query, name)) is not None
    )
    got = sorted(zip(found.keys.tolist(), map(segment.name, found.names.tolist()), strict=True))
    assert got == expected
    assert found.complete
    assert found.keys.tolist() == sorted(found.keys.tolist())


@settings(max_examples=100, deadline=None)
@given(st.lists(names, min_size=1, max_size=60, unique=True), st.integers(1, 10))
def test_a_limit_leaves_out_the_worst_only(given_names: list[str], limit: int) -> None:
    segment = segment_of(given_names)
    everything = search(segment.lengths, segment.bits, query_classes("a"), 1000)
    some = search(segment.lengths, segment.bits, query_classes("a"), limit)
    count = len(some.keys)
    assert count >= min(limit, len(everything.keys))
    assert some.keys.tolist() == everything.keys.tolist()[:count]


Row = tuple[str, int, int, int, int, str | None, int]


def rows_of(segment: Segment) -> list[Row]:
    found: list[Row] = []
    for number in range(len(segment.name_hashes)):
        for at in segment.symbols_named(number):
            owner = int(segment.symbol_owner[at])
            found.append(
                (
                    segment.name(number),
                    int(segment.symbol_content[at]),
                    int(segment.symbol_kind[at]),
                    int(segment.symbol_line[at]),
                    int(segment.symbol_column[at]),
                    None if owner == NOTHING else segment.name(owner),
                    int(segment.symbol_ordinal[at]),
                )
            )
    return sorted(found, key=str)


lines = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=5)
files = st.lists(st.lists(lines, max_size=8), min_size=1, max_size=6)


@settings(max_examples=100, deadline=None)
@given(files, st.data())
def test_merging_is_building_at_once(given_files: list[list[str]], data: st.DataObject) -> None:
    used = [dict.fromkeys(names, 2) for names in given_files]
    packed = [(n, pack(facts_of(names, used[n]))) for n, names in enumerate(given_files)]
    alive = data.draw(st.sets(st.sampled_from(range(len(given_files)))))
    cut = data.draw(st.integers(0, len(packed)))
    both = merged([from_records(packed[:cut]), from_records(packed[cut:])], alive)
    once = from_records([each for each in packed if each[0] in alive])
    assert rows_of(both) == rows_of(once)
    assert both.contents.tolist() == sorted(alive)
    for name in {name for names in given_files for name in names}:
        assert both.uses(name) == once.uses(name)
        holding = [(n, 2) for n in sorted(alive) if name in used[n]]
        assert both.uses(name) == holding


def test_records_give_back_what_they_were_made_of() -> None:
    facts = FileFacts(
        "python",
        definitions=(
            Definition("A", "class", (0, 0, 3, 0), (0, 6, 0, 7), None, "", "class A"),
            Definition("größe", "method", (1, 0, 2, 0), (1, 6, 1, 11), 0, "A", "def größe()"),
        ),
        identifiers={"A": 1, "größe": 2, "x": 70_000},
        imports=(Import("os", "path", "p", 0, "import", (0, 0, 0, 9)),),
        has_errors=True,
    )
    found = unpack(pack(facts))
    assert found.definitions == facts.definitions
    assert found.imports == facts.imports
    assert found.identifiers == {"A": 1, "größe": 2, "x": 65_535}
    assert found.has_errors
