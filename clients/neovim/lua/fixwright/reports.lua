--- What the server's reports say, in one line for the user and as quickfix items.
local value = require('fixwright.positions').value

local M = {}

---@class fixwright.Frame
---@field uri? string
---@field range? lsp.Range
---@field name string

---@class fixwright.Failure
---@field kind string
---@field message string
---@field uri? string
---@field range? lsp.Range
---@field frames fixwright.Frame[]

---@class fixwright.RunReport
---@field runId string
---@field status 'passed'|'failed'|'refused'|'cancelled'|'engine'|'image'|string or the limit
---@field reason? string
---@field exitCode? integer
---@field durationMs number
---@field failures fixwright.Failure[]
---@field warnings? fixwright.Failure[]
---@field tests? { passed: integer, failed: integer, skipped: integer }

---@class fixwright.FixReport
---@field status 'verified'|'unverified'|'none'|'stale'|'cancelled'|'refused'|'error'
---@field reason? string
---@field rung? 'rule'|'search'|'model'
---@field title string
---@field diff string
---@field applied boolean
---@field after? fixwright.RunReport

---@param milliseconds number
---@return string
local function duration(milliseconds)
  if milliseconds < 1000 then
    return ('%d ms'):format(milliseconds)
  end
  return ('%.1f s'):format(milliseconds / 1000)
end

---@param failure fixwright.Failure
---@return string
local function failure_text(failure)
  local message = failure.message ~= '' and failure.message or 'failed'
  if vim.startswith(message, failure.kind) then
    return message
  end
  return ('%s: %s'):format(failure.kind, message)
end

---@param failure fixwright.Failure
---@return string
local function place(failure)
  local uri, range = value(failure.uri), value(failure.range)
  if not uri or not range then
    return ''
  end
  local name = vim.fs.basename(vim.uri_to_fname(uri))
  return (' (%s:%d)'):format(name, range.start.line + 1)
end

---@param tests { passed: integer, failed: integer, skipped: integer }
---@return string
local function test_counts(tests)
  local parts = {}
  for _, key in ipairs({ 'failed', 'passed', 'skipped' }) do
    if tests[key] > 0 then
      parts[#parts + 1] = ('%d %s'):format(tests[key], key)
    end
  end
  return #parts > 0 and 'tests: ' .. table.concat(parts, ', ') or 'no tests found'
end

--- How a run ended: `passed in 35 ms`, `timeout: …`.
---@param report fixwright.RunReport
---@return string
function M.run_summary(report)
  local tests = value(report.tests)
  local text = tests and test_counts(tests) or report.status
  if report.status == 'passed' or report.status == 'failed' then
    local code = value(report.exitCode)
    local exit = report.status == 'failed' and code and (', exit code %d'):format(code) or ''
    local warned = #(value(report.warnings) or {})
    local noun = warned == 1 and 'warning' or 'warnings'
    local warnings = warned > 0 and (', %d %s'):format(warned, noun) or ''
    return ('%s in %s%s%s'):format(text, duration(report.durationMs), exit, warnings)
  end
  local reason = value(report.reason)
  return reason and ('%s: %s'):format(report.status, reason) or report.status
end

--- One line about a run, the failure first.
---@param report fixwright.RunReport
---@return string text
---@return integer level
function M.run_message(report)
  local failures = value(report.failures) or {}
  if report.status == 'passed' then
    return M.run_summary(report), vim.log.levels.INFO
  elseif report.status == 'cancelled' then
    return 'stopped', vim.log.levels.INFO
  elseif report.status ~= 'failed' or #failures == 0 then
    return M.run_summary(report), vim.log.levels.ERROR
  end
  local more = #failures > 1 and (' and %d more'):format(#failures - 1) or ''
  return failure_text(failures[1]) .. place(failures[1]) .. more, vim.log.levels.WARN
end

--- One line about a fix.
---@param report fixwright.FixReport
---@return string text
---@return integer level
function M.fix_message(report)
  local reason = value(report.reason)
  if report.status == 'verified' and report.applied then
    return ('%s (verified)'):format(report.title), vim.log.levels.INFO
  elseif report.status == 'unverified' and report.applied then
    return ('%s (not verified: %s)'):format(report.title, reason or 'it was not run'),
      vim.log.levels.WARN
  elseif report.status == 'cancelled' then
    return 'stopped', vim.log.levels.INFO
  elseif report.status == 'none' then
    return reason or 'no fix was found', vim.log.levels.WARN
  end
  return reason or ('%s: nothing was changed'):format(report.status), vim.log.levels.ERROR
end

--- One line about packages.
---@param report { status: string, reason?: string, installed: { name: string, version: string }[] }
---@return string text
---@return integer level
function M.install_message(report)
  local reason = value(report.reason)
  if report.status == 'installed' then
    local names = vim.tbl_map(function(release)
      return ('%s %s'):format(release.name, release.version)
    end, report.installed)
    return 'installed ' .. table.concat(names, ', '), vim.log.levels.INFO
  elseif report.status == 'nothing' then
    return 'the project asks for no packages', vim.log.levels.INFO
  end
  local level = report.status == 'failed' and vim.log.levels.ERROR or vim.log.levels.WARN
  return ('no package was installed: %s'):format(reason or report.status), level
end

--- A byte column for the quickfix list; exact where the file is loaded.
---@param bufnr integer
---@param position lsp.Position
---@param encoding fixwright.Encoding
---@return integer
local function column(bufnr, position, encoding)
  local text = vim.api.nvim_buf_is_loaded(bufnr)
    and vim.api.nvim_buf_get_lines(bufnr, position.line, position.line + 1, false)[1]
  if not text then
    return position.character + 1
  end
  return vim.str_byteindex(text, encoding, position.character, false) + 1
end

---@param uri string
---@param range lsp.Range
---@param text string
---@param kind 'E'|'I'
---@param encoding fixwright.Encoding
---@return vim.quickfix.entry
local function item(uri, range, text, kind, encoding)
  local bufnr = vim.uri_to_bufnr(uri)
  return {
    bufnr = bufnr,
    lnum = range.start.line + 1,
    col = column(bufnr, range.start, encoding),
    end_lnum = range['end'].line + 1,
    end_col = column(bufnr, range['end'], encoding),
    text = (text:gsub('%s*\n%s*', ' ')),
    type = kind,
  }
end

--- Each failure, then the calls that led to it, the innermost first.
---@param report fixwright.RunReport
---@param encoding fixwright.Encoding
---@return vim.quickfix.entry[]
function M.quickfix_items(report, encoding)
  local items = {}
  for _, failure in ipairs(value(report.failures) or {}) do
    local uri, range = value(failure.uri), value(failure.range)
    if uri and range then
      items[#items + 1] = item(uri, range, failure_text(failure), 'E', encoding)
    end
    local frames = value(failure.frames) or {}
    for i = #frames, 1, -1 do
      local frame = frames[i]
      local frame_uri, frame_range = value(frame.uri), value(frame.range)
      if frame_uri and frame_range then
        items[#items + 1] = item(frame_uri, frame_range, 'in ' .. frame.name, 'I', encoding)
      end
    end
  end
  return items
end

--- Put a run's failures into the quickfix list. Our own list is replaced, another's is kept
--- in the history, and a run without failures touches only ours.
---@param report fixwright.RunReport
---@param encoding fixwright.Encoding
function M.fill_quickfix(report, encoding)
  local items = M.quickfix_items(report, encoding)
  local ours = vim.fn.getqflist({ title = true }).title == 'Fixwright'
  if #items > 0 or ours then
    vim.fn.setqflist({}, ours and 'r' or ' ', { title = 'Fixwright', items = items })
  end
end

return M
