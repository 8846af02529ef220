"""Broken Python programs: what is said about each, and where.

`«…»` marks the range that Python 3.11 and later blame; before, it is the code of that line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Version = tuple[int, int]


@dataclass(frozen=True)
class Case:
    """One program, `main.py` of its tree."""

    name: str
    source: str
    kind: str
    message: str
    since: Version = (3, 9)  # the first version that says so
    suggestion: str | None = None  # from 3.10 on, where the interpreter has one
    suggested_since: Version = (3, 10)
    candidate: str | None = None  # one of the candidates must be
    facts: Mapping[str, object] = field(default_factory=dict[str, object])
    facts_since: Version = (3, 11)
    functions: tuple[str, ...] | None = None
    related: tuple[str, ...] = ()  # kinds
    notes: tuple[str, ...] = ()
    status: int = 1
    but_not: Version | None = None
    exact_always: bool = False  # a place that every version knows to the column


CASES = (
    Case(
        "misspelt name",
        """
        total = 1
        print(«totl»)
        """,
        "NameError",
        "name 'totl' is not defined",
        suggestion="total",
        candidate="total",
        facts={"name": "totl"},
        functions=("<module>",),
    ),
    Case(
        "misspelt local name in a function",
        """
        def area(width, height):
            return width * «heigth»

        area(1, 2)
        """,
        "NameError",
        "name 'heigth' is not defined",
        suggestion="height",
        candidate="height",
        facts={"types": {"width": "int"}},
        functions=("<module>", "area"),
    ),
    Case(
        "misspelt builtin",
        "x = «pritn»('hi')",
        "NameError",
        "name 'pritn' is not defined",
        suggestion="print",
        candidate="print",
    ),
    Case(
        "module that is not imported",
        "print(«math».pi)",
        "NameError",
        "name 'math' is not defined",
        facts={"name": "math", "forgottenImport": "math"},
        facts_since=(3, 12),
    ),
    Case(
        "name after wide characters",
        "s = '😀é'; print('😀', «nope_at_all»)",
        "NameError",
        "name 'nope_at_all' is not defined",
    ),
    Case(
        "local used before assignment",
        """
        count = 0
        def bump():
            «count» += 1
        bump()
        """,
        "UnboundLocalError",
        "cannot access local variable 'count' where it is not associated with a value",
        since=(3, 11),
        facts={"name": "count"},
    ),
    Case(
        "misspelt attribute of a module",
        """
        import math
        y = «math.sqroot»(4)
        """,
        "AttributeError",
        "module 'math' has no attribute 'sqroot'",
        suggestion="sqrt",
        candidate="sqrt",
        facts={"name": "sqroot", "isModule": True, "module": "math", "isNone": False},
    ),
    Case(
        "misspelt method",
        "«[1].apend»(2)",
        "AttributeError",
        "'list' object has no attribute 'apend'",
        suggestion="append",
        candidate="append",
        facts={"objType": "list", "objModule": "builtins"},
    ),
    Case(
        "misspelt instance attribute with slots and property",
        """
        class Point:
            __slots__ = ("across",)
            def __init__(self):
                self.across = 1
            @property
            def total(self):
                raise RuntimeError("must not be called")
        print(«Point().acros»)
        """,
        "AttributeError",
        "'Point' object has no attribute 'acros'",
        suggestion="across",
        candidate="total",
        facts={"objType": "Point", "objModule": "__main__"},
    ),
    Case(
        "attribute of None",
        """
        items = [3, 1].sort()
        «items.reverse»()
        """,
        "AttributeError",
        "'NoneType' object has no attribute 'reverse'",
        facts={"isNone": True, "types": {"items": "NoneType"}},
    ),
    Case(
        "attribute of a class",
        """
        class Box:
            size = 1
        Box.«sise»
        """.replace("Box.«sise»", "«Box.sise»"),
        "AttributeError",
        "type object 'Box' has no attribute 'sise'",
        suggestion="size",
        facts={"objType": "Box", "isType": True},
    ),
    Case(
        "module that is not there",
        "«import jsn»",
        "ModuleNotFoundError",
        "No module named 'jsn'",
        candidate="json",
        facts={"name": "jsn"},
        facts_since=(3, 10),
    ),
    Case(
        "submodule that is not there",
        "«import xml.dmo»",
        "ModuleNotFoundError",
        "No module named 'xml.dmo'",
        candidate="dom",
    ),
    Case(
        "name that a module does not have",
        "«from json import laods»",
        "ImportError",
        "cannot import name 'laods' from 'json'",
        suggestion="loads",
        suggested_since=(3, 12),
        candidate="loads",
        facts={"name": "laods", "module": "json"},
    ),
    Case(
        "key",
        """
        ages = {"anna": 3}
        print(«ages["ana"]»)
        """,
        "KeyError",
        "'ana'",
        candidate="'anna'",
        facts={"key": "'ana'", "keyType": "str"},
    ),
    Case(
        "key, deep in plain containers",
        """
        class Config:
            data = {"server": [{"port": 1}]}
        c = Config()
        print(«c.data["server"][0]["prot"]»)
        """,
        "KeyError",
        "'prot'",
        candidate="'port'",
    ),
    Case(
        "key of pop",
        """
        d = {1: 2}
        «d.pop(3)»
        """,
        "KeyError",
        "3",
        candidate="1",
        facts={"keyType": "int"},
    ),
    Case(
        "missing argument",
        """
        def greet(name, greeting, *, end="."):
            pass
        «greet("x")»
        """,
        "TypeError",
        "greet() missing 1 required positional argument: 'greeting'",
        facts={
            "problem": "missing",
            "missing": ["greeting"],
            "function": "greet",
            "signature": {
                "name": "greet",
                "path": "main.py",
                "line": 0,
                "parameters": [
                    {"name": "name", "kind": "positional", "default": False},
                    {"name": "greeting", "kind": "positional", "default": False},
                    {"name": "end", "kind": "keyword-only", "default": True},
                ],
            },
        },
    ),
    Case(
        "unexpected keyword",
        """
        class Shape:
            def scale(self, factor=1, /, **rest): ...
            def __init__(self, colour): ...
        «Shape(color=1)»
        """,
        "TypeError",
        "Shape.__init__() got an unexpected keyword argument 'color'",
        since=(3, 10),
        facts={"problem": "unexpected", "unexpected": "color", "function": "Shape.__init__"},
    ),
    Case(
        "method without self",
        """
        class Bell:
            def ring():
                pass
        «Bell().ring()»
        """,
        "TypeError",
        "Bell.ring() takes 0 positional arguments but 1 was given",
        since=(3, 10),
        facts={"problem": "count", "expected": [0, 0], "given": 1},
    ),
    Case(
        "too many arguments",
        """
        def one(a, b=1): pass
        «one(1, 2, 3)»
        """,
        "TypeError",
        "one() takes from 1 to 2 positional arguments but 3 were given",
        facts={"problem": "count", "expected": [1, 2], "given": 3},
    ),
    Case(
        "argument given twice",
        """
        def f(a): pass
        «f(1, a=2)»
        """,
        "TypeError",
        "f() got multiple values for argument 'a'",
        facts={"problem": "multiple", "multiple": "a"},
    ),
    Case(
        "str + int",
        """
        age = 3
        print(«"age: " + age»)
        """,
        "TypeError",
        'can only concatenate str (not "int") to str',
        facts={
            "problem": "operands",
            "operator": "+",
            "left": "str",
            "right": "int",
            "types": {"age": "int"},
        },
    ),
    Case(
        "int + str over two lines",
        """
        x = («1 +
             "a"»)
        """,
        "TypeError",
        "unsupported operand type(s) for +: 'int' and 'str'",
        since=(3, 11),
        facts={"operator": "+", "left": "int", "right": "str"},
    ),
    Case(
        "comparison",
        "print(«1 < 'a'»)",
        "TypeError",
        "'<' not supported between instances of 'int' and 'str'",
        facts={"problem": "operands", "operator": "<"},
    ),
    Case(
        "None is not subscriptable",
        """
        x = None
        «x[0]»
        """,
        "TypeError",
        "'NoneType' object is not subscriptable",
        facts={"problem": "object", "objType": "NoneType", "said": "is not subscriptable"},
    ),
    Case(
        "index",
        """
        def last(xs):
            return «xs[len(xs)]»
        last([1])
        """,
        "IndexError",
        "list index out of range",
        functions=("<module>", "last"),
    ),
    Case(
        "value in the library: the place is the program's",
        """
        import json
        def load(text):
            return «json.loads(text)»
        load("{")
        """,
        "json.decoder.JSONDecodeError",
        "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
    ),
    Case(
        "raise",
        """
        class Broken(Exception):
            pass
        def check():
            «raise Broken("no " * 2)»
        check()
        """,
        "Broken",
        "no no ",
        functions=("<module>", "check"),
    ),
    Case(
        "assert",
        """
        x = 1
        assert «x == 2», "x is wrong"
        """,
        "AssertionError",
        "x is wrong",
        but_not=(3, 12),  # which blames the whole statement
    ),
    Case(
        "cause",
        """
        try:
            {}["a"]
        except KeyError as e:
            «raise ValueError("bad") from e»
        """,
        "ValueError",
        "bad",
        related=("KeyError",),
    ),
    Case(
        "context",
        """
        try:
            1 / 0
        except ZeroDivisionError:
            «undefined_name»
        """,
        "NameError",
        "name 'undefined_name' is not defined",
        related=("ZeroDivisionError",),
    ),
    Case(
        "suppressed context",
        """
        try:
            1 / 0
        except ZeroDivisionError:
            «raise ValueError("x") from None»
        """,
        "ValueError",
        "x",
    ),
    Case(
        "notes",
        """
        try:
            int("x")
        except ValueError as e:
            e.add_note("first")
            e.add_note("second")
            «raise»
        """.replace("«raise»", "raise").replace('int("x")', '«int("x")»'),
        "ValueError",
        "invalid literal for int() with base 10: 'x'",
        since=(3, 11),
        notes=("first", "second"),
    ),
    Case(
        "group",
        """
        «raise ExceptionGroup("two", [ValueError("a"), ExceptionGroup("in", [KeyError("b")])])»
        """,
        "ExceptionGroup",
        "two (2 sub-exceptions)",
        since=(3, 11),
        related=("ValueError", "ExceptionGroup"),
    ),
    Case(
        "recursion",
        """
        def down(n):
            return «down(n + 1)»
        down(0)
        """,
        "RecursionError",
        "maximum recursion depth exceeded",
    ),
    Case(
        "str of the exception raises",
        """
        class Odd(Exception):
            def __str__(self):
                raise RuntimeError
        «raise Odd»
        """,
        "Odd",
        "<exception str() failed>",
    ),
    Case(
        "code from a string",
        """
        def run(code):
            «exec(code)»
        run("1/0")
        """,
        "ZeroDivisionError",
        "division by zero",
        functions=("<module>", "run", "<module>"),
    ),
    Case(
        "sys.exit with a status",
        """
        import sys
        «sys.exit(3)»
        """,
        "SystemExit",
        "exited with status 3",
        status=3,
    ),
    Case(
        "sys.exit with a message, in a handler",
        """
        import sys
        try:
            open("/no/such/file")
        except OSError:
            «sys.exit("cannot go on")»
        """,
        "SystemExit",
        "cannot go on",
        related=("FileNotFoundError",),
    ),
    Case(
        "keyboard interrupt",
        "«raise KeyboardInterrupt»",
        "KeyboardInterrupt",
        "",
        status=130,
    ),
    Case(
        "missing colon",
        """
        def f()«»
            pass
        """,
        "SyntaxError",
        "expected ':'",
        since=(3, 10),
        exact_always=True,
    ),
    Case(
        "bracket that is not closed",
        """
        x = «(»1,
        y = 2
        """,
        "SyntaxError",
        "'(' was never closed",
        since=(3, 10),
        exact_always=True,
    ),
    Case(
        "string that is not closed, after wide characters",
        """
        é = "😀"; x = «"»abc
        """,
        "SyntaxError",
        "unterminated string literal (detected at line 1)",
        since=(3, 10),
        exact_always=True,
    ),
    Case(
        "assignment in a condition",
        """
        x = 1
        if «x = 2»:
            pass
        """,
        "SyntaxError",
        "invalid syntax. Maybe you meant '==' or ':=' instead of '='?",
        since=(3, 10),
        exact_always=True,
    ),
    Case(
        "missing indentation",
        """
        if True:
        «print»("x")
        """,
        "IndentationError",
        "expected an indented block after 'if' statement on line 1",
        since=(3, 10),
        exact_always=True,
    ),
    Case(
        "tabs and spaces",
        "if True:\n        x = 1\n«\t»y = 2\n",
        "TabError",
        "inconsistent use of tabs and spaces in indentation",
    ),
    Case(
        "return outside of a function, after wide characters",
        "x = 'éé😀'; «return x»\n",
        "SyntaxError",
        "'return' outside function",
        since=(3, 10),
        exact_always=True,
    ),
    Case(
        "return outside of a function",
        "x = 1\n«return x»\n",
        "SyntaxError",
        "'return' outside function",
        since=(3, 10),
        exact_always=True,
    ),
)
