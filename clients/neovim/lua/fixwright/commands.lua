--- `:Fixwright SUBCOMMAND …`
local client = require('fixwright.client')

local M = {}

---@class fixwright.Subcommand
---@field run fun(args: string[], lines?: fixwright.Lines)
---@field complete? string[] what its first argument can be
---@field range? boolean does it take a range?
---@field max? integer how many arguments it takes; default 0

--- Every server's own status, as it answers `fixwright.status`.
local function show_status()
  local clients = client.all()
  if #clients == 0 then
    client.say('no server is running; see :checkhealth fixwright')
  end
  for _, lsp_client in ipairs(clients) do
    client.execute(lsp_client, 'fixwright.status', vim.empty_dict(), 0, function(answer)
      local root = lsp_client.root_dir or 'no root'
      vim.api.nvim_echo({ { ('%s %s'):format(root, vim.inspect(answer)) } }, true, {})
    end)
  end
end

--- The server's own log where it names one, else Neovim's log of the client.
local function show_log()
  local function open(path)
    vim.cmd.split({ args = { vim.fn.fnameescape(path) } })
    vim.cmd.normal({ args = { 'G' }, bang = true })
  end
  local lsp_client = client.all()[1]
  local fallback = vim.lsp.log.get_filename()
  if not lsp_client then
    return open(fallback)
  end
  client.execute(lsp_client, 'fixwright.status', vim.empty_dict(), 0, function(answer)
    local path = require('fixwright.positions').value(answer.log)
    open(type(path) == 'string' and vim.uv.fs_stat(path) and path or fallback)
  end)
end

---@type table<string, fixwright.Subcommand>
local subcommands = {
  run = {
    range = true,
    max = math.huge,
    run = function(args, lines)
      require('fixwright.jobs').run(args, lines)
    end,
  },
  test = {
    range = true,
    max = 1,
    complete = { 'file', 'nearest', 'workspace' },
    run = function(args, lines)
      require('fixwright.jobs').test(args[1], lines)
    end,
  },
  fix = {
    range = true,
    run = function(_, lines)
      require('fixwright.jobs').fix(lines)
    end,
  },
  agent = {
    range = true,
    max = math.huge,
    run = function(args, lines)
      require('fixwright.agent').run('edit', table.concat(args, ' '), lines)
    end,
  },
  ask = {
    range = true,
    max = math.huge,
    run = function(args, lines)
      require('fixwright.agent').run('ask', table.concat(args, ' '), lines)
    end,
  },
  explain = {
    range = true,
    run = function(_, lines)
      require('fixwright.agent').at('fixwright.explain', lines)
    end,
  },
  tests = {
    range = true,
    run = function(_, lines)
      require('fixwright.agent').at('fixwright.generateTests', lines)
    end,
  },
  optimize = {
    range = true,
    run = function(_, lines)
      require('fixwright.agent').at('fixwright.optimize', lines)
    end,
  },
  accept = {
    run = function()
      require('fixwright.agent').decide('accept')
    end,
  },
  reject = {
    run = function()
      require('fixwright.agent').decide('reject')
    end,
  },
  review = {
    run = function()
      require('fixwright.agent').review()
    end,
  },
  undo = {
    run = function()
      require('fixwright.agent').undo()
    end,
  },
  sessions = {
    run = function()
      require('fixwright.agent').sessions()
    end,
  },
  cell = {
    range = true,
    run = function(_, lines)
      require('fixwright.jobs').cell(lines)
    end,
  },
  restart_session = {
    run = function()
      require('fixwright.jobs').about_file('fixwright.restartSession')
    end,
  },
  install = {
    run = function()
      require('fixwright.jobs').about_file('fixwright.installDependencies')
    end,
  },
  safety = {
    range = true,
    run = function(_, lines)
      require('fixwright.jobs').about_file('fixwright.safety', lines)
    end,
  },
  stop = {
    max = 1,
    run = function(args)
      require('fixwright.jobs').stop(args[1])
    end,
  },
  clear = {
    max = 1,
    complete = { 'all' },
    run = function(args)
      require('fixwright.jobs').clear(args[1] == 'all')
    end,
  },
  status = { run = show_status },
  log = { run = show_log },
  output = {
    run = function()
      require('fixwright.output').toggle()
    end,
  },
  restart = {
    run = function()
      client.restart()
    end,
  },
}

---@param text string
local function refuse(text)
  client.say(text, vim.log.levels.ERROR)
end

--- Run the Ex command.
---@param args vim.api.keyset.create_user_command.command_args
function M.run(args)
  local rest = vim.list_slice(args.fargs, 2)
  local name = args.fargs[1]
  local subcommand = subcommands[name or '']
  if not subcommand then
    local names = table.concat(vim.fn.sort(vim.tbl_keys(subcommands)), ', ')
    refuse(
      ('%s; one of %s is expected'):format(
        name and ('unknown subcommand %s'):format(name) or 'a subcommand is missing',
        names
      )
    )
  elseif #rest > (subcommand.max or 0) then
    refuse(('%s takes no argument %s'):format(name, rest[(subcommand.max or 0) + 1]))
  elseif args.range > 0 and not subcommand.range then
    refuse(('%s takes no range'):format(name))
  else
    subcommand.run(rest, args.range > 0 and { args.line1, args.line2 } or nil)
  end
end

--- Complete subcommands and their first argument.
---@param lead string
---@param line string the command line up to the cursor
---@return string[]
function M.complete(lead, line)
  local words = vim.split(line:match('Fixwright!?%s+(.*)$') or '', '%s+')
  local choices = {}
  if #words <= 1 then
    choices = vim.tbl_keys(subcommands)
  elseif #words == 2 then
    choices = (subcommands[words[1]] or {}).complete or {}
  end
  choices = vim.tbl_filter(function(choice)
    return vim.startswith(choice, lead)
  end, choices)
  table.sort(choices)
  return choices
end

return M
