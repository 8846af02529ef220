"""Test discovery in one file."""

from __future__ import annotations

from fixwright.index import tests as discovery
from fixwright.index.languages import language_for
from fixwright.workspace.text import Text

PYTHON = language_for("python")
BASH = language_for("shellscript")

SOURCE = """\
import unittest, pytest

def test_one(): pass
def helper():
    def test_inner(): pass
@pytest.mark.parametrize("x", [1])
async def test_two(x): pass
class TestA:
    def test_m(self): pass
    def other(self): pass
    class TestB:
        def test_n(self): pass
class TestWithInit:
    def __init__(self): pass
    def test_not(self): pass
class Cases(unittest.TestCase):
    def testOld(self): pass
class Plain:
    def test_no(self): pass
"""


def test_the_tests_of_a_file() -> None:
    assert PYTHON is not None
    text = Text(SOURCE)
    items = discovery.tests_in(text, PYTHON)
    assert [item.id for item in items] == [
        "test_one",
        "test_two",
        "TestA::test_m",
        "TestA::TestB::test_n",
        "Cases::testOld",
    ]
    assert text.slice(items[1].range).startswith("@pytest.mark")
    assert items[3].container == ("TestA", "TestB")
    assert items[3].id_in("t/test_x.py") == "t/test_x.py::TestA::TestB::test_n"


def test_a_language_without_test_rules_has_none() -> None:
    assert BASH is not None
    assert discovery.tests_in(Text("test_x() { :; }\n"), BASH) == ()
