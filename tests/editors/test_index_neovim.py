"""The index in a real Neovim: symbols of the workspace, and a jump to a definition."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.editor, pytest.mark.slow, pytest.mark.timeout(240)]

SCRIPT = """
vim.lsp.config('fixwright', {
  cmd = { vim.env.SERVER_PYTHON, '-m', 'fixwright', 'serve' },
  filetypes = { 'python' },
  root_markers = { 'fixwright.toml' },
  settings = { fixwright = { model = { provider = 'none' }, index = { features = 'all' } } },
})
vim.lsp.enable('fixwright')
vim.cmd.edit('use.py')
local function client()
  return vim.lsp.get_clients()[1]
end
assert(vim.wait(60000, function() return client() and client().initialized end), 'no server')
assert(vim.wait(60000, function()
  local found = client():request_sync('workspace/symbol', { query = 'hlpr' }, 20000)
  return found and found.result and #found.result == 1
end, 200), 'no symbol')
vim.api.nvim_win_set_cursor(0, { 4, 12 })
vim.lsp.buf.definition()
assert(vim.wait(60000, function() return vim.fn.expand('%:t') == 'bank.py' end), 'no jump')
print(vim.inspect(vim.api.nvim_win_get_cursor(0)))
vim.cmd('qa!')
"""


def test_neovim_finds_symbols_and_jumps(tmp_path: Path) -> None:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    nvim = Path(home) / "fixwright-e2e" / "neovim" / "bin" / "nvim"
    if not nvim.exists():
        reason = f"there is no {nvim}: run clients/neovim/test/install"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    (tmp_path / "fixwright.toml").touch()
    (tmp_path / "bank.py").write_text("# one\ndef helper(x):\n    return x\n")
    (tmp_path / "use.py").write_text("from bank import helper\n\ndef go():\n    'é'; helper(1)\n")
    (tmp_path / "script.lua").write_text(SCRIPT)
    kept = {
        f"XDG_{name}_HOME": str(tmp_path / f".{name.lower()}")
        for name in ("CONFIG", "DATA", "STATE", "CACHE")
    }
    done = subprocess.run(
        [nvim, "--clean", "--headless", "-c", "luafile script.lua", "-c", "cquit"],
        cwd=tmp_path,
        env=os.environ | kept | {"SERVER_PYTHON": sys.executable},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "{ 2, 4 }" in done.stdout + done.stderr
