//! The tests, such as `defined` in `{% if x is defined %}`.

use super::named;

named! {
    /// A test that looks only at the kind of a value.
    enum KindTest {
        Boolean = "boolean",
        Callable = "callable",
        Defined = "defined",
        Escaped = "escaped",
        False = "false",
        Float = "float",
        Integer = "integer",
        Iterable = "iterable",
        Mapping = "mapping",
        None = "none",
        Number = "number",
        Sequence = "sequence",
        String = "string",
        True = "true",
        Undefined = "undefined",
    }
}

named! {
    /// A test that computes with a value, mostly with an argument.
    enum ValueTest {
        DivisibleBy = "divisibleby",
        Equal = "==" | "eq" | "equalto",
        Even = "even",
        Filter = "filter",
        Greater = ">" | "gt" | "greaterthan",
        GreaterEqual = ">=" | "ge",
        In = "in",
        Less = "<" | "lt" | "lessthan",
        LessEqual = "<=" | "le",
        Lower = "lower",
        NotEqual = "!=" | "ne",
        Odd = "odd",
        SameAs = "sameas",
        Test = "test",
        Upper = "upper",
    }
}

/// A test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Test {
    Kind(KindTest),
    Value(ValueTest),
}

impl Test {
    /// The test with this name.
    pub(crate) fn named(name: &str) -> Option<Test> {
        KindTest::named(name).map(Test::Kind).or_else(|| ValueTest::named(name).map(Test::Value))
    }
}
