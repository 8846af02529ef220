"""One module a feature: thin, asynchronous, each over the snapshot that its request came with."""
