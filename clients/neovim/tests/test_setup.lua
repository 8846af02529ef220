-- Configuration, the status line, and :checkhealth.
local h = dofile('tests/helpers.lua')
local child, eq = h.child, h.eq
local T = h.new_set()

local function setup(options)
  child.lua("require('fixwright').setup(...)", { options })
end

local function config()
  return child.lua([[
    local config = vim.lsp.config.fixwright
    return { cmd = config.cmd, settings = config.settings, capabilities = config.capabilities }
  ]])
end

T['works without setup'] = function()
  eq(config().cmd, { 'fixwright', 'serve' })
  eq(config().capabilities, { experimental = { fixwright = 1, fixwrightReviews = true } })
end

T['nothing is loaded before it is used'] = function()
  local loaded = child.lua([[
    return vim.tbl_filter(function(name)
      return vim.startswith(name, 'fixwright')
    end, vim.tbl_keys(package.loaded))
  ]])
  eq(loaded, {})
end

T['setup overrides'] = function()
  setup({ cmd = { 'other' }, settings = { model = { provider = 'none' } } })
  eq(config().cmd, { 'other' })
  eq(config().settings, { fixwright = { model = { provider = 'none' } } })
  eq(child.lua_get("require('fixwright.config').get().output.size"), 12)
  eq(child.lua_get('#_G.messages'), 0)
end

T['setup enables nothing'] = function()
  setup({})
  child.cmd('edit ' .. h.project({ ['a.py'] = { 'x' } }) .. '/a.py')
  eq(child.lua_get('#vim.lsp.get_clients()'), 0)
end

T['wrong fields are named, the others count'] = function()
  setup({
    output = { open = 'always', size = 5, colour = true },
    setings = {},
    cmd = 'fixwright',
  })
  local texts = child.lua_get('vim.tbl_map(function(m) return m.text end, _G.messages)')
  local all = table.concat(texts, '\n')
  for _, part in ipairs({
    "`output.open` must be one of 'start', 'failure', 'never', not \"always\"",
    'unknown field `output.colour`',
    'unknown field `setings`',
    '`cmd` must be a list of strings',
  }) do
    eq({ part, all:find(part, 1, true) ~= nil }, { part, true })
  end
  eq(#texts, 4)
  eq(child.lua_get("require('fixwright.config').get().output.size"), 5)
  eq(child.lua_get("require('fixwright.config').get().output.open"), 'start')
  eq(config().cmd, { 'fixwright', 'serve' })
end

T['settings with the section inside are understood, and told'] = function()
  setup({ settings = { fixwright = { model = { provider = 'none' } } } })
  eq(config().settings, { fixwright = { model = { provider = 'none' } } })
  eq(child.lua_get('#_G.messages'), 1)
end

local function server_status(fields)
  child.lua(
    [[_G.server.notify('fixwright/status', ...)
    vim.wait(20, function() return false end, 5)]],
    { fields }
  )
end

T['status line'] = function()
  h.use_stand_in()
  local dir = h.project({ ['a.py'] = { 'x' } })
  eq(child.lua_get("require('fixwright').status()"), '')
  child.cmd('edit ' .. dir .. '/a.py')
  h.wait("require('fixwright').status() == 'Fixwright'")
  server_status({ state = 'busy', message = '50% of a.py', backend = 'docker', jobs = 1 })
  eq(child.lua_get("require('fixwright').status()"), 'Fixwright: 50%% of a.py')
  local fired = child.lua_get('_G.fired[#_G.fired]')
  eq(fired.name, 'FixwrightStatus')
  eq(fired.data.status, { state = 'busy', message = '50% of a.py', backend = 'docker', jobs = 1 })
  server_status({ state = 'ready', message = vim.NIL })
  eq(child.lua_get("require('fixwright').status()"), 'Fixwright: ready')
  child.cmd('enew')
  eq(child.lua_get("require('fixwright').status()"), '')
end

local function health()
  child.cmd('checkhealth fixwright')
  return table.concat(h.lines(), '\n')
end

local function has(text, part)
  if not text:find(part, 1, true) then
    error(('%q is not in\n%s'):format(part, text))
  end
end

T['checkhealth without a server'] = function()
  child.lua("vim.lsp.config('fixwright', { cmd = { '/nowhere/fixwright', 'serve' } })")
  local text = health()
  has(text, 'OK version 0.1')
  has(text, '`/nowhere/fixwright` is not executable')
  has(text, "put vim.lsp.enable('fixwright') into your init.lua")
  has(text, 'no server is running')
end

T['checkhealth names wrong fields'] = function()
  setup({ setings = {} })
  has(health(), 'ERROR unknown field `setings`')
end

T['checkhealth runs --version of the program'] = function()
  local dir = h.project({ server = { '#!/bin/sh', 'echo "fixwright 9.8.7 ($*)"' } })
  vim.fn.setfperm(dir .. '/server', 'rwxr-xr-x')
  setup({ cmd = { dir .. '/server', 'serve' } })
  has(health(), 'version: fixwright 9.8.7 (--version)')
end

T['checkhealth describes the attached server'] = function()
  h.use_stand_in()
  local dir = h.project({ ['a.py'] = { 'x' } })
  child.lua("_G.server.answers['fixwright.status'] = ...", {
    {
      sandbox = { backend = 'docker', image = 'fixwright/python:1', configured = 'auto' },
      provider = { name = 'anthropic', model = 'some-model' },
      log = '/var/log/fixwright.log',
    },
  })
  child.cmd('edit ' .. dir .. '/a.py')
  h.wait('#vim.lsp.get_clients({ bufnr = 0 }) == 1')
  local text = health()
  has(text, '1 buffers, root ' .. dir)
  has(text, 'announced to the server: experimental.fixwright')
  has(text, 'sandbox: docker, image fixwright/python:1')
  has(text, 'model: anthropic some-model')
  has(text, 'log of the server: /var/log/fixwright.log')
  has(text, 'server: stand-in 1')
end

local function manual()
  return table.concat(vim.fn.readfile('doc/fixwright.txt'), '\n')
end

T['the manual has each field of setup, with its default'] = function()
  local defaults = child.lua_get("require('fixwright.config').get()")
  for field, default in pairs(defaults.output) do
    local text = ('%s = %s,'):format(field, vim.inspect(default):gsub('"', "'"))
    has(manual(), text)
  end
  for _, field in ipairs({ 'cmd', 'settings', 'output' }) do
    has(manual(), '\n    ' .. field .. '  ')
  end
end

T['the manual has each subcommand, map and highlight'] = function()
  for _, name in ipairs(child.fn.getcompletion('Fixwright ', 'cmdline')) do
    has(manual(), ('*:Fixwright-%s*'):format(name))
  end
  for _, mode in ipairs({ 'n', 'x' }) do
    for _, map in ipairs(child.api.nvim_get_keymap(mode)) do
      if map.lhs:find('fixwright', 1, true) then
        has(manual(), map.lhs)
      end
    end
  end
  child.lua("require('fixwright.output')")
  for name in pairs(child.api.nvim_get_hl(0, {})) do
    if vim.startswith(name, 'Fixwright') then
      has(manual(), '\n' .. name)
    end
  end
end

T["the manual's tags are unique"] = function()
  local dir = h.project({})
  vim.fn.mkdir(dir .. '/doc')
  vim.fn.writefile(vim.fn.readfile('doc/fixwright.txt'), dir .. '/doc/fixwright.txt')
  child.cmd('helptags ' .. dir .. '/doc')
  eq(vim.fn.filereadable(dir .. '/doc/tags'), 1)
end

return T
