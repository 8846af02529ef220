"""`fixwright ask` and `fixwright agent`: what is shown, written, refused, and gone on with."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.agents import calls
from support.needs import needs

pytestmark = [pytest.mark.bubblewrap, pytest.mark.slow]

MEAN = "def mean(numbers):\n    return sum(numbers) / len(numbers) + 1\n"
RIGHT = MEAN.replace(" + 1", "")
TEST = "from mean import mean\n\n\ndef test_mean():\n    assert mean([1, 3]) == 2\n"
REPAIR = calls(("edit", {"path": "mean.py", "edits": [{"old": " + 1", "new": ""}]}))
TESTS = calls(("test", {}))
PROTECTED = calls(("file_op", {"op": "create", "path": ".env", "text": "A=1\n"}))
Turn = Mapping[str, Any]


def finish(*claims: Mapping[str, str]) -> Turn:
    return calls(("finish", {"summary": "It added one too much.", "claims": list(claims)}))


PROVEN = finish({"text": "The test passes.", "evidence_id": "run-1"})


@dataclass
class Place:
    root: Path

    @property
    def folder(self) -> Path:
        return self.root / "project"

    @property
    def code(self) -> Path:
        return self.folder / "mean.py"

    def environment(self, turns: Sequence[Turn], **more: str) -> dict[str, str]:
        script = self.root / "script.json"
        script.write_text(json.dumps({"protocol": "anthropic", "turns": list(turns)}))
        return {
            **os.environ,
            "FIXWRIGHT_SANDBOX_BACKEND": "bubblewrap",
            "FIXWRIGHT_MODEL_PROVIDER": "scripted",
            "FIXWRIGHT_MODEL_SCRIPT": str(script),
            "XDG_STATE_HOME": str(self.root / "state"),
            "XDG_CACHE_HOME": str(self.root / "cache"),
            **more,
        }

    def run(
        self, turns: Sequence[Turn], *words: str, **more: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "fixwright", *words],
            cwd=self.folder,
            env=self.environment(turns, **more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def report(self, turns: Sequence[Turn], *words: str, code: int = 0) -> dict[str, Any]:
        done = self.run(turns, *words, "--json")
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    needs("bubblewrap")
    found = Place(tmp_path)
    found.folder.mkdir()
    found.code.write_text(MEAN)
    (found.folder / "test_mean.py").write_text(TEST)
    return found


def test_a_question_is_answered_on_stdout_and_nothing_is_changed(place: Place) -> None:
    done = place.run([{"text": "The mean, plus \x1b[31mone."}], "ask", "What is it?", "mean.py")
    assert (done.returncode, done.stdout) == (0, "The mean, plus <U+001B>[31mone.\n"), done.stderr
    again = place.run([REPAIR, {"text": "I can't."}], "ask", "Repair it.")
    assert "There is no tool edit" in again.stderr
    assert place.code.read_text() == MEAN


def test_what_a_run_has_shown_is_written_and_can_be_repeated(place: Place) -> None:
    done = place.run([REPAIR, TESTS, PROVEN], "agent", "Repair mean.", "--apply")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("It added one too much.\ndiff --git a/mean.py b/mean.py\n")
    told = done.stderr.splitlines()
    assert "• change mean.py" in told
    assert any(line.startswith("[run-1] tests of the workspace: passed") for line in told)
    assert "shown: The test passes. (run-1)" in told
    assert place.code.read_text() == RIGHT

    shown = place.run([], "sessions", "list")
    name = shown.stdout.split()[0]
    assert "1 changes can be undone" in place.run([], "sessions", "show", name).stdout
    replayed = place.run([], "replay", name)
    assert replayed.returncode == 0, replayed.stdout
    assert "repeated without a difference" in replayed.stdout


def test_nothing_is_written_unasked(place: Place) -> None:
    report = place.report([REPAIR, TESTS, PROVEN], "agent", "Repair mean.")
    assert (report["status"], report["applied"]) == ("done", False)
    assert "+    return sum(numbers) / len(numbers)\n" in report["diff"]
    assert place.code.read_text() == MEAN


@pytest.mark.parametrize(
    "turns",
    [
        [REPAIR, finish()],
        [REPAIR, finish({"text": "It is right."})],
        [TESTS, REPAIR, finish({"text": "The test passes.", "evidence_id": "run-1"})],
        [calls(("run", {"command": "true"})), REPAIR,
         finish({"text": "It is right.", "evidence_id": "run-1"})],
    ],
    ids=["no claim", "no evidence", "a run that failed", "a run of another text"],
)  # fmt: skip
def test_what_no_run_has_shown_is_written_only_when_told(
    place: Place, turns: Sequence[Turn]
) -> None:
    report = place.report(turns, "agent", "Repair mean.", "--apply", code=3)
    assert (report["status"], report["applied"]) == ("refused", False)
    assert "--apply-unproven" in report["reason"]
    assert place.code.read_text() == MEAN
    written = place.report([], "agent", "--session", report["sessionId"], "--apply-unproven")
    assert (written["status"], written["applied"]) == ("done", True), written
    assert place.code.read_text() == RIGHT
    nothing = place.run([], "agent", "--continue", "--apply-unproven")
    assert (nothing.returncode, place.code.read_text()) == (3, RIGHT)
    assert "left no changes" in nothing.stderr


def test_what_was_changed_on_disk_meanwhile_stays(place: Place) -> None:
    place.report([REPAIR, finish()], "agent", "Repair mean.")
    place.code.write_text(f"# mine\n\n{MEAN}")
    written = place.report([], "agent", "--continue", "--apply-unproven")
    assert written["applied"] is True
    assert place.code.read_text() == f"# mine\n\n{RIGHT}"


def test_what_would_be_asked_is_denied_where_nobody_is_there(place: Place) -> None:
    done = place.run([PROTECTED, {"text": "I may not."}], "agent", "Make it.", "--apply-unproven")
    assert done.returncode == 0, done.stderr
    assert "not allowed" in done.stderr
    assert not (place.folder / ".env").exists()


def test_a_plan_neither_changes_nor_runs(place: Place) -> None:
    done = place.run([REPAIR, TESTS, {"text": "First this."}], "agent", "Plan it.", "--plan")
    assert (done.returncode, done.stdout) == (0, "First this.\n")
    assert "There is no tool test" in done.stderr
    both = place.run([], "agent", "Plan it.", "--plan", "--apply")
    assert both.returncode == 2


def test_exit_codes_say_how_a_turn_ended(place: Place) -> None:
    limit = place.run([TESTS, TESTS], "agent", "Go.", "--json", FIXWRIGHT_AGENT_MAX_TURNS="1")
    assert (limit.returncode, json.loads(limit.stdout)["status"]) == (1, "limit")
    place.report([{"fault": {"status": 401}}], "agent", "Go.", code=4)
    declined = place.report([{"text": "No.", "stop": "refusal"}], "agent", "Go.", code=3)
    assert declined["status"] == "refused"
    none = place.run([], "ask", "Why?", FIXWRIGHT_MODEL_PROVIDER="none")
    assert none.returncode == 3
    assert "needs a model" in none.stderr
    assert place.run([], "agent").returncode == 2
    assert place.run([], "agent", "--session", "nosuch", "Go.").returncode == 3


def test_a_turn_that_is_stopped_can_be_gone_on_with(place: Place) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "fixwright", "agent", "Repair mean."],
        cwd=place.folder,
        env=place.environment([REPAIR, TESTS, {"fault": {"hang_before": True}}]),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert any(line.startswith("[run-1]") for line in process.stderr)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 4
    assert "Stopped. Nothing was written. Go on with it: fixwright agent --session" in told
    assert "Traceback" not in told
    again = finish({"text": "The test passes.", "evidence_id": "run-2"})
    done = place.run([TESTS, again], "agent", "Go on.", "--continue", "--apply")
    assert done.returncode == 0, done.stderr
    assert place.code.read_text() == RIGHT


def test_a_person_at_the_terminal_is_asked(place: Place) -> None:
    told, code = at_a_terminal(
        place, [PROTECTED, REPAIR, finish()], ["agent", "Make it.", "--apply"],
        {"Asked because": b"once\n", "Mind that": b"2\n"},
    )  # fmt: skip
    assert code == 0, told
    assert "The agent wants to" in told
    assert "Files: .env" in told
    assert "Not written, as you said." in told
    assert place.code.read_text() == MEAN


def at_a_terminal(
    place: Place, turns: Sequence[Turn], words: Sequence[str], answers: Mapping[str, bytes]
) -> tuple[str, int]:
    """What is shown to somebody who gives each answer when its words come."""
    mine, theirs = pty.openpty()
    told, waiting = b"", dict(answers)
    with subprocess.Popen(
        [sys.executable, "-m", "fixwright", *words],
        cwd=place.folder,
        env=place.environment(turns),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        while True:
            try:
                part = os.read(mine, 65536)
            except OSError:  # the other end is closed
                break
            told += part
            for shown in [each for each in waiting if each.encode() in told]:
                os.write(mine, waiting.pop(shown))
    os.close(mine)
    return told.decode().replace("\r\n", "\n"), process.returncode
