--- `fixwright/runEvent`: what a run says while it runs.
local autocmds = require('fixwright.autocmds')
local config = require('fixwright.config')
local output = require('fixwright.output')
local reports = require('fixwright.reports')

local M = {}

---@class fixwright.RunEvent
---@field runId string
---@field type 'start'|'stdout'|'stderr'|'file'|'end'
---@field data any
---@field t number seconds since the run's start

---@type table<string, fun(event: fixwright.RunEvent, ctx: lsp.HandlerContext)>
local on = {
  start = function(event, ctx)
    local wanted = require('fixwright.jobs').runs_wanted()
    if require('fixwright.agent').is_working() and not wanted then
      output.title(event.runId, event.data.title) -- a step of the turn, whose end ends it
    else
      output.start(event.runId, event.data.title)
    end
    if config.get().output.open == 'start' and wanted then
      output.open()
    end
    autocmds.fire('RunStarted', {
      client_id = ctx.client_id,
      run_id = event.runId,
      title = event.data.title,
    })
  end,
  stdout = function(event)
    output.write(event.runId, 'stdout', event.data)
  end,
  stderr = function(event)
    output.write(event.runId, 'stderr', event.data)
  end,
  file = function(event)
    local file = event.data
    output.note(event.runId, ('%s %s (%d bytes)'):format(file.change, file.path, file.bytes))
  end,
  ['end'] = function(event, ctx)
    output.finish(event.runId, reports.run_summary(event.data))
    autocmds.fire('RunFinished', {
      client_id = ctx.client_id,
      run_id = event.runId,
      report = event.data,
    })
  end,
}

--- The handler of `fixwright/runEvent`. Events that a newer server knows are left alone.
---@param event fixwright.RunEvent
---@param ctx lsp.HandlerContext
function M.run(event, ctx)
  local handle = on[event.type]
  if handle then
    handle(event, ctx)
  end
end

return M
