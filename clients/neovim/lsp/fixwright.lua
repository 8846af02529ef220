---@brief
---
--- Fixwright runs code in a sandbox, shows failures as diagnostics and offers fixes that
--- were run before they are offered.
---
--- Enable it with `vim.lsp.enable('fixwright')`; it attaches to every file, so there are no
--- filetypes here. Settings go to the section `fixwright`, see |fixwright-settings|.

---@type table<string, fun(command: lsp.Command, ctx: lsp.HandlerContext)>
local commands = {}
for _, name in ipairs({
  'runFile',
  'runSelection',
  'runTests',
  'runCell',
  'restartSession',
  'fix',
  'safety',
  'installDependencies',
  'agent',
  'explain',
  'generateTests',
  'optimize',
  'accept',
  'reject',
}) do
  commands['fixwright.' .. name] = function(command, ctx)
    require('fixwright.jobs').from_server(command, ctx)
  end
end

---@type vim.lsp.Config
return {
  cmd = { 'fixwright', 'serve' },
  root_markers = {
    'fixwright.toml',
    '.git',
    'pyproject.toml',
    'package.json',
    'go.mod',
    'Cargo.toml',
    'pom.xml',
  },
  -- As |root_markers| alone would do, but only for files: a buffer without a name, a help
  -- page or `fugitive://…` is nothing to run.
  root_dir = function(bufnr, on_dir)
    local name = vim.api.nvim_buf_get_name(bufnr)
    if name ~= '' and vim.bo[bufnr].buftype == '' and not name:find('^%a[%w+.-]*://') then
      on_dir(vim.fs.root(bufnr, vim.lsp.config.fixwright.root_markers))
    end
  end,
  settings = { fixwright = vim.empty_dict() },
  -- The server sends its own notifications and `fixwright/applyEdit` only to clients that
  -- say that they know them, and leaves the review of the agent's changes to those that say so.
  capabilities = { experimental = { fixwright = 1, fixwrightReviews = true } },
  handlers = {
    ['fixwright/applyEdit'] = function(_, params, ctx)
      return require('fixwright.edits').handle(params, ctx)
    end,
    ['fixwright/runEvent'] = function(_, params, ctx)
      require('fixwright.events').run(params, ctx)
    end,
    ['fixwright/agentEvent'] = function(_, params, ctx)
      require('fixwright.agent').event(params, ctx)
    end,
    ['fixwright/status'] = function(_, params, ctx)
      require('fixwright.status').update(params, ctx)
    end,
  },
  -- Code actions and code lenses go the same way as `:Fixwright`, so that their reports are
  -- shown as well.
  commands = commands,
  on_init = function()
    require('fixwright.edits').guard_reloads()
  end,
  on_exit = function(_, _, client_id)
    require('fixwright.status').forget(client_id)
  end,
}
