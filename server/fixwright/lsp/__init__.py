"""The only rooms that know pygls and lsprotocol."""
