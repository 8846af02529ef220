"""A cancel at the worst moments: what is said of the buffers is what is in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from fixwright.workspace.paths import path_to_uri
from support.editor import Editor, editing
from support.models import scripted_model
from support.needs import needs

pytestmark = [pytest.mark.bubblewrap, pytest.mark.slow]
MAIN = "from helper import f\n\nassert f(1) == 4\n"
HELPER = "from step import step\n\n\ndef f(x):\n    return x + step()\n"
STEP = "def step():\n    return 1\n"
BOTH = {
    "tools": [
        {
            "name": "propose_edit",
            "input": {
                "title": "Change both",
                "edits": [
                    {"path": "helper.py", "old": "x + step()", "new": "x + step() + 1"},
                    {"path": "step.py", "old": "return 1", "new": "return 2"},
                ],
            },
        }
    ]
}
AFTER = (HELPER.replace("step()\n", "step() + 1\n"), STEP.replace("1", "2"))


def by_command(editor: Editor) -> None:
    params = lsp.ExecuteCommandParams(command="fixwright.cancel", arguments=[{}])
    editor.client.protocol.send_request(lsp.WORKSPACE_EXECUTE_COMMAND, params)


def by_progress(editor: Editor) -> None:
    token = editor.shown.progress[-1][0]
    params = lsp.WorkDoneProgressCancelParams(token=token)
    editor.client.window_work_done_progress_cancel(params)


def by_request(editor: Editor) -> None:
    editor.client.cancel_request(lsp.CancelParams(id="fix"))


@pytest.mark.parametrize("ours", [True, False], ids=["our-client", "stock-client"])
@pytest.mark.parametrize("cancel", [by_command, by_progress, by_request])
async def test_a_cancel_as_the_edit_arrives_comes_too_late(
    tmp_path: Path, cancel: Callable[[Editor], None], ours: bool
) -> None:
    """Half a fix must not stay, and "nothing was changed" must not be said of what was."""
    needs("bubblewrap")
    (tmp_path / "a.py").write_text(MAIN)
    (tmp_path / "helper.py").write_text(HELPER)
    (tmp_path / "step.py").write_text(STEP)
    async with scripted_model([BOTH]) as model:
        settings = {"sandbox": {"backend": "bubblewrap"}, "model": model.settings}
        async with editing(
            tmp_path, ours=ours, settings=settings, environment=model.environment
        ) as editor:
            main = editor.open_file(tmp_path / "a.py")
            changed = [path_to_uri(tmp_path / name) for name in ("helper.py", "step.py")]
            await editor.run(main)
            [diagnostic] = await editor.diagnostics(main, 1)
            editor.before_edit = lambda: cancel(editor)
            argument = {"uri": main, "range": diagnostic.range, "diagnostic": diagnostic}
            report: dict[str, Any] | None = None
            try:
                report = await editor.command("fixwright.fix", argument, msg_id="fix")
            except JsonRpcException as error:
                assert cancel is by_request, error
            assert tuple(editor.text(uri) for uri in changed) == AFTER, report
            if report is not None:
                assert (report["status"], report["applied"]) == ("verified", True), report
            assert (await editor.command("fixwright.status"))["jobs"] == []
