//! `looks_ahead`: whether a template reads `loop.nextitem`.

mod support;

#[test]
fn every_way_to_the_next_item_counts() {
    for source in [
        "{% for m in x %}{{ loop.nextitem }}{% endfor %}",
        "{% for m in x %}{% if loop['nextitem'] is defined %}{% endif %}{% endfor %}",
        "{% for m in x %}{{ loop|attr('nextitem') }}{% endfor %}",
        "{% macro next(l) %}{{ l.nextitem.role }}{% endmacro %}{% for m in x %}{{ next(loop) }}{% endfor %}",
        "{% for m in x %}{% set n = loop.nextitem or {} %}{% with a = n %}{{ a }}{% endwith %}{% endfor %}",
        "{% block a %}{% for m in x %}{% generation %}{{ [loop.nextitem] }}{% endgeneration %}{% endfor %}{% endblock %}",
        "{% for m in x if true %}{{ {'a': (1, loop.nextitem)}['a'] }}{% endfor %}",
        "{% call f(loop.nextitem) %}{% endcall %}",
        "{{ [loop]|map(attribute='nextitem')|list }}",
    ] {
        assert!(support::template(source).looks_ahead(), "{source}");
    }
}

#[test]
fn other_texts_and_comments_do_not_count() {
    for source in [
        "{% for m in x %}{{ loop.previtem }}{{ messages[loop.index] }}{% endfor %}",
        "nextitem {# loop.nextitem #}{% raw %}{{ loop.nextitem }}{% endraw %}",
    ] {
        assert!(!support::template(source).looks_ahead(), "{source}");
    }
}
