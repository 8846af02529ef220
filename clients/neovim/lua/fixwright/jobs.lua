--- Runs and fixes: what is asked of the server, and what becomes of its reports.
local client = require('fixwright.client')
local config = require('fixwright.config')
local positions = require('fixwright.positions')
local reports = require('fixwright.reports')

local M = {}

--- Runs that the user asked for and that have not been reported. (A fix makes runs as well,
--- but those open no window.)
local wanted = 0

---@return boolean
function M.runs_wanted()
  return wanted > 0
end

--- Say one line. Only errors may need more than the message line.
---@param text string
---@param level integer
function M.tell(text, level)
  text = text:gsub('%s*\n%s*', ' ')
  local room = vim.v.echospace - #'fixwright: '
  if level < vim.log.levels.ERROR and vim.fn.strdisplaywidth(text) > room then
    text = vim.fn.strcharpart(text, 0, math.max(room - 1, 20)) .. '…'
  end
  client.say(text, level)
end

---@param report fixwright.RunReport
---@param encoding fixwright.Encoding
local function show_run(report, encoding)
  local output = config.get().output
  if output.quickfix then
    reports.fill_quickfix(report, encoding)
  end
  local bad = report.status ~= 'passed' and report.status ~= 'cancelled'
  if bad and output.open == 'failure' then
    require('fixwright.output').open()
  end
  M.tell(reports.run_message(report))
end

---@param report fixwright.FixReport
---@param lsp_client vim.lsp.Client
local function show_fix(report, lsp_client)
  local after = positions.value(report.after)
  if report.applied and after and config.get().output.quickfix then
    reports.fill_quickfix(after, lsp_client.offset_encoding --[[@as fixwright.Encoding]])
  end
  M.tell(reports.fix_message(report))
  require('fixwright.autocmds').fire('FixFinished', {
    client_id = lsp_client.id,
    report = report,
  })
end

--- What a report other than a run's or a fix's says in a line.
---@type table<string, fun(report: table): string, integer>
local sentences = {
  ['fixwright.safety'] = function(report)
    local found = #(positions.value(report.findings) or {}) > 0
    return report.summary, found and vim.log.levels.WARN or vim.log.levels.INFO
  end,
  ['fixwright.installDependencies'] = reports.install_message,
  ['fixwright.restartSession'] = function(report)
    local restarted = report.restarted and 'the next cell starts anew'
    return restarted or 'there is no session to restart', vim.log.levels.INFO
  end,
}

--- Send one of the commands whose reports are shown.
---@param lsp_client vim.lsp.Client
---@param bufnr integer
---@param command string
---@param argument table
---@return fun() cancel
local function send(lsp_client, bufnr, command, argument)
  if command == 'fixwright.fix' then
    return client.execute(lsp_client, command, argument, bufnr, function(report)
      show_fix(report, lsp_client)
    end)
  end
  local agent = require('fixwright.agent')
  if agent.turns[command] then
    return agent.turn(lsp_client, bufnr, command, argument)
  elseif command == 'fixwright.accept' or command == 'fixwright.reject' then
    return client.execute(lsp_client, command, argument, bufnr, function(answer)
      agent.decided(command, argument, answer)
    end)
  elseif sentences[command] then
    return client.execute(lsp_client, command, argument, bufnr, function(report)
      M.tell(sentences[command](report))
    end)
  end
  wanted = wanted + 1
  return client.execute(lsp_client, command, argument, bufnr, function(report)
    show_run(report, lsp_client.offset_encoding --[[@as fixwright.Encoding]])
  end, function()
    wanted = wanted - 1
  end)
end

--- A command that the server made, in a code action or a code lens.
---@param command lsp.Command
---@param ctx lsp.HandlerContext
function M.from_server(command, ctx)
  local lsp_client = vim.lsp.get_client_by_id(ctx.client_id)
  if lsp_client then
    local bufnr = ctx.bufnr or vim.api.nvim_get_current_buf()
    send(lsp_client, bufnr, command.command, (command.arguments or {})[1] or vim.empty_dict())
  end
end

---@class fixwright.Lines one-based, inclusive
---@field [1] integer
---@field [2] integer

--- Do something with the client of the current buffer, if it has one.
---@param act fun(lsp_client: vim.lsp.Client, bufnr: integer, uri: string): (fun()?)
---@return fun()? cancel
function M.here(act)
  local bufnr = vim.api.nvim_get_current_buf()
  local lsp_client = client.of(bufnr)
  if lsp_client then
    return act(lsp_client, bufnr, vim.uri_from_bufnr(bufnr))
  end
end

--- Run the cells at the cursor or in the lines, in the session of the file.
---@param lines? fixwright.Lines
---@return fun()? cancel
function M.cell(lines)
  return M.here(function(lsp_client, bufnr, uri)
    local encoding = lsp_client.offset_encoding
    local range = lines and positions.ex_range(lines[1], lines[2], encoding)
      or positions.cursor(encoding)
    return send(lsp_client, bufnr, 'fixwright.runCell', { uri = uri, range = range })
  end)
end

--- Send a command about the file, or about lines of it.
---@param command string
---@param lines? fixwright.Lines
---@return fun()? cancel
function M.about_file(command, lines)
  return M.here(function(lsp_client, bufnr, uri)
    local encoding = lsp_client.offset_encoding
    local range = lines and positions.ex_range(lines[1], lines[2], encoding) or nil
    return send(lsp_client, bufnr, command, { uri = uri, range = range })
  end)
end

--- Run the file, or the selected part of it.
---@param args string[] the program's own arguments
---@param lines? fixwright.Lines
---@return fun()? cancel
function M.run(args, lines)
  return M.here(function(lsp_client, bufnr, uri)
    if lines then
      local range = positions.ex_range(lines[1], lines[2], lsp_client.offset_encoding)
      return send(lsp_client, bufnr, 'fixwright.runSelection', { uri = uri, range = range })
    end
    local argument = { uri = uri, args = #args > 0 and args or nil }
    return send(lsp_client, bufnr, 'fixwright.runFile', argument)
  end)
end

--- Run tests: the file's, those in a range, the one at the cursor, the workspace's, or one
--- by its id.
---@param which? 'file'|'nearest'|'workspace'|string
---@param lines? fixwright.Lines
---@return fun()? cancel
function M.test(which, lines)
  return M.here(function(lsp_client, bufnr, uri)
    local encoding = lsp_client.offset_encoding
    local argument = { uri = uri }
    if lines then
      argument.range = positions.ex_range(lines[1], lines[2], encoding)
    elseif which == 'nearest' then
      argument.range = positions.cursor(encoding)
    elseif which == 'workspace' then
      argument = vim.empty_dict()
    elseif which and which ~= 'file' then
      argument.testId = which
    end
    return send(lsp_client, bufnr, 'fixwright.runTests', argument)
  end)
end

--- How far a diagnostic is from the cursor: lines first, then bytes; 0, 0 inside it.
---@param diagnostic vim.Diagnostic
---@param row integer zero-based
---@param byte integer zero-based
---@return integer lines
---@return integer bytes
local function distance(diagnostic, row, byte)
  local last_row = diagnostic.end_lnum or diagnostic.lnum
  local last_byte = diagnostic.end_col or diagnostic.col
  if row < diagnostic.lnum then
    return diagnostic.lnum - row, 0
  elseif row > last_row then
    return row - last_row, 0
  elseif row == diagnostic.lnum and byte < diagnostic.col then
    return 0, diagnostic.col - byte
  elseif row == last_row and byte > last_byte then
    return 0, byte - last_byte
  end
  return 0, 0
end

---@param a integer[]
---@param b integer[] as long as `a`
---@return boolean
local function less(a, b)
  for i = 1, #a do
    if a[i] ~= b[i] then
      return a[i] < b[i]
    end
  end
  return false
end

--- The diagnostic to fix: ours before another server's, then the nearest to the cursor.
---@param bufnr integer
---@param first integer zero-based row
---@param last integer zero-based row
---@return vim.Diagnostic?
local function diagnostic_in(bufnr, first, last)
  local row, byte = unpack(vim.api.nvim_win_get_cursor(0))
  local best, best_rank
  for _, diagnostic in ipairs(vim.diagnostic.get(bufnr)) do
    if diagnostic.lnum <= last and (diagnostic.end_lnum or diagnostic.lnum) >= first then
      local lines, bytes = distance(diagnostic, row - 1, byte)
      local rank = { diagnostic.source == client.name and 0 or 1, lines, bytes }
      if not best or less(rank, best_rank) then
        best, best_rank = diagnostic, rank
      end
    end
  end
  return best
end

--- The diagnostic as LSP has it, its range in the encoding of our client: it may come from
--- another server that counts otherwise.
---@param bufnr integer
---@param diagnostic vim.Diagnostic
---@param encoding fixwright.Encoding
---@return lsp.Diagnostic
local function to_lsp(bufnr, diagnostic, encoding)
  local original = vim.tbl_get(diagnostic, 'user_data', 'lsp') or {}
  local last_row, last_byte = diagnostic.end_lnum, diagnostic.end_col
  return vim.tbl_extend(
    'force',
    {
      message = diagnostic.message,
      severity = diagnostic.severity,
      source = diagnostic.source,
      code = diagnostic.code,
    },
    original,
    {
      range = {
        start = positions.position(bufnr, diagnostic.lnum, diagnostic.col, encoding),
        ['end'] = positions.position(
          bufnr,
          last_row or diagnostic.lnum,
          last_byte or diagnostic.col,
          encoding
        ),
      },
    }
  )
end

--- The one error that Fixwright shows in a buffer; nil when there are more, or none.
---@param bufnr integer
---@return vim.Diagnostic?
local function only_one(bufnr)
  local ours = vim.tbl_filter(function(diagnostic)
    return diagnostic.source == client.name
  end, vim.diagnostic.get(bufnr, { severity = vim.diagnostic.severity.ERROR }))
  return #ours == 1 and ours[1] or nil
end

--- Fix the error at the cursor, the nearest one on the line or in the range, or the only one.
---@param lines? fixwright.Lines
---@return fun()? cancel
function M.fix(lines)
  return M.here(function(lsp_client, bufnr, uri)
    local row = vim.api.nvim_win_get_cursor(0)[1]
    local first, last = unpack(lines or { row, row })
    local found = diagnostic_in(bufnr, first - 1, last - 1)
    if not found and not lines then
      found = only_one(bufnr)
    end
    if not found then
      local where = lines and 'in these lines' or 'on this line'
      client.say(
        ('there is no error %s; :Fixwright run finds failures'):format(where),
        vim.log.levels.WARN
      )
      return
    end
    local diagnostic = to_lsp(bufnr, found, lsp_client.offset_encoding)
    return send(lsp_client, bufnr, 'fixwright.fix', {
      uri = uri,
      range = diagnostic.range,
      diagnostic = diagnostic,
      apply = true,
    })
  end)
end

--- Stop what runs, in every server.
---@param run_id? string default: everything
function M.stop(run_id)
  local clients = client.all()
  if #clients == 0 then
    client.say('no server is running')
  end
  for _, lsp_client in ipairs(clients) do
    local argument = run_id and { runId = run_id } or vim.empty_dict()
    client.execute(lsp_client, 'fixwright.cancel', argument, 0, function(answer)
      if answer.cancelled == 0 then
        client.say('nothing is running')
      else
        client.say(('stopped %d'):format(answer.cancelled))
      end
    end)
  end
end

--- Clear Fixwright's diagnostics: of the file, or all.
---@param everywhere boolean
function M.clear(everywhere)
  M.here(function(lsp_client, bufnr, uri)
    local argument = everywhere and vim.empty_dict() or { uri = uri }
    client.execute(lsp_client, 'fixwright.clear', argument, bufnr, function() end)
  end)
end

return M
