//! The intermediate representation: a compiled template as plain data.
//!
//! Names are slots, filters and tests are enums, and every expression has its place in the source.

mod expr;
mod lookahead;
mod stmt;

pub(crate) use expr::{
    Arg, Args, Comparison, Const, Expr, ExprKind, FieldName, FilterRef, MethodName, NamedArg, Operator, TestRef,
};
pub(crate) use stmt::{
    Autoescape, Block, CallBlock, FilterBlock, ForLoop, MacroCode, Parameter, SetBlock, Stmt, Target, With,
};

/// A compiled template.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) body: Vec<Stmt>,
    /// The variables of the template itself.
    pub(crate) scope: ScopeInit,
    /// The number of slots that `body` needs.
    pub(crate) slots: usize,
    /// The names that are looked up among the variables of the input, each once in a render.
    pub(crate) globals: Vec<String>,
    /// The variable `self`, if the template mentions it.
    pub(crate) self_slot: Option<Slot>,
    /// The `{% block %}`s, in their order.
    pub(crate) blocks: Vec<Block>,
    /// The names that the template sets at its top level, with their slots. Blocks read them.
    pub(crate) exported: Vec<(String, usize)>,
    /// The source as the parser read it.
    pub(crate) source: String,
    /// The offset of each line of the source.
    pub(crate) lines: Vec<u32>,
    pub(crate) has_generation: bool,
}

impl Program {
    /// The line, from 1, that holds a byte of the source.
    pub(crate) fn line(&self, offset: u32) -> usize {
        self.lines.partition_point(|start| *start <= offset).max(1)
    }

    /// The source of an expression on one line, shortened to 100 characters; None if it is blank.
    pub(crate) fn excerpt(&self, span: Span) -> Option<String> {
        const SHOWN: usize = 100;
        let text = self.source.get(span.start as usize..span.end as usize)?;
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut short: String = line.chars().take(SHOWN).collect();
        if short.len() < line.len() {
            short.push('…');
        }
        (!short.is_empty()).then_some(short)
    }

    /// Whether the template reads `loop.nextitem`, and so may read a record before the loop reaches it.
    pub(crate) fn looks_ahead(&self) -> bool {
        lookahead::in_statements(&self.body) || self.blocks.iter().any(|block| lookahead::in_statements(&block.body))
    }
}

/// Bytes of the source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// A variable: the number of calls outwards from the running one, and the index among the variables of that call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) out: u32,
    pub(crate) index: u32,
}

/// The place of the value of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binding {
    Local(Slot),
    /// The index in [`Program::globals`].
    Global(usize),
    /// A global that the template may have set before: inside a block.
    LateGlobal(usize),
}

/// The first values of the slots of a scope.
#[derive(Debug, Default)]
pub(crate) struct ScopeInit {
    pub(crate) slots: Vec<(u32, SlotInit)>,
}

/// The first value of a slot.
#[derive(Debug, Clone)]
pub(crate) enum SlotInit {
    /// Not set yet. The name is for the error message.
    Undefined(String),
    /// The value of the same name outside the scope.
    From(Binding),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_excerpts_are_found() {
        let program = Program {
            body: Vec::new(),
            scope: ScopeInit::default(),
            slots: 0,
            globals: Vec::new(),
            self_slot: None,
            blocks: Vec::new(),
            exported: Vec::new(),
            source: format!("a\n{{{{ b\n  .c }}}} {}", "x".repeat(200)),
            lines: vec![0, 2, 7],
            has_generation: false,
        };
        assert_eq!([program.line(0), program.line(2), program.line(6), program.line(7)], [1, 2, 2, 3]);
        assert_eq!(program.excerpt(Span { start: 5, end: 11 }).as_deref(), Some("b .c"));
        assert_eq!(program.excerpt(Span { start: 1, end: 2 }), None);
        let long = program.excerpt(Span { start: 15, end: 215 }).unwrap();
        assert_eq!(long.chars().count(), 101);
    }
}
