//! Expressions of the intermediate representation.

use super::{Binding, Span};
use crate::names::{DictMethod, Filter, KindTest, StrMethod, Test};

/// An expression, with its place in the source.
#[derive(Debug)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) span: Span,
}

// The tag is a byte of its own. A tag inside the tag of `Const` takes three instructions more in each `match`.
#[derive(Debug)]
#[repr(u8)]
pub(crate) enum ExprKind {
    Const(Const),
    Name(Binding),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
    /// `value.name`.
    Attribute(Box<Expr>, FieldName),
    /// `value['name']`.
    Key(Box<Expr>, FieldName),
    Item(Box<Expr>, Box<Expr>),
    /// `value[start:stop:step]`, and whether it is part of an expression of literals only.
    Slice(Box<Expr>, Box<[Option<Expr>; 3]>, bool),
    Not(Box<Expr>),
    /// `-value` if the flag is set, else `+value`.
    Sign(Box<Expr>, bool),
    Binary(Operator, Box<Expr>, Box<Expr>),
    /// A chain of `+`: one join if all operands are strings.
    Sum(Vec<Expr>),
    /// A chain of `~`, and whether it has literals only.
    Concat(Vec<Expr>, bool),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Compare(Box<Expr>, Vec<(Comparison, Expr)>),
    If {
        test: Box<Expr>,
        yes: Box<Expr>,
        no: Option<Box<Expr>>,
    },
    /// A filter. The value is None for the first filter of a block, which gets the text of the block.
    Filter(Option<Box<Expr>>, FilterRef, Args),
    Test(Box<Expr>, TestRef, Args),
    Call(Box<Expr>, Args),
    /// `value.name(…)`.
    Method(Box<Expr>, MethodName, Args),
}

/// The name of an attribute or a key.
#[derive(Debug)]
pub(crate) struct FieldName {
    pub(crate) text: String,
    /// Whether a dict has no attribute with this name, so that only its items count.
    pub(crate) only_item: bool,
}

/// The name of a method, with the methods of this name that the two most common types have.
#[derive(Debug)]
pub(crate) struct MethodName {
    pub(crate) text: String,
    pub(crate) of_str: Option<StrMethod>,
    pub(crate) of_dict: Option<DictMethod>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Const {
    None,
    Bool(bool),
    Int(i64),
    /// The digits of an integer that does not fit into 64 bits.
    Big(String),
    Float(f64),
    Str(String),
}

/// An operator on two numbers, strings or lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Mod,
    Pow,
}

impl Operator {
    /// The sign of the operator in Python's error messages.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Operator::Add => "+",
            Operator::Sub => "-",
            Operator::Mul => "*",
            Operator::Div => "/",
            Operator::FloorDiv => "//",
            Operator::Mod => "%",
            Operator::Pow => "** or pow()",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    NotIn,
}

/// A filter, or the name of an unknown one. In a branch, an unknown filter is an error only if the branch runs.
#[derive(Debug)]
pub(crate) enum FilterRef {
    Known(Filter),
    Unknown(String),
}

/// A test, or the name of an unknown one.
#[derive(Debug)]
pub(crate) enum TestRef {
    /// A test for the kind of a value, without arguments.
    OfKind(KindTest),
    Known(Test),
    Unknown(String),
}

/// The arguments of a call.
#[derive(Debug, Default)]
pub(crate) struct Args {
    pub(crate) positional: Vec<Arg>,
    pub(crate) named: Vec<NamedArg>,
}

#[derive(Debug)]
pub(crate) enum Arg {
    One(Expr),
    /// `*items`.
    All(Expr),
}

#[derive(Debug)]
pub(crate) enum NamedArg {
    One(String, Expr),
    /// `**dict`.
    All(Expr),
}
