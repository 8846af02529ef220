"""Averages of what was measured. Two mistakes are in here."""


def mean(values):
    return sum(values) / len(value)


def report(title, values):
    return title + ": " + mean(values)


print(report("temperature", [19.5, 21.0, 20.4]))
