"""One execution of a snapshot or a draft: what to run, the tree that runs, what came out."""
