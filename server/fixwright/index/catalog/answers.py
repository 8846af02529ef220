"""What the index's process answers to questions: plain values that JSON can carry."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import Counter
from contextlib import aclosing
from dataclasses import asdict, astuple
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fixwright.index.catalog.discovery import explain_ignored
from fixwright.index.catalog.edges import edges_of
from fixwright.index.catalog.mapping import chain, interest_of, nodes_of
from fixwright.index.catalog.pool import Answer, Failed, Question, memory_of
from fixwright.index.catalog.ranking import rank_in
from fixwright.index.catalog.reading import may_be_source, read_source
from fixwright.index.catalog.record import Record, unpack
from fixwright.index.catalog.reviving import facts_of
from fixwright.index.catalog.searching import Search
from fixwright.index.catalog.trees import Trees
from fixwright.index.languages import language_for
from fixwright.index.visibility import binding_imports, is_local

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from fixwright.index.catalog.edges import Edges, Node
    from fixwright.index.catalog.frames import Header
    from fixwright.index.catalog.holdings import Holdings
    from fixwright.index.catalog.indexer import Indexer
    from fixwright.index.catalog.place import Place
    from fixwright.index.catalog.pool import Pool
    from fixwright.index.catalog.ranking import Interest, Ranked
    from fixwright.index.catalog.results import SymbolHit
    from fixwright.index.facts import Definition

    Part = Callable[[Sequence[object]], Awaitable[None]]

_ROWS = 200
"""Rows of one frame: the client is not held up by reading it."""

_MOST_EDGES = 4_000_000
"""Rows that are kept from one map to the next: some 100 MB."""

_ASKED_FIRST = 1
"""Before all but open files."""


class Answers:
    """Questions about one index."""

    def __init__(self, indexer: Indexer, pool: Pool, roots: Sequence[Path], place: Place) -> None:
        self._indexer = indexer
        self._pool = pool
        self._roots = roots
        self._place = place
        self._trees = Trees(indexer, roots)
        self._edges: tuple[Holdings, Edges] | None = None
        self._by_name: dict[str, Callable[[Header, Part], Awaitable[object]]] = {
            "symbols": self._symbols,
            "definitions": self._definitions,
            "references": self._references,
            "ranked": self._ranked,
            "search": self._search,
            "facts": self._facts,
            "imported": self._imported,
            "read": self._read,
            "imports": self._imports,
            "files": self._files,
            "explain": self._explain,
            "stats": self._stats,
            "fresh": self._fresh,
        }

    async def answer(self, question: Header, part: Part) -> object:
        """Answers one question; rows go to `part` as they come.

        Returns:
            What ends the answer.
        """
        return await self._by_name[cast("str", question["ask"])](question, part)

    async def _symbols(self, question: Header, part: Part) -> object:
        query, limit = cast("str", question["query"]), cast("int", question["limit"])
        await self._rows([astuple(hit) for hit in self._holdings.symbols(query, limit)], part)
        return self._is_fresh()

    async def _files(self, question: Header, part: Part) -> object:
        paths = sorted(self._holdings.shown_paths())
        wanted = cast("str | None", question["language"])
        if wanted is not None:
            named = ((path, language_for(None, path)) for path in paths)
            paths = [path for path, each in named if each is not None and each.name == wanted]
        await self._rows(paths, part)
        return self._is_fresh()

    async def _fresh(self, _question: Header, _part: Part) -> object:
        await self._indexer.wait_fresh()
        return True

    @property
    def _holdings(self) -> Holdings:
        return self._indexer.holdings

    def _is_fresh(self) -> bool:
        """Whether nothing was waiting to be read when this was answered."""
        return not self._indexer.waiting

    @staticmethod
    async def _rows(rows: Sequence[object], part: Part) -> None:
        for start in range(0, len(rows), _ROWS):
            await part(rows[start : start + _ROWS])

    async def _definitions(self, question: Header, part: Part) -> object:
        near = cast("str | None", question["near"])
        hits = self._holdings.named(cast("str", question["name"]))
        if question["within"] is not None:
            within = frozenset(cast("list[str]", question["within"]))
            hits = [hit for hit in hits if hit.path in within]
        if near is not None:
            hits.sort(key=lambda hit: (hit.path != near, -_shared(hit.path, near)))
        limit = cast("int", question["limit"])
        for start in range(0, min(len(hits), limit), _ROWS):
            some = hits[start : min(start + _ROWS, limit)]
            found = await self._definitions_of(some)
            await part(
                [
                    [hit.path, hit.is_ascii, is_local(facts, hit.ordinal), asdict(each)]
                    for hit, each, facts in found
                ]
            )
        return {"fresh": self._is_fresh(), "leftOut": max(0, len(hits) - limit)}

    async def _definitions_of(
        self, hits: Sequence[SymbolHit]
    ) -> list[tuple[SymbolHit, Definition, Sequence[Definition]]]:
        """Each with all definitions of its file."""
        contents = {hit.path: self._holdings.shown(hit.path) for hit in hits}
        wanted = {number for number in contents.values() if number is not None}
        records = await self._indexer.records(wanted)
        facts = {number: unpack(record).definitions for number, record in records.items()}
        found: list[tuple[SymbolHit, Definition, Sequence[Definition]]] = []
        for hit in hits:
            definitions = facts.get(contents[hit.path] or 0, ())
            if hit.ordinal < len(definitions) and definitions[hit.ordinal].name == hit.name:
                found.append((hit, definitions[hit.ordinal], definitions))
        return found

    async def _references(self, question: Header, part: Part) -> object:
        """Looks through the files that have the word, those near `near` first."""
        name, limit = cast("str", question["name"]), cast("int", question["limit"])
        near = cast("str | None", question.get("near")) or ""
        paths = sorted(self._holdings.using(name), key=lambda path: (-_shared(path, near), path))
        queue: asyncio.Queue[tuple[str, Answer] | None] = asyncio.Queue()

        def deliver(question: Question, answer: Answer) -> None:
            queue.put_nowait((question.path, answer))

        async def ask() -> None:
            try:
                await asyncio.gather(
                    *(
                        self._pool.ask([self._exact(path, name)], deliver, _ASKED_FIRST)
                        for path in paths
                    )
                )
            finally:
                queue.put_nowait(None)

        found = 0
        asking = asyncio.create_task(ask())
        try:
            while found < limit and (item := await queue.get()) is not None:
                path, answer = item
                if isinstance(answer, Failed) or "references" not in answer[0]:
                    continue
                rows = cast("list[list[object]]", answer[0]["references"])[: limit - found]
                found += len(rows)
                ascii_only = answer[0].get("ascii", True)
                await self._rows([[path, ascii_only, *row] for row in rows], part)
        finally:
            asking.cancel()
        return {"fresh": self._is_fresh(), "complete": found < limit, "files": len(paths)}

    async def _ranked(self, question: Header, part: Part) -> object:
        """The definitions that matter most, each with those around it."""
        nodes = nodes_of(self._holdings, [str(root) for root in self._roots])
        files, symbols, words = (
            cast("list[str]", question[each]) for each in ("files", "symbols", "words")
        )
        interest = interest_of(nodes, files, symbols, words)
        limit = cast("int", question["limit"])
        edges, found = await asyncio.to_thread(self._rank, self._holdings, nodes, interest, limit)
        is_kept = edges.is_whole and edges.row_count <= _MOST_EDGES
        self._edges = (self._holdings, edges) if is_kept else None
        records = await self._indexer.records({nodes[each.node].content for each in found})
        facts = {number: unpack(record) for number, record in records.items()}
        rows: list[object] = []
        for each in found:
            node = nodes[each.node]
            known = facts.get(node.content)
            if known is not None and each.ordinal < len(known.definitions):
                rows.append([node.path, known.language, each.score, *chain(known, each.ordinal)])
        await self._rows(rows, part)
        return self._is_fresh()

    def _rank(
        self, holdings: Holdings, nodes: Sequence[Node], interest: Interest, limit: int
    ) -> tuple[Edges, list[Ranked]]:
        """In a thread. Edges are kept for the next time; other holdings have other ids."""
        kept, segments = self._edges, holdings.segments
        before = kept[1] if kept is not None and kept[0] is holdings else None
        edges = edges_of(segments, nodes, before)
        return edges, rank_in(edges, segments, interest, limit)

    async def _search(self, question: Header, part: Part) -> object:
        search = Search(self._indexer, self._pool, [str(root) for root in self._roots], question)
        async with aclosing(search.rows()) as parts:
            async for rows in parts:
                await self._rows(rows, part)
        return {"complete": search.is_complete, "slow": search.slow}

    def _exact(self, path: str, name: str | None) -> Question:
        language, *text = self._indexer.texts.get(path, (None,))
        header: Header = {"ask": "exact", "path": path, "language": language, "name": name}
        return Question(header, tuple(text))

    async def _facts(self, question: Header, _part: Part) -> object:
        path = cast("str", question["path"])
        if question["exact"]:
            answers: list[Answer] = []
            await self._pool.ask(
                [self._exact(path, None)], lambda _, answer: answers.append(answer), _ASKED_FIRST
            )
            (answer,) = answers
            return None if isinstance(answer, Failed) else answer[0].get("facts")
        number = self._holdings.shown(path)
        if number is None or not self._holdings.contents[number].policy.is_read:
            return None
        records = await self._indexer.records([number])
        return asdict(unpack(records[number])) if number in records else None

    async def _read(self, question: Header, _part: Part) -> object:
        """The facts of a text that comes with the question."""
        header: Header = {
            "ask": "cheap", "path": question["path"], "language": question["language"],
        }  # fmt: skip
        data = cast("str", question["text"]).encode("utf-8", "replace")
        answers: list[Answer] = []
        await self._pool.ask(
            [Question(header, (data,))], lambda _, answer: answers.append(answer), _ASKED_FIRST
        )
        (answer,) = answers
        if isinstance(answer, Failed) or not answer[1]:
            return None
        record = Record(*answer[1][1:])
        return asdict(unpack(record)) if record.rest else None

    async def _imported(self, question: Header, part: Part) -> object:
        """The imports that bind a name, in files that have it as a word."""
        name = cast("str", question["name"])
        without = frozenset(cast("list[str]", question["without"]))
        paths = sorted(path for path in self._holdings.using(name) if path not in without)
        paths = paths[: cast("int", question["limit"])]
        shown = {path: self._holdings.shown(path) for path in paths}
        records = await self._indexer.records({each for each in shown.values() if each is not None})
        facts = {number: unpack(record) for number, record in records.items()}
        wanted = question["language"]
        binding = {
            number: binding_imports(each, name)
            for number, each in facts.items()
            if wanted in {None, each.language}
        }
        found = Counter(
            row for number in shown.values() if number in binding for row in binding[number]
        )
        rows = sorted(found.items(), key=lambda item: (-item[1], item[0]))
        await self._rows([[*row, count] for row, count in rows], part)
        return self._is_fresh()

    async def _imports(self, question: Header, part: Part) -> object:
        path = cast("str", question["path"])
        row = await self._facts({"path": path, "exact": True}, part)
        if row is not None:
            facts = facts_of(cast("Header", row))
            found = await asyncio.to_thread(self._trees.now().resolved, path, facts)
            await self._rows([[asdict(each), paths] for each, paths in found], part)
        return self._is_fresh()

    async def _explain(self, question: Header, _part: Part) -> object:
        path = cast("str", question["path"])
        number = self._holdings.shown(path)
        if number is not None:
            content = self._holdings.contents[number]
            where = "editor" if path in self._holdings.buffers else "disk"
            policy, reason = content.policy.value, content.reason
        else:
            where = "nowhere"
            policy, reason = await asyncio.to_thread(self._explain_missing, path)
        language = language_for(None, path)
        facts = await self._indexer.records([number]) if number is not None else {}
        symbols = facts[number].definition_count if number is not None and number in facts else 0
        return {
            "path": path,
            "indexed": number is not None and self._holdings.contents[number].policy.is_read,
            "policy": policy,
            "reason": reason,
            "language": None if language is None else language.name,
            "from": where,
            "symbols": symbols,
        }

    def _explain_missing(self, path: str) -> tuple[str, str]:
        if not os.path.lexists(path):
            return "missing", "There is no such file."
        if Path(path).is_dir():
            return "folder", "It is a folder; ask for a file in it."
        why = explain_ignored(self._roots, Path(path), self._place.empty_repository)
        if why is not None:
            return "ignored", why
        source = read_source(path) if may_be_source(path) else None
        if source is None:
            return "unknown language", "Nothing says in which language it is written."
        return "new", "It has not been read yet."

    async def _stats(self, _question: Header, _part: Part) -> object:
        holdings = self._holdings
        policies = Counter(
            holdings.contents[number].policy.value
            for path in holdings.shown_paths()
            if (number := holdings.shown(path)) is not None
        )
        segments = holdings.segments
        return {
            "roots": [str(root) for root in self._roots],
            "files": sum(policies.values()),
            "otherFiles": len(self._indexer.others),
            "policies": dict(sorted(policies.items())),
            "waiting": self._indexer.waiting,
            "symbols": sum(each.symbol_count for each in segments),
            "names": sum(len(each.name_hashes) for each in segments),
            "words": sum(len(each.word_hashes) for each in segments),
            "uses": sum(len(each.use_content) for each in segments),
            "segments": len(segments),
            "arrayBytes": sum(each.byte_count for each in segments),
            "memoryBytes": memory_of(os.getpid()),
            "workers": [
                {"pid": pid, "memoryBytes": memory_of(pid)} for pid in self._pool.processes
            ],
            "folder": str(self._place.folder),
            "diskBytes": await self._indexer.on_disk(self._indexer.disk.size),
            "publishes": self._indexer.disk.leads,
            "git": shutil.which("git") is not None,
        }


def _shared(path: str, near: str) -> int:
    """How many folders two paths have in common."""
    pairs = zip(path.split("/"), near.split("/"), strict=False)
    same = takewhile(lambda pair: pair[0] == pair[1], pairs)
    return sum(1 for _ in same)
