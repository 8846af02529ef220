--- `:checkhealth fixwright`
local health = vim.health

local M = {}

local function check_neovim()
  health.start('Neovim')
  if vim.fn.has('nvim-0.11') == 1 then
    health.ok('version ' .. tostring(vim.version()))
  else
    health.error('Neovim 0.11 or newer is needed, this is ' .. tostring(vim.version()))
  end
end

local function check_configuration()
  health.start('Configuration')
  local problems = require('fixwright.config').problems()
  for _, problem in ipairs(problems) do
    health.error(problem, 'the fields are listed at :help fixwright-setup')
  end
  if #problems == 0 then
    health.ok('no unknown and no wrong fields')
  end
  local enabled = vim.lsp.is_enabled and vim.lsp.is_enabled('fixwright')
  if enabled then
    health.ok("vim.lsp.enable('fixwright') was called")
  elseif enabled == false then
    health.warn('the server is not enabled', "put vim.lsp.enable('fixwright') into your init.lua")
  end
end

---@param command string[]
---@return boolean ran, string output
local function output_of(command)
  local ok, process = pcall(vim.system, command, { text = true, timeout = 10000 })
  if not ok then
    return false, tostring(process)
  end
  local result = process:wait()
  return result.code == 0, vim.trim(result.code == 0 and result.stdout or result.stderr)
end

local function check_server()
  health.start('Server')
  local cmd = vim.lsp.config.fixwright and vim.lsp.config.fixwright.cmd
  if type(cmd) ~= 'table' then
    health.info('started by a function: its program is not checked')
    return
  end
  local path = vim.fn.exepath(cmd[1])
  if path == '' then
    health.error(('`%s` is not executable'):format(cmd[1]), {
      'install it: pipx install fixwright',
      "or name it: require('fixwright').setup({ cmd = { '/path/to/fixwright', 'serve' } })",
    })
    return
  end
  health.ok('program: ' .. path)
  -- The same command line without `serve`, so that `python -m fixwright serve` works as well.
  local words = vim.tbl_filter(function(word)
    return word ~= 'serve'
  end, cmd)
  local ran, output = output_of(vim.list_extend(words, { '--version' }))
  if ran then
    health.ok('version: ' .. output)
  else
    health.error(('`%s` failed: %s'):format(table.concat(words, ' '), output))
  end
end

---@param client vim.lsp.Client
---@return table? answer
---@return string? problem
local function status_of(client)
  local response, problem = client:request_sync(
    'workspace/executeCommand',
    { command = 'fixwright.status', arguments = { vim.empty_dict() } },
    5000,
    0
  )
  if not response then
    return nil, problem
  elseif response.err then
    return nil, response.err.message
  end
  return response.result
end

---@param client vim.lsp.Client
local function check_client(client)
  local buffers = vim.tbl_count(client.attached_buffers)
  health.ok(
    ('client %d: %d buffers, root %s'):format(client.id, buffers, client.root_dir or 'none')
  )
  local info = client.server_info or {}
  health.info(('server: %s %s'):format(info.name or '?', info.version or ''))
  health.info('position encoding: ' .. client.offset_encoding)
  if vim.tbl_get(client.capabilities, 'experimental', 'fixwright') then
    health.ok('announced to the server: experimental.fixwright')
  else
    health.warn('experimental.fixwright is not announced', {
      'output does not stream and edits are less safe',
      'a vim.lsp.config() of yours replaces the capabilities of lsp/fixwright.lua',
    })
  end
  if not vim.tbl_get(client.capabilities, 'experimental', 'fixwrightReviews') then
    health.info(
      'experimental.fixwrightReviews is not announced: the server itself asks about changes'
    )
  end
  local commands = require('fixwright.client').announced(client)
  health.info('commands of the server: ' .. table.concat(vim.fn.sort(commands), ', '))

  local status, problem = status_of(client)
  if not status then
    health.error('fixwright.status: ' .. (problem or 'no answer'))
    return
  end
  local value = require('fixwright.positions').value
  local sandbox = value(status.sandbox) or {}
  local backend = value(sandbox.backend)
  if backend then
    local image = value(sandbox.image)
    health.ok(('sandbox: %s%s'):format(backend, image and ', image ' .. image or ''))
  else
    local configured = value(sandbox.configured) or 'auto'
    health.info(('sandbox: none has been started yet (configured: %s)'):format(configured))
  end
  local provider = value(status.provider) or {}
  local model = value(provider.name)
  if model == 'none' then
    health.info('model: none; the agent needs one, rules fix without')
  elseif model then
    health.ok(('model: %s %s'):format(model, value(provider.model) or ''))
  end
  local log = value(status.log)
  if log then
    health.info('log of the server: ' .. tostring(log))
  end
end

local function check_clients()
  health.start('Clients')
  local clients = require('fixwright.client').all()
  if #clients == 0 then
    health.info('no server is running: open a file first')
  end
  for _, client in ipairs(clients) do
    check_client(client)
  end
  health.info('log of Neovim: ' .. vim.lsp.log.get_filename())
end

function M.check()
  check_neovim()
  check_configuration()
  check_server()
  check_clients()
end

return M
