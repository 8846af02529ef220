"""A model's edit: where it applies, and where it must not."""

from __future__ import annotations

import pytest

from fixwright.agent.edits.anchors import shown, version_of
from fixwright.agent.edits.apply import apply_edits
from fixwright.agent.edits.model import Applied, Edit, LineEdit, Refusal, TextEdit
from fixwright.workspace.draft import Draft
from fixwright.workspace.snapshot import Snapshot
from fixwright.workspace.text import Text

CODE = """\
class Account:
    def deposit(self, amount):
        self.total += amount
        return self.total

    def withdraw(self, amount):
        self.total -= amount
        return self.total
"""


def applied(text: str, *edits: Edit, read: str | None = None) -> str:
    done = outcome(text, *edits, read=read)
    assert isinstance(done, Applied), done
    return done.text.value


def refused(text: str, *edits: Edit, read: str | None = None) -> Refusal:
    done = outcome(text, *edits, read=read)
    assert isinstance(done, Refusal), done.text.value
    return done


def outcome(text: str, *edits: Edit, read: str | None = None) -> Applied | Refusal:
    """With `read`, the model has seen that; the changes must give the draft the same text."""
    known = {} if read is None else {version_of(Text(read)): Text(read)}
    done = apply_edits(Text(text), edits, read=known)
    if isinstance(done, Applied):
        uri = "untitled:1"
        draft = Draft.over(Snapshot().opened(uri, "python", 1, text)).edit_all(uri, done.changes)
        assert draft.text(uri) == done.text.value
    return done


def strategy(text: str, edit: Edit) -> str:
    done = outcome(text, edit, read=text)
    assert isinstance(done, Applied), done
    return done.placed[0].strategy


def anchors(text: str) -> list[str]:
    lines = shown(Text(text), 0, 10_000).split("\n")
    return [line.partition("|")[0] for line in lines]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("self.total += amount", "self.total += fee", "        self.total += fee"),
        ("        self.total += amount\n", "        pass\n", "        pass"),
        ("        self.total += amount", "        pass\n", "        pass"),
        ("        self.total += amount\n", "        pass", "        pass"),
        ("        self.total += amount\r\n", "        pass\r\n", "        pass"),
        ("+=", "*=", "        self.total *= amount"),
    ],
)
def test_exact_text_is_replaced_and_line_breaks_at_the_end_say_nothing(
    old: str, new: str, line: str
) -> None:
    after = applied(CODE, TextEdit(old, new))
    assert after == CODE.replace("        self.total += amount", line)
    assert strategy(CODE, TextEdit(old, new)) == "exact"


def test_lines_are_deleted_whole() -> None:
    line = "        self.total += amount"
    assert applied(CODE, TextEdit(f"{line}\n", "")) == CODE.replace(f"{line}\n", "")
    assert applied(CODE, TextEdit(line, "")) == CODE.replace(f"{line}\n", "")
    assert applied(CODE, TextEdit(f"{line}\n", "\n")) == CODE.replace(line, "")


def test_what_stands_twice_is_not_guessed() -> None:
    refusal = refused(CODE, TextEdit("return self.total", "return 1"), read=CODE)
    assert refusal.reason == "ambiguous"
    assert "2 times" in refusal.message
    assert "lines 4, 8" in refusal.message
    assert applied(CODE, TextEdit("return self.total", "return 1", 2)).count("return 1") == 2
    assert refused(CODE, TextEdit("return self.total", "return 1", 3)).reason == "ambiguous"
    assert refused("aaa = 1\n", TextEdit("aa", "b"), read="aaa = 1\n").reason == "ambiguous"


def test_all_of_several_places_on_one_line() -> None:
    assert applied("f(a, a)\na\n", TextEdit("a", "bb", 3)) == "f(bb, bb)\nbb\n"
    assert applied("a\nb\na\n", TextEdit("a\n", "", 2)) == "b\n"


def test_a_uniform_shift_is_found_and_new_text_shifted_alike() -> None:
    edit = TextEdit(
        "def deposit(self, amount):\n    self.total += amount\n",
        "def deposit(self, amount):\n    if amount > 0:\n        self.total += amount\n",
    )
    after = applied(CODE, edit)
    assert "\n        if amount > 0:\n            self.total += amount\n        return" in after
    assert strategy(CODE, edit) == "indentation"


def test_tabs_and_blanks_count_the_same_levels() -> None:
    tabbed = CODE.replace("    ", "\t")
    edit = TextEdit(
        "    def deposit(self, amount):\n        self.total += amount\n",
        "    def deposit(self, amount):\n        for _ in range(2):\n            self.total += 1\n",
    )
    after = applied(tabbed, edit)
    assert "\tdef deposit(self, amount):\n\t\tfor _ in range(2):\n\t\t\tself.total += 1\n" in after
    assert "    " not in after


def test_context_lines_keep_the_files_bytes() -> None:
    there = CODE.replace("deposit(self, amount):", "deposit(self,  amount):   ")
    edit = TextEdit(
        "    def deposit(self, amount):\n        self.total += amount\n",
        "    def deposit(self, amount):\n        self.total += 1\n",
    )
    assert applied(there, edit) == there.replace("self.total += amount", "self.total += 1")


def test_a_context_line_one_blank_off_does_not_shift_the_rest() -> None:
    edit = TextEdit(
        "     def deposit(self, amount):\n        self.total += amount\n",
        "     def deposit(self, amount):\n        self.total += 1\n        audit()\n",
    )
    after = applied(CODE, edit)
    assert after == CODE.replace(
        "        self.total += amount\n", "        self.total += 1\n        audit()\n"
    )
    assert strategy(CODE, edit) == "trimmed"


def test_a_change_of_white_space_needs_the_files_white_space() -> None:
    edit = TextEdit("  x = first(1)\n  y = second(2)\n", "    x = first(1)\n    y = second(2)\n")
    assert refused("def f():\n   x = first(1)\n   y = second(2)\n", edit).reason == "doubtful"


def test_a_line_given_without_its_indentation() -> None:
    edit = TextEdit("self.total += amount", "if amount:\n    self.total += amount")
    assert "        if amount:\n            self.total += amount\n" in applied(CODE, edit)
    edit = TextEdit("self.total += amount", "self.total += amount\n        audit()")
    assert "        self.total += amount\n        audit()\n" in applied(CODE, edit)
    edit = TextEdit("self.total += amount", "self.total += amount\n    audit()")
    assert refused(CODE, edit).reason == "doubtful"


@pytest.mark.parametrize(
    ("text", "old"),
    [
        ("subtotal = 0\n", "total = 0"),
        ("a { background-color: red; }\n", "color: red;"),
        ("self.x = 1\n", "x = 1\n"),
        ("call(a) + 1\nb\n", "call(a)\n"),
        ("f(a) + 1\ng(b)\n", "1\ng"),
        ("        return x\n", "    return x\n"),
    ],
)
def test_part_of_something_else_is_no_match_where_the_read_text_is_not_known(
    text: str, old: str
) -> None:
    assert refused(text, TextEdit(old, "other\n")).reason == "missing"


def test_part_of_a_name_is_a_match_in_the_text_that_was_read() -> None:
    assert applied("subtotal = 0\n", TextEdit("total", "sum"), read="subtotal = 0\n") == (
        "subsum = 0\n"
    )


@pytest.mark.parametrize(
    "said",
    ["...", "# ...", "// ...", "# ... rest unchanged", "/* ... */", "# rest of the code", "\u2026",
     "// existing code", "<!-- ... -->", "-- unchanged", "# [...]", "{/* ... existing ... */}"],
)  # fmt: skip
def test_text_that_was_left_out_is_never_deleted(said: str) -> None:
    below = "\n    def withdraw(self, amount):\n"
    old = f"        self.total += amount\n        return self.total\n{below}"
    new = f"        self.total += 1\n        {said}\n{below}"
    assert refused(CODE, TextEdit(old, new)).reason == "elided"
    edit = TextEdit(f"class Account:\n    {said}\n    def withdraw(self, amount):\n", "class B:\n")
    assert refused(CODE, edit).reason == "elided"
    names = anchors(CODE)
    assert refused(CODE, LineEdit(names[0], names[7], f"class B:\n    {said}\n")).reason == "elided"


def test_dots_that_the_file_has_or_a_new_body_needs_are_text() -> None:
    stub = "class P:\n    def f(self): ...\n    def g(self):\n        ...\n"
    assert applied(
        stub, TextEdit("    def g(self):\n        ...\n", "    def h(self):\n        ...\n")
    )
    assert applied(stub, TextEdit("class P:\n", "class P:\n    def e(self):\n        ...\n\n"))
    assert applied(CODE, TextEdit("class Account:", "# keep the change\nclass Account:"))


def test_typographic_characters_of_the_file_stay() -> None:
    there = "say(\u201chello\u201d)  # don\u2019t\n"
    edit = TextEdit('say("hello")  # don\'t\n', 'say("goodbye")  # don\'t\n')
    assert applied(there, edit, read=there) == there.replace("hello", "goodbye")
    assert strategy(there, edit) == "characters"
    more = TextEdit('say("hello")  # don\'t\n', 'say("hello", "you")\n')
    assert refused(there, more, read=there).reason == "doubtful"


def test_typographic_characters_do_not_get_into_code() -> None:
    there = 'first()\nsay("hello")\n'
    edit = TextEdit("first()\nsay(\u201chello\u201d)\n", "second()\nsay(\u201chello\u201d)\n")
    assert applied(there, edit) == 'second()\nsay("hello")\n'
    edit = TextEdit(
        "first()\nsay(\u201chello\u201d)\n", "first()\nsay(\u201cyou\u201d, \u201cme\u201d)\n"
    )
    assert refused(there, edit).reason == "doubtful"


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a = 1\r\nb = 2\r\nc = 3\r\n", "a = 1\r\nb = 4\r\nx\r\nc = 3\r\n"),
        ("a = 1\rb = 2\rc = 3", "a = 1\rb = 4\rx\rc = 3"),
        ("a = 1\nb = 2\r\nc = 3\r\n", "a = 1\nb = 4\r\nx\r\nc = 3\r\n"),
        ("a = 1\nb = 2", "a = 1\nb = 4\nx"),
    ],
)
def test_line_endings_and_the_missing_last_one_stay(text: str, after: str) -> None:
    assert applied(text, TextEdit("b = 2\n", "b = 4\nx\n")) == after
    name = anchors(text)[1]
    assert applied(text, LineEdit(name, name, "b = 4\nx\n")) == after


def test_a_text_goes_on_ending_as_it_did_when_its_last_line_goes() -> None:
    assert applied("a = 1\r\nb = 2", TextEdit("b = 2\n", "")) == "a = 1"
    assert applied("a = 1\nb = 2\n", TextEdit("b = 2\n", "")) == "a = 1\n"


def test_only_an_empty_document_has_no_old() -> None:
    assert applied("", TextEdit("", "a\nb\n")) == "a\nb\n"
    assert refused(CODE, TextEdit("", "a\n")).reason == "invalid"
    assert refused("", TextEdit("a", "b")).reason == "missing"


def test_an_edit_that_changes_nothing_is_named() -> None:
    assert refused(CODE, TextEdit("class Account:", "class Account:")).reason == "nothing"
    name = anchors(CODE)[0]
    assert refused(CODE, LineEdit(name, name, "class Account:\n")).reason == "nothing"


def test_edits_of_a_call_are_all_made_on_the_text_as_it_was() -> None:
    first = TextEdit("self.total += amount", "self.total = 0\n        self.total += amount")
    second = TextEdit("self.total -= amount", "self.total = 1")
    assert applied(CODE, first, second) == applied(CODE, second, first)
    follows = TextEdit("self.total = 0", "self.total = 5")
    refusal = refused(CODE, first, follows)
    assert refusal.edit == 1
    assert "edit 1" in refusal.message
    assert "none of the call" in refusal.message


def test_one_bad_edit_stops_all_and_overlapping_ones_are_refused() -> None:
    good = TextEdit("class Account:", "class Bank:")
    assert refused(CODE, good, TextEdit("nowhere to be found", "x")).edit == 1
    names = anchors(CODE)
    whole = LineEdit(names[1], names[3], "    pass\n")
    assert refused(CODE, whole, TextEdit("self.total += amount", "x")).reason == "overlap"
    assert refused(CODE, good, good).reason == "overlap"


def test_what_may_have_been_meant_is_shown_with_anchors_that_work() -> None:
    refusal = refused(
        CODE, TextEdit("    def withdraw(self, sum):\n        self.sum -= 1\n", "x\n")
    )
    assert refusal.reason == "missing"
    named = next(line for line in refusal.message.split("\n") if "def withdraw" in line)
    after = applied(CODE, LineEdit(named, named, "    def pay(self, amount):\n"))
    assert after == CODE.replace("withdraw", "pay")


# ---- anchors and versions ------------------------------------------------------------------------


def test_an_anchor_names_a_line_and_everything_above_it() -> None:
    names = anchors(CODE)
    assert len(set(names)) == len(names)
    for number in range(len(names)):
        changed = CODE.split("\n")
        changed[number] += "  # typed"
        for other, name in enumerate(anchors("\n".join(changed))):
            assert (name == names[other]) == (other < number)


def test_named_lines_are_replaced() -> None:
    names = anchors(CODE)
    after = applied(CODE, LineEdit(names[2], names[3], "        return 1\n"))
    assert after.split("\n")[1:4] == ["    def deposit(self, amount):", "        return 1", ""]


def test_lines_that_only_moved_are_found_by_the_text_that_was_read() -> None:
    names, now = anchors(CODE), f"import os\n\n{CODE}"
    edit = LineEdit(names[6], names[6], "        self.total = 0\n")
    assert applied(now, edit, read=CODE) == now.replace("self.total -= amount", "self.total = 0")
    assert refused(now, edit).reason == "stale"


def test_what_was_typed_below_does_not_matter() -> None:
    name, now = anchors(CODE)[2], f"{CODE}\nmore = 1\n"
    assert applied(now, LineEdit(name, name, "        pass\n")).endswith("more = 1\n")


@pytest.mark.parametrize("line", [1, 2, 3])
def test_a_range_with_a_changed_line_is_stale(line: int) -> None:
    names, lines = anchors(CODE), CODE.split("\n")
    lines[line] += "  # typed"
    now = "\n".join(lines)
    edit = LineEdit(names[1], names[3], "    def deposit(self, amount):\n        return 5\n")
    refusal = refused(now, edit, read=CODE)
    assert refusal.reason == "stale"
    assert "# typed" in refusal.message
    assert refused(now, edit).reason == "stale"


def test_anchors_of_an_older_text_are_known_by_themselves() -> None:
    newer = f"import os\n\n{CODE}"
    known = {version_of(Text(text)): Text(text) for text in (CODE, newer)}
    name = anchors(CODE)[2]
    edit = LineEdit(name, name, "        pass\n")
    done = apply_edits(Text(newer), [edit], version=version_of(Text(newer)), read=known)
    assert isinstance(done, Applied)
    assert done.text.value == newer.replace("self.total += amount", "pass")


def test_malformed_anchors_and_wrong_order() -> None:
    names = anchors(CODE)
    assert refused(CODE, LineEdit("12", "13", "x")).reason == "invalid"
    assert refused(CODE, LineEdit(names[3], names[2], "x\n")).reason == "invalid"
    assert (
        refused(CODE, LineEdit(f"{names[2]}|something else", names[2], "x\n")).reason == "invalid"
    )
    wrong = LineEdit(f"3:{names[3].partition(':')[2]}", names[3], "x\n")
    assert refused(CODE, wrong, read=CODE).reason == "stale"


def test_anchors_that_were_copied_along_are_taken_away() -> None:
    lines = shown(Text(CODE), 1, 3).split("\n")
    new = [lines[0], f"{lines[1].partition('|')[0]}|        self.total = 0"]
    edit = TextEdit("\n".join(lines), "\n".join(new))
    assert applied(CODE, edit) == CODE.replace("self.total += amount", "self.total = 0")
    made_up = TextEdit("class Account:", "1:aaaa|class Bank:")
    assert refused(CODE, made_up).reason == "invalid"
    numbers = TextEdit("class Account:\n", "1\tclass Bank:\n2\t    x = 1\n")
    assert refused(CODE, numbers).reason == "invalid"


def test_a_range_that_is_one_line_short_is_noticed() -> None:
    names = anchors(CODE)
    new = "        self.total = 0\n        return self.total\n"
    edit = LineEdit(names[1], names[1], f"    def deposit(self, amount):\n{new.splitlines()[0]}\n")
    assert applied(CODE, edit)
    text = CODE.replace("return self.total\n\n", "return self.total_now\n\n")
    short = LineEdit(anchors(text)[2], anchors(text)[2], new.replace("total\n", "total_now\n"))
    assert refused(text, short).reason == "doubtful"


# ---- the user types meanwhile --------------------------------------------------------------------


def test_a_context_line_that_the_user_changed_keeps_the_users_words() -> None:
    now = CODE.replace("class Account:", "class Account(Base):")
    edit = TextEdit(
        "class Account:\n    def deposit(self, amount):\n        self.total += amount\n",
        "class Account:\n    def deposit(self, amount):\n        self.total = 0\n",
    )
    assert applied(now, edit, read=CODE) == now.replace("self.total += amount", "self.total = 0")
    assert refused(now, edit).reason == "missing"


def test_lines_that_touch_the_users_are_refused() -> None:
    now = CODE.replace("deposit(self, amount)", "deposit(self, amount: int)")
    edit = TextEdit(
        "    def deposit(self, amount):\n        self.total += amount\n",
        "    def deposit(self, amount):\n        self.total = 0\n",
    )
    assert refused(now, edit, read=CODE).reason == "stale"
    between = CODE.replace(
        "        self.total += amount\n", "        x = 1\n        self.total += amount\n"
    )
    edit = TextEdit("deposit(self, amount):\n", "deposit(self, amount):\n        y = 1\n")
    assert refused(between, edit, read=CODE).reason == "stale"


def test_a_twin_that_was_typed_elsewhere_is_not_the_place() -> None:
    now = CODE.replace("self.total += amount", "self.total += 1") + "\n\nself.total += amount\n"
    edit = TextEdit("self.total += amount", "self.total = 0")
    assert refused(now, edit, read=CODE).reason == "stale"


def test_what_stood_twice_when_it_was_read_is_ambiguous_still() -> None:
    now = CODE.replace("return self.total\n", "return 1\n", 1)
    assert refused(now, TextEdit("return self.total", "return 2"), read=CODE).reason == "ambiguous"


def test_text_that_is_newer_than_what_was_read_may_be_known_from_elsewhere() -> None:
    now = f"{CODE}\nadded = compute(1)\n"
    assert applied(now, TextEdit("added = compute(1)", "added = compute(2)"), read=CODE) == (
        now.replace("compute(1)", "compute(2)")
    )


def test_lines_that_the_user_moved_as_they_were_are_still_the_lines() -> None:
    head, tail = CODE.split("\n\n")
    block = "def one():\n    a = first()\n    b = second(a)\n    return b\n"
    read, now = f"{block}\n{CODE}", f"{head}\n\n{tail}\n{block}"
    edit = TextEdit(block, block.replace("second(a)", "third(a)"))
    assert applied(now, edit, read=read) == now.replace("second(a)", "third(a)")


def test_refusals_for_an_old_text_show_the_present_lines() -> None:
    now = f"# one\n# two\n# three\n# four\n# five\n{CODE}"
    refusal = refused(now, TextEdit("return self.total", "return 1"), read=CODE)
    assert "9:" in refusal.message
    assert "return self.total" in refusal.message.split("\n", 2)[2]


def test_nothing_is_left_of_the_indentation_of_a_line_that_becomes_blank() -> None:
    assert applied(CODE, TextEdit("self.total += amount\n", "\n"), read=CODE) == CODE.replace(
        "        self.total += amount\n", "\n"
    )


def test_a_line_among_others_like_it_is_not_guessed_after_a_change() -> None:
    read, now = "step()\n" * 8, "step()\n" * 9
    name = anchors(read)[4]
    assert refused(now, LineEdit(name, name, "jump()\n"), read=read).reason == "stale"
    around = f"# typed\n{read}"
    after = applied(around, LineEdit(name, name, "jump()\n"), read=read)  # all eight are there
    assert after.split("\n").index("jump()") == 5


def test_two_places_of_other_depths_are_two_places() -> None:
    twice = "if a:\n    first(1)\n    second(2)\nif b:\n        first(1)\n        second(2)\n"
    edit = TextEdit("first(1)\nsecond(2)\n", "first(1)\nthird(3)\n")
    assert refused(twice, edit, read=twice).reason == "ambiguous"


def test_text_that_only_looks_like_anchors_is_text() -> None:
    table = "1:abcd|first\n2:abcd|second\n"
    edit = TextEdit("2:abcd|second", "2:abcd|other")
    assert applied(table, edit, read=table) == table.replace("second", "other")


def test_a_blank_line_in_front_is_a_line_of_old() -> None:
    text = "alpha = 1\ngamma: delta\n\n    gamma: delta\n"
    after = applied(text, TextEdit("\ngamma: delta\n", "\n"), read=text)
    assert after == "alpha = 1\ngamma: delta\n\n"
