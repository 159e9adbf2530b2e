//! Random templates that try to take all time or memory: every filter, test, function, method and operator, applied to
//! huge, deep, shared and odd values, in loops.

/// Chooses one of so many, such as by random numbers.
pub(crate) type Choose<'c> = &'c mut dyn FnMut(usize) -> usize;

const FILTERS: &str = "abs attr batch capitalize center count d default dictsort e escape filesizeformat first float \
                       forceescape format groupby indent int items join last length list lower map max min pprint \
                       random reject rejectattr replace reverse round safe select selectattr slice sort string \
                       striptags sum title tojson trim truncate unique upper urlencode wordcount wordwrap xmlattr";
const TESTS: &str = "boolean callable defined divisibleby eq escaped even false filter float ge gt in integer iterable \
                     le lower lt mapping ne none number odd sameas sequence string test true undefined upper";
const METHODS: &str = "capitalize casefold center count endswith expandtabs find format format_map index isalnum \
                       isalpha isascii isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle \
                       isupper join ljust lower lstrip maketrans partition removeprefix removesuffix replace rfind \
                       rindex rjust rpartition rsplit rstrip split splitlines startswith strip swapcase title \
                       translate upper zfill copy get items keys values fromkeys conjugate bit_length bit_count \
                       as_integer_ratio is_integer isdisjoint next reset current";
const FUNCTIONS: &str = "range dict namespace cycler joiner strftime_now dict.fromkeys raise_exception loop m self.b";
const OPERATORS: [&str; 16] =
    ["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", ">=", "in", "not in", "and", "or"];

/// Texts that are repeated.
const TEXTS: [&str; 16] =
    ["a", "ab ", "é", "-", "&<", "{}", "%s", "'", "\\n", "\\t", "0", "ΐ", "\\x01", "{0[", "<b>", "%99999d{:99999,}"];

/// Values, with `#` in place of a name. Each sets the variable of the name.
const VALUES: [&str; 30] = [
    "{% set # = 'T' * N %}",
    "{% set # = ('T' * N)|safe %}",
    "{% set # = ('T' * N).split('a') %}",
    "{% set # = ('T' * N)|list %}",
    "{% set # = ['T'] * N %}",
    "{% set # = ['T', 1, none] * N %}",
    "{% set # = [['T'] * N] * 1000 %}",
    "{% set # = (1, 2) * N %}",
    "{% set # = range(100000) %}",
    "{% set # = range(100000)|map('string')|list %}",
    "{% set # = range(100000)|map('float')|list %}",
    "{% set # = dict.fromkeys(range(100000)) %}",
    "{% set # = dict.fromkeys(range(100000)|map('string'), 'T' * 1000) %}",
    "{% set # = dict.fromkeys(range(3000)|map('tojson')|batch(1)|map('list')|map('join')|list, []) %}",
    "{% set # = {'T': 'T' * N} %}",
    "{% set # = 10 ** N %}",
    "{% set # = -7 ** 300000 %}",
    "{% set # = 1e308 %}",
    "{% set # = 'nan'|float %}",
    "{% set # = ('1' * N)|int %}",
    "{% set z = namespace(l=['T']) %}{% for i in range(N) %}{% set z.l = [z.l] %}{% endfor %}{% set # = z.l %}",
    "{% set z = namespace(l={}) %}{% for i in range(190) %}{% set z.l = {'k': z.l} %}{% endfor %}{% set # = z.l %}",
    "{% set z = namespace(l=[1]) %}{% for i in range(60) %}{% set z.l = [z.l, z.l] %}{% endfor %}{% set # = z.l %}",
    "{% set z = namespace(l=(1,)) %}{% for i in range(60) %}{% set z.l = (z.l, z.l) %}{% endfor %}{% set # = z.l %}",
    "{% set z = namespace(l={}) %}{% for i in range(60) %}{% set z.l = {'a': z.l, 'b': z.l} %}{% endfor %}\
     {% set # = z.l %}",
    "{% set z = namespace(l='T') %}{% for i in range(N) %}{% set z.l = namespace(l=z.l) %}{% endfor %}{% set # = z %}",
    "{% set z = namespace(l='T') %}{% for i in range(N) %}{% set z.l = [z.l]|map('list') %}{% endfor %}\
     {% set # = z.l %}",
    "{% set z = namespace(l='T') %}{% for i in range(N) %}{% set z.l = joiner(z.l) %}{% endfor %}{% set # = z.l %}",
    "{% set z = namespace(l='T') %}{% for i in range(N) %}{% for j in [1] %}{% set z.c = loop.changed(z.l) %}\
     {% set z.l = loop %}{% endfor %}{% endfor %}{% set # = z.l %}",
    "{% set z = namespace(l=0) %}{% macro w(x) %}{% macro u() %}{{ x }}{% endmacro %}{% set z.l = u %}{% endmacro %}\
     {% for i in range(N) %}{{ w(z.l) }}{% endfor %}{% set # = z.l %}",
];

/// Uses, with `#` in place of an expression of `A`, `B` and `C`.
const USES: [&str; 14] = [
    "{{ # }}",
    "{% if # %}x{% endif %}",
    "{% set x = # %}{{ x == x }}{{ x|string|length }}",
    "{% for i in range(100000) %}{% set x = # %}{% endfor %}",
    "{% for i in range(100000) %}{% for j in range(100000) %}{{ # }}{% endfor %}{% endfor %}",
    "{% for i in # %}{% set x = i %}{{ i }}{% endfor %}",
    "{% for i in #|list recursive %}{{ loop(A) }}{% endfor %}",
    "{% set n = namespace(A=A) %}{% for i in range(100000) %}{% set A = n.A %}{% set n.A = # %}{% endfor %}{{ n.A }}",
    "{% set n = namespace(l=A) %}{% for i in range(100000) %}{% set n.l = [n.l, #] %}{% endfor %}{{ n.l }}",
    "{% set n = namespace(l='') %}{% for i in range(100000) %}{% set n.l = n.l ~ (#) %}{% endfor %}{{ n.l }}",
    "{% macro r(v) %}{% set x %}{{ v }}{{ # }}{% endset %}{{ r(x) }}{% endmacro %}{{ r(A) }}",
    "{% filter upper %}{% for i in range(100000) %}{% generation %}{{ # }}{% endgeneration %}{% endfor %}{% endfilter %}",
    "{% autoescape true %}{% for i in range(1000) %}{{ # }}{% endfor %}{% endautoescape %}",
    "{% call(x) m(A) %}{{ # }}{% endcall %}{% for i in range(100000) if # %}{{ loop.nextitem }}{% endfor %}",
];

fn word<'w>(choose: Choose<'_>, words: &'w str) -> &'w str {
    let words: Vec<&str> = words.split_whitespace().collect();
    words[choose(words.len())]
}

fn number(choose: Choose<'_>) -> &'static str {
    ["0", "1", "2", "3", "7", "40", "300", "4000", "70000", "1000000", "100000000", "9223372036854775807"][choose(12)]
}

fn operand(choose: Choose<'_>, deep: usize) -> String {
    match choose(if deep == 0 { 8 } else { 10 }) {
        0..=3 => ["A", "B", "C"][choose(3)].to_owned(),
        4 => number(choose).to_owned(),
        5 => format!("-{}", number(choose)),
        6 => format!("'{}'", TEXTS[choose(TEXTS.len())]),
        7 => ["none", "1.5", "[]", "'attribute'", "(1, 'a')", "undefined", "i", "''", "'string'", "'length'"]
            [choose(10)]
        .to_owned(),
        _ => format!("({})", expression(choose, deep - 1)),
    }
}

fn arguments(choose: Choose<'_>, deep: usize) -> String {
    let names = ["attribute", "indent", "width", "reverse", "case_sensitive", "fill_with", "sep", "default"];
    let mut arguments: Vec<String> = (0..choose(4))
        .map(|_| match choose(12) {
            0 => format!("{}={}", names[choose(names.len())], operand(choose, deep)),
            1 => format!("*{}", operand(choose, 0)),
            2 => format!("**{}", operand(choose, 0)),
            _ => operand(choose, deep),
        })
        .collect();
    // Arguments by name come last.
    arguments.sort_by_key(|argument| names.iter().any(|name| argument.starts_with(&format!("{name}="))));
    arguments.join(", ")
}

fn expression(choose: Choose<'_>, deep: usize) -> String {
    let owner = operand(choose, deep);
    match choose(12) {
        0..=3 => format!("{owner}|{}({})", word(choose, FILTERS), arguments(choose, deep)),
        4 => format!("{owner}|map('{}', {})|list", word(choose, FILTERS), operand(choose, 0)),
        5 => format!("{owner} is {}({})", word(choose, TESTS), operand(choose, deep)),
        6..=7 => format!("({owner}).{}({})", word(choose, METHODS), arguments(choose, deep)),
        8 => format!("{}({})", word(choose, FUNCTIONS), arguments(choose, deep)),
        9 => format!("({owner})[{}:{}:{}]", operand(choose, 0), operand(choose, 0), operand(choose, 0)),
        10 => format!("({owner})[{}]", operand(choose, deep)),
        _ => format!("{owner} {} {}", OPERATORS[choose(OPERATORS.len())], operand(choose, deep)),
    }
}

/// A hostile template.
pub(crate) fn template(choose: Choose<'_>) -> String {
    let mut source = String::from("{% macro m(v) %}{{ caller(v) if caller is defined else v }}{% endmacro %}");
    for name in ["A", "B", "C"] {
        let value = VALUES[choose(VALUES.len())].replace('#', name).replace('T', TEXTS[choose(TEXTS.len())]);
        source += &value.replace('N', number(choose));
    }
    source += &USES[choose(USES.len())].replace('#', &expression(choose, 2));
    source + "{% block b %}{{ A }}{% endblock %}"
}
