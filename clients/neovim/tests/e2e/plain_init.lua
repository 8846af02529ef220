-- What a user without the plugin writes into init.lua: a few lines of Neovim's own.
vim.o.swapfile = false
vim.o.messagesopt = 'wait:0,history:500'
vim.lsp.config('fixwright', {
  cmd = vim.json.decode(vim.env.FIXWRIGHT_SERVER),
  filetypes = { 'python' },
  root_markers = { '.git' },
  settings = { fixwright = { model = { provider = 'none' } } },
})
vim.lsp.enable('fixwright')
