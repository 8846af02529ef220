--- What each server last said about itself.
local positions = require('fixwright.positions')

local M = {}

---@class fixwright.Status
---@field state string
---@field message? string
---@field backend? string
---@field jobs? integer jobs that run now

---@type table<integer, fixwright.Status> by client
local known = {}

--- The handler of `fixwright/status`.
---@param params table
---@param ctx lsp.HandlerContext
function M.update(params, ctx)
  local jobs = positions.value(params.jobs)
  known[ctx.client_id] = {
    state = params.state,
    message = positions.value(params.message),
    backend = positions.value(params.backend),
    jobs = type(jobs) == 'table' and #jobs or jobs,
  }
  require('fixwright.autocmds').fire('Status', {
    client_id = ctx.client_id,
    status = known[ctx.client_id],
  })
  vim.cmd.redrawstatus()
end

---@param client_id integer
function M.forget(client_id)
  known[client_id] = nil
end

---@param bufnr integer
---@return fixwright.Status? nil when the server has not said anything yet
function M.of(bufnr)
  local client = require('fixwright.client').all(bufnr)[1]
  return client and known[client.id]
end

--- One short text for a status line; empty when no server is attached.
---@param bufnr integer
---@return string
function M.text(bufnr)
  local client = require('fixwright.client').all(bufnr)[1]
  if not client then
    return ''
  end
  local status = known[client.id]
  if not status then
    return 'Fixwright'
  end
  local text = 'Fixwright: '
    .. (status.message and status.message ~= '' and status.message or status.state)
  -- A status line reads `%` as the start of an item.
  return (text:gsub('%%', '%%%%'))
end

return M
