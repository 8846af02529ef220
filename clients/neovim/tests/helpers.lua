-- What every test file needs: a child Neovim with the plugin, files of its own, waiting.
local MiniTest = require('mini.test')

local M = {}

M.child = MiniTest.new_child_neovim()
M.eq = MiniTest.expect.equality

local scratch

--- A fresh project directory with these files.
---@param files table<string, string[]>
---@return string
function M.project(files)
  local dir = scratch .. '/project'
  vim.fn.mkdir(dir .. '/.git', 'p')
  for name, lines in pairs(files) do
    local path = dir .. '/' .. name
    vim.fn.mkdir(vim.fs.dirname(path), 'p')
    vim.fn.writefile(lines, path)
  end
  return dir
end

--- Start the child. Everything that it writes stays under a directory of the test.
---@param init? string its init file
function M.start(init)
  scratch = vim.fn.resolve(vim.fn.tempname())
  for _, name in ipairs({ 'CONFIG', 'DATA', 'STATE', 'CACHE' }) do
    local dir = scratch .. '/' .. name:lower()
    vim.fn.mkdir(dir, 'p')
    vim.env['XDG_' .. name .. '_HOME'] = dir
  end
  M.child.restart({ '-u', init or 'tests/minit.lua' }, { connection_timeout = 20000 })
  M.child.lua([[
    -- Nothing ends a child whose parent was killed but itself.
    local parent = vim.uv.os_getppid()
    assert(vim.uv.new_timer()):start(1000, 1000, vim.schedule_wrap(function()
      if vim.uv.os_getppid() ~= parent then vim.cmd('qa!') end
    end))
    _G.messages = {}
    vim.notify = function(text, level) table.insert(_G.messages, { text = text, level = level }) end
    _G.fired = {}
    vim.api.nvim_create_autocmd('User', {
      pattern = 'Fixwright*',
      callback = function(ev) table.insert(_G.fired, { name = ev.match, data = ev.data }) end,
    })
  ]])
end

function M.stop()
  M.child.stop()
  vim.fn.delete(scratch, 'rf')
end

--- Use the stand-in server in the child, as `_G.server`.
function M.use_stand_in()
  M.child.lua([[
    _G.server = dofile('tests/stand_in.lua')
    vim.lsp.config('fixwright', { cmd = _G.server.cmd })
    vim.lsp.enable('fixwright')
  ]])
end

--- Wait in the child, whose event loop runs meanwhile.
---@param expression string
---@param ms? integer
function M.wait(expression, ms)
  local code = ('vim.wait(%d, function() return %s end, 10)'):format(ms or 10000, expression)
  if not M.child.lua_get(code) then
    local state = M.child.lua_get(
      '{ messages = _G.messages, lines = vim.api.nvim_buf_get_lines(0, 0, -1, true) }'
    )
    error(('timed out waiting for %s\n%s'):format(expression, vim.inspect(state)))
  end
end

--- Edit a file and wait until the server is attached.
---@param path string
function M.edit(path)
  M.child.cmd('edit ' .. vim.fn.fnameescape(path))
  M.wait([[(vim.lsp.get_clients({ name = 'fixwright', bufnr = 0 })[1] or {}).initialized == true]])
end

--- The last message of the plugin, or ''.
---@return string
function M.message()
  return M.child.lua_get("(_G.messages[#_G.messages] or { text = '' }).text")
end

---@param part string
function M.wait_for_message(part)
  M.wait(
    ('#_G.messages > 0 and _G.messages[#_G.messages].text:find(%q, 1, true) ~= nil'):format(part)
  )
end

---@return string[]
function M.lines()
  return M.child.api.nvim_buf_get_lines(0, 0, -1, true)
end

--- A set of tests in which each has a child of its own.
function M.new_set(before)
  return MiniTest.new_set({
    hooks = {
      pre_case = function()
        M.start()
        if before then
          before()
        end
      end,
      post_case = M.stop,
    },
  })
end

return M
