-- :Fixwright and its maps: what the server is asked, and what is said about the answer.
local h = dofile('tests/helpers.lua')
local child, eq = h.child, h.eq
local T = h.new_set(h.use_stand_in)

local function report(fields)
  return vim.tbl_extend('force', {
    runId = 'r1',
    status = 'passed',
    durationMs = 35.2,
    exitCode = 0,
    failures = {},
    files = {},
    stdout = '',
    stderr = '',
  }, fields or {})
end

local function answers(command, answer)
  child.lua('local name, answer = ...; _G.server.answers[name] = answer', { command, answer })
end

local function executed(command)
  h.wait(('_G.server.executed(%q) ~= nil'):format(command))
  return child.lua('return _G.server.executed(...)', { command })
end

local function open(lines)
  local dir = h.project({ ['a.py'] = lines })
  h.edit(dir .. '/a.py')
  return dir, vim.uri_from_fname(dir .. '/a.py')
end

local function range(line, from, to_line, to)
  return { start = { line = line, character = from }, ['end'] = { line = to_line, character = to } }
end

--- Show a diagnostic of some server.
local function diagnose(source, line, from, to, message)
  child.lua(
    [[local uri, source, range, message = ...
    _G.all = _G.all or {}
    table.insert(_G.all, { range = range, source = source, message = message, code = 'X',
      severity = 1, data = { runId = 'r1' } })
    _G.server.notify('textDocument/publishDiagnostics', { uri = uri, diagnostics = _G.all })]],
    { child.lua_get('vim.uri_from_bufnr(0)'), source, range(line, from, line, to), message }
  )
end

T['run'] = function()
  local _, uri = open({ 'x = 1' })
  answers('fixwright.runFile', report())
  child.cmd('Fixwright run')
  eq(executed('fixwright.runFile'), { uri = uri })
  h.wait_for_message('fixwright: passed in 35 ms')
end

T['run passes its arguments on'] = function()
  local _, uri = open({ 'x = 1' })
  answers('fixwright.runFile', report())
  child.cmd([[Fixwright run --name two\ words]])
  eq(executed('fixwright.runFile'), { uri = uri, args = { '--name', 'two words' } })
end

T['run tells the server of the latest keys first'] = function()
  open({ 'x = 1' })
  answers('fixwright.runFile', report())
  child.type_keys('ggA2<Esc>', ':Fixwright run<CR>')
  executed('fixwright.runFile')
  local methods = child.lua_get('vim.tbl_map(function(m) return m.method end, _G.server.received)')
  eq(
    vim.list_slice(methods, #methods - 1),
    { 'textDocument/didChange', 'workspace/executeCommand' }
  )
end

T['a range of lines runs these lines'] = function()
  local _, uri = open({ 'a', 'b = "é😀"', 'c' })
  answers('fixwright.runSelection', report())
  child.cmd('1,2Fixwright run')
  eq(executed('fixwright.runSelection'), { uri = uri, range = range(0, 0, 1, 9) })
end

T['the visual selection runs what is selected'] = function()
  local _, uri = open({ 'print("é😀")  # é😀' })
  answers('fixwright.runSelection', report())
  child.type_keys('gg', 'v', 'f)', ':Fixwright run<CR>')
  eq(executed('fixwright.runSelection'), { uri = uri, range = range(0, 0, 0, 12) })
end

T['the visual selection ends after its last character, however wide'] = function()
  open({ 'ab😀' })
  answers('fixwright.runSelection', report())
  child.type_keys('gg', 'v', '$h', ':Fixwright run<CR>')
  eq(executed('fixwright.runSelection').range, range(0, 0, 0, 4))
end

T['the visual selection in an encoding that counts bytes'] = function()
  child.lua("_G.server.encoding = 'utf-8'")
  open({ 'ab😀' })
  answers('fixwright.runSelection', report())
  child.type_keys('gg', 'v', '$h', ':Fixwright run<CR>')
  eq(executed('fixwright.runSelection').range, range(0, 0, 0, 6))
end

T['a linewise selection runs whole lines'] = function()
  open({ 'abc', 'def', 'ghi' })
  answers('fixwright.runSelection', report())
  child.type_keys('ggl', 'V', 'j', ':Fixwright run<CR>')
  eq(executed('fixwright.runSelection').range, range(0, 0, 1, 3))
end

T['<Plug> maps'] = function()
  local _, uri = open({ 'abc', 'def' })
  answers('fixwright.runFile', report())
  answers('fixwright.runSelection', report())
  child.lua([[
    vim.keymap.set('n', 'gz', '<Plug>(fixwright-run)')
    vim.keymap.set('x', 'gz', '<Plug>(fixwright-run)')
  ]])
  child.type_keys('gz')
  eq(executed('fixwright.runFile'), { uri = uri })
  child.type_keys('ggvlgz')
  eq(executed('fixwright.runSelection').range, range(0, 0, 0, 2))
end

T['no key is mapped by default'] = function()
  open({ 'abc' })
  local maps = child.lua([[
    return vim.tbl_filter(function(map)
      return (map.rhs or ''):find('Fixwright') and not map.lhs:find('<Plug>', 1, true)
    end, vim.list_extend(vim.api.nvim_get_keymap('n'), vim.api.nvim_get_keymap('x')))
  ]])
  eq(maps, {})
end

T['test'] = function()
  local _, uri = open({ 'def test_a():', '    pass' })
  answers('fixwright.runTests', report({ tests = { passed = 2, failed = 0, skipped = 1 } }))
  child.cmd('Fixwright test')
  eq(executed('fixwright.runTests'), { uri = uri })
  h.wait_for_message('tests: 2 passed, 1 skipped in 35 ms')
  child.type_keys('jl', ':Fixwright test nearest<CR>')
  eq(executed('fixwright.runTests'), { uri = uri, range = range(1, 1, 1, 1) })
  child.cmd('Fixwright test a.py::test_a')
  eq(executed('fixwright.runTests'), { uri = uri, testId = 'a.py::test_a' })
  child.cmd('Fixwright test workspace')
  eq(executed('fixwright.runTests'), {})
end

T['a failing run is told, and listed with its frames'] = function()
  local dir, uri = open({ 'def f():', '    é😀 = valeu', 'f()' })
  local other = vim.uri_from_fname(dir .. '/b.py')
  child.o.columns = 120
  local failure = {
    kind = 'NameError',
    message = "name 'valeu' is not defined",
    uri = uri,
    range = range(1, 10, 1, 15),
    frames = {
      { name = '<module>', uri = uri, range = range(2, 0, 2, 3) },
      { name = 'elsewhere', uri = vim.NIL, range = vim.NIL },
      { name = 'f', uri = other, range = range(0, 2, 0, 3) },
    },
  }
  answers(
    'fixwright.runFile',
    report({ status = 'failed', exitCode = 1, failures = { failure, failure } })
  )
  child.cmd('Fixwright run')
  h.wait_for_message("NameError: name 'valeu' is not defined (a.py:2) and 1 more")
  local list = child.lua([[
    return vim.tbl_map(function(item)
      local name = vim.fs.basename(vim.api.nvim_buf_get_name(item.bufnr))
      return { name, item.lnum, item.col, item.type, item.text }
    end, vim.fn.getqflist())
  ]])
  eq(vim.list_slice(list, 1, 3), {
    -- Byte columns: é is two bytes, the emoji four.
    { 'a.py', 2, 14, 'E', "NameError: name 'valeu' is not defined" },
    { 'b.py', 1, 3, 'I', 'in f' },
    { 'a.py', 3, 1, 'I', 'in <module>' },
  })
  eq(#list, 6)
  eq(child.lua_get('vim.fn.getqflist({ title = true }).title'), 'Fixwright')
  -- A run without failures empties our list.
  answers('fixwright.runFile', report())
  child.cmd('Fixwright run')
  h.wait_for_message('passed')
  eq(child.lua_get('#vim.fn.getqflist()'), 0)
end

T['a long message stays on one line'] = function()
  open({ 'x' })
  answers('fixwright.fix', nil)
  local failure = { kind = 'E', message = ('long\n'):rep(100), frames = {} }
  answers('fixwright.runFile', report({ status = 'failed', failures = { failure } }))
  child.cmd('Fixwright run')
  h.wait_for_message('E: long long')
  eq(vim.endswith(h.message(), '…'), true)
  eq(vim.fn.strdisplaywidth(h.message()) < 80, true)
end

T["another program's quickfix list is left alone by a run without failures"] = function()
  open({ 'x = 1' })
  child.lua("vim.fn.setqflist({}, ' ', { title = 'grep', items = { { text = 'found' } } })")
  answers('fixwright.runFile', report())
  child.cmd('Fixwright run')
  h.wait_for_message('passed')
  eq(child.lua_get('#vim.fn.getqflist()'), 1)
end

T['output.quickfix = false leaves the quickfix list alone'] = function()
  local _, uri = open({ 'x' })
  child.lua("require('fixwright').setup({ output = { quickfix = false } })")
  local failure = { kind = 'E', message = 'm', uri = uri, range = range(0, 0, 0, 1), frames = {} }
  answers('fixwright.runFile', report({ status = 'failed', failures = { failure } }))
  child.cmd('Fixwright run')
  h.wait_for_message('E: m')
  eq(child.lua_get('#vim.fn.getqflist()'), 0)
end

T['other ends of a run are told with their reason'] = function()
  open({ 'x' })
  answers('fixwright.runFile', report({ status = 'timeout', reason = 'It ran longer than 60 s.' }))
  child.cmd('Fixwright run')
  h.wait_for_message('timeout: It ran longer than 60 s.')
end

T["an error of the server's is told"] = function()
  open({ 'x' })
  answers('fixwright.runFile', { is_error = true, code = -32602, message = 'uri: unknown' })
  child.cmd('Fixwright run')
  h.wait_for_message('uri: unknown')
end

T['fix takes the diagnostic at the cursor'] = function()
  local _, uri = open({ 'é = a + b' })
  diagnose('fixwright', 0, 4, 5, 'first')
  diagnose('fixwright', 0, 8, 9, 'second')
  h.wait('#vim.diagnostic.get(0) == 2')
  answers('fixwright.fix', {
    status = 'verified',
    title = 'Change b to a',
    applied = true,
    diff = '',
    after = report(),
  })
  child.type_keys('gg$', ':Fixwright fix<CR>')
  local argument = executed('fixwright.fix')
  eq(argument.uri, uri)
  eq(argument.apply, true)
  eq(argument.range, range(0, 8, 0, 9))
  eq(argument.diagnostic.message, 'second')
  eq(argument.diagnostic.data, { runId = 'r1' })
  eq(argument.diagnostic.severity, 1)
  h.wait_for_message('Change b to a (verified)')
  local fired = child.lua_get('_G.fired[#_G.fired]')
  eq(fired.name, 'FixwrightFixFinished')
  eq(fired.data.report.status, 'verified')
end

T['fix takes the nearest on the line, and ours before others'] = function()
  open({ 'a + b + c', 'd' })
  diagnose('ruff', 0, 0, 1, 'not ours')
  diagnose('fixwright', 0, 4, 5, 'near')
  diagnose('fixwright', 0, 8, 9, 'far')
  diagnose('fixwright', 1, 0, 1, 'next line')
  h.wait('#vim.diagnostic.get(0) == 4')
  answers(
    'fixwright.fix',
    { status = 'none', title = '', applied = false, reason = 'No rule fits.' }
  )
  child.type_keys('gg0', ':Fixwright fix<CR>')
  eq(executed('fixwright.fix').diagnostic.message, 'near')
  h.wait_for_message('No rule fits.')
end

T['fix in a range'] = function()
  open({ 'a', 'b', 'c' })
  diagnose('fixwright', 2, 0, 1, 'last line')
  h.wait('#vim.diagnostic.get(0) == 1')
  answers(
    'fixwright.fix',
    { status = 'stale', title = '', applied = false, reason = 'It changed.' }
  )
  child.cmd('1,3Fixwright fix')
  eq(executed('fixwright.fix').diagnostic.message, 'last line')
  h.wait_for_message('It changed.')
end

T["fix takes another server's diagnostic when there is none of ours"] = function()
  open({ 'é😀 = valeu' })
  -- Another server that counts bytes.
  child.lua([[
    vim.diagnostic.set(vim.api.nvim_create_namespace('other'), 0, {
      { lnum = 0, col = 9, end_lnum = 0, end_col = 14, message = 'undefined', source = 'ruff',
        code = 'F821', severity = 1 },
    })
  ]])
  answers('fixwright.fix', { status = 'none', title = '', applied = false })
  child.type_keys('gg', ':Fixwright fix<CR>')
  local diagnostic = executed('fixwright.fix').diagnostic
  eq(diagnostic.range, range(0, 6, 0, 11))
  eq({ diagnostic.source, diagnostic.code }, { 'ruff', 'F821' })
end

T['fix takes the only error of ours, wherever the cursor is'] = function()
  open({ 'x', 'y', 'value' })
  child.lua([[
    vim.diagnostic.set(vim.api.nvim_create_namespace('ours'), 0, {
      { lnum = 2, col = 0, end_lnum = 2, end_col = 5, message = 'NameError', source = 'fixwright',
        severity = 1 },
    })
  ]])
  answers('fixwright.fix', { status = 'none', title = '', applied = false })
  child.type_keys('gg', ':Fixwright fix<CR>')
  eq(executed('fixwright.fix').diagnostic.range, range(2, 0, 2, 5))
end

T['fix without a diagnostic says so'] = function()
  open({ 'x' })
  child.cmd('Fixwright fix')
  h.wait_for_message('there is no error on this line')
end

T['code actions of the server go the same way'] = function()
  local _, uri = open({ 'x' })
  answers('fixwright.runFile', report())
  answers('textDocument/codeAction', {
    {
      title = 'Run file in sandbox',
      command = { title = 'Run', command = 'fixwright.runFile', arguments = { { uri = uri } } },
    },
  })
  child.lua('vim.lsp.buf.code_action({ apply = true })')
  eq(executed('fixwright.runFile'), { uri = uri })
  h.wait_for_message('passed in 35 ms')
end

T['stop'] = function()
  open({ 'x' })
  answers('fixwright.runFile', 'never')
  answers('fixwright.cancel', { cancelled = 1 })
  child.cmd('Fixwright run')
  child.cmd('Fixwright stop')
  eq(executed('fixwright.cancel'), {})
  h.wait_for_message('stopped 1')
  answers('fixwright.cancel', { cancelled = 0 })
  child.cmd('Fixwright stop r7')
  eq(executed('fixwright.cancel'), { runId = 'r7' })
  h.wait_for_message('nothing is running')
end

T['a run that Lua has started can be cancelled'] = function()
  open({ 'x' })
  answers('fixwright.runFile', 'never')
  child.lua("_G.cancel = require('fixwright').run()")
  executed('fixwright.runFile')
  child.lua('_G.cancel()')
  local id = child.lua_get("_G.server.sent('workspace/executeCommand')[1].id")
  eq(child.lua_get("_G.server.sent('$/cancelRequest')[1].params.id"), id)
end

T['clear'] = function()
  local _, uri = open({ 'x' })
  child.cmd('Fixwright clear')
  eq(executed('fixwright.clear'), { uri = uri })
  child.cmd('Fixwright clear all')
  h.wait("_G.server.executed('fixwright.clear').uri == nil")
end

T['status'] = function()
  open({ 'x' })
  answers('fixwright.status', { version = '0.1.0', backend = 'docker' })
  child.cmd('Fixwright status')
  h.wait([[vim.fn.execute('messages'):find('docker', 1, true) ~= nil]])
end

T['log opens the log that the server names'] = function()
  local dir = open({ 'x' })
  vim.fn.writefile({ 'first', 'last' }, dir .. '/server log')
  answers('fixwright.status', { log = dir .. '/server log' })
  child.cmd('Fixwright log')
  h.wait([[vim.api.nvim_get_current_line() == 'last']])
end

T['restart attaches the same buffers again'] = function()
  open({ 'x' })
  local before = child.lua_get("vim.lsp.get_clients({ name = 'fixwright' })[1].id")
  child.cmd('Fixwright restart')
  h.wait_for_message('restarted')
  h.wait('#vim.lsp.get_clients({ name = "fixwright", bufnr = 0 }) == 1')
  eq(child.lua_get("vim.lsp.get_clients({ name = 'fixwright' })[1].id") ~= before, true)
  eq(#child.lua_get("_G.server.sent('textDocument/didOpen')"), 2)
end

T['without a server, what to do is said'] = function()
  child.cmd('enew')
  child.cmd('Fixwright run')
  h.wait_for_message("vim.lsp.enable('fixwright')")
end

T['an older server without the command is named'] = function()
  child.lua("_G.server.commands = { 'fixwright.runFile' }")
  open({ 'x' })
  child.cmd('Fixwright test')
  h.wait_for_message('this server does not know fixwright.runTests')
end

T['wrong use is refused'] = function()
  open({ 'x' })
  for command, message in pairs({
    ['Fixwright'] = 'a subcommand is missing',
    ['Fixwright rum'] = 'unknown subcommand rum',
    ['Fixwright fix it'] = 'fix takes no argument it',
    ['1,1Fixwright clear'] = 'clear takes no range',
  }) do
    child.cmd(command)
    h.wait_for_message(message)
  end
end

T['completion'] = function()
  local function complete(line)
    return child.fn.getcompletion(line, 'cmdline')
  end
  eq(complete('Fixwright a'), { 'accept', 'agent', 'ask' })
  eq(complete('Fixwright r'), { 'reject', 'restart', 'restart_session', 'review', 'run' })
  eq(complete('Fixwright st'), { 'status', 'stop' })
  eq(complete('Fixwright test n'), { 'nearest' })
  eq(complete('1,2Fixwright test '), { 'file', 'nearest', 'workspace' })
  eq(complete('Fixwright fix '), {})
end

T['buffers that are no files start no server'] = function()
  child.cmd('help lsp')
  child.cmd('enew')
  child.bo.filetype = 'python'
  child.cmd('file fugitive://something')
  child.bo.filetype = 'git'
  eq(child.lua_get('#vim.lsp.get_clients()'), 0)
end

return T
