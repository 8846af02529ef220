std = 'luajit'
cache = false
codes = true
max_line_length = 100
globals = { 'vim' }
