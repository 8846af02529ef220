"""What is read becomes searchable once, whatever else is being stored and merged meanwhile."""

from __future__ import annotations

from pathlib import Path

from fixwright.index.workspace_index import WorkspaceIndex

FILES = 80
FUNCTIONS = 1000
_FILLING = "    # fills a batch of files and is read quickly, because there is no name in it\n" * 3


async def test_nothing_is_held_twice_while_much_is_read(tmp_path: Path) -> None:
    root = tmp_path / "work"
    root.mkdir()
    for number in range(FILES):
        functions = (f"def made_{n}():\n{_FILLING}    return {number}\n" for n in range(FUNCTIONS))
        (root / f"file_{number}.py").write_text("".join(functions))
    index = await WorkspaceIndex.start([root], cache=tmp_path / "cache", workers=2)
    try:
        await index.wait_fresh()
        hits = [hit async for part in index.symbols("made_7", 10_000) for hit in part]
        stats = await index.stats()
    finally:
        await index.close()
    assert stats["symbols"] == FILES * FUNCTIONS
    assert len([hit for hit in hits if hit.name == "made_7"]) == FILES
