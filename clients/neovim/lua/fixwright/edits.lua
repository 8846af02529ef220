--- The answer to `fixwright/applyEdit`: all documents are checked first, then all are
--- changed, or none. Everything happens in one callback, so that no key can come between the
--- check and the change.
local positions = require('fixwright.positions')

local M = {}

---@class fixwright.DocumentEdit
---@field uri string
---@field version integer? the version the edits were made for; none when the server read the file
---@field edits lsp.TextEdit[]

---@class fixwright.CreatedFile
---@field uri string
---@field text string

---@class fixwright.ApplyEditParams
---@field label string
---@field documents fixwright.DocumentEdit[]
---@field create? fixwright.CreatedFile[]

---@class fixwright.ApplyEditResult
---@field applied boolean
---@field reason? string

--- A document by the name that the user knows it by.
---@param uri string
---@return string
local function name_of(uri)
  local ok, path = pcall(vim.uri_to_fname, uri)
  return ok and vim.fn.fnamemodify(path, ':~:.') or uri
end

--- Is the file on disk what the buffer holds? Asked only of buffers that the server has not
--- seen, where the server has read the disk.
---@param bufnr integer
---@return boolean
local function same_on_disk(bufnr)
  local ok, on_disk = pcall(vim.fn.readfile, vim.api.nvim_buf_get_name(bufnr))
  if not ok then
    return false
  end
  if vim.bo[bufnr].fileformat == 'dos' then
    on_disk = vim.tbl_map(function(line)
      return (line:gsub('\r$', ''))
    end, on_disk)
  end
  if #on_disk == 0 then
    on_disk = { '' }
  end
  if vim.bo[bufnr].bomb then
    on_disk[1] = on_disk[1]:gsub('^\239\187\191', '')
  end
  return vim.deep_equal(on_disk, vim.api.nvim_buf_get_lines(bufnr, 0, -1, false))
end

--- Why the edits cannot be made to the buffer; nil when they can.
---@param document fixwright.DocumentEdit
---@param bufnr integer
---@param was_loaded boolean before this request
---@param client_id integer
---@return string?
local function stale(document, bufnr, was_loaded, client_id)
  local name, version = name_of(document.uri), positions.value(document.version)
  if not vim.bo[bufnr].modifiable then
    return ("%s cannot be changed: 'modifiable' is off"):format(name)
  end
  if version then
    if not was_loaded then
      return ('%s is not open any more'):format(name)
    end
    local now = vim.lsp.util.buf_versions[bufnr]
    if now ~= version then
      return ('%s has changed: the edit is for version %d, it is at %d'):format(name, version, now)
    end
    return nil
  end
  if was_loaded and vim.lsp.buf_is_attached(bufnr, client_id) then
    return ('%s is open here, but the edit was made for the file on disk'):format(name)
  end
  if vim.bo[bufnr].modified then
    return ('%s has unsaved changes that the server has not seen'):format(name)
  end
  if not same_on_disk(bufnr) then
    return ('%s differs from the file on disk'):format(name)
  end
end

---@param file fixwright.CreatedFile
---@return string?
local function exists(file)
  local path = vim.uri_to_fname(file.uri)
  if vim.uv.fs_lstat(path) then
    return ('%s exists already'):format(name_of(file.uri))
  end
  if vim.fn.bufexists(path) == 1 and vim.bo[vim.fn.bufadd(path)].modified then
    return ('%s has unsaved text in a buffer'):format(name_of(file.uri))
  end
end

--- Changes that are taken back, the last one first, when a later one fails.
---@param undos fun()[]
local function take_back(undos)
  for i = #undos, 1, -1 do
    pcall(undos[i])
  end
end

--- Make a file, with its missing directories. Never writes over an existing one.
---@param file fixwright.CreatedFile
---@return fun() undo
local function create(file)
  local path = vim.uri_to_fname(file.uri)
  vim.fn.mkdir(vim.fs.dirname(path), 'p')
  local handle = assert(vim.uv.fs_open(path, 'wx', tonumber('644', 8)))
  local ok, err = vim.uv.fs_write(handle, file.text)
  vim.uv.fs_close(handle)
  if not ok then
    vim.uv.fs_unlink(path)
    error(err)
  end
  return function()
    vim.uv.fs_unlink(path)
  end
end

--- Begin a new undo step in the buffer, also in the middle of an insert.
---@param bufnr integer
local function break_undo(bufnr)
  vim.bo[bufnr].undolevels = vim.bo[bufnr].undolevels
end

---@param bufnr integer
---@param edits lsp.TextEdit[]
---@param encoding fixwright.Encoding
---@param undos fun()[]
local function change(bufnr, edits, encoding, undos)
  local before = vim.api.nvim_buf_get_changedtick(bufnr)
  break_undo(bufnr)
  undos[#undos + 1] = function()
    if vim.api.nvim_buf_get_changedtick(bufnr) ~= before then
      vim.api.nvim_buf_call(bufnr, function()
        vim.cmd('silent undo')
      end)
    end
  end
  vim.lsp.util.apply_text_edits(edits, bufnr, encoding)
  break_undo(bufnr)
end

---@param documents fixwright.DocumentEdit[]
---@param client_id integer
---@return integer[]? buffers in the order of the documents
---@return string? reason
local function check(documents, client_id)
  local buffers, was_loaded = {}, {}
  for i, document in ipairs(documents) do
    local ok, bufnr = pcall(vim.uri_to_bufnr, document.uri)
    if not ok then
      return nil, ('%s is not a document that Neovim can open'):format(document.uri)
    end
    buffers[i], was_loaded[i] = bufnr, vim.api.nvim_buf_is_loaded(bufnr)
  end
  -- All are loaded before any is checked: loading runs autocommands, which may change things.
  for i, document in ipairs(documents) do
    local ok, err = pcall(vim.fn.bufload, buffers[i])
    if not ok then
      return nil, ('%s cannot be opened: %s'):format(name_of(document.uri), err)
    end
  end
  for i, document in ipairs(documents) do
    local reason = stale(document, buffers[i], was_loaded[i], client_id)
    if reason then
      return nil, reason
    end
  end
  return buffers
end

--- Check everything, then change everything, or nothing.
---@param params fixwright.ApplyEditParams
---@param client_id integer
---@param encoding fixwright.Encoding
---@return fixwright.ApplyEditResult
function M.apply(params, client_id, encoding)
  local buffers, reason = check(params.documents, client_id)
  if not buffers then
    return { applied = false, reason = reason }
  end
  local created = positions.value(params.create) or {}
  for _, file in ipairs(created) do
    reason = exists(file)
    if reason then
      return { applied = false, reason = reason }
    end
  end

  local undos = {} ---@type fun()[]
  local ok, err = pcall(function()
    for _, file in ipairs(created) do
      undos[#undos + 1] = create(file)
    end
    for i, document in ipairs(params.documents) do
      change(buffers[i], document.edits, encoding, undos)
    end
  end)
  if not ok then
    take_back(undos)
    return { applied = false, reason = ('nothing was changed: %s'):format(err) }
  end
  for _, file in ipairs(created) do
    local bufnr = vim.uri_to_bufnr(file.uri)
    vim.fn.bufload(bufnr)
    buffers[#buffers + 1] = bufnr
  end
  for _, bufnr in ipairs(buffers) do
    vim.bo[bufnr].buflisted = true
  end
  return { applied = true }
end

--- Give a file that is read again a version that it never had. Neovim announces a reloaded
--- buffer under its old version, or under 0; an edit for the old text that is still on its
--- way would look right.
function M.guard_reloads()
  vim.api.nvim_create_autocmd('BufReadPre', {
    group = vim.api.nvim_create_augroup('fixwright.reloads', {}),
    desc = 'fixwright: a version of its own for every reading of a file',
    callback = function(ev)
      -- Reading makes one tick, so the next change is newer than this.
      vim.lsp.util.buf_versions[ev.buf] = vim.api.nvim_buf_get_changedtick(ev.buf) + 1
    end,
  })
end

--- The handler of `fixwright/applyEdit`.
---@param params fixwright.ApplyEditParams
---@param ctx lsp.HandlerContext
---@return fixwright.ApplyEditResult
function M.handle(params, ctx)
  local client = vim.lsp.get_client_by_id(ctx.client_id)
  if not client then
    return { applied = false, reason = 'the client has gone' }
  end
  return M.apply(params, client.id, client.offset_encoding --[[@as fixwright.Encoding]])
end

return M
