"""From what a Go program wrote to stderr as it died to a report.

The runtime tells lines, not columns; the range is the expression on the line that can have
failed so, where there is exactly one, else the line's code.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from fixwright_sandbox.guest.bounds import clip
from fixwright_sandbox.guest.sources import Sources
from fixwright_sandbox.guest.spans import Code, Span

from .suspects import suspect

_HEAD = re.compile(r"^(?P<kind>panic|fatal error): (?P<text>.*)$", re.MULTILINE)
_GOROUTINE = re.compile(
    r"^goroutine (?P<id>\d+)(?: gp=\S+ m=\S+(?: mp=\S+)?)? \[(?P<state>[^\]]*)\]:$"
)
_FUNCTION = re.compile(r"^(?P<name>\S.*?)\((?:\.\.\.|[^()]*(?:\{.*\})?[^()]*|\{.*\}.*)\)$")
_CREATED = re.compile(r"^created by (?P<name>.+?)(?: in goroutine \d+)?$")
_PLACE = re.compile(r"^\t(?P<path>.+?):(?P<line>\d+)(?: \+0x[0-9a-f]+)?(?: fp=.*)?$")
_RECOVERED = re.compile(r" \[recovered(?:, repanicked)?\]$")
_LEFT_OUT = re.compile(r"^\.\.\.(?P<count>\d+) frames elided\.\.\.$")
_STACK = re.compile(r"^runtime: goroutine stack exceeds (?P<size>\d+)-byte limit", re.MULTILINE)
_MACHINERY = ("runtime.", "testing.tRunner", "internal/runtime/")
_MOST_FRAMES = 200


class Step(NamedTuple):
    """One function of a goroutine, `line` one-based."""

    name: str
    path: str
    line: int


class Goroutine(NamedTuple):
    """One goroutine of a trace, innermost function first, and who started it."""

    number: int
    state: str
    steps: tuple[Step, ...]
    created: Step | None
    left_out: int


class Death(NamedTuple):
    """What the runtime said.

    Attributes:
        kind: `panic` or `fatal error`.
        text: with what.
        earlier: what was panicked with before, and recovered.
        again: whether a deferred function recovered and panicked with the same value.
        goroutines: what they did; the one that died comes first.
    """

    kind: str
    text: str
    earlier: tuple[str, ...]
    again: bool
    goroutines: tuple[Goroutine, ...]


def death_of(stderr: str) -> Death | None:
    """Return how a program died, by the last trace that its stderr holds; None without one."""
    trace = None
    for match in re.finditer(r"^goroutine \d+.*\]:$", stderr, re.MULTILINE):
        head = _head_before(stderr, match.start())
        if head is not None:
            trace = head
    if trace is None:
        return None
    kind, panics, start = trace
    again = "repanicked]" in panics[-1]
    texts = [_RECOVERED.sub("", text.replace(" [recovered]\n", "\n")) for text in panics]
    earlier = tuple(dict.fromkeys(texts[:-1]))
    return Death(kind, texts[-1], earlier, again, _goroutines(stderr[start:]))


def report_of(death: Death, sources: Sources) -> dict[str, Any]:
    """Return the report of a program's death."""
    kind, message = _told(death)
    goroutine = _guilty(death)
    frames = _frames(goroutine, death, message, sources) if goroutine else []
    notes: list[str] = []
    if death.earlier:
        notes.extend(f"while panicking with: {text}" for text in death.earlier)
    others = len(death.goroutines) - 1
    if "asleep" in death.text and others > 0:
        notes.append(f"{others} other goroutine{'s were' if others > 1 else ' was'} there")
    report: dict[str, Any] = {
        "type": "exception",
        "kind": kind,
        "message": clip(message),
        "notes": notes,
        "suggestion": None,
        "facts": {"state": goroutine.state} if goroutine else {},
        "frames": frames,
        "framesLeftOut": goroutine.left_out if goroutine else 0,
    }
    if goroutine and goroutine.number != 1 and goroutine.created is not None:
        report["thread"] = f"goroutine {goroutine.number}, started by {goroutine.created.name}"
    return report


def _head_before(stderr: str, end: int) -> tuple[str, list[str], int] | None:
    """Return kind and texts of the block that ends where goroutines begin."""
    heads = list(_HEAD.finditer(stderr, 0, end))
    if not heads:
        return None
    head = heads[-1]
    block = stderr[head.start() : end]
    if "\ngoroutine " in block:
        return None
    lines = block.rstrip("\n").split("\n")
    panics: list[str] = []
    for line in lines:
        if line.startswith(("panic: ", "\tpanic: ")):
            panics.append(line.strip().removeprefix("panic: "))
        elif line.startswith("\t") and panics:
            panics[-1] += "\n" + line[1:]
    if head["kind"] == "panic" and panics:
        return "panic", panics, end
    text = head["text"].strip()
    limit = _STACK.search(stderr, max(head.start() - 500, 0), head.start())
    if limit:
        text += f": goroutine stack exceeds {limit['size']}-byte limit"
    return "fatal error", [text], end


def _goroutines(text: str) -> tuple[Goroutine, ...]:
    found: list[Goroutine] = []
    for block in re.split(r"\n\n+", text):
        lines = block.strip("\n").split("\n")
        head = _GOROUTINE.match(lines[0])
        if not head:
            continue
        steps: list[Step] = []
        created: Step | None = None
        left_out = 0
        for name, place in zip(lines[1:], [*lines[2:], ""], strict=False):
            elided = _LEFT_OUT.match(name)
            left_out += int(elided["count"]) if elided else 0
            where = _PLACE.match(place)
            if not where or name.startswith("\t"):
                continue
            started = _CREATED.match(name)
            called = _FUNCTION.match(name)
            step = Step("", where["path"], int(where["line"]))
            if started:
                created = step._replace(name=started["name"])
            else:
                steps.append(step._replace(name=called["name"] if called else name))
        found.append(Goroutine(int(head["id"]), head["state"], tuple(steps), created, left_out))
    return tuple(found)


def _told(death: Death) -> tuple[str, str]:
    """Return kind and message: the runtime's own errors are told from what code panics with."""
    text = death.text
    if death.kind == "fatal error":
        return "fatal error", text
    if text.startswith("runtime error: "):
        return "runtime error", text.removeprefix("runtime error: ")
    if text.startswith(("interface conversion: ", "assignment to entry in nil map")) or text in (
        "send on closed channel",
        "close of closed channel",
        "close of nil channel",
    ):
        return "runtime error", text
    return "panic", text


def _guilty(death: Death) -> Goroutine | None:
    """Return the goroutine that died; of a deadlock, the first, which is main's."""
    for goroutine in death.goroutines:
        if any(not step.name.startswith(_MACHINERY) for step in goroutine.steps):
            return goroutine
    return death.goroutines[0] if death.goroutines else None


def _frames(
    goroutine: Goroutine, death: Death, message: str, sources: Sources
) -> list[dict[str, Any]]:
    """Return the frames outermost first, without the runtime's own around them."""
    steps = list(goroutine.steps)
    if death.again:
        # Whoever recovered stands above the panic's own place.
        last = max((n for n, step in enumerate(steps) if step.name == "panic"), default=-1)
        del steps[: last + 1]
    steps = [s for s in steps if s.name != "panic" and not s.name.startswith(_MACHINERY)]
    frames: list[dict[str, Any]] = []
    codes: dict[str, Code] = {}
    inner = ""
    if message.startswith("stack overflow") and len(steps) > 1:
        inner = steps.pop(0).name  # it had only been entered
    state = goroutine.state
    for step in steps[:_MOST_FRAMES]:
        path = sources.path(step.path)
        if path not in codes:
            codes[path] = Code(sources.lines(path))
        span = _span(codes[path], step.line - 1, inner, message, state)
        frames.append({"path": path, **span.report(), "name": step.name.rpartition("/")[2]})
        inner, state = step.name, ""
    frames.reverse()
    return frames


def _span(code: Code, line: int, inner: str, message: str, state: str) -> Span:
    if not inner:
        return suspect(code, line, message, state)
    called = re.sub(r"\[\.\.\.\]", "", inner).rpartition(".")[2]
    calls = code.calls(line, called)
    return calls[0] if len(calls) == 1 else suspect(code, line, "", "")
