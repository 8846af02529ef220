"""Symbols after one keystroke at 1k, 10k and 100k lines, and how long the event loop stood still.

python benchmarks/index_keystroke.py
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time

from fixwright.index.buffers import OpenBuffers
from fixwright.index.languages import language_for
from fixwright.index.outline import Outline
from fixwright.workspace.document import Document
from fixwright.workspace.text import Text

UNIT = '''
class Account{n}(Base):
    """One account."""

    limit = {n}

    def deposit(self, amount: int, *, note: str = "") -> int:
        if amount <= 0:
            raise ValueError(f"not positive: {{amount}}")
        for entry in self.entries:
            self.total += entry.amount * amount
        return self.total


def total_{n}(accounts, start=0):
    return sum((account.total for account in accounts), start)


DEFAULT_{n} = Account{n}("name", [1, 2, 3])
'''


def program(lines: int) -> str:
    per_unit = UNIT.count("\n")
    return "".join(UNIT.format(n=n) for n in range(lines // per_unit + 1))


def processor_times(text: Text, keys: int) -> list[float]:
    """Seconds of CPU for each keystroke, on one thread."""
    language = language_for("python")
    assert language is not None
    outline = Outline(text, language)
    generator = random.Random(2)
    names = [i for i in range(len(text.value)) if text.value.startswith("total_", i)]
    took: list[float] = []
    for number in range(keys):
        at = generator.choice(names) + 6
        edited = text.splice(at, at, "\n" if number % 10 == 9 else "q")
        before = time.thread_time()
        outline.update(edited)
        took.append(time.thread_time() - before)
        outline.update(text)
    return sorted(took)


async def watch_loop(stalls: list[float], stop: asyncio.Event) -> None:
    while not stop.is_set():
        before = time.perf_counter()
        await asyncio.sleep(0.001)
        stalls.append(time.perf_counter() - before - 0.001)


async def measure(lines: int, keys: int) -> None:
    buffers = OpenBuffers()
    text = Text(program(lines))
    names = [i for i in range(len(text.value)) if text.value.startswith("total_", i)]
    generator = random.Random(1)
    uri = "file:///big.py"
    stalls: list[float] = []
    stop = asyncio.Event()
    watcher = asyncio.create_task(watch_loop(stalls, stop))
    await asyncio.sleep(0.01)
    before = time.perf_counter()
    await buffers.symbols(Document(uri, "python", text, 1))
    first = time.perf_counter() - before
    took: list[float] = []
    for number in range(keys):
        at = generator.choice(names) + 6
        edited = text.splice(at, at, "\n" if number % 10 == 9 else "q")
        document = Document(uri, "python", edited, 2 * number)
        before = time.perf_counter()
        buffers.note(document)
        await buffers.symbols(document)
        took.append(time.perf_counter() - before)
        await buffers.symbols(Document(uri, "python", text, 2 * number + 1))
    stop.set()
    await watcher
    await buffers.close()
    took.sort()
    cpu = processor_times(text, keys)
    print(
        f"{text.line_count:>7} lines  first {first * 1e3:7.1f} ms   keystroke p50 "
        f"{statistics.median(took) * 1e3:6.1f}  p99 {took[int(len(took) * 0.99)] * 1e3:6.1f} ms   "
        f"CPU p50 {statistics.median(cpu) * 1e3:5.1f}  p90 {cpu[int(len(cpu) * 0.89)] * 1e3:5.1f}  "
        f"max {cpu[-1] * 1e3:5.1f} ms   "
        f"loop stall p99 {sorted(stalls)[int(len(stalls) * 0.99)] * 1e3:5.1f}  "
        f"max {max(stalls) * 1e3:5.1f} ms"
    )


LARGE = 100_000

if __name__ == "__main__":
    for size in (1_000, 10_000, LARGE):
        asyncio.run(measure(size, 100 if size < LARGE else 40))
