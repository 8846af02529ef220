--- The language server's client of a buffer, and requests to it.
local M = {}

M.name = 'fixwright'

---@param message string
---@param level? integer
function M.say(message, level)
  vim.notify('fixwright: ' .. message, level or vim.log.levels.INFO)
end

---@param bufnr? integer default: all buffers
---@return vim.lsp.Client[]
function M.all(bufnr)
  return vim.lsp.get_clients({ name = M.name, bufnr = bufnr })
end

--- Milliseconds that a command waits for a server that is enabled but has not answered yet.
local START_TIMEOUT = 5000

--- The client of a buffer; one that is just starting is waited for. Says why when there is none.
---@param bufnr integer
---@return vim.lsp.Client?
function M.of(bufnr)
  local client = M.all(bufnr)[1]
  if not client and vim.lsp.is_enabled and vim.lsp.is_enabled(M.name) then
    vim.wait(START_TIMEOUT, function()
      client = M.all(bufnr)[1]
      return client ~= nil
    end, 20)
  end
  if not client then
    M.say(
      "no server is attached to this buffer: vim.lsp.enable('fixwright') enables it, "
        .. ':checkhealth fixwright says what is wrong',
      vim.log.levels.ERROR
    )
  end
  return client
end

---@param client vim.lsp.Client
---@return string[]
function M.announced(client)
  local provider = client.server_capabilities.executeCommandProvider
  return type(provider) == 'table' and provider.commands or {}
end

--- Execute a server command. `on_result` is not called when it fails or is cancelled; the
--- user is told.
---@param client vim.lsp.Client
---@param command string
---@param argument table
---@param bufnr integer
---@param on_result fun(result: any)
---@param on_end? fun() called once, whatever the outcome
---@return fun() cancel
function M.execute(client, command, argument, bufnr, on_result, on_end)
  on_end = on_end or function() end
  if not vim.list_contains(M.announced(client), command) then
    M.say(('this server does not know %s; update it'):format(command), vim.log.levels.ERROR)
    on_end()
    return function() end
  end
  local params = { command = command, arguments = { argument } }
  local sent, id = client:request('workspace/executeCommand', params, function(err, result)
    on_end()
    if not err then
      on_result(result)
    elseif err.code ~= vim.lsp.protocol.ErrorCodes.RequestCancelled then
      M.say(err.message, vim.log.levels.ERROR)
    end
  end, bufnr)
  if not sent then
    on_end()
    M.say('the server has stopped; start it with :Fixwright restart', vim.log.levels.ERROR)
  end
  return function()
    if sent and id then
      client:cancel_request(id)
    end
  end
end

--- Stop every Fixwright server and start it again for the same buffers.
function M.restart()
  local clients = M.all()
  if #clients == 0 then
    -- A server that has crashed is started again by enabling it anew.
    vim.lsp.enable(M.name, false)
    vim.lsp.enable(M.name)
    return
  end
  for _, client in ipairs(clients) do
    local buffers = vim.tbl_keys(client.attached_buffers)
    local config = client.config
    client:stop()
    local timer = assert(vim.uv.new_timer())
    local waited, force = 0, false
    timer:start(
      20,
      20,
      vim.schedule_wrap(function()
        if timer:is_closing() then
          return
        end
        waited = waited + 20
        if not client:is_stopped() then
          if waited >= 3000 and not force then
            force = true
            client:stop(true)
          end
          return
        end
        timer:close()
        for _, bufnr in ipairs(buffers) do
          if vim.api.nvim_buf_is_loaded(bufnr) then
            vim.lsp.start(config, { bufnr = bufnr })
          end
        end
        M.say('restarted')
      end)
    )
  end
end

return M
