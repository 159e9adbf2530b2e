//! Expressions of the syntax tree as the program has them.

use minijinja::machinery::Span as TreeSpan;
use minijinja::machinery::ast::{BinOpKind, CallArg, CompareOpKind, Expr as Tree, UnaryOpKind};
use minijinja::value::ValueKind;

use super::SyntaxError;
use super::scope::Scopes;
use crate::template::builtins;
use crate::template::program::{
    Arg, Args, Comparison, Const, Expr, ExprKind, FilterRef, Name, NamedArg, Span, TestRef,
};
use crate::template::value::arithmetic::Operator;

/// Where an expression stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Here {
    pub(super) scope: usize,
    /// In a branch: names of filters and tests that do not exist only matter if the branch is taken.
    pub(super) branch: bool,
    /// In an expression of literals alone, which Jinja2 works out when it compiles.
    pub(super) folded: bool,
}

pub(super) fn span(span: TreeSpan) -> Span {
    Span { start: span.start_offset, end: span.end_offset.max(span.start_offset) }
}

/// Compiles an expression.
pub(super) fn expression<'a>(scopes: &mut Scopes<'a>, here: Here, tree: &'a Tree<'a>) -> Result<Expr, SyntaxError> {
    let folded = here.folded;
    let here = Here { folded: folded || is_literal(tree), ..here };
    let boxed = |scopes: &mut Scopes<'a>, tree: &'a Tree<'a>| expression(scopes, here, tree).map(Box::new);
    let kind = match tree {
        Tree::Var(name) => ExprKind::Name(scopes.place(here.scope, name.id)),
        Tree::Const(constant) => ExprKind::Const(self::constant(&constant.value)?),
        Tree::List(list) => ExprKind::List(expressions(scopes, here, &list.items)?),
        Tree::Tuple(tuple) => ExprKind::Tuple(expressions(scopes, here, &tuple.items)?),
        Tree::Map(map) => {
            let keys = expressions(scopes, here, &map.keys)?;
            let values = expressions(scopes, here, &map.values)?;
            ExprKind::Dict(keys.into_iter().zip(values).collect())
        }
        Tree::GetAttr(attribute) => ExprKind::Attribute(boxed(scopes, &attribute.expr)?, name(attribute.name)),
        Tree::GetItem(item) => match &item.subscript_expr {
            Tree::Const(key) if key.value.as_str().is_some() => {
                ExprKind::Key(boxed(scopes, &item.expr)?, name(key.value.as_str().unwrap_or_default()))
            }
            key => ExprKind::Item(boxed(scopes, &item.expr)?, boxed(scopes, key)?),
        },
        Tree::Slice(slice) => {
            let value = boxed(scopes, &slice.expr)?;
            let mut bound =
                |tree: &'a Option<Tree<'a>>| tree.as_ref().map(|tree| expression(scopes, here, tree)).transpose();
            let bounds = [bound(&slice.start)?, bound(&slice.stop)?, bound(&slice.step)?];
            ExprKind::Slice(value, Box::new(bounds), folded)
        }
        Tree::UnaryOp(unary) => match unary.op {
            UnaryOpKind::Not => ExprKind::Not(boxed(scopes, &unary.expr)?),
            UnaryOpKind::Neg => ExprKind::Sign(boxed(scopes, &unary.expr)?, true),
        },
        Tree::BinOp(binary) => {
            let pair = |scopes: &mut Scopes<'a>| -> Result<(Box<Expr>, Box<Expr>), SyntaxError> {
                Ok((
                    expression(scopes, here, &binary.left).map(Box::new)?,
                    expression(scopes, here, &binary.right).map(Box::new)?,
                ))
            };
            let mut arithmetic = |operator| pair(scopes).map(|(left, right)| ExprKind::Binary(operator, left, right));
            match binary.op {
                BinOpKind::Sub => arithmetic(Operator::Sub)?,
                BinOpKind::Mul => arithmetic(Operator::Mul)?,
                BinOpKind::Div => arithmetic(Operator::Div)?,
                BinOpKind::FloorDiv => arithmetic(Operator::FloorDiv)?,
                BinOpKind::Rem => arithmetic(Operator::Mod)?,
                BinOpKind::Pow => arithmetic(Operator::Pow)?,
                BinOpKind::Add | BinOpKind::Concat => {
                    let mut operands = Vec::new();
                    chain(tree, binary.op, &mut operands);
                    let operands =
                        operands.into_iter().map(|tree| expression(scopes, here, tree)).collect::<Result<_, _>>()?;
                    if matches!(binary.op, BinOpKind::Add) {
                        ExprKind::Sum(operands)
                    } else {
                        ExprKind::Concat(operands)
                    }
                }
                BinOpKind::ScAnd => pair(scopes).map(|(left, right)| ExprKind::And(left, right))?,
                BinOpKind::ScOr => pair(scopes).map(|(left, right)| ExprKind::Or(left, right))?,
                BinOpKind::Eq => compared(scopes, here, &binary.left, Comparison::Equal, &binary.right)?,
                BinOpKind::Ne => compared(scopes, here, &binary.left, Comparison::NotEqual, &binary.right)?,
                BinOpKind::Lt => compared(scopes, here, &binary.left, Comparison::Less, &binary.right)?,
                BinOpKind::Lte => compared(scopes, here, &binary.left, Comparison::LessEqual, &binary.right)?,
                BinOpKind::Gt => compared(scopes, here, &binary.left, Comparison::Greater, &binary.right)?,
                BinOpKind::Gte => compared(scopes, here, &binary.left, Comparison::GreaterEqual, &binary.right)?,
                BinOpKind::In => compared(scopes, here, &binary.left, Comparison::In, &binary.right)?,
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
                with.push((comparison, expression(scopes, here, &next.expr)?));
            }
            ExprKind::Compare(first, with)
        }
        Tree::IfExpr(choice) => {
            let branch = Here { branch: true, ..here };
            let no = choice.false_expr.as_ref().map(|tree| expression(scopes, branch, tree)).transpose()?;
            ExprKind::If {
                test: Box::new(expression(scopes, branch, &choice.test_expr)?),
                yes: Box::new(expression(scopes, branch, &choice.true_expr)?),
                no: no.map(Box::new),
            }
        }
        Tree::Filter(filter) => {
            let value = filter.expr.as_ref().map(|tree| expression(scopes, here, tree)).transpose()?;
            let known = match builtins::filter(filter.name) {
                Some(known) => FilterRef::Known(known),
                None if here.branch => FilterRef::Unknown(filter.name.to_owned()),
                None => return Err(unknown("filter", filter.name, filter.span())),
            };
            ExprKind::Filter(value.map(Box::new), known, arguments(scopes, here, &filter.args)?)
        }
        Tree::Test(test) => {
            let of_kind = builtins::kind_test(test.name).filter(|_| test.args.is_empty());
            let known = match (of_kind, builtins::test(test.name)) {
                (Some(of_kind), _) => TestRef::OfKind(of_kind),
                (None, Some(known)) => TestRef::Known(known),
                (None, None) if here.branch => TestRef::Unknown(test.name.to_owned()),
                (None, None) => return Err(unknown("test", test.name, test.span())),
            };
            ExprKind::Test(boxed(scopes, &test.expr)?, known, arguments(scopes, here, &test.args)?)
        }
        Tree::Call(call) => {
            let args = arguments(scopes, here, &call.args)?;
            match &call.expr {
                Tree::GetAttr(attribute) => {
                    ExprKind::Method(boxed(scopes, &attribute.expr)?, attribute.name.to_owned(), args)
                }
                callee => ExprKind::Call(boxed(scopes, callee)?, args),
            }
        }
    };
    // The parser's place of a postfix or filter begins behind its operand.
    let mut place = span(tree.span());
    if let Some(operand) = operand(&kind) {
        place.start = place.start.min(operand.span.start);
    }
    Ok(Expr { kind, span: place })
}

/// What a postfix, filter or operator stands behind.
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
        ExprKind::Sum(operands) | ExprKind::Concat(operands) => operands.first(),
        _ => None,
    }
}

fn name(text: &str) -> Name {
    let only_item = builtins::methods::of_dict(text).is_none() && !text.starts_with('_');
    Name { text: text.to_owned(), only_item }
}

/// Whether an expression is made of literals alone, so that Jinja2 works it out when it compiles.
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
        // These ask for the variables of the template.
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
    here: Here,
    left: &'a Tree<'a>,
    comparison: Comparison,
    right: &'a Tree<'a>,
) -> Result<ExprKind, SyntaxError> {
    let left = Box::new(expression(scopes, here, left)?);
    Ok(ExprKind::Compare(left, vec![(comparison, expression(scopes, here, right)?)]))
}

fn expressions<'a>(scopes: &mut Scopes<'a>, here: Here, trees: &'a [Tree<'a>]) -> Result<Vec<Expr>, SyntaxError> {
    trees.iter().map(|tree| expression(scopes, here, tree)).collect()
}

/// The operands of a chain of one operator, from left to right.
fn chain<'a>(tree: &'a Tree<'a>, operator: BinOpKind, operands: &mut Vec<&'a Tree<'a>>) {
    match tree {
        Tree::BinOp(binary) if std::mem::discriminant(&binary.op) == std::mem::discriminant(&operator) => {
            chain(&binary.left, operator, operands);
            operands.push(&binary.right);
        }
        other => operands.push(other),
    }
}

pub(super) fn arguments<'a>(scopes: &mut Scopes<'a>, here: Here, args: &'a [CallArg<'a>]) -> Result<Args, SyntaxError> {
    let mut compiled = Args::default();
    for arg in args {
        match arg {
            CallArg::Pos(tree) => compiled.positional.push(Arg::One(expression(scopes, here, tree)?)),
            CallArg::PosSplat(tree) => compiled.positional.push(Arg::All(expression(scopes, here, tree)?)),
            CallArg::Kwarg(name, tree) => {
                let value = expression(scopes, here, tree)?;
                compiled.named.push(NamedArg::One((*name).to_owned(), value));
            }
            CallArg::KwargSplat(tree) => compiled.named.push(NamedArg::All(expression(scopes, here, tree)?)),
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
        other => return Err(SyntaxError::new(format!("a constant of the kind {other} is not known"))),
    })
}

fn unknown(what: &str, name: &str, place: TreeSpan) -> SyntaxError {
    let place = span(place);
    SyntaxError {
        text: format!("No {what} named '{name}'."),
        line: None,
        columns: Some((place.start as usize, place.end as usize)),
    }
}
