-- fixwright/applyEdit: every document checked, then every one changed, or none.
local h = dofile('tests/helpers.lua')
local child, eq = h.child, h.eq
local T = h.new_set(h.use_stand_in)

local function uri(path)
  return vim.uri_from_fname(path)
end

--- Replace columns of a line.
local function edit(line, from, to, text)
  return {
    range = {
      start = { line = line, character = from },
      ['end'] = { line = line, character = to },
    },
    newText = text,
  }
end

local function version()
  return child.lua_get('vim.lsp.util.buf_versions[vim.api.nvim_get_current_buf()]')
end

local function ask(params)
  params.label = 'test'
  return child.lua('return _G.server.ask("fixwright/applyEdit", ...)', { params })
end

local function document(path, at, edits)
  return { uri = uri(path), version = at, edits = edits }
end

--- The text of any loaded buffer; nil when it is not loaded.
local function text_of(path)
  return child.lua(
    [[local bufnr = vim.uri_to_bufnr(vim.uri_from_fname(...))
    if not vim.api.nvim_buf_is_loaded(bufnr) then return nil end
    return vim.api.nvim_buf_get_lines(bufnr, 0, -1, true)]],
    { path }
  )
end

--- A buffer that is loaded and that our server does not know.
local function detach(name)
  child.lua(
    [[local bufnr = vim.fn.bufnr(...)
    for _, client in ipairs(vim.lsp.get_clients({ bufnr = bufnr })) do
      vim.lsp.buf_detach_client(bufnr, client.id)
    end]],
    { name }
  )
end

T['changes an open document, in one undo step'] = function()
  local dir = h.project({ ['a.py'] = { 'one', 'two', 'three' } })
  h.edit(dir .. '/a.py')
  child.type_keys('ggA!<Esc>') -- a change of the user's, which undo must not take along
  local answer = ask({
    documents = {
      document(dir .. '/a.py', version(), { edit(0, 0, 1, 'O'), edit(2, 0, 5, 'THREE') }),
    },
  })
  eq(answer, { applied = true })
  eq(h.lines(), { 'One!', 'two', 'THREE' })
  child.type_keys('u')
  eq(h.lines(), { 'one!', 'two', 'three' })
  child.type_keys('u')
  eq(h.lines(), { 'one', 'two', 'three' })
end

T['is an undo step of its own in the middle of an insert'] = function()
  local dir = h.project({ ['a.py'] = { 'one', 'two' } })
  h.edit(dir .. '/a.py')
  child.type_keys('ggA!')
  eq(
    ask({ documents = { document(dir .. '/a.py', version(), { edit(1, 0, 3, 'TWO') }) } }).applied,
    true
  )
  child.type_keys('?<Esc>')
  eq(h.lines(), { 'one!?', 'TWO' })
  child.type_keys('u', 'u')
  eq(h.lines(), { 'one!', 'two' })
end

T['refuses a version that is too old'] = function()
  local dir = h.project({ ['a.py'] = { 'one' } })
  h.edit(dir .. '/a.py')
  local before = version()
  child.type_keys('ggA!<Esc>')
  local answer = ask({ documents = { document(dir .. '/a.py', before, { edit(0, 0, 1, 'O') }) } })
  eq(answer.applied, false)
  eq(answer.reason:find('a.py has changed', 1, true) ~= nil, true)
  eq(h.lines(), { 'one!' })
end

T['refuses a version from the future'] = function()
  local dir = h.project({ ['a.py'] = { 'one' } })
  h.edit(dir .. '/a.py')
  local answer =
    ask({ documents = { document(dir .. '/a.py', version() + 1, { edit(0, 0, 1, 'O') }) } })
  eq(answer.applied, false)
  eq(h.lines(), { 'one' })
end

T['changes none when the last one is stale'] = function()
  local dir = h.project({ ['a.py'] = { 'a' }, ['b.py'] = { 'b' } })
  h.edit(dir .. '/a.py')
  local first = version()
  h.edit(dir .. '/b.py')
  local second = version()
  child.type_keys('ggA!<Esc>')
  local answer = ask({
    documents = {
      document(dir .. '/a.py', first, { edit(0, 0, 1, 'A') }),
      document(dir .. '/b.py', second, { edit(0, 0, 1, 'B') }),
    },
  })
  eq(answer.applied, false)
  eq(answer.reason:find('b.py', 1, true) ~= nil, true)
  eq(text_of(dir .. '/a.py'), { 'a' })
  eq(text_of(dir .. '/b.py'), { 'b!' })
end

T['changes all of several documents, each in one undo step'] = function()
  local dir = h.project({ ['a.py'] = { 'a' }, ['b.py'] = { 'b', 'b' } })
  h.edit(dir .. '/a.py')
  local first = version()
  h.edit(dir .. '/b.py')
  local answer = ask({
    documents = {
      document(dir .. '/a.py', first, { edit(0, 0, 1, 'A') }),
      document(dir .. '/b.py', version(), { edit(0, 0, 1, 'B'), edit(1, 0, 1, 'B') }),
    },
  })
  eq(answer, { applied = true })
  eq(text_of(dir .. '/a.py'), { 'A' })
  eq(h.lines(), { 'B', 'B' })
  child.type_keys('u')
  eq(h.lines(), { 'b', 'b' })
  eq(text_of(dir .. '/a.py'), { 'A' })
end

T['takes the first back when the second cannot be changed'] = function()
  local dir = h.project({ ['a.py'] = { 'a' }, ['b.py'] = { 'b' } })
  h.edit(dir .. '/a.py')
  local first = version()
  h.edit(dir .. '/b.py')
  -- An edit that apply_text_edits() raises on, after it has been checked.
  local broken = edit(0, 0, 1, 'B')
  broken.newText = 7
  local bad = document(dir .. '/b.py', version(), { { range = broken.range, newText = true } })
  local answer =
    ask({ documents = { document(dir .. '/a.py', first, { edit(0, 0, 1, 'A') }), bad } })
  eq(answer.applied, false)
  eq(answer.reason:find('nothing was changed', 1, true) ~= nil, true)
  eq(text_of(dir .. '/a.py'), { 'a' })
  eq(text_of(dir .. '/b.py'), { 'b' })
end

T['refuses a document that is not open any more'] = function()
  local dir = h.project({ ['a.py'] = { 'a' }, ['b.py'] = { 'b' } })
  h.edit(dir .. '/b.py')
  child.cmd('edit ' .. dir .. '/a.py')
  child.cmd('bunload ' .. dir .. '/b.py')
  local answer = ask({ documents = { document(dir .. '/b.py', 3, { edit(0, 0, 1, 'B') }) } })
  eq(answer.applied, false)
  eq(answer.reason:find('b.py is not open any more', 1, true) ~= nil, true)
end

T['loads a closed file and changes it'] = function()
  local dir = h.project({ ['a.py'] = { 'a' }, ['sub/b.py'] = { 'b' } })
  h.edit(dir .. '/a.py')
  local answer =
    ask({ documents = { document(dir .. '/sub/b.py', vim.NIL, { edit(0, 0, 1, 'B') }) } })
  eq(answer, { applied = true })
  eq(text_of(dir .. '/sub/b.py'), { 'B' })
  eq(vim.fn.readfile(dir .. '/sub/b.py'), { 'b' }) -- unsaved: writing is the user's
  eq(child.lua_get('vim.bo[vim.fn.bufnr("b.py")].buflisted'), true)
end

T['loads files without version, with DOS line endings and a byte order mark'] = function()
  local dir = h.project({ ['a.py'] = { 'a' }, ['b.py'] = { '\239\187\191b\r', 'c\r' } })
  h.edit(dir .. '/a.py')
  child.cmd('badd ' .. dir .. '/b.py')
  child.lua([[
    local bufnr = vim.fn.bufnr('b.py')
    vim.fn.bufload(bufnr)
    if vim.bo[bufnr].fileformat ~= 'dos' or not vim.bo[bufnr].bomb then error('not as meant') end
  ]])
  detach('b.py')
  local answer = ask({ documents = { document(dir .. '/b.py', nil, { edit(0, 0, 1, 'B') }) } })
  eq(answer, { applied = true })
  eq(text_of(dir .. '/b.py'), { 'B', 'c' })
end

T['refuses an edit for the disk when the document is open'] = function()
  local dir = h.project({ ['a.py'] = { 'a' } })
  h.edit(dir .. '/a.py')
  local answer = ask({ documents = { document(dir .. '/a.py', vim.NIL, { edit(0, 0, 1, 'A') }) } })
  eq(answer.applied, false)
  eq(answer.reason:find('is open here', 1, true) ~= nil, true)
end

T['refuses unsaved changes that the server has not seen'] = function()
  local dir = h.project({ ['a.py'] = { 'a' }, ['b.py'] = { 'b' } })
  h.edit(dir .. '/b.py')
  detach('b.py')
  child.type_keys('ggA!<Esc>')
  h.edit(dir .. '/a.py')
  local answer = ask({ documents = { document(dir .. '/b.py', vim.NIL, { edit(0, 0, 1, 'B') }) } })
  eq(answer.applied, false)
  eq(answer.reason:find('unsaved changes', 1, true) ~= nil, true)
end

T['refuses a buffer that is older than its file'] = function()
  local dir = h.project({ ['a.py'] = { 'a' }, ['b.py'] = { 'b' } })
  h.edit(dir .. '/b.py')
  detach('b.py')
  h.edit(dir .. '/a.py')
  vim.fn.writefile({ 'from elsewhere' }, dir .. '/b.py')
  local answer = ask({ documents = { document(dir .. '/b.py', vim.NIL, { edit(0, 0, 1, 'B') }) } })
  eq(answer.applied, false)
  eq(answer.reason:find('differs from the file on disk', 1, true) ~= nil, true)
end

T['refuses an edit for what was there before the file was read again'] = function()
  local dir = h.project({ ['a.py'] = { 'one' } })
  h.edit(dir .. '/a.py')
  child.type_keys('ggA!<Esc>')
  local before = version()
  vim.fn.writefile({ 'other' }, dir .. '/a.py')
  child.cmd('edit!')
  local answer = ask({ documents = { document(dir .. '/a.py', before, { edit(0, 0, 1, 'O') }) } })
  eq(answer.applied, false)
  eq(h.lines(), { 'other' })
end

T['refuses an edit for what was there before the file changed on disk'] = function()
  local dir = h.project({ ['a.py'] = { 'one' } })
  h.edit(dir .. '/a.py')
  child.type_keys('ggA!<Esc>')
  h.wait("#_G.server.sent('textDocument/didChange') == 1")
  child.cmd('write')
  local before = version()
  vim.fn.writefile({ 'from elsewhere' }, dir .. '/a.py')
  child.cmd('checktime')
  eq(h.lines(), { 'from elsewhere' })
  local change = { edit(0, 0, 4, 'From') }
  eq(ask({ documents = { document(dir .. '/a.py', before, change) } }).applied, false)
  eq(ask({ documents = { document(dir .. '/a.py', version(), change) } }), { applied = true })
  eq(h.lines(), { 'From elsewhere' })
  -- What the server was told of the versions: never the same one twice for other text.
  local told = child.lua([[
    vim.wait(1000, function() return #_G.server.sent('textDocument/didChange') == 2 end)
    return vim.tbl_map(function(m)
      return m.params.textDocument.version
    end, vim.tbl_filter(function(m)
      return vim.tbl_get(m, 'params', 'textDocument', 'version') ~= nil
    end, _G.server.received))
  ]])
  for i = 2, #told do
    eq(told[i] > told[i - 1], true)
  end
  eq(#told, 4)
end

T['refuses an edit for changes that were given up for the file on disk'] = function()
  local dir = h.project({ ['a.py'] = { 'one' } })
  h.edit(dir .. '/a.py')
  child.type_keys('ggA!<Esc>')
  local before = version()
  vim.fn.writefile({ 'from elsewhere' }, dir .. '/a.py')
  child.cmd("autocmd FileChangedShell * let v:fcs_choice = 'reload'")
  child.cmd('checktime')
  eq(h.lines(), { 'from elsewhere' })
  local change = { edit(0, 0, 4, 'From') }
  eq(ask({ documents = { document(dir .. '/a.py', before, change) } }).applied, false)
end

T['refuses a buffer that must not be modified'] = function()
  local dir = h.project({ ['a.py'] = { 'a' } })
  h.edit(dir .. '/a.py')
  child.bo.modifiable = false
  local answer =
    ask({ documents = { document(dir .. '/a.py', version(), { edit(0, 0, 1, 'A') }) } })
  eq(answer.applied, false)
  eq(answer.reason:find("'modifiable' is off", 1, true) ~= nil, true)
end

T['creates files, missing directories included'] = function()
  local dir = h.project({ ['a.py'] = { 'a' } })
  h.edit(dir .. '/a.py')
  local path = dir .. '/new/deep/b.py'
  local answer = ask({
    documents = { document(dir .. '/a.py', version(), { edit(0, 0, 1, 'A') }) },
    create = { { uri = uri(path), text = 'x = 1\n' } },
  })
  eq(answer, { applied = true })
  eq(vim.fn.readfile(path), { 'x = 1' })
  eq(text_of(path), { 'x = 1' })
  eq(h.lines(), { 'A' })
end

T['refuses to create a file that exists, and leaves everything as it is'] = function()
  local dir = h.project({ ['a.py'] = { 'a' }, ['b.py'] = { 'b' } })
  h.edit(dir .. '/a.py')
  local answer = ask({
    documents = { document(dir .. '/a.py', version(), { edit(0, 0, 1, 'A') }) },
    create = {
      { uri = uri(dir .. '/new.py'), text = 'new\n' },
      { uri = uri(dir .. '/b.py'), text = 'x = 1\n' },
    },
  })
  eq(answer.applied, false)
  eq(answer.reason:find('b.py exists already', 1, true) ~= nil, true)
  eq(h.lines(), { 'a' })
  eq(vim.fn.readfile(dir .. '/b.py'), { 'b' })
  eq(vim.fn.filereadable(dir .. '/new.py'), 0)
end

T['removes created files when a later one cannot be made'] = function()
  local dir = h.project({ ['a.py'] = { 'a' } })
  h.edit(dir .. '/a.py')
  local answer = ask({
    documents = {},
    create = {
      { uri = uri(dir .. '/new.py'), text = 'new\n' },
      { uri = uri(dir .. '/a.py/impossible.py'), text = 'x\n' },
    },
  })
  eq(answer.applied, false)
  eq(vim.fn.filereadable(dir .. '/new.py'), 0)
end

T['counts in the encoding of the client'] = function()
  local dir = h.project({ ['a.py'] = { 'é😀 = valeu' } })
  h.edit(dir .. '/a.py')
  local answer =
    ask({ documents = { document(dir .. '/a.py', version(), { edit(0, 6, 11, 'value') }) } })
  eq(answer, { applied = true })
  eq(h.lines(), { 'é😀 = value' })
end

T['keeps the cursor and marks where they were'] = function()
  local dir = h.project({ ['a.py'] = { 'one', 'two', 'three' } })
  h.edit(dir .. '/a.py')
  child.api.nvim_win_set_cursor(0, { 3, 2 })
  child.type_keys('ma')
  ask({ documents = { document(dir .. '/a.py', version(), { edit(0, 0, 0, 'import x\n') }) } })
  eq(h.lines(), { 'import x', 'one', 'two', 'three' })
  eq(child.api.nvim_win_get_cursor(0), { 4, 2 })
  eq(child.api.nvim_buf_get_mark(0, 'a'), { 4, 2 })
end

return T
