--- What the agent's reports say, in one line for the user and in a few for the output.
local reports = require('fixwright.reports')
local value = require('fixwright.positions').value

local M = {}

---@class fixwright.AgentReport
---@field sessionId? string
---@field status 'done'|'stale'|'cancelled'|'refused'|'limit'|'error'
---@field reason? string
---@field text string
---@field claims { text: string, standing: 'shown'|'stale'|'failed'|'unproven' }[]
---@field diff string
---@field applied boolean
---@field proposalId? string what waits to be accepted or rejected
---@field runs fixwright.RunReport[]
---@field usage? { inputTokens: integer, outputTokens: integer, costUsd?: number }

---@class fixwright.SessionInfo
---@field id string
---@field title string
---@field status string
---@field mode string
---@field created number seconds since 1970
---@field updated number seconds since 1970
---@field tokens integer
---@field costUsd? number

local marks = { shown = '✓', stale = '~', failed = '✗', unproven = '?' }

---@param text string
---@return string
function M.first_line(text)
  return (vim.trim(text):match('^[^\n]*'))
end

--- How many lines a unified diff adds and takes, in how many files.
---@param diff string
---@return string
function M.changes(diff)
  local files, added, removed, in_hunk = 0, 0, 0, false
  for line in vim.gsplit(diff, '\n', { plain = true }) do
    local first = line:sub(1, 1)
    if vim.startswith(line, 'diff --git ') then
      files, in_hunk = files + 1, false -- the file's names come next: --- and +++
    elseif first == '@' then
      in_hunk = true
    elseif in_hunk and first == '+' then
      added = added + 1
    elseif in_hunk and first == '-' then
      removed = removed + 1
    end
  end
  return ('%s, +%d -%d'):format(files == 1 and '1 file' or files .. ' files', added, removed)
end

--- One line about a turn.
---@param report fixwright.AgentReport
---@return string text
---@return integer level
function M.message(report)
  local reason = value(report.reason)
  if report.status == 'cancelled' then
    return reason or 'stopped', vim.log.levels.INFO
  elseif report.status == 'limit' then
    return 'the agent stopped at a limit: ' .. (reason or ''), vim.log.levels.WARN
  elseif report.status ~= 'done' then
    return reason or report.status, vim.log.levels.ERROR
  end
  local text = M.first_line(report.text)
  text = text ~= '' and text or 'the agent is done'
  if report.applied then
    text = text .. ' (applied)'
  elseif report.diff ~= '' then
    text = ('%s (%s)'):format(text, M.changes(report.diff))
  end
  return text, vim.log.levels.INFO
end

--- The lines that end a turn in the output.
---@param report fixwright.AgentReport
---@return string[]
function M.summary(report)
  local reason = value(report.reason)
  local lines = {
    report.status == 'done' and 'done' or ('%s: %s'):format(report.status, reason or ''),
  }
  for _, claim in ipairs(value(report.claims) or {}) do
    lines[#lines + 1] = ('%s %s'):format(marks[claim.standing] or '?', claim.text)
  end
  for _, run in ipairs(value(report.runs) or {}) do
    lines[#lines + 1] = 'run: ' .. reports.run_summary(run)
  end
  if report.diff ~= '' then
    lines[#lines + 1] = 'changes: ' .. M.changes(report.diff)
  end
  local usage = value(report.usage)
  if usage then
    local cost = value(usage.costUsd)
    lines[#lines + 1] = ('%d tokens read, %d written%s'):format(
      usage.inputTokens,
      usage.outputTokens,
      cost and (', $%.4f'):format(cost) or ''
    )
  end
  return lines
end

--- A session as a page of Markdown.
---@param session fixwright.SessionInfo
---@return string[]
function M.session_page(session)
  local function moment(seconds)
    return os.date('%Y-%m-%d %H:%M', math.floor(seconds))
  end
  local cost = value(session.costUsd)
  return {
    '# ' .. (session.title ~= '' and session.title or 'Session without a title'),
    '',
    ('- %s, mode %s'):format(session.status, session.mode),
    ('- begun %s, last used %s'):format(moment(session.created), moment(session.updated)),
    ('- %d tokens%s'):format(session.tokens, cost and (' ($%.4f)'):format(cost) or ''),
    ('- `%s`'):format(session.id),
  }
end

return M
