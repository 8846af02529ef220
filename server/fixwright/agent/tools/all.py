"""The tools that Fixwright brings, in the order in which a model is told of them."""

from __future__ import annotations

from fixwright.agent.tools.ask import AskTool
from fixwright.agent.tools.diagnostics import DiagnosticsTool
from fixwright.agent.tools.edit import EditTool
from fixwright.agent.tools.file_op import FileOpTool
from fixwright.agent.tools.finish import FinishTool
from fixwright.agent.tools.git import GitTool
from fixwright.agent.tools.outline import OutlineTool
from fixwright.agent.tools.read import ReadTool
from fixwright.agent.tools.registry import Registry
from fixwright.agent.tools.run import RunTool
from fixwright.agent.tools.search import SearchTool
from fixwright.agent.tools.testing import TestTool


def own_tools() -> Registry:
    """All of them."""
    return Registry(
        (
            ReadTool(),
            SearchTool(),
            OutlineTool(),
            DiagnosticsTool(),
            EditTool(),
            FileOpTool(),
            RunTool(),
            TestTool(),
            GitTool(),
            AskTool(),
            FinishTool(),
        )
    )
