"""Tools from elsewhere: servers that speak MCP, and plugins that are installed beside Fixwright."""
