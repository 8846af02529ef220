--- What the user chose. Nothing here is required: the defaults work without `setup()`.
local M = {}

---@class fixwright.OutputConfig
---@field open 'start'|'failure'|'never' when the output split opens by itself
---@field position 'below'|'above'|'left'|'right' the edge of the screen where it opens
---@field size integer lines of the split, or columns at the left and the right
---@field max_lines integer lines that the output buffer keeps
---@field quickfix boolean fill the quickfix list with the failures of a run

---@class fixwright.Config
---@field cmd? string[] the command line that starts the server
---@field settings? table the section `fixwright` of the server's settings
---@field output fixwright.OutputConfig

---@class fixwright.Options what `setup()` takes: any part of |fixwright.Config|
---@field cmd? string[]
---@field settings? table
---@field output? table

---@type fixwright.Config
local defaults = {
  output = {
    open = 'start',
    position = 'below',
    size = 12,
    max_lines = 10000,
    quickfix = true,
  },
}

local opens = { 'start', 'failure', 'never' }
local edges = { 'below', 'above', 'left', 'right' }

---@type fixwright.Config
local current = vim.deepcopy(defaults)
---@type string[]
local problems = {}

---@param value any
---@return boolean
local function is_count(value)
  return type(value) == 'number' and value >= 1 and value % 1 == 0
end

---@type table<string, [fun(value: any): boolean, string]>
local checks = {
  cmd = {
    function(value)
      return vim.islist(value) and #value > 0
    end,
    "a list of strings such as { 'fixwright', 'serve' }",
  },
  settings = {
    function(value)
      return type(value) == 'table'
    end,
    "a table such as { model = { provider = 'none' } }",
  },
  output = {
    function(value)
      return type(value) == 'table'
    end,
    "a table such as { open = 'failure' }",
  },
  ['output.open'] = {
    function(value)
      return vim.list_contains(opens, value)
    end,
    "one of 'start', 'failure', 'never'",
  },
  ['output.position'] = {
    function(value)
      return vim.list_contains(edges, value)
    end,
    "one of 'below', 'above', 'left', 'right'",
  },
  ['output.size'] = { is_count, 'a whole number of lines or columns' },
  ['output.max_lines'] = { is_count, 'a whole number of lines' },
  ['output.quickfix'] = {
    function(value)
      return type(value) == 'boolean'
    end,
    'true or false',
  },
}

--- Copy the known, well-formed fields of `options` into `target`; name the others.
---@param options table
---@param target table
---@param prefix string
---@param found string[]
local function take(options, target, prefix, found)
  for key, value in vim.spairs(options) do
    local name = prefix .. tostring(key)
    local check = checks[name]
    if not check then
      found[#found + 1] = ('unknown field `%s`'):format(name)
    elseif not check[1](value) then
      found[#found + 1] = ('`%s` must be %s, not %s'):format(name, check[2], vim.inspect(value))
    elseif name == 'output' then
      take(value, target.output, 'output.', found)
    else
      target[key] = value
    end
  end
end

--- Take the user's options over the defaults. A wrong field is left at its default and
--- reported; the others still count.
---@param options? fixwright.Options
---@return string[] problems one sentence for each wrong field
function M.set(options)
  vim.validate('options', options, 'table', true)
  current, problems = vim.deepcopy(defaults), {}
  take(options or {}, current, '', problems)
  if current.settings and current.settings.fixwright then
    problems[#problems + 1] = '`settings` is the section itself: write '
      .. '`settings = { model = … }`, not `settings = { fixwright = { model = … } }`'
    current.settings = current.settings.fixwright
  end
  return problems
end

---@return fixwright.Config
function M.get()
  return current
end

---@return string[] what was wrong with the last `setup()`
function M.problems()
  return problems
end

return M
