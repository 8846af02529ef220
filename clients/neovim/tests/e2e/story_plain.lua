-- The main job in Neovim without anything of ours: code actions only.
-- FIXWRIGHT_SERVER: the command line of the server, as JSON.
local h = dofile('tests/helpers.lua')
local files = dofile('tests/e2e/broken.lua')
local child, eq = h.child, h.eq
local MiniTest = require('mini.test')

local T = MiniTest.new_set({
  hooks = {
    pre_case = function()
      h.start('tests/e2e/plain_init.lua')
    end,
    post_case = h.stop,
  },
})

--- `gra`, and the choice of the first action of this kind.
local function choose(kind)
  child.lua(
    [[local kind = ...
    _G.actions = nil
    vim.ui.select = function(items, _, on_choice)
      _G.actions = vim.tbl_map(function(item) return item.action end, items)
      for _, item in ipairs(items) do
        if vim.startswith(item.action.kind, kind) then return on_choice(item) end
      end
    end]],
    { kind }
  )
  child.type_keys('gra')
  h.wait('_G.actions ~= nil')
  local actions = child.lua_get('_G.actions')
  local found = vim.iter(actions):find(function(action)
    return vim.startswith(action.kind, kind)
  end)
  return assert(found, vim.inspect(actions)).title
end

T['run, see the failure, fix it, with code actions'] = function()
  h.edit(h.project({ ['broken.py'] = files.broken }) .. '/broken.py')
  eq(child.lua_get("vim.fn.exists(':Fixwright')"), 0)
  child.type_keys('2G0')
  eq(choose('source.fixwright.run'), 'Run file in sandbox')
  h.wait('#vim.diagnostic.get(0) == 1', 60000)
  eq(child.lua_get('vim.diagnostic.get(0)[1].lnum'), 1)

  child.type_keys('2G$h')
  choose('quickfix')
  h.wait("vim.api.nvim_buf_get_lines(0, 1, 2, true)[1]:find('len(values)', 1, true) ~= nil", 60000)
  eq(h.lines(), files.fixed)
  h.wait('#vim.diagnostic.get(0) == 0')
  child.type_keys('u')
  eq(h.lines(), files.broken)
end

return T
