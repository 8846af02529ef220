-- A language server inside the child Neovim: records what it is sent, answers what the test
-- says, and can ask and notify. The client in between is Neovim's own.
local M = { received = {}, answers = {}, dispatchers = nil }

M.commands = {
  'fixwright.runFile',
  'fixwright.runSelection',
  'fixwright.runTests',
  'fixwright.runCell',
  'fixwright.restartSession',
  'fixwright.fix',
  'fixwright.safety',
  'fixwright.installDependencies',
  'fixwright.agent',
  'fixwright.explain',
  'fixwright.accept',
  'fixwright.reject',
  'fixwright.undo',
  'fixwright.sessions',
  'fixwright.cancel',
  'fixwright.clear',
  'fixwright.status',
}
M.encoding = 'utf-16'

local function answer_of(method, params)
  if method == 'initialize' then
    return {
      capabilities = {
        positionEncoding = M.encoding,
        textDocumentSync = { openClose = true, change = 2 },
        executeCommandProvider = { commands = M.commands },
        codeActionProvider = true,
      },
      serverInfo = { name = 'stand-in', version = '1' },
    }
  end
  if method == 'workspace/executeCommand' then
    return M.answers[params.command]
  end
  return M.answers[method]
end

function M.cmd(dispatchers)
  M.dispatchers = dispatchers
  local closing, ids = false, 0
  return {
    request = function(method, params, callback)
      ids = ids + 1
      M.received[#M.received + 1] = { method = method, params = params, id = ids }
      local answer = answer_of(method, params)
      if answer ~= 'never' then
        vim.schedule(function()
          local err = type(answer) == 'table' and answer.is_error and answer or nil
          callback(err, not err and (answer or vim.NIL) or nil, ids)
        end)
      end
      return true, ids
    end,
    notify = function(method, params)
      M.received[#M.received + 1] = { method = method, params = params }
      if method == 'exit' then
        closing = true
        vim.schedule(function()
          dispatchers.on_exit(0, 0)
        end)
      end
      return true
    end,
    is_closing = function()
      return closing
    end,
    terminate = function()
      closing = true
      dispatchers.on_exit(0, 15)
    end,
  }
end

--- Ask the client something, as the server would; the answer comes at once.
function M.ask(method, params)
  local result, err = M.dispatchers.server_request(method, params)
  return result or err
end

function M.notify(method, params)
  M.dispatchers.notification(method, params)
end

--- What was sent with this method, oldest first.
function M.sent(method)
  return vim.tbl_filter(function(message)
    return message.method == method
  end, M.received)
end

--- The arguments with which a command was executed the last time.
function M.executed(command)
  local found
  for _, message in ipairs(M.sent('workspace/executeCommand')) do
    if message.params.command == command then
      found = message.params.arguments[1]
    end
  end
  return found
end

return M
