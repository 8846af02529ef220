--- From Neovim's lines and bytes to LSP's positions in a client's encoding.
local M = {}

---@alias fixwright.Encoding 'utf-8'|'utf-16'|'utf-32'

--- Neovim writes JSON `null` as |vim.NIL| since 0.12 and as nil before.
---@generic T
---@param value T
---@return T?
function M.value(value)
  if value == vim.NIL then
    return nil
  end
  return value
end

---@param bufnr integer
---@param row integer zero-based
---@return string
local function line(bufnr, row)
  return vim.api.nvim_buf_get_lines(bufnr, row, row + 1, false)[1] or ''
end

---@param bufnr integer
---@param row integer zero-based line
---@param byte integer zero-based byte column; past the end means the end
---@param encoding fixwright.Encoding
---@return lsp.Position
function M.position(bufnr, row, byte, encoding)
  local text = line(bufnr, row)
  return {
    line = row,
    character = vim.str_utfindex(text, encoding, math.min(byte, #text), false),
  }
end

--- The empty range at the cursor.
---@param encoding fixwright.Encoding
---@return lsp.Range
function M.cursor(encoding)
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local here = M.position(0, row - 1, column, encoding)
  return { start = here, ['end'] = here }
end

--- Whole lines, without the last line's ending.
---@param bufnr integer
---@param first integer one-based
---@param last integer one-based, inclusive
---@param encoding fixwright.Encoding
---@return lsp.Range
function M.lines(bufnr, first, last, encoding)
  return {
    start = { line = first - 1, character = 0 },
    ['end'] = M.position(bufnr, last - 1, math.huge, encoding),
  }
end

--- The last visual selection: by characters what was selected, else its whole lines.
---@param encoding fixwright.Encoding
---@return lsp.Range
local function selection(encoding)
  local first, last = vim.fn.getpos("'<"), vim.fn.getpos("'>")
  if vim.fn.visualmode() ~= 'v' then
    return M.lines(0, first[2], last[2], encoding)
  end
  local row, byte = last[2] - 1, last[3] - 1
  if vim.o.selection ~= 'exclusive' then
    -- The mark is on the first byte of the last character.
    local text = line(0, row)
    byte = byte < #text and byte + vim.str_utf_end(text, byte + 1) + 1 or #text
  end
  return {
    start = M.position(0, first[2] - 1, first[3] - 1, encoding),
    ['end'] = M.position(0, row, byte, encoding),
  }
end

--- The range of an Ex command. Ex ranges are lines; where they are those of the last visual
--- selection, the selection is meant.
---@param first integer one-based
---@param last integer one-based, inclusive
---@param encoding fixwright.Encoding
---@return lsp.Range
function M.ex_range(first, last, encoding)
  if vim.fn.line("'<") == first and vim.fn.line("'>") == last then
    return selection(encoding)
  end
  return M.lines(0, first, last, encoding)
end

return M
