"""Metrics by themselves, and spans where nothing makes them."""

from __future__ import annotations

import subprocess
import sys

from fixwright_sandbox.metrics import Counter, Gauge, Histogram


def test_the_text_of_each_kind_of_metric() -> None:
    counter = Counter("c_total", "What\nit \\ is.", ("a",))
    counter.add('x"\n\\')
    counter.add('x"\n\\', by=1.5)
    assert counter.text() == (
        '# HELP c_total What\\nit \\\\ is.\n# TYPE c_total counter\nc_total{a="x\\"\\n\\\\"} 2.5\n'
    )
    gauge = Gauge("g", "G.")
    gauge.set(to=3)
    gauge.set(to=2)
    assert gauge.text() == "# HELP g G.\n# TYPE g gauge\ng 2\n"
    histogram = Histogram("h", "H.", ("a",), bounds=(1.0, 2.5))
    for value in (0.5, 1.0, 2.0, 9.0):
        histogram.observe(value, "x")
    assert histogram.text() == (
        "# HELP h H.\n# TYPE h histogram\n"
        'h_bucket{a="x",le="1"} 2\nh_bucket{a="x",le="2.5"} 3\nh_bucket{a="x",le="+Inf"} 4\n'
        'h_sum{a="x"} 12.5\nh_count{a="x"} 4\n'
    )


def test_spans_without_the_package_are_refused_with_a_sentence() -> None:
    code = (
        "import sys, asyncio\nsys.modules['opentelemetry'] = None\n"
        "from fixwright_sandbox import *\n"
        "try: asyncio.run(open_sandbox(SandboxSettings('unconfined', trace=True)).__aenter__())\n"
        "except SandboxUnavailable as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, check=True, env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert b"pip install 'fixwright[otel]'" in done.stdout, done
