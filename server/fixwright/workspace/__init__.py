"""What the editor and the disk say now: text, positions, documents, snapshots, drafts, paths."""
