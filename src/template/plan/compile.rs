//! From the engine's syntax tree to a [`Plan`]; None for all that a plan does not know.

use minijinja::Value;
use minijinja::machinery::ast::{BinOpKind, CompareOpKind, Expr, Stmt, UnaryOpKind};
use minijinja::machinery::parse;
use minijinja::syntax::SyntaxConfig;

use super::super::source::{GENERATION_END, GENERATION_START};
use super::{Condition, Message, Plan, Step, Text};

/// Names of Python's dict methods: as attributes they mean the method, not a field.
const DICT_METHODS: [&str; 11] =
    ["clear", "copy", "fromkeys", "get", "items", "keys", "pop", "popitem", "setdefault", "update", "values"];

/// The plan of a prepared `source`, if it is simple enough to have one.
pub(in super::super) fn compile(source: &str, syntax: SyntaxConfig) -> Option<Plan> {
    let Ok(Stmt::Template(template)) = parse(source, "plan", syntax) else { return None };
    steps(&template.children, Scope { current: None }).map(Plan)
}

/// What names mean at a place.
#[derive(Clone, Copy)]
struct Scope<'a> {
    /// The name of the loop's message.
    current: Option<&'a str>,
}

fn steps<'a>(statements: &'a [Stmt<'a>], scope: Scope<'a>) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    for statement in statements {
        match statement {
            Stmt::EmitRaw(raw) => steps.push(Step::Print(Text::Literal(raw.raw.to_owned()))),
            Stmt::EmitExpr(emit) => steps.push(printed(&emit.expr, scope)?),
            Stmt::IfCond(branch) => steps.push(Step::If(
                condition(&branch.expr, scope)?,
                self::steps(&branch.true_body, scope)?,
                self::steps(&branch.false_body, scope)?,
            )),
            Stmt::ForLoop(each) => {
                let plain = each.filter_expr.is_none() && !each.recursive && each.else_body.is_empty();
                let (Expr::Var(target), true, true) = (&each.target, plain, is_name(&each.iter, "messages")) else {
                    return None;
                };
                if scope.current.is_some() || ["messages", "loop"].contains(&target.id) {
                    return None;
                }
                steps.push(Step::Loop(self::steps(&each.body, Scope { current: Some(target.id) })?));
            }
            // The scope of a generation block; with nothing set in it, it has no meaning of its own.
            Stmt::WithBlock(with) if with.assignments.is_empty() => steps.extend(self::steps(&with.body, scope)?),
            Stmt::Set(set) if is_name(&set.target, "__") && matches!(set.expr, Expr::Const(_)) => {}
            _ => return None,
        }
    }
    Some(steps)
}

fn printed(expr: &Expr<'_>, scope: Scope<'_>) -> Option<Step> {
    match expr {
        Expr::Var(name) if name.id == GENERATION_START => Some(Step::GenerationStart),
        Expr::Var(name) if name.id == GENERATION_END => Some(Step::GenerationEnd),
        Expr::Call(call) if is_name(&call.expr, "raise_exception") => Some(Step::HandOver),
        _ => text(expr, scope).map(Step::Print),
    }
}

fn text(expr: &Expr<'_>, scope: Scope<'_>) -> Option<Text> {
    match expr {
        Expr::Const(constant) => constant.value.as_str().map(|literal| Text::Literal(literal.to_owned())),
        Expr::Var(name) => {
            // Names that the plan, the engine or a loop gives a meaning of its own are no strings.
            let known = ["messages", "tools", "documents", "add_generation_prompt", "loop", "self"];
            (scope.current != Some(name.id) && !known.contains(&name.id)).then(|| Text::Variable(name.id.to_owned()))
        }
        Expr::BinOp(join) if matches!(join.op, BinOpKind::Add | BinOpKind::Concat) => {
            Some(Text::Joined(vec![text(&join.left, scope)?, text(&join.right, scope)?]))
        }
        Expr::Filter(filter) if filter.name == "trim" && filter.args.is_empty() => {
            Some(Text::Trimmed(Box::new(text(filter.expr.as_ref()?, scope)?)))
        }
        _ => field(expr, scope).map(|(message, name)| Text::Field(message, name)),
    }
}

/// `message.name`, `message['name']` and the same of `messages[0]`.
fn field(expr: &Expr<'_>, scope: Scope<'_>) -> Option<(Message, String)> {
    let (owner, name) = match expr {
        Expr::GetAttr(attribute) => (&attribute.expr, attribute.name.to_owned()),
        Expr::GetItem(item) => (&item.expr, constant(&item.subscript_expr)?.as_str()?.to_owned()),
        _ => return None,
    };
    if DICT_METHODS.contains(&name.as_str()) {
        return None;
    }
    match owner {
        Expr::Var(owner) if scope.current == Some(owner.id) => Some((Message::Current, name)),
        Expr::GetItem(first) if is_name(&first.expr, "messages") => {
            (constant(&first.subscript_expr)?.as_i64() == Some(0)).then_some((Message::First, name))
        }
        _ => None,
    }
}

fn condition(expr: &Expr<'_>, scope: Scope<'_>) -> Option<Condition> {
    let both = |left, right| Some((Box::new(condition(left, scope)?), Box::new(condition(right, scope)?)));
    match expr {
        Expr::Const(constant) => Some(Condition::Constant(constant.value.is_true())),
        Expr::Var(name) if name.id == "add_generation_prompt" => Some(Condition::Prompt),
        Expr::Var(name) if name.id == "tools" => Some(Condition::Tools),
        Expr::UnaryOp(not) if matches!(not.op, UnaryOpKind::Not) => {
            Some(Condition::Not(Box::new(condition(&not.expr, scope)?)))
        }
        Expr::BinOp(pair) => match pair.op {
            BinOpKind::ScAnd => both(&pair.left, &pair.right).map(|(left, right)| Condition::And(left, right)),
            BinOpKind::ScOr => both(&pair.left, &pair.right).map(|(left, right)| Condition::Or(left, right)),
            BinOpKind::Eq => equals(&pair.left, &pair.right, scope),
            BinOpKind::Ne => equals(&pair.left, &pair.right, scope).map(|same| Condition::Not(Box::new(same))),
            _ => None,
        },
        Expr::Compare(compare) => match compare.ops.as_slice() {
            [with] if matches!(with.op, CompareOpKind::Eq) => equals(&compare.expr, &with.expr, scope),
            [with] if matches!(with.op, CompareOpKind::Ne) => {
                equals(&compare.expr, &with.expr, scope).map(|same| Condition::Not(Box::new(same)))
            }
            _ => None,
        },
        Expr::Test(test) if test.name == "defined" && test.args.is_empty() => {
            field(&test.expr, scope).map(|(message, name)| Condition::Defined(message, name))
        }
        Expr::GetAttr(attribute) if scope.current.is_some() && is_name(&attribute.expr, "loop") => {
            match attribute.name {
                "first" => Some(Condition::LoopFirst),
                "last" => Some(Condition::LoopLast),
                _ => None,
            }
        }
        _ => field(expr, scope).map(|(message, name)| Condition::Truthy(message, name)),
    }
}

fn equals(left: &Expr<'_>, right: &Expr<'_>, scope: Scope<'_>) -> Option<Condition> {
    let (expr, value) = match (constant(left), constant(right)) {
        (None, Some(value)) => (left, value),
        (Some(value), None) => (right, value),
        _ => return None,
    };
    let (message, name) = field(expr, scope)?;
    Some(Condition::Equals(message, name, value.as_str()?.to_owned()))
}

fn constant(expr: &Expr<'_>) -> Option<Value> {
    if let Expr::Const(constant) = expr { Some(constant.value.clone()) } else { None }
}

fn is_name(expr: &Expr<'_>, name: &str) -> bool {
    matches!(expr, Expr::Var(var) if var.id == name)
}
