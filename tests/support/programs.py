"""Sound programs with assertions, and ways in which people break such programs."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Callable

INVENTORY = '''\
"""A small shop's stock."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Product:
    name: str
    price: float
    tags: list[str] = field(default_factory=list)

    def discounted(self, percent: float = 10) -> float:
        return round(self.price * (1 - percent / 100), 2)


class Inventory:
    def __init__(self, currency="EUR"):
        self.currency = currency
        self.products = {}
        self.counts = defaultdict(int)

    def add(self, product, amount=1):
        self.products[product.name] = product
        self.counts[product.name] += amount

    def total(self):
        total = 0.0
        for name, count in self.counts.items():
            total += self.products[name].price * count
        return total

    def describe(self):
        lines = []
        for name in sorted(self.products):
            product = self.products[name]
            if product.tags:
                lines.append(f"{name}: {product.price} ({', '.join(product.tags)})")
            else:
                lines.append(f"{name}: {product.price}")
        return "\\n".join(lines)

    def dump(self):
        return json.dumps({"currency": self.currency, "counts": dict(self.counts)})


inventory = Inventory(currency="USD")
inventory.add(Product("pen", 1.5, tags=["office", "blue"]), amount=10)
inventory.add(Product("book", 20.0))
assert inventory.total() == 35.0
assert inventory.describe().startswith("book: 20.0")
assert json.loads(inventory.dump())["currency"] == "USD"
assert Product("cup", 8.0).discounted(percent=50) == 4.0
assert Path("stock.json").suffix == ".json"
'''

WORDS = """\
import re
import string
from collections import Counter


STOPWORDS = {"the", "a", "of", "and"}


def tokenize(text):
    words = re.findall(r"[a-z']+", text.lower())
    return [word for word in words if word not in STOPWORDS]


def frequencies(text, limit=None):
    counter = Counter(tokenize(text))
    return counter.most_common(limit)


def caesar(text, shift):
    result = []
    for char in text:
        if char in string.ascii_lowercase:
            index = (string.ascii_lowercase.index(char) + shift) % 26
            result.append(string.ascii_lowercase[index])
        else:
            result.append(char)
    return "".join(result)


def statistics(text):
    words = tokenize(text)
    lengths = [len(word) for word in words]
    summary = {
        "count": len(words),
        "longest": max(lengths),
        "average": sum(lengths) / len(lengths),
    }
    return summary


SAMPLE = "The cat and the dog chased a cat of the town"
assert frequencies(SAMPLE, limit=1) == [("cat", 2)]
assert caesar(caesar("hello", 3), -3) == "hello"
summary = statistics(SAMPLE)
assert summary["count"] == 5
assert summary["longest"] == 6
print("average: " + str(summary["average"]))
"""

GRAPH = """\
import heapq
import math


class Graph:
    def __init__(self):
        self.edges = {}

    def connect(self, source, target, weight):
        self.edges.setdefault(source, []).append((target, weight))
        self.edges.setdefault(target, [])

    def shortest(self, start, goal):
        distances = {node: math.inf for node in self.edges}
        distances[start] = 0
        queue = [(0, start)]
        previous = {}
        while queue:
            distance, node = heapq.heappop(queue)
            if node == goal:
                break
            for target, weight in self.edges[node]:
                candidate = distance + weight
                if candidate < distances[target]:
                    distances[target] = candidate
                    previous[target] = node
                    heapq.heappush(queue, (candidate, target))
        return distances[goal], self.path(previous, goal)

    def path(self, previous, goal):
        steps = [goal]
        while steps[-1] in previous:
            steps.append(previous[steps[-1]])
        steps.reverse()
        return steps


def build():
    graph = Graph()
    graph.connect("a", "b", weight=1)
    graph.connect("b", "c", weight=2)
    graph.connect("a", "c", weight=5)
    return graph


graph = build()
length, steps = graph.shortest("a", "c")
assert length == 3
assert steps == ["a", "b", "c"]
if length == 3:
    print("shortest path:", " -> ".join(steps))
"""

PROGRAMS = {"inventory": INVENTORY, "words": WORDS, "graph": GRAPH}


def misspelt(word: str, chance: random.Random) -> str:
    """One slip of the fingers: two letters swapped, one lost, one doubled, or a neighbour."""
    at = chance.randrange(1, len(word) - 1)
    slips = (
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
        word[:at] + chance.choice("etaoins") + word[at + 1 :],
    )
    return chance.choice(slips)


def _pieces(source: str, kind: str) -> list[tuple[int, int]]:
    """Where identifiers of a kind stand: (start, end) offsets."""
    starts = [0]
    for line in source.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    found: list[tuple[int, int]] = []
    for node in ast.walk(ast.parse(source)):
        if kind == "name" and isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            start, length = starts[node.lineno - 1] + node.col_offset, len(node.id)
        elif kind == "attribute" and isinstance(node, ast.Attribute):
            end = starts[(node.end_lineno or 1) - 1] + (node.end_col_offset or 0)
            start, length = end - len(node.attr), len(node.attr)
        elif kind == "keyword" and isinstance(node, ast.keyword) and node.arg:
            start, length = starts[node.lineno - 1] + node.col_offset, len(node.arg)
        elif kind == "key" and isinstance(node, ast.Subscript):
            key = node.slice
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                continue
            start, length = starts[key.lineno - 1] + key.col_offset + 1, len(key.value)
        elif kind == "import" and isinstance(node, ast.alias):
            start, length = starts[node.lineno - 1] + node.col_offset, len(node.name)
        else:
            continue
        if length > 3 and source[start : start + length].isidentifier():
            found.append((start, start + length))
    return sorted(found)


def _spelling(kind: str) -> Callable[[str, random.Random], str | None]:
    def mutate(source: str, chance: random.Random) -> str | None:
        places = _pieces(source, kind)
        if not places:
            return None
        start, end = chance.choice(places)
        return source[:start] + misspelt(source[start:end], chance) + source[end:]

    return mutate


def _substituting(pattern: str, replacement: str) -> Callable[[str, random.Random], str | None]:
    def mutate(source: str, chance: random.Random) -> str | None:
        matches = list(re.finditer(pattern, source, re.MULTILINE))
        if not matches:
            return None
        match = chance.choice(matches)
        return source[: match.start()] + match.expand(replacement) + source[match.end() :]

    return mutate


MUTATIONS: dict[str, Callable[[str, random.Random], str | None]] = {
    "misspelt name": _spelling("name"),
    "misspelt attribute": _spelling("attribute"),
    "misspelt keyword": _spelling("keyword"),
    "misspelt key": _spelling("key"),
    "misspelt import": _spelling("import"),
    "lost import": _substituting(r"^(?:import \w+|from (?!__)\S+ import .+)\n", ""),
    "lost colon": _substituting(r"^(\s*(?:if|for|while|def|class|else)\b.*):$", r"\1"),
    "lost bracket at the end": _substituting(r"[)\]](:?)$", r"\1"),
    "lost bracket": _substituting(r"[)\]}]", ""),
    "surplus bracket": _substituting(r"\)$", "))"),
    "lost quote": _substituting(r"(?<=\w)\"(?=[)\],:])", ""),
    "lost comma": _substituting(r",(?= \w)", ""),
    "lost self parameter": _substituting(r"\(self(?:, )?", "("),
    "lost self": _substituting(r"\bself\.", ""),
    "single equals": _substituting(r"^(\s*if .*)==", r"\1="),
    "lost indentation": _substituting(r"^(    )+(?=\w)", ""),
    "half indentation": _substituting(r"^(    )(?=    \w)", "  "),
    "surplus indentation": _substituting(r"^(?=(?:    )*\w)", "  "),
    "lost str": _substituting(r"\bstr\((summary[^)]*)\)", r"\1"),
    "in-place result": _substituting(r"^(\s*)(steps)\.reverse\(\)", r"\1\2 = \2.reverse()"),
}
