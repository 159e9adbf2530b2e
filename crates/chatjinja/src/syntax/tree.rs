//! Helpers that search minijinja's syntax tree.

use minijinja::machinery::ast::{CallArg, Expr, Stmt, WithBlock};

use super::source::{GENERATION_END, GENERATION_START};

/// The statements of a `{% generation %}` block, if the `with` block was made from one.
pub(super) fn generation_body<'t, 'a>(with: &'t WithBlock<'a>) -> Option<&'t [Stmt<'a>]> {
    let is_name = |expr: &Expr<'_>, name: &str| matches!(expr, Expr::Var(var) if var.id == name);
    let prints = |statement: Option<&Stmt<'_>>, name: &str| matches!(statement, Some(Stmt::EmitExpr(emit)) if is_name(&emit.expr, name));
    let sets = |statement: Option<&Stmt<'_>>, name: &str| matches!(statement, Some(Stmt::Set(set)) if is_name(&set.target, name));
    let body = with.body.as_slice();
    if !prints(body.first(), GENERATION_START) || !prints(body.last(), GENERATION_END) {
        return None;
    }
    let inner = &body[1..body.len() - 1];
    let from = usize::from(sets(inner.first(), GENERATION_START));
    let to = inner.len() - usize::from(sets(inner.last(), GENERATION_END));
    inner.get(from..to)
}

/// The expression of an argument.
pub(super) fn argument<'t, 'a>(arg: &'t CallArg<'a>) -> &'t Expr<'a> {
    match arg {
        CallArg::Pos(expr) | CallArg::Kwarg(_, expr) | CallArg::PosSplat(expr) | CallArg::KwargSplat(expr) => expr,
    }
}

/// Calls `found` with every name that an expression reads.
pub(super) fn each_name<'a>(expr: &'a Expr<'a>, found: &mut dyn FnMut(&'a str)) {
    match expr {
        Expr::Var(name) => found(name.id),
        Expr::Const(_) => {}
        Expr::Slice(slice) => {
            each_name(&slice.expr, found);
            [&slice.start, &slice.stop, &slice.step].into_iter().flatten().for_each(|bound| each_name(bound, found));
        }
        Expr::UnaryOp(unary) => each_name(&unary.expr, found),
        Expr::BinOp(binary) => {
            each_name(&binary.left, found);
            each_name(&binary.right, found);
        }
        Expr::Compare(compare) => {
            each_name(&compare.expr, found);
            compare.ops.iter().for_each(|with| each_name(&with.expr, found));
        }
        Expr::IfExpr(choice) => {
            each_name(&choice.test_expr, found);
            each_name(&choice.true_expr, found);
            choice.false_expr.iter().for_each(|expr| each_name(expr, found));
        }
        Expr::Filter(filter) => {
            filter.expr.iter().for_each(|expr| each_name(expr, found));
            filter.args.iter().for_each(|arg| each_name(argument(arg), found));
        }
        Expr::Test(test) => {
            each_name(&test.expr, found);
            test.args.iter().for_each(|arg| each_name(argument(arg), found));
        }
        Expr::GetAttr(attribute) => each_name(&attribute.expr, found),
        Expr::GetItem(item) => {
            each_name(&item.expr, found);
            each_name(&item.subscript_expr, found);
        }
        Expr::Call(call) => {
            each_name(&call.expr, found);
            call.args.iter().for_each(|arg| each_name(argument(arg), found));
        }
        Expr::List(list) => list.items.iter().for_each(|item| each_name(item, found)),
        Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| each_name(item, found)),
        Expr::Map(map) => map.keys.iter().chain(&map.values).for_each(|item| each_name(item, found)),
    }
}

/// Whether a name is read anywhere in these statements, also in macros but not in `{% block %}`s.
pub(super) fn mentions<'a>(body: &'a [Stmt<'a>], name: &str) -> bool {
    let mut found = false;
    for statement in body {
        each_expression(statement, &mut |expr| each_name(expr, &mut |known| found |= known == name));
    }
    found
}

/// Calls `found` with every expression of a statement and of the statements inside it.
fn each_expression<'a>(statement: &'a Stmt<'a>, found: &mut dyn FnMut(&'a Expr<'a>)) {
    let all = |body: &'a [Stmt<'a>], found: &mut dyn FnMut(&'a Expr<'a>)| {
        body.iter().for_each(|statement| each_expression(statement, found));
    };
    match statement {
        Stmt::EmitExpr(emit) => found(&emit.expr),
        Stmt::ForLoop(each) => {
            found(&each.iter);
            each.filter_expr.iter().for_each(&mut *found);
            all(&each.body, found);
            all(&each.else_body, found);
        }
        Stmt::IfCond(branch) => {
            found(&branch.expr);
            all(&branch.true_body, found);
            all(&branch.false_body, found);
        }
        Stmt::WithBlock(with) => {
            with.assignments.iter().for_each(|(_, value)| found(value));
            all(&with.body, found);
        }
        Stmt::Set(set) => {
            found(&set.expr);
            if !matches!(set.target, Expr::Var(_)) {
                found(&set.target);
            }
        }
        Stmt::SetBlock(set) => {
            set.filter.iter().for_each(&mut *found);
            all(&set.body, found);
        }
        Stmt::AutoEscape(escape) => {
            found(&escape.enabled);
            all(&escape.body, found);
        }
        Stmt::FilterBlock(block) => {
            found(&block.filter);
            all(&block.body, found);
        }
        Stmt::Macro(code) => {
            code.defaults.iter().for_each(&mut *found);
            all(&code.body, found);
        }
        Stmt::CallBlock(block) => {
            found(&block.call.expr);
            block.call.args.iter().for_each(|arg| found(argument(arg)));
            all(&block.macro_decl.body, found);
        }
        Stmt::Template(_)
        | Stmt::EmitRaw(_)
        | Stmt::Block(_)
        | Stmt::Import(_)
        | Stmt::FromImport(_)
        | Stmt::Extends(_)
        | Stmt::Include(_)
        | Stmt::Continue(_)
        | Stmt::Break(_)
        | Stmt::Do(_) => {}
    }
}
