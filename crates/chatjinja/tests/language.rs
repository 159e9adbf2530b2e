//! The language: statements, scopes, operators, filters, tests, functions and methods, as in Python's Jinja2.
//!
//! The expected texts are those of Jinja2 3.1.6 in the environment of transformers.

mod support;

use support::{render, try_render};

/// Each template gives the text, without variables.
fn check(cases: &[(&str, &str)]) {
    for (source, expected) in cases {
        assert_eq!(render(source, "{}"), *expected, "{source}");
    }
}

#[test]
fn white_space_is_trimmed_around_tags() {
    check(&[
        ("A\n  {% if true %}\nB\n  {% endif %}\nC\n", "A\nB\nC"),
        ("A {%- if true -%} B {%- endif %}", "AB"),
        ("A\n  {%+ if true %}B{% endif %}", "A\n  B"),
        ("A\r\nB\rC", "A\nB\nC"),
        ("{% raw %}{{ x }}{% endraw %}{# {{ y }} #}", "{{ x }}"),
    ]);
}

#[test]
fn scopes_are_those_of_jinja2() {
    check(&[
        ("{% set x = 1 %}{% for i in [1, 2] %}{% set x = i %}{% endfor %}{{ x }}", "1"),
        ("{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}", "2"),
        ("{% set ns = namespace(x=1) %}{% for i in [1, 2] %}{% set ns.x = i %}{% endfor %}{{ ns.x }}", "2"),
        ("{% with x = 1 %}{% set y = x %}{{ y }}{% endwith %}{{ y }}", "1"),
        ("{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}{{ m(1, b=2) }}", "1112"),
        ("{% macro m() %}[{{ caller('x') }}]{% endmacro %}{% call(a) m() %}{{ a }}{% endcall %}", "[x]"),
        ("{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, a=2) }}", "(1,){'a': 2}"),
        ("{% set x %}a{{ 1 }}{% endset %}{{ x|upper }}", "A1"),
        ("{% filter upper %}a{{ 'b' }}{% endfilter %}", "AB"),
        ("{% block a %}x{% endblock %}{{ self.a() }}", "xx"),
    ]);
}

#[test]
fn loops_have_their_variable() {
    check(&[
        ("{% for i in 'abc' %}{{ loop.index }}{{ i }}{{ ',' if not loop.last }}{% endfor %}", "1a,2b,3c"),
        ("{% for i in [] %}x{% else %}none{% endfor %}", "none"),
        ("{% for i in range(9) if i is odd %}{% if i > 5 %}{% break %}{% endif %}{{ i }}{% endfor %}", "135"),
        ("{% for i in [1, 1, 2] %}{{ loop.changed(i) }}{{ loop.cycle('a', 'b') }} {% endfor %}", "Truea Falseb Truea "),
        ("{% for i in [1, 2] %}{{ loop.previtem }}<{{ loop.nextitem }}{% endfor %}", "<21<"),
        ("{% for i in [[1, [2]], [3]] recursive %}{{ loop(i) if i is not number else i }}{% endfor %}", "123"),
        ("{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}", "a1"),
    ]);
}

#[test]
fn operators_are_pythons() {
    check(&[
        ("{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 2 ** 70 }} {{ 7 / 2 }}", "3 -4 2 1180591620717411303424 3.5"),
        ("{{ 'ab' * 2 + 'c' }}{{ 1 ~ none ~ [1.0] }}", "ababc1None[1.0]"),
        ("{{ 1 < 2 < 3 }} {{ 1 == 1.0 }} {{ 'a' in 'cat' }} {{ 3 not in [1, 2] }}", "True True True True"),
        ("{{ 'hello'[1:-1] }} {{ [1, 2, 3][::-1] }} {{ 'abc'[-1] }}", "ell [3, 2, 1] c"),
        ("{{ 0 or 'x' }} {{ [] and 1 }} {{ not '' }} {{ 'y' if 1 else 'n' }}", "x [] True y"),
        ("{{ (1,) }} {{ {'a': none, 2: 'b'} }} {{ true }} {{ 1e16 }}", "(1,) {'a': None, 2: 'b'} True 1e+16"),
        ("{{ '%s is %05.1f' % ('x', 2.25) }} {{ '{:>4}|{!r}'.format(1, 'a') }}", "x is 002.2    1|'a'"),
    ]);
}

#[test]
fn filters_are_those_of_jinja2_and_transformers() {
    check(&[
        ("{{ ' a '|trim }}{{ 'a b'|title }}{{ 'abc'|replace('b', 'x') }}{{ x|default('d') }}", "aA Baxcd"),
        ("{{ [3, 1, 2]|sort|join(',') }} {{ [1, 2, 3]|sum }} {{ 'abc'|length }} {{ [1, 2]|last }}", "1,2,3 6 3 2"),
        ("{{ [{'a': 1}, {'a': 2}]|map(attribute='a')|list }}", "[1, 2]"),
        ("{{ [{'a': 1}, {'b': 2}]|selectattr('a', 'defined')|list }}", "[{'a': 1}]"),
        ("{{ [0, 1, 2]|reject('odd')|list }}{{ 'aab'|unique|list }}", "[0, 2]['a', 'b']"),
        (r#"{{ {"b": "é<", "a": [1, none]}|tojson }}"#, r#"{"b": "é<", "a": [1, null]}"#),
        ("{{ {'b': 1, 'a': 2}|tojson(indent=2, sort_keys=true) }}", "{\n  \"a\": 2,\n  \"b\": 1\n}"),
        ("{{ {'b': 1, 'a': 2}|dictsort }} {{ '3.7'|int }} {{ 2.5|round }}", "[('a', 2), ('b', 1)] 3 2.0"),
        ("{{ 'a\nb'|indent }}|{{ 'long text here'|truncate(8, true) }}", "a\n    b|long ..."),
        ("{{ '<a>'|e }} {{ ('<a>'|safe) ~ '' }} {{ '<p>x</p>'|striptags }}", "&lt;a&gt; <a> x"),
    ]);
}

#[test]
fn tests_tell_kinds_and_compare() {
    check(&[
        ("{{ x is defined }} {{ none is none }} {{ 'a' is string }} {{ {} is mapping }}", "False True True True"),
        (
            "{{ 1 is number }} {{ true is integer }} {{ 'a' is iterable }} {{ 4 is divisibleby 2 }}",
            "True False True True",
        ),
        ("{{ 2 is in [1, 2] }} {{ 1 is eq 1 }} {{ 'A' is upper }} {{ 'trim' is filter }}", "True True True True"),
    ]);
}

#[test]
fn methods_are_those_of_str_and_dict() {
    check(&[
        ("{{ 'a,b'.split(',') }} {{ 'a b '.rstrip().partition(' ') }}", "['a', 'b'] ('a', ' ', 'b')"),
        ("{{ 'abc'.startswith(('x', 'ab')) }} {{ 'abc'.find('c') }} {{ 'x'.join(['a', 'b']) }}", "True 2 axb"),
        ("{{ 'they\\'re ß'.title() }} {{ 'a\\nb'.splitlines() }} {{ '7'.zfill(3) }}", "They'Re Ss ['a', 'b'] 007"),
        ("{{ {'a': 1}.get('b', 2) }} {{ {'a': 1}.items()|list }} {{ {'items': 3}['items'] }}", "2 [('a', 1)] 3"),
        ("{{ [1, 2].index(2) }} {{ (5).bit_length() }} {{ 'abc'.removeprefix('a') }}", "1 3 bc"),
    ]);
}

#[test]
fn functions_are_those_of_the_sandbox() {
    check(&[
        ("{{ range(2, 8, 3)|list }} {{ dict(a=1) }} {{ dict.fromkeys('ab', 0) }}", "[2, 5] {'a': 1} {'a': 0, 'b': 0}"),
        ("{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.current }}", "aba"),
        ("{% set j = joiner('|') %}{% for i in [1, 2] %}{{ j() }}{{ i }}{% endfor %}", "1|2"),
    ]);
}

#[test]
fn the_sandbox_keeps_values_as_they_are() {
    for source in
        ["{{ [].append(1) }}", "{{ {}.update(a=1) }}", "{{ ''.__class__.__mro__ }}", "{% set ns = namespace(_x=1) %}"]
    {
        let error = try_render(source, "{}").unwrap_err();
        assert!(error.text().contains("unsafe") || error.text().contains("underscore"), "{source}: {error}");
    }
}

#[test]
fn markup_escapes_only_inside_autoescape() {
    check(&[
        ("{{ '<' }}{% autoescape true %}{{ '<' }}{{ '<b>'|safe }}{% endautoescape %}", "<&lt;<b>"),
        ("{% autoescape true %}{% set x %}<i>{% endset %}{{ x }}{{ '&' ~ x }}{% endautoescape %}", "<i>&amp;<i>"),
    ]);
}

#[test]
fn variables_are_listed_without_functions_and_locals() {
    let template =
        support::template("{% set a = b %}{% for m in messages %}{{ m.x ~ c ~ range(1) }}{% endfor %}{{ a }}");
    assert_eq!(template.variables().collect::<Vec<_>>(), ["b", "messages", "c"]);
    assert!(!template.reads_clock() && !template.has_generation());
    let template = support::template("{% generation %}{{ strftime_now('%Y') }}{% endgeneration %}");
    assert!(template.reads_clock() && template.has_generation());
}

#[test]
fn the_clock_can_be_set() {
    let none = chatjinja::Fields::new();
    let now = "2026-07-04T13:05:09".parse().ok();
    let input = chatjinja::Input { now, ..chatjinja::Input::new(&none) };
    let text = support::template("{{ strftime_now('%d %b %Y') }}").render(input).map(|rendered| rendered.text);
    assert_eq!(text.as_deref(), Ok("04 Jul 2026"));
}

#[test]
fn variables_hide_built_in_functions() {
    assert_eq!(render("{{ range }}{{ namespace is callable }}", r#"{"range": "mine"}"#), "mineTrue");
}
