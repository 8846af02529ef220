"""What an edit leaves in the editor's buffer, to the last character."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixwright.workspace.text import Encoding
from support.editor import editing
from support.needs import needs

pytestmark = [pytest.mark.bubblewrap, pytest.mark.slow]

ASTRAL = "\U0001d54f\U0001f600"
TEXTS = {
    "CRLF": ("value = 3\r\n\r\nif value == 3\r\n    print(value)\r\n", "== 3\r", "== 3:\r"),
    "CRLF and an import": (
        '"""Doc."""\r\n\r\nprint(json.dumps(1))\r\n', "print", "import json\r\n\r\nprint",
    ),
    "CR among LF": ("a = 1\rb = 2\nprint(a + bb)\n", "bb)", "b)"),
    "tabs": ("def f(x):\n\tif x\n\t\treturn 1\n\treturn 2\n\n\nprint(f(1))\n", "if x", "if x:"),
    "no final line feed": ("value = 3\nprint(valeu)", "valeu", "value"),
    "astral before the edit": (
        f"text = '{ASTRAL}'; size = 3; print('{ASTRAL}', szie)\n", "szie", "size",
    ),
    "a very long line": (
        f"xs = [{'1, ' * 20_000}]; total = sum(xs); print(totla)\n", "totla", "total",
    ),
    "one name many times": (
        "".join(f"print({n}, sroted([{n}]))\n" for n in range(50)), "sroted", "sorted",
    ),
    "the name in a string and a comment": (
        "value = 1\nprint('valeu')  # valeu\nprint(valeu)\n", "print(valeu)", "print(value)",
    ),
    "form feeds and odd separators": (
        "a = '\x0c\u2028\x85'\n\x0c\nprint(len(a), aa)\n", "aa)", "a)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("encoding", [Encoding.UTF8, Encoding.UTF16])
@pytest.mark.parametrize("name", TEXTS)
async def test_only_what_is_wrong_changes(name: str, encoding: Encoding, tmp_path: Path) -> None:
    needs("bubblewrap")
    broken, old, new = TEXTS[name]
    path = tmp_path / "a.py"
    path.write_bytes(broken.encode())
    settings = {"sandbox": {"backend": "bubblewrap"}, "model": {"provider": "none"}}
    async with editing(tmp_path, settings=settings, encoding=encoding) as editor:
        uri = path.as_uri()
        editor.open(uri, broken)
        await editor.run(uri)
        [diagnostic] = await editor.diagnostics(uri, 1)
        report = await editor.fix(uri, diagnostic)
        assert report["status"] == "verified", (report["title"], report["reason"])
        assert report["applied"]
        assert editor.text(uri) == broken.replace(old, new)
        assert path.read_bytes() == broken.encode(), "it is the editor that saves"


@pytest.mark.parametrize("encoding", [Encoding.UTF8, Encoding.UTF16])
async def test_a_byte_order_mark_on_disk_stays(encoding: Encoding, tmp_path: Path) -> None:
    """The file with the mistake is closed: it is opened for the edit, or written as it was."""
    needs("bubblewrap")
    module, main = tmp_path / "lib.py", tmp_path / "a.py"
    module.write_bytes(b"\xef\xbb\xbfdef f():\r\n    return lne('ab')\r\n")
    main.write_text("import lib\n\nprint(lib.f())\n")
    settings = {"sandbox": {"backend": "bubblewrap"}, "model": {"provider": "none"}}
    async with editing(tmp_path, settings=settings, encoding=encoding) as editor:
        uri = editor.open_file(main)
        await editor.run(uri)
        [diagnostic] = await editor.diagnostics(module.as_uri(), 1)
        report = await editor.fix(module.as_uri(), diagnostic)
        assert (report["status"], report["applied"]) == ("verified", True), report["reason"]
        text = editor.text(module.as_uri())
        assert text.removeprefix("\ufeff") == "def f():\r\n    return len('ab')\r\n"
