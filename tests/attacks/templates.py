"""Renders random hostile templates at the default limits, each in its own process: none may crash, hang or take much.

Each template gets 5 seconds and 1.5 GiB of address space. The script prints how they ended, and fails if one was
killed, ran out of time or memory, or ended in a defect of chatmill.

    python tests/attacks/templates.py --count 500 --seed 1
"""

import argparse
import random
import resource
import subprocess
import sys
import time
from collections import Counter

SECONDS = 5
MEMORY = 3 << 29

FILTERS = [
    "abs",
    "attr",
    "batch",
    "capitalize",
    "center",
    "count",
    "default",
    "dictsort",
    "escape",
    "filesizeformat",
    "first",
    "float",
    "forceescape",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "pprint",
    "random",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "string",
    "striptags",
    "sum",
    "title",
    "tojson",
    "trim",
    "truncate",
    "unique",
    "upper",
    "urlencode",
    "wordcount",
    "wordwrap",
    "xmlattr",
]
TESTS = [
    "boolean",
    "callable",
    "defined",
    "divisibleby",
    "eq",
    "escaped",
    "even",
    "filter",
    "float",
    "ge",
    "gt",
    "in",
    "integer",
    "iterable",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sameas",
    "sequence",
    "string",
    "undefined",
    "upper",
]
METHODS = [
    "capitalize",
    "casefold",
    "center",
    "count",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "maketrans",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
    "copy",
    "get",
    "items",
    "keys",
    "values",
    "conjugate",
    "bit_length",
    "bit_count",
    "is_integer",
    "isdisjoint",
    "next",
    "reset",
]
FUNCTIONS = ["range", "dict", "namespace", "cycler", "joiner", "strftime_now", "dict.fromkeys", "loop", "m", "self.b"]
OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", ">=", "in", "and", "or", "not in"]
TEXTS = ["a", "ab ", "é", "-", "&<", "{}", "%s", "'", "\n", "\t", "0", "ΐ", "\x01", "Σ", "<b>", "{0[", "%99999d"]
NUMBERS = [0, 1, 7, 300, 4000, 70000, 1000000, 20000000, 100000000, 2**63 - 1]
VALUES = [
    "{% set # = T * N %}",
    "{% set # = (T * N)|safe %}",
    "{% set # = (T * N).split() %}",
    "{% set # = (T * N)|list %}",
    "{% set # = [T] * N %}",
    "{% set # = [[T] * N] * 1000 %}",
    "{% set # = [T * N] * 1000 %}",
    "{% set # = range(100000)|map('string')|list %}",
    "{% set # = dict.fromkeys(range(100000)) %}",
    "{% set # = dict.fromkeys(range(100000)|map('string'), T * 1000) %}",
    "{% set # = {'k': T * N} %}",
    "{% set # = 10 ** 300000 %}",
    "{% set # = 10 ** N %}",
    "{% set # = 1e308 %}",
    "{% set # = 'nan'|float %}",
    "{% set # = '1' * 4000 %}",
    "{% set z = namespace(l=[T]) %}{% for i in range(190) %}{% set z.l = [z.l] %}{% endfor %}{% set # = z.l %}",
    "{% set z = namespace(l=[T]) %}{% for i in range(100000) %}{% set z.l = [z.l] %}{% endfor %}{% set # = z.l %}",
    "{% set z = namespace(l=[1]) %}{% for i in range(60) %}{% set z.l = [z.l, z.l] %}{% endfor %}{% set # = z.l %}",
    "{% set z = namespace(l=(1,)) %}{% for i in range(60) %}{% set z.l = (z.l, z.l) %}{% endfor %}{% set # = z.l %}",
    (
        "{% set z = namespace(l={}) %}{% for i in range(60) %}{% set z.l = {'a': z.l, 'b': z.l} %}{% endfor %}"
        "{% set # = z.l %}"
    ),
    (
        "{% set z = namespace(l=T) %}{% for i in range(100000) %}{% set z.l = namespace(l=z.l) %}{% endfor %}"
        "{% set # = z %}"
    ),
    (
        "{% set z = namespace(l=T) %}{% for i in range(100000) %}{% for j in [1] %}{% set z.c = loop.changed(z.l) %}"
        "{% set z.l = loop %}{% endfor %}{% endfor %}{% set # = z.l %}"
    ),
    (
        "{% set z = namespace(l=0)%}{% macro w(x) %}{% macro u() %}{{ x }}{% endmacro %}{% set z.l = u %}{% endmacro %}"
        "{% for i in range(100000) %}{{ w(z.l) }}{% endfor %}{% set # = z.l %}"
    ),
]
USES = [
    "{{ # }}",
    "{% if # %}x{% endif %}",
    "{% set x = # %}{{ x == x }}{{ x|string|length }}",
    "{% for i in range(100000) %}{% for j in range(100000) %}{% set x = # %}{% endfor %}{% endfor %}",
    "{% for i in range(100000) %}{% for j in range(100000) %}{{ # }}{% endfor %}{% endfor %}",
    "{% for i in range(100000) %}{% for j in range(100000) %}{% if # %}{% endif %}{% endfor %}{% endfor %}",
    "{% for i in # %}{% for j in # %}{% set x = j %}{{ j }}{% endfor %}{% endfor %}",
    "{% for i in (#)|list recursive %}{{ loop(A) }}{% endfor %}",
    "{% set n = namespace(A=A) %}{% for i in range(100000) %}{% set A = n.A %}{% set n.A = # %}{% endfor %}{{ n.A }}",
    "{% set n = namespace(l=A) %}{% for i in range(100000) %}{% set n.l = [n.l, #] %}{% endfor %}{{ n.l }}",
    "{% set n = namespace(l=[]) %}{% for i in range(100000) %}{% set n.l = n.l + [#] %}{% endfor %}{{ n.l }}",
    "{% set n = namespace(l='') %}{% for i in range(100000) %}{% set n.l = n.l ~ (#) %}{% endfor %}{{ n.l }}",
    "{% macro r(v) %}{% set x %}{{ v }}{{ # }}{% endset %}{{ r(x) }}{% endmacro %}{{ r(A) }}",
    "{% filter upper %}{% for i in range(9000) %}{% generation %}{{ # }}{% endgeneration %}{% endfor %}{% endfilter %}",
    "{% autoescape true %}{% for i in range(100000) %}{{ # }}{% endfor %}{% endautoescape %}",
    "{% for i in range(100000)|map('default', A)|map('FILTER', B) %}{{ # }}{% endfor %}",
]


class Generator:
    """Random templates from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def operand(self, deep: int) -> str:
        """A value or a part of an expression."""
        choose = self.random.choice
        kind = self.random.randrange(8 if deep == 0 else 10)
        if kind < 5:
            return choose("ABC")
        if kind == 5:
            return choose(["", "-"]) + str(choose(NUMBERS))
        if kind == 6:
            return repr(choose(TEXTS))
        if kind == 7:
            return choose(["none", "1.5", "[]", "(1, 'a')", "missing", "i", "''", "'string'", "'length'"])
        return f"({self.expression(deep - 1)})"

    def arguments(self, deep: int) -> str:
        """The arguments of a call."""
        names = ["attribute", "indent", "width", "reverse", "fill_with", "default"]
        given = []
        for _ in range(self.random.randrange(4)):
            kind = self.random.randrange(12)
            value = self.operand(deep)
            given.append(f"{self.random.choice(names)}={value}" if kind == 0 else f"*{value}" if kind == 1 else value)
        return ", ".join(sorted(given, key=lambda it: "=" in it.split("(")[0]))

    def expression(self, deep: int) -> str:
        """A filter, a test, a call, an operation or an item."""
        choose = self.random.choice
        owner = self.operand(deep)
        kind = self.random.randrange(12)
        if kind < 4:
            return f"{owner}|{choose(FILTERS)}({self.arguments(deep)})"
        if kind == 4:
            return f"{owner}|map({choose(FILTERS)!r}, {self.operand(0)})|list"
        if kind == 5:
            return f"{owner} is {choose(TESTS)}({self.operand(deep)})"
        if kind < 8:
            return f"({owner}).{choose(METHODS)}({self.arguments(deep)})"
        if kind == 8:
            return f"{choose(FUNCTIONS)}({self.arguments(deep)})"
        if kind == 9:
            return f"({owner})[{self.operand(0)}:{self.operand(0)}:{self.operand(0)}]"
        if kind == 10:
            return f"({owner})[{self.operand(deep)}]"
        return f"{owner} {choose(OPERATORS)} {self.operand(deep)}"

    def template(self) -> str:
        """The source of a hostile template."""
        choose = self.random.choice
        source = "{% macro m(v) %}{{ caller(v) if caller is defined else v }}{% endmacro %}"
        for name in "ABC":
            value = choose(VALUES).replace("#", name).replace("T", repr(choose(TEXTS)))
            source += value.replace("N", str(choose(NUMBERS)))
        use = choose(USES).replace("#", self.expression(2)).replace("FILTER", choose(FILTERS))
        return source + use + "{% block b %}{{ A }}{% endblock %}"


def render(source: str) -> None:
    """Renders a template in this process, and prints how it ended and what it took."""
    import chatmill  # noqa: PLC0415 - only the child needs it

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    before = time.process_time()
    try:
        template = chatmill.ChatTemplate(source)
        end = "rendered" if template.render([{"role": "user", "content": "Hi"}]) is not None else ""
    except chatmill.ChatmillError as error:
        text = str(error)
        end = "defect" if "defect" in text else "limited" if "limit" in text or "exceed" in text else "failed"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(end, time.process_time() - before, peak // 1024)


def run(source: str) -> tuple[str, float, int]:
    """How a template ends in its own process, its seconds and its MiB."""
    command = [sys.executable, __file__, "--render"]
    begin = time.monotonic()
    try:
        done = subprocess.run(command, input=source, capture_output=True, text=True, timeout=SECONDS + 1, check=False)
    except subprocess.TimeoutExpired:
        return "timeout", time.monotonic() - begin, 0
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or [""]
        return f"crash {done.returncode} {last[0][:100]}", time.monotonic() - begin, 0
    end, seconds, peak = done.stdout.split()
    return end, float(seconds), int(peak)


def main() -> int:
    """Runs the templates and prints how they ended."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--render", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.render:
        render(sys.stdin.read())
        return 0
    ends: Counter[str] = Counter()
    longest, largest, bad = (0.0, ""), (0, ""), 0
    for number in range(options.count):
        source = Generator(options.seed * 1_000_000 + number).template()
        end, seconds, peak = run(source)
        ends[end.split(" ")[0]] += 1
        longest, largest = max(longest, (seconds, source)), max(largest, (peak, source))
        if end not in {"rendered", "limited", "failed"} or seconds > SECONDS or peak > 1024:
            bad += 1
            print(f"{number}: {end}, {seconds:.2f} s, {peak} MiB: {source}")
    print(dict(ends))
    print(f"longest {longest[0]:.2f} s: {longest[1]}")
    print(f"largest {largest[0]} MiB: {largest[1]}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
