-- The file of the stories: a misspelt name on its second line.
return {
  broken = {
    'def mean(values):',
    '    return sum(values) / len(value)',
    '',
    'print(mean([1, 2, 3]))',
  },
  fixed = {
    'def mean(values):',
    '    return sum(values) / len(values)',
    '',
    'print(mean([1, 2, 3]))',
  },
}
