--- The output of runs: one scratch buffer that streams, shown in a split.
local config = require('fixwright.config')

local M = {}

local name = 'fixwright://output'
local namespace = vim.api.nvim_create_namespace('fixwright.output')

---@class fixwright.OutputState
---@field bufnr integer?
---@field open_line string? the stream whose last line has no line ending yet
---@field tail string that line as it came, carriage returns included
---@field runs table<string, true> runs that have not ended

---@type fixwright.OutputState
local state = { tail = '', runs = {} }

vim.api.nvim_set_hl(0, 'FixwrightTitle', { link = 'Title', default = true })
vim.api.nvim_set_hl(0, 'FixwrightStderr', { link = 'DiagnosticError', default = true })
vim.api.nvim_set_hl(0, 'FixwrightNote', { link = 'Comment', default = true })

---@return integer
function M.buffer()
  if state.bufnr and vim.api.nvim_buf_is_valid(state.bufnr) then
    return state.bufnr
  end
  local bufnr = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_name(bufnr, name)
  vim.bo[bufnr].modifiable = false
  vim.bo[bufnr].undolevels = -1
  vim.bo[bufnr].filetype = 'fixwright-output'
  vim.keymap.set('n', 'q', M.close, { buffer = bufnr, desc = 'Close the output', nowait = true })
  state.bufnr, state.open_line = bufnr, nil
  return bufnr
end

---@return integer[] windows of this tab page that show the output
local function windows()
  return vim.tbl_filter(function(win)
    return vim.api.nvim_win_get_buf(win) == state.bufnr
  end, vim.api.nvim_tabpage_list_wins(0))
end

--- Show the output without taking the focus.
function M.open()
  local bufnr = M.buffer()
  if #windows() > 0 or vim.fn.getcmdwintype() ~= '' then
    return
  end
  local options = config.get().output
  local side = options.position == 'left' or options.position == 'right'
  local win = vim.api.nvim_open_win(bufnr, false, {
    win = -1, -- along the whole edge of the screen
    split = options.position,
    width = side and options.size or nil,
    height = not side and options.size or nil,
  })
  for option, value in pairs({
    number = false,
    relativenumber = false,
    signcolumn = 'no',
    wrap = true,
    winfixheight = not side,
    winfixwidth = side,
    spell = false,
    list = false,
  }) do
    vim.wo[win][0][option] = value
  end
  vim.api.nvim_win_set_cursor(win, { vim.api.nvim_buf_line_count(bufnr), 0 })
end

function M.close()
  for _, win in ipairs(windows()) do
    -- The last window cannot be closed.
    if not pcall(vim.api.nvim_win_close, win, false) then
      vim.cmd.enew()
    end
  end
end

function M.toggle()
  M.buffer()
  if #windows() > 0 then
    M.close()
  else
    M.open()
  end
end

---@param bufnr integer
---@param change fun()
local function modify(bufnr, change)
  vim.bo[bufnr].modifiable = true
  change()
  vim.bo[bufnr].modifiable = false
  vim.bo[bufnr].modified = false
end

--- Terminal colours and cursor movements are not drawn here.
---@param text string
---@return string
local function plain(text)
  text = text:gsub('\27%[[0-?]*[ -/]*[@-~]', ''):gsub('\27%][^\7\27]*[\7\27]\\?', '')
  return (text:gsub('\r+\n', '\n'))
end

--- What is left of a line on which carriage returns wrote over what was there.
---@param text string
---@return string
local function overwritten(text)
  return text:match('([^\r]+)\r*$') or ''
end

---@param bufnr integer
---@param followers integer[] windows whose cursor was on the last line
local function trim_and_follow(bufnr, followers)
  local over = vim.api.nvim_buf_line_count(bufnr) - config.get().output.max_lines
  if over > 0 then
    vim.api.nvim_buf_set_lines(bufnr, 0, over, false, {})
  end
  for _, win in ipairs(followers) do
    vim.api.nvim_win_set_cursor(win, { vim.api.nvim_buf_line_count(bufnr), 0 })
  end
end

--- Append text that may end in the middle of a line.
---@param stream string which run and which of its streams
---@param text string
---@param group? string highlight group
local function append(stream, text, group)
  local bufnr = M.buffer()
  local last = vim.api.nvim_buf_line_count(bufnr)
  local followers = vim.tbl_filter(function(win)
    return vim.api.nvim_win_get_cursor(win)[1] == last
  end, windows())
  local lines = vim.split(plain(text), '\n', { plain = true })
  local ends = lines[#lines] == ''
  if ends then
    lines[#lines] = nil
  end
  local start = last
  if state.open_line == stream then
    start = last - 1
    lines[1] = state.tail .. (lines[1] or '')
  elseif last == 1 and vim.api.nvim_buf_get_lines(bufnr, 0, 1, false)[1] == '' then
    start = 0
  end
  state.open_line, state.tail = not ends and stream or nil, ends and '' or lines[#lines]
  lines = vim.tbl_map(overwritten, lines)
  modify(bufnr, function()
    vim.api.nvim_buf_set_lines(bufnr, start, -1, false, lines)
    if group then
      for row = start, start + #lines - 1 do
        vim.api.nvim_buf_set_extmark(bufnr, namespace, row, 0, {
          end_col = #lines[row - start + 1],
          hl_group = group,
          undo_restore = false,
        })
      end
    end
    trim_and_follow(bufnr, followers)
  end)
end

--- A run begins. The output of earlier runs goes, unless one is still running.
---@param run_id string
---@param title string
function M.start(run_id, title)
  if next(state.runs) == nil then
    local bufnr = M.buffer()
    modify(bufnr, function()
      vim.api.nvim_buf_clear_namespace(bufnr, namespace, 0, -1)
      vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, {})
    end)
    state.open_line = nil
  end
  state.runs[run_id] = true
  append(run_id, title .. '\n', 'FixwrightTitle')
end

--- A heading within a run.
---@param run_id string
---@param text string
function M.title(run_id, text)
  append(run_id, text .. '\n', 'FixwrightTitle')
end

---@param run_id string
---@param stream 'stdout'|'stderr'
---@param text string
function M.write(run_id, stream, text)
  if text ~= '' then
    append(run_id .. stream, text, stream == 'stderr' and 'FixwrightStderr' or nil)
  end
end

---@param run_id string
---@param text string
function M.note(run_id, text)
  append(run_id, text .. '\n', 'FixwrightNote')
end

---@param run_id string
---@param text string
function M.finish(run_id, text)
  M.note(run_id, text)
  M.ended(run_id)
end

--- As `finish`, without a word.
---@param run_id string
function M.ended(run_id)
  state.runs[run_id] = nil
end

return M
