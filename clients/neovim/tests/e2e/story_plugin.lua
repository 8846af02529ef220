-- The main job with the plugin and the real server.
-- FIXWRIGHT_SERVER: the command line of the server, as JSON.
local h = dofile('tests/helpers.lua')
local files = dofile('tests/e2e/broken.lua')
local child, eq = h.child, h.eq

local T = h.new_set(function()
  child.lua(
    [[require('fixwright').setup({ cmd = ..., settings = { model = { provider = 'none' } } })
    vim.lsp.enable('fixwright')]],
    { vim.json.decode(vim.env.FIXWRIGHT_SERVER) }
  )
end)

-- The first run of all may have to start an environment for it.
local first_run = 60000

local function diagnostics()
  return child.lua([[
    return vim.tbl_map(function(d)
      return { lnum = d.lnum, col = d.col, end_col = d.end_col, source = d.source, code = d.code,
        message = d.message }
    end, vim.diagnostic.get(0))
  ]])
end

local function open(lines)
  h.edit(h.project({ ['broken.py'] = lines }) .. '/broken.py')
end

local function run_until_diagnostic()
  child.cmd('Fixwright run')
  h.wait('#vim.diagnostic.get(0) == 1', first_run)
end

T['run, see the failure, fix it, verified'] = function()
  open(files.broken)
  child.type_keys('gg', ':Fixwright run<CR>')
  h.wait('#vim.diagnostic.get(0) == 1', first_run)
  local found = diagnostics()[1]
  eq({ found.source, found.code, found.lnum }, { 'fixwright', 'NameError', 1 })
  eq(files.broken[2]:sub(found.col + 1, found.end_col), 'value')
  h.wait_for_message('NameError')
  h.wait('#vim.fn.getqflist() > 0')
  eq(child.lua_get('vim.fn.getqflist()[1].lnum'), 2)
  h.wait("vim.iter(_G.fired):any(function(f) return f.name == 'FixwrightRunFinished' end)")
  eq(child.lua_get('#vim.api.nvim_tabpage_list_wins(0)'), 2) -- the output

  child.type_keys('2G', ':Fixwright fix<CR>')
  h.wait(
    "vim.iter(_G.fired):any(function(f) return f.name == 'FixwrightFixFinished' end)",
    first_run
  )
  eq(h.lines(), files.fixed)
  h.wait('#vim.diagnostic.get(0) == 0')
  local report = child.lua_get('_G.fired[#_G.fired].data.report')
  eq({ report.status, report.rung, report.applied }, { 'verified', 'rule', true })
  eq(report.after.status, 'passed')

  child.type_keys('u')
  eq(h.lines(), files.broken)
end

T['what runs is the buffer, not the file'] = function()
  open({ 'print(1)' })
  child.type_keys('Goprint(vlaue)<Esc>')
  run_until_diagnostic()
  eq(diagnostics()[1].lnum, 1)
  eq(vim.fn.readfile(child.api.nvim_buf_get_name(0)), { 'print(1)' })
  eq(child.bo.modified, true)

  child.cmd('Fixwright output')
  child.cmd('Fixwright output')
  local text = child.lua_get([[table.concat(
    vim.api.nvim_buf_get_lines(require('fixwright.output').buffer(), 0, -1, true), '\n')]])
  eq(text:find('\n1\n', 1, true) ~= nil, true)
end

T['only the selection runs'] = function()
  open({ 'x = 20', 'print("no", missing)', 'print("yes", x + 1)' })
  child.type_keys('GV', ':Fixwright run<CR>')
  h.wait_for_message('passed')
  eq(#diagnostics(), 0)
end

T['columns are those of the screen, whatever stands before them'] = function()
  open({ 'names = 1', 'text = "é😀" + nmaes' })
  run_until_diagnostic()
  local found = diagnostics()[1]
  eq(h.lines()[2]:sub(found.col + 1, found.end_col), 'nmaes')
end

T['a run can be stopped'] = function()
  open({ 'while True: pass' })
  child.cmd('Fixwright run')
  h.wait(
    "vim.iter(_G.fired):any(function(f) return f.name == 'FixwrightRunStarted' end)",
    first_run
  )
  child.cmd('Fixwright stop')
  h.wait("vim.iter(_G.fired):any(function(f) return f.name == 'FixwrightRunFinished' end)")
  eq(child.lua_get('_G.fired[#_G.fired].data.report.status'), 'cancelled')
end

T['a failing test is shown where it fails'] = function()
  open({
    'import unittest',
    '',
    'class Arithmetic(unittest.TestCase):',
    '    def test_sum(self):',
    '        self.assertEqual(1 + 1, 3)',
    '    def test_product(self):',
    '        self.assertEqual(1 * 1, 1)',
  })
  child.cmd('Fixwright test')
  h.wait('#vim.diagnostic.get(0) == 1', first_run)
  eq(diagnostics()[1].lnum, 4)
  h.wait_for_message('AssertionError')
end

T['clear takes the diagnostics away'] = function()
  open(files.broken)
  run_until_diagnostic()
  child.cmd('Fixwright clear')
  h.wait('#vim.diagnostic.get(0) == 0')
end

T['the agent proposes, the change is accepted, and taken back'] = function()
  -- What a model says, turn by turn.
  local script = vim.fn.tempname() .. '.json'
  local edit = { path = 'broken.py', edits = { { old = 'len(value)', new = 'len(values)' } } }
  local turns = {
    { tools = { { name = 'edit', input = edit } } },
    { tools = { { name = 'run', input = { command = 'python3 broken.py' } } } },
    { text = 'It was misspelt.' },
  }
  vim.fn.writefile({ vim.json.encode({ protocol = 'anthropic', turns = turns }) }, script)
  child.lua(
    [[local cmd, script = ...
    require('fixwright').setup({ cmd = cmd,
      settings = { model = { provider = 'scripted', script = script } } })
    vim.ui.select = function(_, _, on_choice) on_choice(nil) end]],
    { vim.json.decode(vim.env.FIXWRIGHT_SERVER), script }
  )
  open(files.broken)
  child.cmd('Fixwright agent Repair it.')
  h.wait(
    "vim.iter(_G.fired):any(function(f) return f.name == 'FixwrightAgentFinished' end)",
    first_run
  )
  local report = child.lua([[
    return vim.iter(_G.fired):find(function(one)
      return one.name == 'FixwrightAgentFinished'
    end).data.report
  ]])
  eq({ report.status, report.text }, { 'done', 'It was misspelt.' })
  eq(report.runs[1].status, 'passed')
  eq(h.lines(), files.broken)
  child.cmd('Fixwright accept')
  h.wait_for_message('accepted')
  eq(h.lines(), files.fixed)
  child.cmd('Fixwright undo')
  h.wait_for_message("the agent's last change was taken back")
  eq(h.lines(), files.broken)
  vim.fn.delete(script)
end

T['checkhealth finds nothing wrong'] = function()
  open(files.broken)
  run_until_diagnostic()
  child.cmd('checkhealth fixwright')
  local text = table.concat(h.lines(), '\n')
  eq({ text:find('ERROR', 1, true), text:find('WARNING', 1, true), text }, { nil, nil, text })
  eq(text:find('sandbox: ', 1, true) ~= nil, true)
end

return T
