//! Compiles expressions of the syntax tree to the intermediate representation.

use minijinja::machinery::Span as TreeSpan;
use minijinja::machinery::ast::{BinOpKind, CallArg, CompareOpKind, Expr as Tree, UnaryOpKind};
use minijinja::value::ValueKind;

use super::error::SyntaxError;
use super::scope::Scopes;
use super::tree::argument;
use crate::ir::{
    Arg, Args, Comparison, Const, Expr, ExprKind, FieldName, FilterRef, MethodName, NamedArg, Operator, Span, TestRef,
};
use crate::names::{DictMethod, Filter, KindTest, StrMethod, Test};

/// The context of an expression.
#[derive(Debug, Clone, Copy)]
pub(super) struct ExprContext {
    pub(super) scope: usize,
    /// Inside a branch: unknown filters and tests are errors only if the branch runs.
    pub(super) branch: bool,
    /// Inside an expression of literals only, which Jinja2 evaluates at compile time.
    pub(super) folded: bool,
}

pub(super) fn span(span: TreeSpan) -> Span {
    Span { start: span.start_offset, end: span.end_offset.max(span.start_offset) }
}

/// Compiles an expression.
pub(super) fn expression<'a>(
    scopes: &mut Scopes<'a>,
    context: ExprContext,
    tree: &'a Tree<'a>,
) -> Result<Expr, SyntaxError> {
    let folded = context.folded;
    let context = ExprContext { folded: folded || is_literal(tree), ..context };
    let boxed = |scopes: &mut Scopes<'a>, tree: &'a Tree<'a>| expression(scopes, context, tree).map(Box::new);
    let kind = match tree {
        Tree::Var(name) => ExprKind::Name(scopes.binding(context.scope, name.id)),
        Tree::Const(constant) => ExprKind::Const(self::constant(&constant.value)?),
        Tree::List(list) => ExprKind::List(expressions(scopes, context, &list.items)?),
        Tree::Tuple(tuple) => ExprKind::Tuple(expressions(scopes, context, &tuple.items)?),
        Tree::Map(map) => {
            let keys = expressions(scopes, context, &map.keys)?;
            let values = expressions(scopes, context, &map.values)?;
            ExprKind::Dict(keys.into_iter().zip(values).collect())
        }
        Tree::GetAttr(attribute) => ExprKind::Attribute(boxed(scopes, &attribute.expr)?, field_name(attribute.name)),
        Tree::GetItem(item) => match string_literal(&item.subscript_expr) {
            Some(key) => ExprKind::Key(boxed(scopes, &item.expr)?, field_name(key)),
            None => ExprKind::Item(boxed(scopes, &item.expr)?, boxed(scopes, &item.subscript_expr)?),
        },
        Tree::Slice(slice) => {
            let value = boxed(scopes, &slice.expr)?;
            let mut bound =
                |tree: &'a Option<Tree<'a>>| tree.as_ref().map(|tree| expression(scopes, context, tree)).transpose();
            let bounds = [bound(&slice.start)?, bound(&slice.stop)?, bound(&slice.step)?];
            ExprKind::Slice(value, Box::new(bounds), folded)
        }
        Tree::UnaryOp(unary) => match unary.op {
            UnaryOpKind::Not => ExprKind::Not(boxed(scopes, &unary.expr)?),
            UnaryOpKind::Neg => ExprKind::Sign(boxed(scopes, &unary.expr)?, true),
        },
        Tree::BinOp(binary) => {
            let pair = |scopes: &mut Scopes<'a>| -> Result<(Box<Expr>, Box<Expr>), SyntaxError> {
                Ok((boxed(scopes, &binary.left)?, boxed(scopes, &binary.right)?))
            };
            let mut arithmetic = |operator| pair(scopes).map(|(left, right)| ExprKind::Binary(operator, left, right));
            match binary.op {
                BinOpKind::Sub => arithmetic(Operator::Sub)?,
                BinOpKind::Mul => arithmetic(Operator::Mul)?,
                BinOpKind::Div => arithmetic(Operator::Div)?,
                BinOpKind::FloorDiv => arithmetic(Operator::FloorDiv)?,
                BinOpKind::Rem => arithmetic(Operator::Mod)?,
                BinOpKind::Pow => arithmetic(Operator::Pow)?,
                BinOpKind::Add => ExprKind::Sum(chain(scopes, context, tree, binary.op)?),
                BinOpKind::Concat => ExprKind::Concat(chain(scopes, context, tree, binary.op)?, context.folded),
                BinOpKind::ScAnd => pair(scopes).map(|(left, right)| ExprKind::And(left, right))?,
                BinOpKind::ScOr => pair(scopes).map(|(left, right)| ExprKind::Or(left, right))?,
                BinOpKind::Eq => compared(scopes, context, &binary.left, Comparison::Equal, &binary.right)?,
                BinOpKind::Ne => compared(scopes, context, &binary.left, Comparison::NotEqual, &binary.right)?,
                BinOpKind::Lt => compared(scopes, context, &binary.left, Comparison::Less, &binary.right)?,
                BinOpKind::Lte => compared(scopes, context, &binary.left, Comparison::LessEqual, &binary.right)?,
                BinOpKind::Gt => compared(scopes, context, &binary.left, Comparison::Greater, &binary.right)?,
                BinOpKind::Gte => compared(scopes, context, &binary.left, Comparison::GreaterEqual, &binary.right)?,
                BinOpKind::In => compared(scopes, context, &binary.left, Comparison::In, &binary.right)?,
            }
        }
        Tree::Compare(compare) => {
            let first = boxed(scopes, &compare.expr)?;
            let mut with = Vec::with_capacity(compare.ops.len());
            for next in &compare.ops {
                let comparison = match next.op {
                    CompareOpKind::Eq => Comparison::Equal,
                    CompareOpKind::Ne => Comparison::NotEqual,
                    CompareOpKind::Lt => Comparison::Less,
                    CompareOpKind::Lte => Comparison::LessEqual,
                    CompareOpKind::Gt => Comparison::Greater,
                    CompareOpKind::Gte => Comparison::GreaterEqual,
                    CompareOpKind::In => Comparison::In,
                    CompareOpKind::NotIn => Comparison::NotIn,
                };
                with.push((comparison, expression(scopes, context, &next.expr)?));
            }
            ExprKind::Compare(first, with)
        }
        Tree::IfExpr(choice) => {
            let branch = ExprContext { branch: true, ..context };
            let no = choice.false_expr.as_ref().map(|tree| expression(scopes, branch, tree)).transpose()?;
            ExprKind::If {
                test: Box::new(expression(scopes, branch, &choice.test_expr)?),
                yes: Box::new(expression(scopes, branch, &choice.true_expr)?),
                no: no.map(Box::new),
            }
        }
        Tree::Filter(filter) => {
            let value = filter.expr.as_ref().map(|tree| expression(scopes, context, tree)).transpose()?;
            let known = match Filter::named(filter.name) {
                Some(known) => FilterRef::Known(known),
                None if context.branch => FilterRef::Unknown(filter.name.to_owned()),
                None => return Err(unknown("filter", filter.name, filter.span())),
            };
            ExprKind::Filter(value.map(Box::new), known, arguments(scopes, context, &filter.args)?)
        }
        Tree::Test(test) => {
            let of_kind = KindTest::named(test.name).filter(|_| test.args.is_empty());
            let known = match (of_kind, Test::named(test.name)) {
                (Some(of_kind), _) => TestRef::OfKind(of_kind),
                (None, Some(known)) => TestRef::Known(known),
                (None, None) if context.branch => TestRef::Unknown(test.name.to_owned()),
                (None, None) => return Err(unknown("test", test.name, test.span())),
            };
            ExprKind::Test(boxed(scopes, &test.expr)?, known, arguments(scopes, context, &test.args)?)
        }
        Tree::Call(call) => {
            let args = arguments(scopes, context, &call.args)?;
            if let Tree::GetAttr(attribute) = &call.expr {
                ExprKind::Method(boxed(scopes, &attribute.expr)?, method_name(attribute.name), args)
            } else {
                ExprKind::Call(boxed(scopes, &call.expr)?, args)
            }
        }
    };
    // The parser's span of a postfix or filter begins after its operand.
    let mut place = span(tree.span());
    if let Some(operand) = operand(&kind) {
        place.start = place.start.min(operand.span.start);
    }
    Ok(Expr { kind, span: place })
}

/// The operand before a postfix, a filter or an operator.
fn operand(kind: &ExprKind) -> Option<&Expr> {
    match kind {
        ExprKind::Attribute(inner, _)
        | ExprKind::Key(inner, _)
        | ExprKind::Item(inner, _)
        | ExprKind::Slice(inner, ..)
        | ExprKind::Filter(Some(inner), ..)
        | ExprKind::Test(inner, ..)
        | ExprKind::Call(inner, _)
        | ExprKind::Method(inner, ..)
        | ExprKind::Binary(_, inner, _)
        | ExprKind::And(inner, _)
        | ExprKind::Or(inner, _)
        | ExprKind::Compare(inner, _) => Some(inner),
        ExprKind::Sum(operands) | ExprKind::Concat(operands, _) => operands.first(),
        _ => None,
    }
}

fn field_name(text: &str) -> FieldName {
    let only_item = DictMethod::named(text).is_none() && !text.starts_with('_');
    FieldName { text: text.to_owned(), only_item }
}

fn method_name(text: &str) -> MethodName {
    MethodName { text: text.to_owned(), of_str: StrMethod::named(text), of_dict: DictMethod::named(text) }
}

/// The text of an expression that is a string literal.
fn string_literal<'t>(tree: &'t Tree<'_>) -> Option<&'t str> {
    if let Tree::Const(constant) = tree { constant.value.as_str() } else { None }
}

/// Whether an expression consists of literals only, so that Jinja2 evaluates it at compile time.
pub(super) fn is_literal(tree: &Tree<'_>) -> bool {
    let args = |args: &[CallArg<'_>]| {
        args.iter().all(|arg| match arg {
            CallArg::Pos(tree) | CallArg::Kwarg(_, tree) => is_literal(tree),
            CallArg::PosSplat(_) | CallArg::KwargSplat(_) => false,
        })
    };
    match tree {
        Tree::Var(_) | Tree::Call(_) => false,
        Tree::Const(_) => true,
        Tree::Slice(slice) => {
            let bounds = [&slice.start, &slice.stop, &slice.step];
            is_literal(&slice.expr) && bounds.into_iter().flatten().all(is_literal)
        }
        Tree::UnaryOp(unary) => is_literal(&unary.expr),
        Tree::BinOp(binary) => is_literal(&binary.left) && is_literal(&binary.right),
        Tree::Compare(compare) => is_literal(&compare.expr) && compare.ops.iter().all(|with| is_literal(&with.expr)),
        Tree::IfExpr(choice) => {
            is_literal(&choice.test_expr)
                && is_literal(&choice.true_expr)
                && choice.false_expr.as_ref().is_some_and(is_literal)
        }
        // These filters need the variables of the template.
        Tree::Filter(filter) if matches!(filter.name, "map" | "select" | "reject" | "selectattr" | "rejectattr") => {
            false
        }
        Tree::Filter(filter) => filter.expr.as_ref().is_some_and(is_literal) && args(&filter.args),
        Tree::Test(test) => is_literal(&test.expr) && args(&test.args),
        Tree::GetAttr(attribute) => is_literal(&attribute.expr),
        Tree::GetItem(item) => is_literal(&item.expr) && is_literal(&item.subscript_expr),
        Tree::List(list) => list.items.iter().all(is_literal),
        Tree::Tuple(tuple) => tuple.items.iter().all(is_literal),
        Tree::Map(map) => map.keys.iter().chain(&map.values).all(is_literal),
    }
}

fn compared<'a>(
    scopes: &mut Scopes<'a>,
    context: ExprContext,
    left: &'a Tree<'a>,
    comparison: Comparison,
    right: &'a Tree<'a>,
) -> Result<ExprKind, SyntaxError> {
    let left = Box::new(expression(scopes, context, left)?);
    Ok(ExprKind::Compare(left, vec![(comparison, expression(scopes, context, right)?)]))
}

fn expressions<'a>(
    scopes: &mut Scopes<'a>,
    context: ExprContext,
    trees: &'a [Tree<'a>],
) -> Result<Vec<Expr>, SyntaxError> {
    trees.iter().map(|tree| expression(scopes, context, tree)).collect()
}

/// The operands of a chain of one operator, from left to right.
fn chain<'a>(
    scopes: &mut Scopes<'a>,
    context: ExprContext,
    tree: &'a Tree<'a>,
    operator: BinOpKind,
) -> Result<Vec<Expr>, SyntaxError> {
    let mut operands = Vec::new();
    let mut left = tree;
    while let Tree::BinOp(binary) = left
        && std::mem::discriminant(&binary.op) == std::mem::discriminant(&operator)
    {
        operands.push(&binary.right);
        left = &binary.left;
    }
    operands.push(left);
    operands.into_iter().rev().map(|tree| expression(scopes, context, tree)).collect()
}

/// Compiles the arguments of a call, a filter or a test.
pub(super) fn arguments<'a>(
    scopes: &mut Scopes<'a>,
    context: ExprContext,
    args: &'a [CallArg<'a>],
) -> Result<Args, SyntaxError> {
    let mut compiled = Args::default();
    for (index, arg) in args.iter().enumerate() {
        let value = expression(scopes, context, argument(arg))?;
        // Jinja2 allows fewer orders of arguments than Python.
        let too_late = |before: fn(&CallArg<'_>) -> bool| args[..index].iter().any(before);
        let misplaced = match arg {
            CallArg::Pos(_) => too_late(|before| !matches!(before, CallArg::Pos(_))),
            CallArg::PosSplat(_) => too_late(|before| matches!(before, CallArg::PosSplat(_) | CallArg::KwargSplat(_))),
            CallArg::Kwarg(..) | CallArg::KwargSplat(_) => too_late(|before| matches!(before, CallArg::KwargSplat(_))),
        };
        if misplaced {
            let line = argument(arg).span().start_line as usize;
            return Err(SyntaxError::at_line("invalid syntax for function call expression", line));
        }
        match arg {
            CallArg::Pos(_) => compiled.positional.push(Arg::One(value)),
            CallArg::PosSplat(_) => compiled.positional.push(Arg::All(value)),
            CallArg::Kwarg(name, _) => compiled.named.push(NamedArg::One((*name).to_owned(), value)),
            CallArg::KwargSplat(_) => compiled.named.push(NamedArg::All(value)),
        }
    }
    Ok(compiled)
}

fn constant(value: &minijinja::Value) -> Result<Const, SyntaxError> {
    Ok(match value.kind() {
        ValueKind::None => Const::None,
        ValueKind::Bool => Const::Bool(value.is_true()),
        ValueKind::String => Const::Str(value.as_str().unwrap_or_default().to_owned()),
        ValueKind::Number if value.is_integer() => {
            let digits = value.to_string();
            digits.parse().map_or(Const::Big(digits), Const::Int)
        }
        ValueKind::Number => {
            let float = f64::try_from(value.clone()).map_err(|error| SyntaxError::new(error.to_string()))?;
            Const::Float(float)
        }
        // The parser makes no other constants. The enum may grow, so it cannot be listed in full.
        other => return Err(SyntaxError::new(format!("constants of the kind {other} are not supported"))),
    })
}

fn unknown(what: &str, name: &str, place: TreeSpan) -> SyntaxError {
    SyntaxError::at_line(format!("No {what} named '{name}'."), place.start_line as usize)
}
