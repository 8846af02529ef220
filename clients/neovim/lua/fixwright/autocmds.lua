--- What happens is told to the user's own code by `User` autocommands, see |fixwright-events|.
local M = {}

---@param name 'RunStarted'|'RunFinished'|'FixFinished'|'Agent'|'AgentFinished'|'Status'
---@param data table
function M.fire(name, data)
  vim.api.nvim_exec_autocmds('User', {
    pattern = 'Fixwright' .. name,
    modeline = false,
    data = data,
  })
end

return M
