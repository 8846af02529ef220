"""Slices of the languages that are sliced by names."""

from __future__ import annotations

import pytest

from fixwright.index.languages import language_for
from fixwright.index.slices import slice_for
from fixwright.workspace.text import Text

JAVASCRIPT = """\
import {a} from './a.js';
import * as unused from 'u';
const K = 2, J = 3;
let other = 1;
function helper(x) { const J = 1; return deeper(x) + J; }
function deeper(q) { return q * a; }
class P { m() { return K; } }
console.log('side effect');
other = 5;
function run(p, K2) {
  let t = helper(p);
  «const z = t + K2 + new P().m();»
  return z;
}
"""
TYPESCRIPT = """\
import type {T} from './t';
export * from './not';
interface I { a: T }
enum E { A, B }
type U = I | E;
type Not<T> = T[];
const f = (x: U): number => 1;
export class C<T> {}
«f({a: 1} as I);»
"""
GO = """\
package main
import (
\t"fmt"
)
import "strings"
type T struct { a U }
type U int
func (t T) M() int { return helper(t.a) }
func helper(u U) int { return Max }
const Max = 3
var unused = 1
func main() {
\tt := T{}
\tn := 1
\tfor i := range n {
\t\t«fmt.Println(t.M(), i)»
\t}
}
"""
RUST = """\
use std::fmt;
#[derive(Debug)]
struct S { a: T }
struct T;
struct Unused;
impl S { fn new() -> S { S { a: T } } }
impl fmt::Display for S { }
fn main() {
    let s = S::new();
    let (a, mut b) = (1, 2);
    let c = 4;
    «println!("{c}", s + b);»
}
"""
JAVA = """\
package p;
import java.util.*;
import java.io.File;
import x.Y;
public class Main {
  static int K = 2;
  int unused = 3;
  static int helper(int a) { int K = 1; return a * other(); }
  static int other() { return 1; }
  public static void main(String[] args) {
    int t = helper(1);
    «System.out.println(t + K + new File(args[0]).length());»
  }
}
class Q {}
"""
C = """\
#include <stdio.h>
#define MAX (LIM + 1)
#define LIM 3
struct node { int a; };
typedef struct node N;
static int unused;
int helper(N *n);
int main(int argc, char **argv) {
  N n = {0};
  int arr[MAX];
  «printf("%d", helper(&n) + arr[0] + argc);»
}
int helper(N *n) { return n->a; }
"""
CPP = """\
#include <vector>
using namespace std;
namespace ns { int f() { return 1; } }
template <class T> class A { public: int m(); };
template <class T> int A<T>::m() { return ns::f(); }
struct Unused {};
int main() {
  A<int> a;
  for (auto x : xs) {
    «int r = a.m() + x;»
  }
}
"""


@pytest.mark.parametrize(
    ("name", "source", "lines", "missing"),
    [
        ("a.js", JAVASCRIPT, [0, 2, 4, 5, 6, 10], {"p", "K2"}),
        ("a.ts", TYPESCRIPT, [0, 2, 3, 4, 6], set[str]()),
        ("a.tsx", TYPESCRIPT, [0, 2, 3, 4, 6], set[str]()),
        ("a.go", GO, [1, 5, 6, 7, 8, 9, 12], {"i"}),
        ("a.rs", RUST, [0, 1, 3, 5, 6, 8, 9, 10], set[str]()),
        ("a.java", JAVA, [0, 1, 2, 5, 7, 8, 10], {"args"}),
        ("a.c", C, [0, 1, 2, 3, 4, 6, 12, 8, 9], {"argc"}),
        ("a.cpp", CPP, [0, 1, 2, 3, 4, 7], {"x"}),
    ],
)
def test_a_selection_in_a_function_gets_what_it_needs(
    name: str, source: str, lines: list[int], missing: set[str]
) -> None:
    start, end = source.index("«"), source.index("»") - 1
    text = Text(source.replace("«", "").replace("»", ""))
    language = language_for(None, name)
    assert language is not None
    found = slice_for(text, language, text.range(start, end))
    assert [chunk.start.line for chunk in found.chunks] == lines
    assert text.slice(found.selection) == text.value[start:end]
    assert found.missing == missing
    assert all(text.slice(chunk) == text.slice(chunk).strip() for chunk in found.chunks)


def test_a_chunk_has_its_attributes_and_its_semicolon() -> None:
    rust, c = language_for("rust"), language_for("c")
    assert rust is not None
    assert c is not None
    text = Text("#[derive(Debug)]\n#[x]\nstruct S;\nfn f() { S; }\n")
    found = slice_for(text, rust, text.range(text.value.index("S; }"), text.value.index(" }")))
    assert [text.slice(chunk) for chunk in found.chunks] == ["#[derive(Debug)]\n#[x]\nstruct S;"]
    text = Text("struct s { int x; };\nint f(void) { struct s v; }\n")
    at = text.value.index("struct s v")
    found = slice_for(text, c, text.range(at, at + 11))
    assert [text.slice(chunk) for chunk in found.chunks] == ["struct s { int x; };"]


def test_a_function_calls_itself_and_comments_are_nothing() -> None:
    language = language_for("javascript")
    assert language is not None
    text = Text("// note\nfunction f(n) {\n  return n ? f(n - 1) : g;\n}\nvar g = 1;\n")
    at = text.value.index("return")
    found = slice_for(text, language, text.range(at, at + 20))
    assert [chunk.start.line for chunk in found.chunks] == [1, 4]
    assert found.missing == {"n"}
    assert slice_for(text, language, text.range(0, 7)).selection.is_empty
