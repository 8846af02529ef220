"""The index of a whole workspace: a process of its own, its workers, and what it keeps on disk.

`fixwright.index.workspace_index` is the door; nothing else imports from here.
"""
