--- Fixwright for Neovim. `vim.lsp.enable('fixwright')` is all that is needed; see |fixwright|.
local M = {}

--- Override defaults. Optional, and it enables nothing by itself.
---@param options? fixwright.Options
function M.setup(options)
  local config = require('fixwright.config')
  for _, problem in ipairs(config.set(options)) do
    vim.notify('fixwright: ' .. problem .. ' (see :checkhealth fixwright)', vim.log.levels.WARN)
  end
  local chosen = config.get()
  vim.lsp.config('fixwright', {
    cmd = chosen.cmd,
    settings = chosen.settings and { fixwright = chosen.settings } or nil,
  })
end

--- One short text for a status line; empty when no server is attached to the buffer.
---@param bufnr? integer default: the current buffer
---@return string
function M.status(bufnr)
  return require('fixwright.status').text(bufnr or 0)
end

--- Run the current file, or these lines of it, in the sandbox.
---@param options? { args?: string[], lines?: fixwright.Lines }
---@return fun()? cancel nil when there is no server
function M.run(options)
  options = options or {}
  return require('fixwright.jobs').run(options.args or {}, options.lines)
end

--- Run tests: 'file' (the default), 'nearest', 'workspace', or a test's id.
---@param which? string
---@return fun()? cancel nil when there is no server
function M.test(which)
  return require('fixwright.jobs').test(which)
end

--- Fix the error at the cursor, or the nearest one on its line.
---@return fun()? cancel nil when there is no server or no error
function M.fix()
  return require('fixwright.jobs').fix()
end

--- Stop one run, or everything that Fixwright is running.
---@param run_id? string
function M.stop(run_id)
  require('fixwright.jobs').stop(run_id)
end

return M
