"""Front doors for other programs than editors: protocols by which agents and tools talk."""
