//! Limits: any template ends with a text or an error, and no template overflows the stack.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/hostile.rs"]
mod hostile;
mod support;

use std::cell::Cell;
use std::time::{Duration, Instant};

use chatjinja::{Fields, Input, Limits, Node, RenderErrorKind, Template};
use support::{Variables, render, template, try_render};

const STEPS: &str = "the template exceeds the limit of 25 million steps; shorten its loops";
const MEMORY: &str = "the values of the template exceed the limit of 256 MiB of memory; make shorter texts and lists";
const TEXT: &str = "a text exceeds the limit of 128 MiB; make it shorter";
const OUTPUT: &str = "the output exceeds the limit of 128 MiB; print less";
const CALLS: &str = "maximum recursion depth exceeded: the limit is 200 nested calls; end the recursion";
const NESTED: &str = "values are nested more than 200 deep, which is the limit; nest them less";

#[test]
fn endless_work_is_stopped() {
    for (source, text) in [
        ("{{ 'x' * 300000000 }}", TEXT),
        ("{% set x = 'x' * 100000000 %}{{ x }}{{ x }}", OUTPUT),
        ("{{ [0] * 1000000000 }}", MEMORY),
        ("{{ '%999999999d' % 1 }}", TEXT),
        ("{{ 2 ** 10000000 }}", "an integer exceeds the limit of a million bits"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", CALLS),
        ("{% for i in [[]] recursive %}{{ loop([[]]) }}{% endfor %}", CALLS),
        ("{% block a %}{{ self.a() }}{% endblock %}", CALLS),
        // Texts that grow while they are written.
        ("{% set x = 'a' * 1000000 %}{{ [x] * 10000 }}", TEXT),
        ("{{ [1, 2, 3]|tojson(indent=100000000) }}", TEXT),
        ("{{ ('a ' * 1000000)|wordwrap(1, wrapstring='x' * 100000) }}", TEXT),
        ("{{ ('a' * 1000000).translate({97: 'x' * 1000000}) }}", TEXT),
        ("{{ dict.fromkeys(range(200)|map('string'), 'x' * 1000000)|xmlattr }}", TEXT),
        ("{{ dict.fromkeys(range(150), 'x' * 1000000)|urlencode }}", TEXT),
        // Values that are kept.
        ("{{ ('a ' * 40000000).split() }}", MEMORY),
        ("{{ ('a' * 100000000)|list }}", MEMORY),
        (
            "{% set x = namespace(l=[]) %}{% for i in range(100) %}{% set x.l = x.l + ['x' * 10000000] %}{% endfor %}",
            MEMORY,
        ),
        ("{{ ([2 ** 500000] * 10000)|map('abs')|list }}", MEMORY),
        ("{% macro m(x) %}{% set y %}{{ 'x' * 10000000 }}{{ m(x) }}{% endset %}{% endmacro %}{{ m(1) }}", MEMORY),
    ] {
        let error = try_render(source, "{}").unwrap_err();
        assert_eq!((error.kind(), error.text()), (RenderErrorKind::Limit, text), "{source}");
        assert_eq!(error.line(), Some(1), "{source}");
    }
}

/// Fewer steps, so that also a build without optimization ends soon.
fn limited(source: &str, limits: Limits) -> Result<String, chatjinja::RenderError> {
    let none = Fields::new();
    template(source).with_limits(limits).render(Input::new(&none)).map(|rendered| rendered.text)
}

const FEW: Limits = Limits { steps: 250_000, memory: 64 << 20, depth: 200, output: 32 << 20 };

#[test]
fn all_work_counts_as_steps() {
    let shared = "{% set n = namespace(l=[1], k=[1], t=(1,), d={}) %}{% for i in range(60) %}\
                  {% set n.l = [n.l, n.l] %}{% set n.k = [n.k, n.k] %}{% set n.t = (n.t, n.t) %}\
                  {% set n.d = {'a': n.d, 'b': n.d} %}{% endfor %}";
    for expression in [
        "n.l == n.k",
        "n.l in [n.k]",
        "n.l < n.k",
        "[n.l, n.k]|sort",
        "[n.t, (n.t, 1)]|unique|list",
        "[n.l, n.k]|min",
        "n.l|string",
        "'%s' % [n.l]",
        "'%r' % (n.l,)",
        "'{}'.format(n.l)",
        "n.l|pprint",
        "n.l|tojson",
        "n.d|pprint",
        "n.d == n.d.copy()",
        "{n.t: 1}",
        "n.t is filter",
        "[n.l].index(n.k)",
        "[n.l].count(n.k)",
        "n ~ ''",
        "n.d|items|string ~ n.d",
        "[{'a': n.l}, {'a': n.k}]|groupby('a')",
        "[n.l, n.k] is eq([n.k, n.l])",
    ] {
        let error = limited(&format!("{shared}{{{{ {expression} }}}}"), FEW).unwrap_err();
        assert_eq!(error.kind(), RenderErrorKind::Limit, "{expression}: {error}");
    }
    let values = "{% set s = 'ab ' * 100000 %}{% set l = [1] * 10000 %}{% set b = 2 ** 100000 %}\
                  {% set d = dict.fromkeys(range(2000)) %}{% set e = 'é' * 10000 %}";
    let cheap = format!("{values}{{% for i in range(4000) %}}{{% set x = i + 1 %}}{{% endfor %}}");
    assert_eq!(limited(&cheap, FEW).unwrap(), "");
    for expression in [
        "e|length",
        "s.find('x')",
        "'x' in s",
        "s == s ~ ''",
        "s < s ~ ''",
        "(' ' * 1000000).strip()",
        "s.isprintable()",
        "s.isdigit() ~ ('1' * 1000000).isdigit()",
        "s.startswith(s ~ '')",
        "e[1:3]",
        "e[7]",
        "s.replace('a', 'b')",
        "s.split()",
        "s.splitlines()",
        "s|upper",
        "s|title",
        "s|escape",
        "s|wordwrap",
        "s|indent",
        "s|center(2000000)",
        "'%1000000d' % 1",
        "'%.1000000f' % 1",
        "'{:1000000}'.format(1)",
        "s|striptags",
        "s.translate({})",
        "[s]|join",
        "[s]|tojson(indent=4)",
        "s|list",
        "s|wordcount",
        "s|int",
        "s|float",
        "s|truncate(5)",
        "s|urlencode",
        "s.partition('x')",
        "s.expandtabs()",
        "s.rfind('x')",
        "s.count('x')",
        "s.zfill(4000000)",
        "l == [1] * 100000",
        "2 in l",
        "l.count(2)",
        "l|sort",
        "l|unique|list",
        "l|sum",
        "l + l",
        "l|map('string')|list",
        "l|tojson",
        "b * b",
        "b // 3 ** 30000",
        "b % 3 ** 30000",
        "b / (b + 1)",
        "-b",
        "b == b + 1",
        "'%x' % b",
        "b|abs",
        "(1e308|round(300))",
        "d|dictsort",
        "d == dict(d)",
        "d|items|list",
        "d|list",
        "strftime_now('%c' * 10000)",
        "b|round(-100000)",
        "1e308 < b",
        "1e308|int",
        "cycler(*l)",
    ] {
        let source = format!("{values}{{% for i in range(4000) %}}{{% set x = {expression} %}}{{% endfor %}}");
        let error = limited(&source, FEW).err().unwrap_or_else(|| panic!("{expression} costs nothing"));
        assert_eq!(error.kind(), RenderErrorKind::Limit, "{expression}: {error}");
    }
}

#[test]
fn deep_values_are_refused() {
    for (first, next) in [
        ("[]", "[n.l]"),
        ("()", "(n.l,)"),
        ("{}", "{'k': n.l}"),
        ("[]", "[n.l]|map('list')"),
        ("[]", "[n.l]|reverse"),
        ("[]", "joiner(n.l)"),
        ("[]", "cycler(n.l)"),
        ("{}", "{'k': n.l}.items()"),
        ("[]", "[n.l].index"),
        ("[]", "[n.l]|batch(1)"),
        ("[]", "[n.l]|select"),
        ("(1,)", "({})[(n.l,)]"),
        ("[]", "([[n.l]]|map('list')|first)"),
        ("{}", "dict(k=n.l)"),
        ("[]", "([[n.l, 1]]|groupby(1))[0]"),
        ("[]", "[1]|map('default', n.l)"),
    ] {
        let source = format!(
            "{{% set n = namespace(l={first}) %}}{{% for i in range(20000) %}}{{% set n.l = {next} %}}{{% endfor %}}"
        );
        let error = try_render(&source, "{}").err().unwrap_or_else(|| panic!("{next} is not refused"));
        assert_eq!((error.kind(), error.text()), (RenderErrorKind::Limit, NESTED), "{next}");
    }
    for source in [
        "{% macro m(x) %}{{ m([[[[x]]]]) }}{% endmacro %}{{ m(1) }}",
        "{% macro m() %}{{ m([[[[varargs]]]]) }}{% endmacro %}{{ m(1) }}",
        "{% macro m() %}{{ m(k=[[[[kwargs]]]]) }}{% endmacro %}{{ m() }}",
        "{% set n = namespace(o=namespace(l=1)) %}{% for i in range(1000) %}{% set n.o = namespace(l=[n.o.l]) %}{% endfor %}",
    ] {
        assert_eq!(try_render(source, "{}").unwrap_err().text(), NESTED, "{source}");
    }
}

/// Chains of objects that may change, which have no depth, are freed without recursion too.
#[test]
fn long_chains_are_freed() {
    for source in [
        "{% set n = namespace(p=1) %}{% for i in range(20000) %}{% set n.p = namespace(p=n.p) %}{% endfor %}{% set n.p = 1 %}",
        "{% set n = namespace(p=1) %}{% for i in range(20000) %}{% set n.p = namespace(p=[n.p]) %}{% endfor %}",
        "{% set n = namespace(p=1) %}{% for i in range(20000) %}{% for j in [1] %}{% set x = loop.changed(n.p) %}\
         {% set n.p = loop %}{% endfor %}{% endfor %}{% set n.p = 1 %}",
        "{% set n = namespace(p=1) %}{% macro m(x) %}{% macro k() %}{% endmacro %}{% set n.p = [k] %}{% endmacro %}\
         {% for i in range(20000) %}{{ m(n.p) }}{% endfor %}{% set n.p = 1 %}",
    ] {
        assert_eq!(render(source, "{}"), "", "{source}");
    }
    let source =
        "{% set n = namespace(p=1) %}{% for i in range(20000) %}{% set n.p = namespace(p=[n.p]) %}{% endfor %}{{ n }}";
    assert_eq!(try_render(source, "{}").unwrap_err().text(), NESTED);
}

#[test]
fn wide_formats_are_exact() {
    for (source, text) in [
        ("{{ '%070000d' % 7 }}", "0".repeat(69_999) + "7"),
        ("{{ '%.70000d' % 7 }}", "0".repeat(69_999) + "7"),
        ("{{ '%.70000f' % 1.5 }}", "1.5".to_owned() + &"0".repeat(69_999)),
        ("{{ '{:.70000f}'.format(1.5) }}", "1.5".to_owned() + &"0".repeat(69_999)),
        ("{{ '{:.70000e}'.format(1.5) }}", "1.5".to_owned() + &"0".repeat(69_999) + "e+00"),
        ("{{ '%.70000g' % 1.5 }}", "1.5".to_owned()),
        ("{{ '%#.70000g' % 1.5 }}", "1.5".to_owned() + &"0".repeat(69_998)),
        ("{{ '{:010,}'.format(1234) }}", "00,001,234".to_owned()),
        ("{{ '{:09,}'.format(1234) }}", "0,001,234".to_owned()),
        ("{{ '{:011,.2f}'.format(-1234.5) }}", "-001,234.50".to_owned()),
        ("{{ '{:#012_b}'.format(5) }}", "0b0_0000_0101".to_owned()),
        ("{{ '{:01000000,}'.format(1) }}", "0,".to_owned() + &"000,".repeat(249_999) + "001"),
        ("{{ range(0, 20, 2)[::9223372036854775807]|list }}", "[0]".to_owned()),
        ("{{ range(0, 20, 2)[3::9223372036854775807]|list }}", "[6]".to_owned()),
        ("{{ [] * 9223372036854775807 }}{{ '' * 9223372036854775807 }}", "[]".to_owned()),
        ("{{ 'abc'|truncate(9223372036854775807, leeway=9223372036854775807) }}", "abc".to_owned()),
    ] {
        let found = render(source, "{}");
        let short = |text: &str| text.chars().take(40).collect::<String>();
        assert!(found == text, "{source}: {} of {} bytes", short(&found), found.len());
    }
}

#[test]
fn integers_are_written_as_far_as_python_writes_them() {
    assert_eq!(render("{{ (10 ** 4300 - 1)|string|length }}", "{}"), "4300");
    for source in ["{{ 10 ** 4300 }}", "{{ [-(10 ** 4300)] }}", "{{ '%d' % 10 ** 4300 }}", "{{ (10 ** 4300)|tojson }}"]
    {
        let text = "Exceeds the limit (4300 digits) for integer string conversion; \
                    use sys.set_int_max_str_digits() to increase the limit";
        assert_eq!(try_render(source, "{}").unwrap_err().text(), text, "{source}");
    }
}

/// Dicts of many keys are searched in about the time of one key.
#[test]
fn large_dicts_are_not_searched_from_the_start() {
    let fields: Vec<String> = (0..30_000).map(|key| format!("\"k{key}\": {key}")).collect();
    let json = format!("{{\"d\": {{{}, \"k7\": 8}}}}", fields.join(", "));
    let begin = Instant::now();
    let source = "{% set n = namespace(x=0) %}{% for k in d %}{% set n.x = n.x + d[k] %}{% endfor %}{{ n.x }}\
                  {% set e = dict(d) %}{% for k in e %}{% set n.x = n.x - e.get(k) %}{% endfor %} {{ n.x }} {{ d == e }} {{ d.k7 }}";
    assert_eq!(render(source, &json), "449985001 0 True 8");
    let ints = "{% set d = dict.fromkeys(range(10000)) %}{% for k in d %}{% if k not in d or 0.5 in d or k + 0.0 not in d %}x{% endif %}{% endfor %}";
    assert_eq!(render(ints, "{}"), "");
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    let Node::Map(fields) = Node::parse_json(json.as_bytes()).unwrap() else { panic!("not an object") };
    assert!(matches!(&fields[0].1, Node::Map(fields) if fields.len() == 30_000));
}

#[test]
fn a_render_can_be_stopped() {
    let template = template("{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}");
    let (none, asked) = (Fields::new(), Cell::new(0));
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() == 3
    };
    let error = template.render(Input { interrupted: Some(&stop), ..Input::new(&none) }).unwrap_err();
    assert_eq!((error.kind(), asked.get()), (RenderErrorKind::Interrupted, 3));
}

#[test]
fn long_conversations_stay_far_below_the_limits() {
    let message = |at: usize| format!("{{\"role\": \"user\", \"content\": \"{} {at}\"}}", "word ".repeat(2000));
    let json = format!("{{\"messages\": [{}]}}", (0..200).map(message).collect::<Vec<_>>().join(", "));
    let variables = Variables::parse(&json);
    let source = "{% set ns = namespace(text='') %}{% for m in messages %}{% if m.content is string and 'x' not in m.content %}\
                  {% set c = m.content.strip() | trim %}{% set ns.text = c.split(' ')[-1] %}\
                  {{ '<' ~ m['role'] ~ '>' + c.replace('a', 'b') + '\\n' }}{% endif %}{% endfor %}";
    // Two megabytes take less than a twenty-fifth of the steps.
    let limits = Limits { steps: Limits::default().steps / 25, ..Limits::default() };
    let text = template(source).with_limits(limits).render(variables.input()).unwrap().text;
    assert!(text.len() > 2_000_000);
}

/// Random templates of all kinds, with small limits. None panics, overflows the stack or runs long.
#[test]
fn hostile_templates_end() {
    let limits = Limits { steps: 60_000, memory: 8 << 20, depth: 200, output: 1 << 20 };
    let (mut state, mut ends) = (0x2545_f491_4f6c_dd1d_u64, [0; 4]);
    let none = Fields::new();
    for number in 0..300 {
        let mut choose = |count: usize| {
            // xorshift
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as usize % count
        };
        let source = hostile::template(&mut choose);
        let begin = Instant::now();
        let end = match Template::new("hostile", &source).map(|template| template.with_limits(limits)) {
            Err(_) => 0,
            Ok(template) => match template.render(Input::new(&none)) {
                Ok(_) => 1,
                Err(error) if error.kind() == RenderErrorKind::Limit => 2,
                Err(_) => 3,
            },
        };
        ends[end] += 1;
        assert!(begin.elapsed() < Duration::from_secs(3), "template {number} takes {:?}: {source}", begin.elapsed());
    }
    let [refused, rendered, limited, failed] = ends;
    assert!(refused < 60 && rendered > 0 && limited > 120 && failed > 40, "{ends:?}");
}

#[test]
fn nested_loops_count_their_steps() {
    let source = "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}";
    assert_eq!(limited(source, FEW).unwrap_err().text(), STEPS.replace("25 million", "250000"));
}

#[test]
fn values_that_hold_themselves_are_freed_and_printed() {
    let source = "{% set ns = namespace() %}{% set ns.self = ns %}{{ ns }}\
                  {% macro m() %}{{ m.name }}{% endmacro %}{{ m() }}";
    assert_eq!(render(source, "{}"), "<Namespace {'self': <Namespace {...}>}>m");
    let source = "{% set ns = namespace() %}{% set ns.l = [ns, namespace(a=1)] %}{{ ns }}";
    assert_eq!(render(source, "{}"), "<Namespace {'l': [<Namespace {...}>, <Namespace {'a': 1}>]}>");
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
