//! Finds reads of `loop.nextitem` in statements.
//!
//! A template can pass `loop` on under another name, and name attributes by strings. So every attribute `nextitem`
//! counts, and every string that contains the word.

use super::{Arg, Args, Const, Expr, ExprKind, MacroCode, NamedArg, Stmt};

const NEXT_ITEM: &str = "nextitem";

pub(super) fn in_statements(body: &[Stmt]) -> bool {
    body.iter().any(in_statement)
}

fn in_statement(statement: &Stmt) -> bool {
    match statement {
        Stmt::Text(_) | Stmt::Block(..) | Stmt::Break | Stmt::Continue | Stmt::LoadTemplate(_) => false,
        Stmt::Print(expr) | Stmt::Set(_, expr) => in_expr(expr),
        Stmt::If(branches, otherwise) => {
            branches.iter().any(|(test, body)| in_expr(test) || in_statements(body)) || in_statements(otherwise)
        }
        Stmt::For(each) => {
            in_expr(&each.iter)
                || each.test.as_ref().is_some_and(|(_, _, test)| in_expr(test))
                || in_statements(&each.body)
                || in_statements(&each.otherwise)
        }
        Stmt::SetBlock(set) => set.filter.as_ref().is_some_and(in_expr) || in_statements(&set.body),
        Stmt::With(with) => with.assignments.iter().any(|(_, value)| in_expr(value)) || in_statements(&with.body),
        Stmt::FilterBlock(block) => in_expr(&block.filter) || in_statements(&block.body),
        Stmt::Macro(_, code) => in_macro(code),
        Stmt::CallBlock(block) => in_expr(&block.callee) || in_args(&block.args) || in_macro(&block.caller),
        Stmt::Generation(_, body) => in_statements(body),
        Stmt::Autoescape(escape) => in_expr(&escape.enabled) || in_statements(&escape.body),
    }
}

fn in_macro(code: &MacroCode) -> bool {
    code.parameters.iter().any(|parameter| parameter.default.as_ref().is_some_and(in_expr)) || in_statements(&code.body)
}

fn in_args(args: &Args) -> bool {
    args.positional.iter().any(|arg| match arg {
        Arg::One(expr) | Arg::All(expr) => in_expr(expr),
    }) || args.named.iter().any(|arg| match arg {
        NamedArg::One(_, expr) | NamedArg::All(expr) => in_expr(expr),
    })
}

fn in_expr(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Const(Const::Str(text)) => text.contains(NEXT_ITEM),
        ExprKind::Const(Const::None | Const::Bool(_) | Const::Int(_) | Const::Big(_) | Const::Float(_))
        | ExprKind::Name(_) => false,
        ExprKind::Attribute(inner, name) | ExprKind::Key(inner, name) => name.text == NEXT_ITEM || in_expr(inner),
        ExprKind::List(items) | ExprKind::Tuple(items) | ExprKind::Sum(items) | ExprKind::Concat(items, _) => {
            items.iter().any(in_expr)
        }
        ExprKind::Dict(items) => items.iter().any(|(key, value)| in_expr(key) || in_expr(value)),
        ExprKind::Slice(inner, bounds, _) => in_expr(inner) || bounds.iter().flatten().any(in_expr),
        ExprKind::Not(inner) | ExprKind::Sign(inner, _) => in_expr(inner),
        ExprKind::Item(left, right)
        | ExprKind::Binary(_, left, right)
        | ExprKind::And(left, right)
        | ExprKind::Or(left, right) => in_expr(left) || in_expr(right),
        ExprKind::Compare(first, with) => in_expr(first) || with.iter().any(|(_, expr)| in_expr(expr)),
        ExprKind::If { test, yes, no } => in_expr(test) || in_expr(yes) || no.as_deref().is_some_and(in_expr),
        ExprKind::Filter(value, _, args) => value.as_deref().is_some_and(in_expr) || in_args(args),
        ExprKind::Test(value, _, args) | ExprKind::Call(value, args) => in_expr(value) || in_args(args),
        ExprKind::Method(value, name, args) => name.text == NEXT_ITEM || in_expr(value) || in_args(args),
    }
}
