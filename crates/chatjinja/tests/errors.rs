//! Errors: of syntax with the line and a marker, of a render with the line, the record and the expression.

mod support;

use chatjinja::{RenderErrorKind, Template};
use support::{render, try_render};

#[test]
fn syntax_errors_quote_their_line() {
    for (source, line, shown) in [
        ("a\n{% if %}x{% endif %}", 2, "\n  2 | {% if %}x{% endif %}\n    |       ^^"),
        ("{{ 'x' | nofilter }}", 1, "No filter named 'nofilter'.\n  1 | {{ 'x' | nofilter }}"),
        ("\n{{ x is\n  notest }}", 3, "No test named 'notest'.\n  3 | notest }}"),
        ("{% for m in x %}{% generation %}{% break %}{% endgeneration %}{% endfor %}", 1, "'break' outside of a loop"),
        ("{% do x.append(1) %}", 1, "Encountered unknown tag 'do'."),
        ("\n\n{% generation %}", 3, "\n  3 | {% generation %}"),
        ("{% endgeneration %}", 1, "`endgeneration` without an open `generation` block"),
        ("a\n{{ '\\x4' }}", 2, "truncated \\xXX escape"),
        ("{% set x.y.z = 1 %}", 1, "only an attribute of a namespace can be set"),
        ("{% block a scoped %}{% endblock %}", 1, "scoped blocks are not supported"),
    ] {
        let error = Template::new("test", source).unwrap_err();
        assert_eq!(error.line(), Some(line), "{source}: {error}");
        assert!(error.to_string().contains(shown), "{source}: {error}");
    }
}

#[test]
fn columns_are_bytes_of_the_line() {
    let error = Template::new("test", "é {{ a ! }}").unwrap_err();
    assert_eq!(error.columns(), Some(8..9));
    assert_eq!(error.to_string(), "unexpected character\n  1 | é {{ a ! }}\n    |        ^");
    // The line is rewritten for the parser, so there is no marker.
    let error = Template::new("test", "{{ '\\a' ! }}").unwrap_err();
    assert_eq!((error.line(), error.columns()), (Some(1), None));
}

#[test]
fn unknown_filters_matter_where_they_are_reached() {
    assert_eq!(render("{% if false %}{{ 1|nofilter }}{% endif %}x", "{}"), "x");
    assert_eq!(render("{{ 'x' if true else 1 is notest }}", "{}"), "x");
    for (source, text) in [
        ("{% if true %}{{ 1|nofilter }}{% endif %}", "No filter named 'nofilter' found."),
        ("{% if true %}{{ 1 is notest }}{% endif %}", "No test named 'notest' found."),
        ("{{ [1]|map('nofilter')|list }}", "No filter named 'nofilter'."),
        ("{{ [1]|select('notest')|list }}", "No test named 'notest'."),
    ] {
        let error = try_render(source, "{}").unwrap_err();
        assert_eq!((error.kind(), error.text()), (RenderErrorKind::Failed, text), "{source}");
    }
}

#[test]
fn render_errors_name_their_place() {
    let json = r#"{"messages": [{"content": "a"}, {"content": "b"}]}"#;
    let source = "{% for m in messages %}\n{{ m.content }}{{ m.content + m.name\n if loop.last }}{% endfor %}";
    let error = try_render(source, json).unwrap_err();
    assert_eq!(error.kind(), RenderErrorKind::Failed);
    assert_eq!((error.line(), error.record()), (Some(2), Some(1)));
    assert_eq!(error.text(), "'dict object' has no attribute 'name'");
    assert_eq!(error.expression(), Some("m.content + m.name"));
    assert_eq!(error.to_string(), "record 1, line 2: 'dict object' has no attribute 'name' (in `m.content + m.name`)");
}

#[test]
fn raised_errors_carry_the_text_of_the_template() {
    let error = try_render("{% if true %}\n{{ raise_exception('no <way>') }}{% endif %}", "{}").unwrap_err();
    assert_eq!((error.kind(), error.text(), error.line()), (RenderErrorKind::Raised, "no <way>", Some(2)));
    assert_eq!(error.to_string(), "line 2: no <way>");
}

#[test]
fn texts_of_errors_are_pythons() {
    for (source, text) in [
        ("{{ x.y }}", "'x' is undefined"),
        ("{{ 'a' + 1 }}", "can only concatenate str (not \"int\") to str"),
        ("{{ 1 + none }}", "unsupported operand type(s) for +: 'int' and 'NoneType'"),
        ("{{ 1 < 'a' }}", "'<' not supported between instances of 'int' and 'str'"),
        ("{{ 1 // 0 }}", "integer division or modulo by zero"),
        ("{{ [1][5].x }}", "list object has no element 5"),
        ("{% for i in 3 %}{% endfor %}", "'int' object is not iterable"),
        ("{% set a, b = [1] %}", "not enough values to unpack (expected 2, got 1)"),
        ("{{ {[]: 1} }}", "unhashable type: 'list'"),
        ("{{ 'a'() }}", "'str' object is not callable"),
        ("{% macro m(a) %}{% endmacro %}{{ m(b=1) }}", "macro 'm' takes no keyword argument 'b'"),
        ("{{ 'x'|replace('a') }}", "replace() missing 1 required positional argument: 'new'"),
        ("{{ [1]|max(by='a') }}", "max() got an unexpected keyword argument 'by'"),
        ("{{ [1]|min(by='a') }}", "min() got an unexpected keyword argument 'by'"),
        ("{{ 'a'|round }}", "type str doesn't define __round__ method"),
        ("{{ x|round }}", "type Undefined doesn't define __round__ method"),
        ("{{ 'a'|round(0, 'floor') }}", "must be real number, not str"),
        ("{{ 25|round(1.0) }}", "'float' object cannot be interpreted as an integer"),
        ("{{ 25|round(0, 'up') }}", "method must be common, ceil or floor"),
        ("{{ 1e308|round(1, 'ceil') }}", "cannot convert float infinity to integer"),
        ("{{ 1.7e308|round(-308) }}", "rounded value too large to represent"),
        ("{{ range(1000000) }}", "Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000)."),
        ("{% include 'x' %}", "no loader for this environment specified"),
        ("{{ {}|tojson(indent='a', separators=1) }}", "'int' object is not iterable"),
    ] {
        let error = try_render(source, "{}").unwrap_err();
        assert_eq!(error.text(), text, "{source}");
    }
}
