"""What can be seen of the sandbox at work: stats, metrics, spans, log records."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from fixwright_sandbox import Sandbox, open_sandbox
from fixwright_sandbox.observing import JsonLines
from support.sandboxes import open_or_skip, settings_for

pytestmark = pytest.mark.asyncio(loop_scope="module")

SAMPLE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$")


def samples(text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            match = SAMPLE.match(line)
            assert match, line
            found[line.rpartition(" ")[0]] = float(match[3])
    return found


@pytest.mark.parametrize(
    "backend",
    [
        pytest.param("docker", marks=pytest.mark.docker),
        pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
    ],
)
async def test_stats_and_metrics_say_what_was_done(backend: str) -> None:
    async with await open_or_skip(backend) as sandbox:
        fresh = await sandbox.stats()
        assert (fresh.backend, fresh.environments, fresh.running) == (backend, (), 0)
        async with await sandbox.create("w", files={"a.py": "print(1)", "b.py": ""}) as workspace:
            await workspace.run(file="a.py")  # which takes no measurable time of a processor
            await workspace.run(code="import sys\nopen('n', 'w')\nsum(range(10**7))\nsys.exit(1)")
            stats = await sandbox.stats()
            (environment,) = stats.environments
            assert (environment.workspace, environment.state) == ("w", "idle")
            assert environment.runs == 2
            assert environment.identity is not None
            assert environment.identity.startswith(
                "container:" if backend == "docker" else "process:"
            )
            assert environment.memory is not None
            assert environment.memory > 1 << 20
            assert environment.cpu_seconds is not None
            assert stats.runs == {"passed": 1, "failed": 1}
            assert (stats.files_sent, stats.files_there) == (3, 2)
            assert stats.memory == environment.memory
            async with workspace.run(code="print('on')\nimport time; time.sleep(60)") as run:
                async for event in run:
                    if event.kind == "stdout":
                        break
                now = await sandbox.stats()
                assert (now.running, now.queued, now.environments[0].state) == (1, 0, "running")
            seen = samples(sandbox.metrics())
        prefix = "fixwright_sandbox_"
        assert seen[prefix + 'runs_total{runtime="python",status="passed"}'] == 1
        assert seen[prefix + 'runs_total{runtime="python",status="failed"}'] == 1
        assert seen[prefix + 'runs_total{runtime="python",status="cancelled"}'] == 1
        assert seen[prefix + 'run_seconds_count{runtime="python"}'] == 3
        assert seen[prefix + 'output_bytes_total{stream="stdout"}'] == 5
        assert seen[prefix + 'changed_files_total{change="created"}'] == 1
        assert seen[prefix + 'environments{state="idle"}'] == 1
        assert seen[prefix + 'step_seconds_count{step="sync"}'] == 3
        assert seen[prefix + 'step_seconds_count{step="collect"}'] == 3
        assert seen[prefix + 'step_seconds_count{step="open"}'] == 1
        assert seen[prefix + 'step_seconds_count{step="start"}'] == 1
        assert seen[prefix + 'cpu_seconds_total{mode="user"}'] > 0
        assert (await sandbox.stats()).environments == ()


async def test_spans_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    async with open_sandbox(settings_for("unconfined", trace=True)) as sandbox:
        with provider.get_tracer("application").start_as_current_span("mine"):
            workspace = await sandbox.create("w", files={"a.py": ""})
            await workspace.run(file="a.py")
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert set(spans) == {
        *("mine", "sandbox.open", "sandbox.start", "sandbox.run", "sandbox.sync"),
        "sandbox.collect",
    }
    parents = {name: span.parent.span_id if span.parent else None for name, span in spans.items()}
    ids = {span.context.span_id: name for name, span in spans.items() if span.context}
    assert parents["sandbox.open"] is None
    assert ids[parents["sandbox.run"] or 0] == "mine"
    assert ids[parents["sandbox.sync"] or 0] == "sandbox.run"
    assert ids[parents["sandbox.collect"] or 0] == "sandbox.run"
    attributes = spans["sandbox.run"].attributes
    assert attributes is not None
    assert attributes["fixwright.workspace"] == "w"


async def test_records_are_lines_of_json(
    everywhere: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "fixwright_sandbox"):
        async with await everywhere.create() as workspace:
            await workspace.run("true")
    lines: list[dict[str, Any]] = [
        json.loads(JsonLines().format(each))
        for each in caplog.records
        if each.name == "fixwright_sandbox"
    ]
    (ended,) = [line for line in lines if line["message"] == "A run has ended"]
    assert (ended["status"], ended["runtime"], ended["level"]) == ("passed", "python", "debug")
    assert [line["step"] for line in lines if "step" in line][-2:] == ["sync", "run"]
