-- The init file of the tests' Neovims: this plugin, mini.test, and nothing of the user's.
--   MINI_TEST=DIR nvim --clean --headless -u tests/minit.lua -c 'lua MiniTest.run()'
vim.opt.runtimepath:prepend(vim.fn.getcwd())
vim.opt.runtimepath:append(assert(vim.env.MINI_TEST, 'MINI_TEST: where is mini.test?'))
vim.o.swapfile = false
vim.g.loaded_python3_provider = 0 -- looking for it costs every Python buffer most of a second
vim.o.messagesopt = 'wait:0,history:500' -- a "Press ENTER" would block the child processes

-- The parent collects and runs; the children have `--listen`.
if vim.env.FIXWRIGHT_CHILD == nil and #vim.api.nvim_list_uis() == 0 then
  vim.env.FIXWRIGHT_CHILD = '1'
  require('mini.test').setup({
    collect = {
      find_files = function()
        return vim.fn.globpath('tests', 'test_*.lua', true, true)
      end,
    },
  })
end
