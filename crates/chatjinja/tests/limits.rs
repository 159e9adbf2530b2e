//! Limits: any template ends with a text or an error, and no template overflows the stack.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use chatjinja::{Fields, Input, RenderErrorKind, Template};
use support::{render, try_render};

#[test]
fn endless_work_is_stopped() {
    for (source, text) in [
        ("{{ 'x' * 300000000 }}", "a text exceeds the limit of 256 MiB"),
        ("{% set x = 'x' * 200000000 %}{{ x }}{{ x }}", "the output exceeds the limit of 256 MiB"),
        ("{{ [0] * 1000000000 }}", "the template exceeds the limit of 100 million steps; shorten its loops"),
        ("{{ '%999999999d' % 1 }}", "a text exceeds the limit of 256 MiB"),
        ("{{ 2 ** 10000000 }}", "an integer exceeds the limit of a million bits"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "maximum recursion depth exceeded"),
        ("{% for i in [[]] recursive %}{{ loop([[]]) }}{% endfor %}", "maximum recursion depth exceeded"),
        ("{% block a %}{{ self.a() }}{% endblock %}", "maximum recursion depth exceeded"),
    ] {
        let error = try_render(source, "{}").unwrap_err();
        assert_eq!((error.kind(), error.text()), (RenderErrorKind::Limit, text), "{source}");
    }
}

#[test]
fn nested_loops_count_their_steps() {
    let source = "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}";
    assert_eq!(try_render(source, "{}").unwrap_err().kind(), RenderErrorKind::Limit);
}

#[test]
fn values_that_hold_themselves_are_freed_and_printed() {
    let source = "{% set ns = namespace() %}{% set ns.self = ns %}{{ ns }}\
                  {% macro m() %}{{ m.name }}{% endmacro %}{{ m() }}";
    assert_eq!(render(source, "{}"), "<Namespace {'self': <Namespace {...}>}>m");
}

/// Templates at the depth limit and beyond, on a thread with a small stack.
#[test]
fn deep_templates_do_not_overflow_the_stack() {
    let sources: Vec<String> = [150, 500, 501, 20_000]
        .into_iter()
        .flat_map(|depth| {
            [
                format!("{{{{ 'x'{} }}}}", "|e".repeat(depth)),
                format!("{{{{ {}x }}}}", "not ".repeat(depth)),
                format!("{{{{ {}1{} }}}}", "(".repeat(depth), ")".repeat(depth)),
                format!("{{{{ {}1{} }}}}", "[".repeat(depth), "]".repeat(depth)),
                format!("{{{{ x{} }}}}", ".y".repeat(depth)),
                format!("{{{{ 1{} }}}}", " + 1".repeat(depth)),
                format!("{{% if x %}}{}{{% endif %}}", "{% elif x %}".repeat(depth)),
                format!("{}x{}", "{% for i in [1] %}".repeat(depth), "{% endfor %}".repeat(depth)),
            ]
        })
        .collect();
    let work = move || {
        let (mut rendered, mut refused) = (0, 0);
        let none = Fields::new();
        for source in sources {
            match Template::new("deep", &source) {
                Ok(template) => rendered += usize::from(template.render(Input::new(&none)).is_ok()),
                Err(_) => refused += 1,
            }
        }
        assert_eq!((rendered, refused), (8, 22));
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(work).unwrap().join().unwrap();
}
