//! `Program`: a compiled template. Names are slots, filters and tests are functions, every expression knows its place.

use super::builtins::{Filter, KindTest, Test};
use super::value::arithmetic::Operator;

/// A compiled template.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) body: Vec<Stmt>,
    /// The variables of the template itself.
    pub(crate) frame: Frame,
    /// Slots of the activation that runs `body`.
    pub(crate) slots: usize,
    /// Names that are looked up among the variables given from outside, each once in a render.
    pub(crate) globals: Vec<String>,
    /// The variable `self`, where the template mentions it.
    pub(crate) self_slot: Option<Slot>,
    /// `{% block %}`s, in their order.
    pub(crate) blocks: Vec<Block>,
    /// What the template sets at its top level, for blocks: name and slot.
    pub(crate) exported: Vec<(String, usize)>,
    /// The source as it was parsed.
    pub(crate) source: String,
    /// Where each line of the source begins.
    pub(crate) lines: Vec<u32>,
    pub(crate) has_generation: bool,
}

/// Bytes of the source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// A variable: in which activation, counted outwards from the running one, and where in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) out: u32,
    pub(crate) index: u32,
}

/// Where the value of a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Slot(Slot),
    Global(usize),
    /// A global that the template may have set before: inside a block.
    Late(usize),
}

/// What is done where a scope begins: each of its slots gets its first value.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    pub(crate) init: Vec<(u32, Init)>,
}

#[derive(Debug, Clone)]
pub(crate) enum Init {
    /// Not set yet; the name is for the message.
    Undefined(String),
    /// As outside of the scope.
    From(Place),
}

#[derive(Debug)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) enum ExprKind {
    Const(Const),
    Name(Place),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
    /// `value.name`.
    Attribute(Box<Expr>, Name),
    /// `value['name']`.
    Key(Box<Expr>, Name),
    Item(Box<Expr>, Box<Expr>),
    /// `value[start:stop:step]`, and whether it is part of an expression of literals alone.
    Slice(Box<Expr>, Box<[Option<Expr>; 3]>, bool),
    Not(Box<Expr>),
    Sign(Box<Expr>, bool),
    Binary(Operator, Box<Expr>, Box<Expr>),
    /// A chain of `+`, which is one join where all are strings.
    Sum(Vec<Expr>),
    Concat(Vec<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Compare(Box<Expr>, Vec<(Comparison, Expr)>),
    If {
        test: Box<Expr>,
        yes: Box<Expr>,
        no: Option<Box<Expr>>,
    },
    Filter(Option<Box<Expr>>, FilterRef, Args),
    Test(Box<Expr>, TestRef, Args),
    Call(Box<Expr>, Args),
    /// `value.name(…)`.
    Method(Box<Expr>, String, Args),
}

/// The name of an attribute or key.
#[derive(Debug)]
pub(crate) struct Name {
    pub(crate) text: String,
    /// Whether a dict has nothing of this name but its items.
    pub(crate) only_item: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Const {
    None,
    Bool(bool),
    Int(i64),
    /// The digits of an integer that 64 bits do not hold.
    Big(String),
    Float(f64),
    Str(String),
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

/// A filter, or the name of one that does not exist: in branches that matters only where they are taken.
#[derive(Debug)]
pub(crate) enum FilterRef {
    Known(Filter),
    Unknown(String),
}

#[derive(Debug)]
pub(crate) enum TestRef {
    /// A test for the kind of a value, without arguments.
    OfKind(KindTest),
    Known(Test),
    Unknown(String),
}

/// Arguments of a call.
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

#[derive(Debug)]
pub(crate) enum Stmt {
    Text(String),
    Print(Expr),
    If(Vec<(Expr, Vec<Stmt>)>, Vec<Stmt>),
    For(Box<ForLoop>),
    Set(Target, Expr),
    SetBlock(Box<SetBlock>),
    With(Box<With>),
    FilterBlock(Box<FilterBlock>),
    Macro(Slot, Box<MacroCode>),
    CallBlock(Box<CallBlock>),
    Generation(Frame, Vec<Stmt>),
    Autoescape(Box<Autoescape>),
    Block(usize, Span),
    Break,
    Continue,
    /// `include`, `import`, `extends`: there is nothing to load from.
    Load(Span),
}

/// What is assigned to.
#[derive(Debug)]
pub(crate) enum Target {
    Name(Slot),
    /// `namespace.name`.
    Attribute(Place, String, Span),
    Tuple(Vec<Target>, Span),
}

#[derive(Debug)]
pub(crate) struct ForLoop {
    pub(crate) target: Target,
    pub(crate) iter: Expr,
    /// The slots of the test's scope, its target, and the test.
    pub(crate) test: Option<(Frame, Target, Expr)>,
    pub(crate) frame: Frame,
    /// The variable `loop`, where the body mentions it.
    pub(crate) loop_slot: Option<Slot>,
    pub(crate) body: Vec<Stmt>,
    pub(crate) else_frame: Frame,
    pub(crate) otherwise: Vec<Stmt>,
    pub(crate) recursive: bool,
    /// Slots of the loop's own activation, where it is recursive.
    pub(crate) slots: usize,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) struct SetBlock {
    pub(crate) target: Target,
    pub(crate) frame: Frame,
    pub(crate) filter: Option<Expr>,
    pub(crate) body: Vec<Stmt>,
}

#[derive(Debug)]
pub(crate) struct With {
    pub(crate) frame: Frame,
    pub(crate) assignments: Vec<(Target, Expr)>,
    pub(crate) body: Vec<Stmt>,
}

#[derive(Debug)]
pub(crate) struct FilterBlock {
    pub(crate) frame: Frame,
    pub(crate) filter: Expr,
    pub(crate) body: Vec<Stmt>,
}

#[derive(Debug)]
pub(crate) struct Autoescape {
    pub(crate) frame: Frame,
    pub(crate) enabled: Expr,
    pub(crate) body: Vec<Stmt>,
}

#[derive(Debug)]
pub(crate) struct CallBlock {
    pub(crate) callee: Expr,
    pub(crate) args: Args,
    pub(crate) caller: MacroCode,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) struct MacroCode {
    pub(crate) name: String,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) caller: Option<Slot>,
    pub(crate) varargs: Option<Slot>,
    pub(crate) kwargs: Option<Slot>,
    pub(crate) frame: Frame,
    pub(crate) slots: usize,
    pub(crate) body: Vec<Stmt>,
}

#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) slot: Slot,
    pub(crate) default: Option<Expr>,
}

#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) name: String,
    pub(crate) frame: Frame,
    pub(crate) slots: usize,
    /// The variable `self`, where the block mentions it.
    pub(crate) self_slot: Option<Slot>,
    pub(crate) body: Vec<Stmt>,
}

impl MacroCode {
    /// The names of its parameters.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().map(|parameter| parameter.name.as_str())
    }
}

impl Program {
    /// The line, from 1, that holds a byte of the source.
    pub(crate) fn line(&self, offset: u32) -> usize {
        self.lines.partition_point(|start| *start <= offset).max(1)
    }
}
