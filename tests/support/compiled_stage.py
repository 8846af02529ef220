"""Stages for drivers of compiled languages: one that runs tools here, one that plays them back."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple


class Done(NamedTuple):
    """How a tool or a program ended."""

    exit: int
    stdout: bytes
    stderr: bytes


@dataclass
class HostStage:
    """Runs tools and programs of this machine, and writes down what they said."""

    root: str
    scratch: str
    cache: str
    environment: dict[str, str]
    stdin: bytes = b""
    limits: dict[str, Any] = field(default_factory=lambda: {"memory_bytes": 1 << 30})
    reports: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    said: str = ""
    stdout: bytes = b""
    stderr: bytes = b""
    calls: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def data(self, name: str) -> str:
        raise FileNotFoundError(name)

    def report(self, value: dict[str, Any]) -> None:
        self.reports.append(json.loads(json.dumps(value)))

    def say(self, text: str) -> None:
        self.said += text

    def tool(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        timeout: float | None = None,
        runs_code: bool = False,
    ) -> Done:
        return self._ended("tool", argv, cwd, env, stdin, timeout)

    def program(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        keep: int = 65536,
    ) -> Done:
        done = self._ended("program", argv, cwd, env, self.stdin, None)
        self.stdout += done.stdout
        self.stderr += done.stderr
        return done._replace(stderr=done.stderr[-keep:])

    def stream(
        self,
        argv: Sequence[str],
        on_line: Callable[[bytes], None],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Done:
        done = self._ended("stream", argv, cwd, env, b"", None)
        self.stdout += done.stdout
        self.stderr += done.stderr
        for line in done.stdout.split(b"\n")[: done.stdout.count(b"\n") + 1]:
            on_line(line)
        return done

    def recorded(self) -> list[dict[str, Any]]:
        """What tools and programs said, with names in place of this machine's folders."""
        text = json.dumps(self.calls, ensure_ascii=False)
        return json.loads(_named(text, self._folders()))

    def _folders(self) -> dict[str, str]:
        folders = {"{scratch}": self.scratch, "{cache}": self.cache, "{root}": self.root}
        goroot = self.environment.get("GOROOT")
        return {**folders, "{goroot}": goroot} if goroot else folders

    def _ended(
        self,
        call: str,
        argv: Sequence[str],
        cwd: str | None,
        env: Mapping[str, str] | None,
        stdin: bytes,
        timeout: float | None,
    ) -> Done:
        ended = subprocess.run(
            list(argv),
            cwd=cwd or self.root,
            env={**self.environment, **(env or {})},
            input=stdin,
            capture_output=True,
            timeout=timeout or 100,
            check=False,
        )
        said = {
            "call": call,
            "exit": ended.returncode,
            "stdout": ended.stdout.decode("utf-8", "surrogateescape"),
            "stderr": ended.stderr.decode("utf-8", "surrogateescape"),
        }
        logs = {path.name: path.read_text() for path in Path(self.scratch).glob("sanitizer.*")}
        self.calls.append({**said, "logs": logs} if logs else said)
        return Done(ended.returncode, ended.stdout, ended.stderr)


@dataclass
class ReplayStage(HostStage):
    """Plays back what tools and programs once said, so that what is read from it can be tested."""

    def _ended(
        self,
        call: str,
        argv: Sequence[str],
        cwd: str | None,
        env: Mapping[str, str] | None,
        stdin: bytes,
        timeout: float | None,
    ) -> Done:
        assert self.calls, f"nothing is recorded for {argv}"
        then = self.calls.pop(0)
        assert then["call"] == call, (then, argv)
        if then["exit"] == 0 and "-o" in argv:
            output = Path(argv[list(argv).index("-o") + 1])
            if output != Path(os.devnull):
                output.parent.mkdir(parents=True, exist_ok=True)
                output.write_bytes(b"")
        for name, text in then.get("logs", {}).items():
            (Path(self.scratch) / name).write_text(_unnamed(text, self._folders()))
        texts = [_unnamed(then[key], self._folders()) for key in ("stdout", "stderr")]
        stdout, stderr = (text.encode("utf-8", "surrogateescape") for text in texts)
        return Done(then["exit"], stdout, stderr)


def _named(text: str, folders: Mapping[str, str]) -> str:
    for name, folder in folders.items():
        text = text.replace(folder, name)
    return text


def _unnamed(text: str, folders: Mapping[str, str]) -> str:
    for name, folder in folders.items():
        text = text.replace(name, folder)
    return text
