"""`fixwright demo`: the main job on a broken example, through the real server."""

from __future__ import annotations

import asyncio
import tempfile
from importlib import resources
from pathlib import Path

import click

from fixwright.json_reading import as_list, as_object
from fixwright.lsp import names
from fixwright.lsp.client import HeadlessEditor, headless_editor
from fixwright.workspace.paths import path_to_uri

EXAMPLE = "averages.py"
_ROUNDS = 4


async def demo() -> bool:
    """Run, see, fix, run again; returns whether the example passes in the end."""
    source = resources.files("fixwright.cli") / "example" / EXAMPLE
    text = await asyncio.to_thread(source.read_text, encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="fixwright-demo-") as name:
        folder = Path(name)
        uri = path_to_uri(folder / EXAMPLE)
        _step("The example", "an unsaved buffer; nothing is written to disk")
        click.echo(_indented(text))
        narration = _Narration()
        async with headless_editor(folder, narration) as editor:
            editor.open(uri, text)
            passed = await _run_and_fix(editor, uri, narration)
            if editor.text.value != text:
                _step("The buffer now", "")
                click.echo(_indented(editor.text.value))
    return passed


class _Narration:
    """What the server says while it looks for a fix; a run's progress is its output's last line."""

    def __init__(self) -> None:
        self.on = False

    def __call__(self, message: str) -> None:
        if self.on and message.strip():
            click.secho(f"    … {message.splitlines()[0]}", dim=True)


async def _run_and_fix(editor: HeadlessEditor, uri: str, narration: _Narration) -> bool:
    for _ in range(_ROUNDS):
        _step("Run the file", "fixwright.runFile")
        report = await editor.command(names.RUN_FILE, {"uri": uri})
        _tell_run(report)
        if report.get("status") == "passed":
            return True
        if not editor.diagnostics:
            return False
        diagnostic = editor.diagnostics[0]
        place = diagnostic.range.start
        _step("The editor shows", f"line {place.line + 1}, column {place.character + 1}")
        click.secho(_indented(diagnostic.message), fg="red")
        _step("Fix this error", "fixwright.fix")
        argument = {"uri": uri, "range": diagnostic.range, "diagnostic": diagnostic}
        narration.on = True
        fix = await editor.command(names.FIX, argument)
        narration.on = False
        _tell_fix(fix)
        if fix.get("applied") is not True:
            return False
    return False


def _tell_run(report: dict[str, object]) -> None:
    status, backend = report.get("status"), report.get("backend")
    duration = report.get("durationMs")
    taken = f" in {duration:.0f} ms" if isinstance(duration, int | float) else ""
    if status == "refused":
        click.echo("    nothing was run:")
    else:
        click.echo(f"    {status}{taken} in the {backend} sandbox")
    for stream in ("stdout", "stderr"):
        output = report.get(stream)
        if isinstance(output, str) and output.strip():
            click.echo(_indented(output.rstrip(), "    | "))
    if not as_list(report.get("failures")) and report.get("reason"):
        click.echo(f"    {report['reason']}")


def _tell_fix(fix: dict[str, object]) -> None:
    click.secho(f"    {fix.get('status')}: {fix.get('title')} (by {fix.get('rung')})", bold=True)
    click.echo(f"    {fix.get('evidence')}")
    if fix.get("reason"):
        click.echo(f"    {fix['reason']}")
    for line in str(fix.get("diff") or "").splitlines():
        colour = {"+": "green", "-": "red"}.get(line[:1])
        click.secho(f"    {line}", fg=colour)
    after = as_object(fix.get("after"))
    if after.get("stdout"):
        click.echo(_indented(str(after["stdout"]).rstrip(), "    | "))


def _step(title: str, detail: str) -> None:
    click.echo()
    click.secho(f"▸ {title}", bold=True, nl=not detail)
    if detail:
        click.echo(f"  {detail}")


def _indented(text: str, margin: str = "    ") -> str:
    return "\n".join(f"{margin}{line}" for line in text.splitlines())
