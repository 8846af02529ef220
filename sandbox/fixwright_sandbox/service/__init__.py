"""The sandbox over HTTP and WebSocket, for other languages and other machines.

Needs `pip install 'fixwright[service]'`; nothing else of the package imports this.
"""
