-- The stream of a run: the output split, its text, and the autocommands.
local h = dofile('tests/helpers.lua')
local child, eq = h.child, h.eq
local T = h.new_set(h.use_stand_in)

local function event(run_id, kind, data)
  child.lua(
    [[local run_id, kind, data = ...
    _G.server.notify('fixwright/runEvent', { runId = run_id, type = kind, data = data, t = 0 })
    vim.wait(20, function() return false end, 5)]],
    { run_id, kind, data }
  )
end

local function open()
  local dir = h.project({ ['a.py'] = { 'x = 1' } })
  h.edit(dir .. '/a.py')
end

--- The user runs the file; the server has not answered yet.
local function run()
  child.lua("_G.server.answers['fixwright.runFile'] = 'never'")
  child.cmd('Fixwright run')
end

local passed = { status = 'passed', durationMs = 12, failures = {} }

local function output()
  return child.lua(
    [[return vim.api.nvim_buf_get_lines(require('fixwright.output').buffer(), 0, -1, true)]]
  )
end

local function windows()
  return child.lua([[
    return vim.tbl_map(function(win)
      return vim.api.nvim_buf_get_name(vim.api.nvim_win_get_buf(win)):match('[^/]*$')
    end, vim.api.nvim_tabpage_list_wins(0))
  ]])
end

T['streams, whatever the pieces'] = function()
  open()
  event('r1', 'start', { title = 'a.py' })
  event('r1', 'stdout', 'one\ntw')
  event('r1', 'stdout', 'o\n')
  event('r1', 'stdout', '\n')
  event('r1', 'stdout', 'no end')
  event('r1', 'file', { path = 'out.txt', change = 'created', bytes = 3 })
  event('r1', 'end', passed)
  eq(
    output(),
    { 'a.py', 'one', 'two', '', 'no end', 'created out.txt (3 bytes)', 'passed in 12 ms' }
  )
end

T['keeps the streams and runs apart'] = function()
  open()
  event('r1', 'start', { title = 'first' })
  event('r2', 'start', { title = 'second' })
  event('r1', 'stdout', 'out ')
  event('r1', 'stderr', 'err\n')
  event('r2', 'stdout', 'other\n')
  eq(output(), { 'first', 'second', 'out ', 'err', 'other' })
  local groups = child.lua([[
    local bufnr = require('fixwright.output').buffer()
    local marks = vim.api.nvim_buf_get_extmarks(bufnr, -1, 0, -1, { details = true })
    return vim.tbl_map(function(mark)
      return { mark[2], mark[4].hl_group }
    end, marks)
  ]])
  eq(groups, { { 0, 'FixwrightTitle' }, { 1, 'FixwrightTitle' }, { 3, 'FixwrightStderr' } })
end

T['shows what a terminal would leave of a line'] = function()
  open()
  event('r1', 'start', { title = 'a.py' })
  event('r1', 'stdout', '\27[31mred\27[0m\r\n10%\r')
  event('r1', 'stdout', '100%\n')
  eq(output(), { 'a.py', 'red', '100%' })
end

T['a new run clears the last one, but not one that is running'] = function()
  open()
  event('r1', 'start', { title = 'first' })
  event('r1', 'end', passed)
  event('r2', 'start', { title = 'second' })
  eq(output(), { 'second' })
  event('r3', 'start', { title = 'third' })
  eq(output(), { 'second', 'third' })
end

T['keeps only the last lines'] = function()
  open()
  child.lua("require('fixwright').setup({ output = { max_lines = 3 } })")
  event('r1', 'start', { title = 'a.py' })
  event('r1', 'stdout', '1\n2\n3\n4\n')
  eq(output(), { '2', '3', '4' })
end

T['the split opens on a run of the user without taking the focus'] = function()
  open()
  local win = child.api.nvim_get_current_win()
  run()
  event('r1', 'start', { title = 'a.py' })
  eq(windows(), { 'a.py', 'output' })
  eq(child.api.nvim_get_current_win(), win)
  eq(child.fn.winnr('#'), 0) -- nor does it become the window that CTRL-W p goes to
  child.cmd('wincmd j')
  eq(child.bo.filetype, 'fixwright-output')
  eq(child.bo.modifiable, false)
  child.type_keys('q')
  eq(windows(), { 'a.py' })
end

T['the split does not disturb an insert'] = function()
  open()
  child.lua("_G.server.answers['fixwright.runFile'] = 'never'")
  child.type_keys('A', '<Cmd>Fixwright run<CR>')
  event('r1', 'start', { title = 'a.py' })
  child.type_keys('!')
  eq(h.lines(), { 'x = 1!' })
  eq(child.fn.mode(), 'i')
  eq(windows(), { 'a.py', 'output' })
end

T["the split stays shut for a fix's own runs"] = function()
  open()
  event('r1', 'start', { title = 'a.py' })
  eq(windows(), { 'a.py' })
end

T['the split follows the output unless the cursor was moved'] = function()
  open()
  run()
  event('r1', 'start', { title = 'a.py' })
  event('r1', 'stdout', ('line\n'):rep(50))
  local function cursor()
    return child.lua('return vim.api.nvim_win_get_cursor(vim.fn.win_getid(2))[1]')
  end
  eq(cursor(), 51)
  child.lua('vim.api.nvim_win_set_cursor(vim.fn.win_getid(2), { 10, 0 })')
  event('r1', 'stdout', 'line\n')
  eq(cursor(), 10)
end

T["open = 'failure' opens after a failing run only"] = function()
  open()
  child.lua("require('fixwright').setup({ output = { open = 'failure' } })")
  child.lua("_G.server.answers['fixwright.runFile'] = ...", { passed })
  child.cmd('Fixwright run')
  h.wait_for_message('passed')
  eq(windows(), { 'a.py' })
  local failed = vim.tbl_extend('force', passed, { status = 'timeout' })
  child.lua("_G.server.answers['fixwright.runFile'] = ...", { failed })
  child.cmd('Fixwright run')
  h.wait_for_message('timeout')
  eq(windows(), { 'a.py', 'output' })
end

T["open = 'never' leaves it to :Fixwright output"] = function()
  open()
  child.lua("require('fixwright').setup({ output = { open = 'never', size = 5 } })")
  run()
  event('r1', 'start', { title = 'a.py' })
  eq(windows(), { 'a.py' })
  child.cmd('Fixwright output')
  eq(windows(), { 'a.py', 'output' })
  eq(child.lua('return vim.api.nvim_win_get_height(vim.fn.win_getid(2))'), 5)
  child.cmd('Fixwright output')
  eq(windows(), { 'a.py' })
end

T['the split can be at a side'] = function()
  open()
  child.lua("require('fixwright').setup({ output = { position = 'right', size = 30 } })")
  child.cmd('Fixwright output')
  eq(child.lua('return vim.api.nvim_win_get_width(vim.fn.win_getid(2))'), 30)
  eq(child.lua('return vim.fn.winlayout()[1]'), 'row')
end

T['the window can be the only one left'] = function()
  open()
  child.cmd('Fixwright output')
  child.cmd('only')
  child.cmd('wincmd j')
  child.cmd('buffer fixwright://output')
  child.cmd('only')
  child.type_keys('q')
  eq(child.bo.buftype, '')
end

T['tells its user what happens'] = function()
  open()
  event('r1', 'start', { title = 'a.py' })
  event('r1', 'end', passed)
  event('r1', 'unheard-of', {})
  local fired = child.lua_get('_G.fired')
  eq(
    vim.tbl_map(function(one)
      return { one.name, one.data.run_id }
    end, fired),
    { { 'FixwrightRunStarted', 'r1' }, { 'FixwrightRunFinished', 'r1' } }
  )
  eq(fired[1].data.title, 'a.py')
  eq(fired[2].data.report.status, 'passed')
end

return T
