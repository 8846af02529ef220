-- Small on purpose: everything else is loaded when it is first used.
if vim.g.loaded_fixwright then
  return
end
vim.g.loaded_fixwright = true

if vim.fn.has('nvim-0.11') == 0 then
  vim.notify('fixwright: Neovim 0.11 or newer is needed', vim.log.levels.ERROR)
  return
end

vim.api.nvim_create_user_command('Fixwright', function(args)
  require('fixwright.commands').run(args)
end, {
  nargs = '*',
  range = true,
  desc = 'Run code in the sandbox, fix what fails',
  complete = function(lead, line)
    return require('fixwright.commands').complete(lead, line)
  end,
})

---@param modes string|string[]
---@param name string
---@param command string
---@param desc string
local function plug(modes, name, command, desc)
  vim.keymap.set(modes, ('<Plug>(fixwright-%s)'):format(name), command, { desc = desc })
end

plug('n', 'run', '<Cmd>Fixwright run<CR>', 'Run the file in the sandbox')
plug('x', 'run', ':Fixwright run<CR>', 'Run the selection in the sandbox')
plug('n', 'test', '<Cmd>Fixwright test<CR>', "Run the file's tests in the sandbox")
plug('x', 'test', ':Fixwright test<CR>', 'Run the selected tests in the sandbox')
plug('n', 'test-nearest', '<Cmd>Fixwright test nearest<CR>', 'Run the test at the cursor')
plug('n', 'fix', '<Cmd>Fixwright fix<CR>', 'Fix the error at the cursor')
plug('n', 'cell', '<Cmd>Fixwright cell<CR>', 'Run the cell at the cursor')
plug('n', 'agent', '<Cmd>Fixwright agent<CR>', 'Run the agent')
plug('x', 'agent', ':Fixwright agent<CR>', 'Run the agent on the selection')
plug('n', 'ask', '<Cmd>Fixwright ask<CR>', 'Ask about the code')
plug('x', 'ask', ':Fixwright ask<CR>', 'Ask about the selection')
plug('n', 'explain', '<Cmd>Fixwright explain<CR>', 'Explain the code at the cursor')
plug('x', 'explain', ':Fixwright explain<CR>', 'Explain the selection')
plug('n', 'accept', '<Cmd>Fixwright accept<CR>', "Accept the agent's changes")
plug('n', 'reject', '<Cmd>Fixwright reject<CR>', "Reject the agent's changes")
plug('n', 'stop', '<Cmd>Fixwright stop<CR>', 'Stop what Fixwright is running')
plug('n', 'clear', '<Cmd>Fixwright clear<CR>', "Clear Fixwright's diagnostics of the file")
plug('n', 'output', '<Cmd>Fixwright output<CR>', 'Show or hide the output of runs')
