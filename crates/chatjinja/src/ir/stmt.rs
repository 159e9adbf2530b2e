//! Statements of the intermediate representation.

use super::{Args, Binding, Expr, ScopeInit, Slot, Span};
use crate::text::quote::quoted;

#[derive(Debug)]
pub(crate) enum Stmt {
    Text(String),
    Print(Expr),
    /// The branches with their conditions, and the statements of `else`.
    If(Vec<(Expr, Vec<Stmt>)>, Vec<Stmt>),
    For(Box<ForLoop>),
    Set(Target, Expr),
    SetBlock(Box<SetBlock>),
    With(Box<With>),
    FilterBlock(Box<FilterBlock>),
    Macro(Slot, Box<MacroCode>),
    CallBlock(Box<CallBlock>),
    Generation(ScopeInit, Vec<Stmt>),
    Autoescape(Box<Autoescape>),
    /// The index in [`Program::blocks`](super::Program::blocks).
    Block(usize, Span),
    Break,
    Continue,
    /// `include`, `import` or `extends`, which fail: there is no other template to load.
    LoadTemplate(Span),
}

/// The left side of an assignment.
#[derive(Debug)]
pub(crate) enum Target {
    Name(Slot),
    /// `namespace.name`.
    Attribute(Binding, String, Span),
    Tuple(Vec<Target>, Span),
}

#[derive(Debug)]
pub(crate) struct ForLoop {
    pub(crate) target: Target,
    pub(crate) iter: Expr,
    /// The scope of the loop's condition, its target, and the condition.
    pub(crate) test: Option<(ScopeInit, Target, Expr)>,
    pub(crate) scope: ScopeInit,
    /// The variable `loop`, if the body mentions it.
    pub(crate) loop_slot: Option<Slot>,
    pub(crate) body: Vec<Stmt>,
    pub(crate) else_scope: ScopeInit,
    pub(crate) otherwise: Vec<Stmt>,
    pub(crate) recursive: bool,
    /// The number of slots of a recursive loop, which has its own variables.
    pub(crate) slots: usize,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) struct SetBlock {
    pub(crate) target: Target,
    pub(crate) scope: ScopeInit,
    pub(crate) filter: Option<Expr>,
    pub(crate) body: Vec<Stmt>,
}

#[derive(Debug)]
pub(crate) struct With {
    pub(crate) scope: ScopeInit,
    pub(crate) assignments: Vec<(Target, Expr)>,
    pub(crate) body: Vec<Stmt>,
}

#[derive(Debug)]
pub(crate) struct FilterBlock {
    pub(crate) scope: ScopeInit,
    pub(crate) filter: Expr,
    pub(crate) body: Vec<Stmt>,
}

#[derive(Debug)]
pub(crate) struct Autoescape {
    pub(crate) scope: ScopeInit,
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
    /// None for the body of a `{% call %}`.
    pub(crate) name: Option<String>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) caller: Option<Slot>,
    pub(crate) varargs: Option<Slot>,
    pub(crate) kwargs: Option<Slot>,
    pub(crate) scope: ScopeInit,
    pub(crate) slots: usize,
    pub(crate) body: Vec<Stmt>,
}

impl MacroCode {
    /// Python's `repr` of the name.
    pub(crate) fn quoted_name(&self) -> String {
        self.name.as_deref().map_or_else(|| "None".to_owned(), quoted)
    }

    /// The names of the parameters.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().map(|parameter| parameter.name.as_str())
    }
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
    pub(crate) scope: ScopeInit,
    pub(crate) slots: usize,
    /// The variable `self`, if the block mentions it.
    pub(crate) self_slot: Option<Slot>,
    pub(crate) body: Vec<Stmt>,
}
