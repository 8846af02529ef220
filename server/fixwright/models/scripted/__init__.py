"""A model that says what a script says: a loopback server for tests, demos and offline work."""

from fixwright.models.scripted.script import Script, ScriptError, Turn, load_script, parse_script
from fixwright.models.scripted.server import Recorded, ScriptedServer

__all__ = [
    "Recorded",
    "Script",
    "ScriptError",
    "ScriptedServer",
    "Turn",
    "load_script",
    "parse_script",
]
