--- Turns of the agent: asked for, shown in the output while they go on, reviewed at their end.
local autocmds = require('fixwright.autocmds')
local client = require('fixwright.client')
local config = require('fixwright.config')
local output = require('fixwright.output')
local positions = require('fixwright.positions')
local reports = require('fixwright.agent_reports')
local value = positions.value

local M = {}

---@class fixwright.Waiting a proposal, and whose
---@field client_id integer
---@field bufnr integer
---@field report fixwright.AgentReport

---@type fixwright.Waiting?
local waiting

---@type table<string, boolean> commands of the server's that are a turn and bring its report
M.turns = {
  ['fixwright.agent'] = true,
  ['fixwright.explain'] = true,
  ['fixwright.generateTests'] = true,
  ['fixwright.optimize'] = true,
}

local working = 0

--- Is a turn on its way?
---@return boolean
function M.is_working()
  return working > 0
end

local denied = { deny = true, no = true }
local thinking = false

--- What the server tells of a turn, by its type.
---@type table<string, fun(event: table, stream: string)>
local on = {
  text = function(event, stream)
    output.write(stream, 'stdout', event.text)
  end,
  thinking = function(_, stream)
    if not thinking then
      output.note(stream, 'thinking')
    end
  end,
  restart = function(_, stream)
    output.note(stream, 'the answer begins anew')
  end,
  wait = function(event, stream)
    output.note(stream, ('waiting %d s: %s'):format(math.ceil(event.seconds), event.reason))
  end,
  toolCall = function(event, stream)
    output.title(stream, event.sentence)
  end,
  toolResult = function(event, stream)
    local mark = event.error and '✗' or '✓'
    output.note(stream, ('%s %s'):format(mark, reports.first_line(event.text)))
  end,
  permission = function(event, stream)
    if denied[event.decision] then
      output.note(stream, ('denied by %s: %s'):format(event.by, event.action))
    end
  end,
  compacted = function(event, stream)
    output.note(stream, ('the history is shorter by %d tokens'):format(event.saved))
  end,
}

--- The handler of `fixwright/agentEvent`. What the report says at the end, and what only a newer
--- server knows, is left alone.
---@param event table
---@param ctx lsp.HandlerContext
function M.event(event, ctx)
  local show = on[event.type]
  if show then
    show(event, 'agent ' .. event.sessionId)
    thinking = event.type == 'thinking'
  end
  autocmds.fire('Agent', { client_id = ctx.client_id, event = event })
end

--- A text that is only there to be read, in a split of its own.
---@param name string
---@param lines string[]
---@param filetype string
local function show_page(name, lines, filetype)
  local full = 'fixwright://' .. name
  local bufnr = vim.fn.bufnr('^' .. vim.fn.escape(full, '[]*?{}\\') .. '$')
  if bufnr < 0 then
    bufnr = vim.api.nvim_create_buf(false, true)
    vim.api.nvim_buf_set_name(bufnr, full)
    vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = bufnr, desc = 'Close', nowait = true })
  end
  vim.bo[bufnr].modifiable = true
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  vim.bo[bufnr].modifiable = false
  vim.bo[bufnr].filetype = filetype
  vim.cmd.split()
  vim.api.nvim_win_set_buf(0, bufnr)
end

---@param report fixwright.AgentReport
local function show_changes(report)
  local lines = vim.split(report.diff, '\n', { plain = true, trimempty = true })
  show_page(('%s.diff'):format(value(report.proposalId) or 'changes'), lines, 'diff')
end

--- Ask what shall become of the changes that wait; without an answer they go on waiting.
---@param report fixwright.AgentReport
local function review(report)
  local choices = { 'Accept', 'Show the changes', 'Reject', 'Decide later' }
  local prompt = ('Fixwright: %s'):format((reports.message(report)))
  vim.ui.select(choices, { prompt = prompt, kind = 'fixwright' }, function(choice)
    if choice == 'Accept' then
      M.decide('accept')
    elseif choice == 'Reject' then
      M.decide('reject')
    elseif choice == 'Show the changes' then
      show_changes(report)
      client.say(':Fixwright accept or :Fixwright reject decides')
    end
  end)
end

---@param report fixwright.AgentReport
---@param lsp_client vim.lsp.Client
---@param bufnr integer
local function finish(report, lsp_client, bufnr)
  local stream = 'agent ' .. (value(report.sessionId) or '')
  for _, line in ipairs(reports.summary(report)) do
    output.note(stream, line)
  end
  autocmds.fire('AgentFinished', { client_id = lsp_client.id, report = report })
  if value(report.proposalId) and not report.applied then
    waiting = { client_id = lsp_client.id, bufnr = bufnr, report = report }
    review(report)
  else
    require('fixwright.jobs').tell(reports.message(report))
  end
end

--- Make a turn.
---@param lsp_client vim.lsp.Client
---@param bufnr integer
---@param command string
---@param argument table
---@return fun() cancel
function M.turn(lsp_client, bufnr, command, argument)
  local title = argument.prompt or command:gsub('^fixwright%.', '')
  output.start('turn', reports.first_line(title))
  thinking = false
  working = working + 1
  if config.get().output.open == 'start' then
    output.open()
  end
  return client.execute(lsp_client, command, argument, bufnr, function(report)
    finish(report, lsp_client, bufnr)
  end, function()
    output.ended('turn')
    working = working - 1
  end)
end

--- Where the user is, for a turn: the file, and the lines that a range names.
---@param lsp_client vim.lsp.Client
---@param uri string
---@param lines? fixwright.Lines
---@return table
local function place(lsp_client, uri, lines)
  local encoding = lsp_client.offset_encoding --[[@as fixwright.Encoding]]
  local range = lines and positions.ex_range(lines[1], lines[2], encoding) or nil
  return { uri = uri, range = range }
end

--- Run the agent, or ask it; without a prompt it is asked for.
---@param mode 'edit'|'ask'|'plan'
---@param prompt string
---@param lines? fixwright.Lines
---@param session? string to go on with
function M.run(mode, prompt, lines, session)
  require('fixwright.jobs').here(function(lsp_client, bufnr, uri)
    local argument = place(lsp_client, uri, lines)
    argument.mode, argument.sessionId = mode, session
    local function begin(text)
      if text and vim.trim(text) ~= '' then
        argument.prompt = text
        M.turn(lsp_client, bufnr, 'fixwright.agent', argument)
      end
    end
    if prompt ~= '' then
      begin(prompt)
    else
      vim.ui.input({ prompt = mode == 'ask' and 'Ask Fixwright: ' or 'Fixwright, do: ' }, begin)
    end
  end)
end

--- A turn about a place: the lines, or the cursor's.
---@param command string
---@param lines? fixwright.Lines
function M.at(command, lines)
  require('fixwright.jobs').here(function(lsp_client, bufnr, uri)
    local argument = place(lsp_client, uri, lines)
    argument.range = argument.range or positions.cursor(lsp_client.offset_encoding)
    M.turn(lsp_client, bufnr, command, argument)
  end)
end

--- What became of a proposal, or of a part of it, by whichever way it was decided.
---@param command string
---@param argument table
---@param answer { applied: boolean, left: integer, reason?: string }
function M.decided(command, argument, answer)
  local reason = value(answer.reason)
  local name = waiting and value(waiting.report.proposalId)
  if answer.left == 0 and name == argument.proposalId then
    waiting = nil
  end
  if reason then
    client.say(reason, vim.log.levels.WARN)
  else
    local left = answer.left > 0 and (', %d left'):format(answer.left) or ''
    client.say((command == 'fixwright.reject' and 'rejected' or 'accepted') .. left)
  end
end

--- Accept or reject what waits.
---@param what 'accept'|'reject'
function M.decide(what)
  local lsp_client = waiting and vim.lsp.get_client_by_id(waiting.client_id)
  if not waiting or not lsp_client then
    client.say('no changes of the agent wait', vim.log.levels.WARN)
    return
  end
  local command = 'fixwright.' .. what
  local argument = { proposalId = waiting.report.proposalId }
  client.execute(lsp_client, command, argument, waiting.bufnr, function(answer)
    M.decided(command, argument, answer)
  end)
end

--- Show what waits, once more, and ask.
function M.review()
  if waiting then
    review(waiting.report)
  else
    client.say('no changes of the agent wait', vim.log.levels.WARN)
  end
end

--- Take back the last change of the agent's that was accepted.
function M.undo()
  require('fixwright.jobs').here(function(lsp_client, bufnr)
    client.execute(lsp_client, 'fixwright.undo', vim.empty_dict(), bufnr, function(answer)
      local reason = value(answer.reason)
      if answer.applied then
        client.say(reason or "the agent's last change was taken back")
      else
        client.say(reason or 'nothing was taken back', vim.log.levels.WARN)
      end
    end)
  end)
end

---@param session fixwright.SessionInfo
local function chosen(session)
  local cut = session.status == 'interrupted'
  local choices = { cut and 'Finish the turn that was cut' or 'Go on', 'Show' }
  vim.ui.select(choices, { prompt = session.title, kind = 'fixwright' }, function(choice)
    if choice == 'Go on' then
      M.run('edit', '', nil, session.id)
    elseif choice and cut and choice ~= 'Show' then
      require('fixwright.jobs').here(function(lsp_client, bufnr)
        M.turn(lsp_client, bufnr, 'fixwright.agent', { sessionId = session.id })
      end)
    elseif choice == 'Show' then
      show_page(('session-%s.md'):format(session.id), reports.session_page(session), 'markdown')
    end
  end)
end

--- Choose one of the sessions.
function M.sessions()
  require('fixwright.jobs').here(function(lsp_client, bufnr)
    client.execute(lsp_client, 'fixwright.sessions', vim.empty_dict(), bufnr, function(found)
      if #found == 0 then
        client.say('there is no session yet')
        return
      end
      vim.ui.select(found, {
        prompt = 'Sessions of the agent',
        kind = 'fixwright',
        format_item = function(session)
          return ('%s (%s)'):format(session.title, session.status)
        end,
      }, function(session)
        if session then
          chosen(session)
        end
      end)
    end)
  end)
end

return M
