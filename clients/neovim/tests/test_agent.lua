-- The agent: its commands, what is shown of its turns, and the review of its changes.
local h = dofile('tests/helpers.lua')
local child, eq = h.child, h.eq
local T = h.new_set(function()
  h.use_stand_in()
  -- What a person chooses and types, in order.
  child.lua([[
    _G.choices, _G.asked = {}, {}
    vim.ui.select = function(items, options, on_choice)
      local shown = vim.tbl_map(options.format_item or tostring, items)
      table.insert(_G.asked, { prompt = options.prompt, items = shown })
      local choice = table.remove(_G.choices, 1)
      for i, item in ipairs(items) do
        if shown[i] == choice then
          return on_choice(item, i)
        end
      end
      on_choice(nil)
    end
    vim.ui.input = function(options, on_confirm)
      table.insert(_G.asked, { prompt = options.prompt })
      on_confirm(table.remove(_G.choices, 1))
    end
  ]])
end)

local DIFF = table.concat({
  'diff --git a/a.py b/a.py',
  '--- a/a.py',
  '+++ b/a.py',
  '@@ -1,1 +1,1 @@',
  '-x = 1',
  '+x = 2',
  '',
}, '\n')

local function report(fields)
  return vim.tbl_extend('force', {
    sessionId = 's1',
    status = 'done',
    text = 'Changed.',
    claims = { { text = 'The test passes.', standing = 'shown' } },
    diff = DIFF,
    applied = false,
    proposalId = 'proposal-1',
    runs = { { status = 'passed', durationMs = 35.2, exitCode = 0, failures = {} } },
    usage = { inputTokens = 20, outputTokens = 5, costUsd = 0.01 },
  }, fields or {})
end

local function answers(command, answer)
  child.lua('local name, answer = ...; _G.server.answers[name] = answer', { command, answer })
end

local function choose(...)
  child.lua('_G.choices = ...', { { ... } })
end

local function executed(command)
  h.wait(('_G.server.executed(%q) ~= nil'):format(command))
  return child.lua('return _G.server.executed(...)', { command })
end

local function open(lines)
  local dir = h.project({ ['a.py'] = lines })
  h.edit(dir .. '/a.py')
  return vim.uri_from_fname(dir .. '/a.py')
end

local function asked()
  h.wait('#_G.asked > 0')
  return child.lua_get('_G.asked[#_G.asked]')
end

local function output()
  return child.lua(
    [[return vim.api.nvim_buf_get_lines(require('fixwright.output').buffer(), 0, -1, true)]]
  )
end

local function event(fields)
  child.lua("_G.server.notify('fixwright/agentEvent', ...)", {
    vim.tbl_extend('force', { sessionId = 's1' }, fields),
  })
end

--- A turn that proposes a change, which the user puts off.
local function proposed()
  local uri = open({ 'x = 1' })
  answers('fixwright.agent', report())
  child.cmd('Fixwright agent Change it.')
  asked()
  return uri
end

T['a turn is asked for with the lines that are meant'] = function()
  local uri = open({ 'x = 1', 'y = 2' })
  answers('fixwright.agent', report({ diff = '', proposalId = vim.NIL }))
  child.cmd('1,2Fixwright agent Change it, please.')
  eq(executed('fixwright.agent'), {
    uri = uri,
    prompt = 'Change it, please.',
    mode = 'edit',
    range = { start = { line = 0, character = 0 }, ['end'] = { line = 1, character = 5 } },
  })
  h.wait_for_message('fixwright: Changed.')
end

T['without words they are asked for'] = function()
  local uri = open({ 'x = 1' })
  answers('fixwright.agent', report({ text = 'One.', diff = '', proposalId = vim.NIL }))
  choose('What is it?')
  child.cmd('Fixwright ask')
  eq(executed('fixwright.agent'), { uri = uri, prompt = 'What is it?', mode = 'ask' })
  eq(child.lua_get('_G.asked[1].prompt'), 'Ask Fixwright: ')
  h.wait_for_message('One.')
  child.cmd('Fixwright agent')
  eq(child.lua_get("#_G.server.sent('workspace/executeCommand')"), 1) -- nothing was typed
end

T['a turn streams into the output, its runs with it'] = function()
  open({ 'x = 1' })
  answers('fixwright.agent', 'never')
  child.cmd('Fixwright agent Change it.')
  executed('fixwright.agent')
  event({ type = 'thinking', text = 'Hm' })
  event({ type = 'thinking', text = 'm.' })
  event({ type = 'text', text = 'I lo' })
  event({ type = 'text', text = 'ok.' })
  event({ type = 'toolCall', sentence = 'run `true` in the sandbox' })
  child.lua([[_G.server.notify('fixwright/runEvent',
    { runId = 'r1', type = 'start', data = { title = 'true' }, t = 0 })]])
  event({ type = 'toolResult', error = false, text = '[run-1] true: passed\nmore' })
  event({ type = 'permission', decision = 'no', by = 'you', action = 'write .env' })
  event({ type = 'unheard-of' })
  local wanted = {
    'Change it.',
    'thinking',
    'I look.',
    'run `true` in the sandbox',
    'true',
    '✓ [run-1] true: passed',
    'denied by you: write .env',
  }
  h.wait(
    ([[vim.deep_equal(
    vim.api.nvim_buf_get_lines(require('fixwright.output').buffer(), 0, -1, true), %s)]]):format(
      vim.inspect(wanted)
    )
  )
  eq(child.lua_get('#vim.api.nvim_tabpage_list_wins(0)'), 2)
end

T['a run after a turn clears what it left'] = function()
  proposed()
  eq(vim.list_slice(output(), 1, 3), { 'Change it.', 'done', '✓ The test passes.' })
  local function run_event(kind, data)
    child.lua(
      [[local kind, data = ...
      _G.server.notify('fixwright/runEvent', { runId = 'r2', type = kind, data = data, t = 0 })]],
      { kind, data }
    )
  end
  run_event('start', { title = 'a.py' })
  h.wait([[vim.api.nvim_buf_get_lines(require('fixwright.output').buffer(), 0, 1, true)[1]
    == 'a.py']])
end

T['the end is told, and what it cost'] = function()
  proposed()
  eq(vim.list_slice(output(), 4), {
    'run: passed in 35 ms',
    'changes: 1 file, +1 -1',
    '20 tokens read, 5 written, $0.0100',
  })
  local fired = child.lua_get('_G.fired[#_G.fired]')
  eq({ fired.name, fired.data.report.status }, { 'FixwrightAgentFinished', 'done' })
end

T['changes are accepted when asked'] = function()
  open({ 'x = 1' })
  answers('fixwright.agent', report())
  answers('fixwright.accept', { applied = true, left = 0 })
  choose('Accept')
  child.cmd('Fixwright agent Change it.')
  eq(executed('fixwright.accept'), { proposalId = 'proposal-1' })
  eq(asked().prompt, 'Fixwright: Changed. (1 file, +1 -1)')
  h.wait_for_message('accepted')
  child.cmd('Fixwright accept')
  h.wait_for_message('no changes of the agent wait')
end

T['changes that were put off are shown and rejected later'] = function()
  proposed()
  choose('Show the changes')
  child.cmd('Fixwright review')
  eq(child.bo.filetype, 'diff')
  eq(child.bo.modifiable, false)
  eq(h.lines()[1], 'diff --git a/a.py b/a.py')
  child.type_keys('q')
  answers('fixwright.reject', { applied = false, left = 0 })
  child.cmd('Fixwright reject')
  eq(executed('fixwright.reject'), { proposalId = 'proposal-1' })
  h.wait_for_message('rejected')
end

T['a lens at a change decides on it alone'] = function()
  local uri = proposed()
  answers('fixwright.accept', { applied = true, left = 1 })
  local argument = { proposalId = 'proposal-1', hunks = { 1 } }
  answers('textDocument/codeAction', {
    {
      title = 'Accept: x = 2',
      command = { title = 'Accept', command = 'fixwright.accept', arguments = { argument } },
    },
  })
  child.lua('vim.lsp.buf.code_action({ apply = true })')
  eq(executed('fixwright.accept'), argument)
  h.wait_for_message('accepted, 1 left')
  eq(vim.uri_from_fname(child.api.nvim_buf_get_name(0)), uri)
end

T['why it was refused is said'] = function()
  open({ 'x = 1' })
  local refused = { status = 'refused', reason = 'The agent needs a model.', text = '' }
  answers('fixwright.agent', report(vim.tbl_extend('force', refused, { proposalId = vim.NIL })))
  child.cmd('Fixwright agent Change it.')
  h.wait_for_message('The agent needs a model.')
end

T['explain takes the cursor, or lines'] = function()
  local uri = open({ 'x = 1', 'y = 2' })
  answers('fixwright.explain', report({ text = 'One.', diff = '', proposalId = vim.NIL }))
  child.type_keys('jl', ':Fixwright explain<CR>')
  local here = { line = 1, character = 1 }
  eq(executed('fixwright.explain'), { uri = uri, range = { start = here, ['end'] = here } })
  h.wait_for_message('One.')
end

T['undo'] = function()
  open({ 'x = 1' })
  answers('fixwright.undo', { applied = true })
  child.cmd('Fixwright undo')
  h.wait_for_message("the agent's last change was taken back")
  answers('fixwright.undo', { applied = false, reason = 'a.py has changed since.' })
  child.cmd('Fixwright undo')
  h.wait_for_message('a.py has changed since.')
end

T['a session is chosen, shown, and gone on with'] = function()
  local uri = open({ 'x = 1' })
  local session = { id = 's7', title = 'Repair it', status = 'done', mode = 'propose' }
  local rest = { created = 0, updated = 60, tokens = 7, costUsd = vim.NIL }
  answers('fixwright.sessions', { vim.tbl_extend('force', session, rest) })
  answers('fixwright.agent', report({ diff = '', proposalId = vim.NIL }))
  choose('Repair it (done)', 'Show')
  child.cmd('Fixwright sessions')
  h.wait("vim.bo.filetype == 'markdown'")
  eq(h.lines()[1], '# Repair it')
  eq(h.lines()[5], '- 7 tokens')
  child.type_keys('q')
  choose('Repair it (done)', 'Go on', 'More of it.')
  child.cmd('Fixwright sessions')
  eq(
    executed('fixwright.agent'),
    { uri = uri, prompt = 'More of it.', mode = 'edit', sessionId = 's7' }
  )
end

T['a turn that was cut is finished'] = function()
  open({ 'x = 1' })
  local session = { id = 's7', title = 'Repair it', status = 'interrupted', mode = 'propose' }
  answers('fixwright.sessions', { session })
  answers('fixwright.agent', report({ diff = '', proposalId = vim.NIL }))
  choose('Repair it (interrupted)', 'Finish the turn that was cut')
  child.cmd('Fixwright sessions')
  eq(executed('fixwright.agent'), { sessionId = 's7' })
  h.wait_for_message('Changed.')
end

T['cells'] = function()
  local uri = open({ '# %%', 'x = 1' })
  answers('fixwright.runCell', { status = 'passed', durationMs = 3, failures = {} })
  child.type_keys('G', ':Fixwright cell<CR>')
  local here = { line = 1, character = 0 }
  eq(executed('fixwright.runCell'), { uri = uri, range = { start = here, ['end'] = here } })
  h.wait_for_message('passed in 3 ms')
  answers('fixwright.restartSession', { restarted = true })
  child.cmd('Fixwright restart_session')
  eq(executed('fixwright.restartSession'), { uri = uri })
  h.wait_for_message('the next cell starts anew')
end

T['packages and safety'] = function()
  local uri = open({ 'import os' })
  local release = { name = 'six', version = '1.17.0' }
  answers('fixwright.installDependencies', { status = 'installed', installed = { release } })
  child.cmd('Fixwright install')
  eq(executed('fixwright.installDependencies'), { uri = uri })
  h.wait_for_message('installed six 1.17.0')
  answers('fixwright.safety', { summary = 'It deletes files.', findings = { {} } })
  child.cmd('Fixwright safety')
  eq(executed('fixwright.safety'), { uri = uri })
  h.wait_for_message('It deletes files.')
end

return T
