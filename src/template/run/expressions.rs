//! Expressions.

use std::cmp::Ordering;

use super::{Exception, Machine, Raise, Run};
use crate::conversation::Fields;
use crate::template::program::{Comparison, Const, Expr, ExprKind, FilterRef, Place, Slot, TestRef};
use crate::template::value::arithmetic::{self, Operator};
use crate::template::value::{Dict, Str, Undefined, Value, access, compare, integer, repr, slice};

impl<'d> Machine<'d> {
    /// The value of an expression.
    ///
    /// The kinds that templates are mostly made of are here; the others have a function of their own, so that this
    /// one needs little room on the stack (one function for all kinds took a quarter more time for ChatML).
    pub(crate) fn eval(&mut self, expr: &'d Expr) -> Run<Value<'d>> {
        match &expr.kind {
            ExprKind::Const(Const::Str(text)) => Ok(Value::fixed(text)),
            ExprKind::Name(place) => Ok(self.place(*place)),
            ExprKind::Attribute(owner, name) => match self.row_fields(owner).filter(|_| name.only_item) {
                Some(fields) => Ok(access::field(self, &Dict::Data(fields), &name.text)),
                None => {
                    let owner = self.eval(owner)?;
                    access::attribute(self, &owner, name).map_err(|raise| raise.at(expr.span))
                }
            },
            ExprKind::Key(owner, name) => match self.row_fields(owner).filter(|_| name.only_item) {
                Some(fields) => Ok(access::field(self, &Dict::Data(fields), &name.text)),
                None => {
                    let owner = self.eval(owner)?;
                    access::key(self, &owner, name).map_err(|raise| raise.at(expr.span))
                }
            },
            _ => self.eval_other(expr).map_err(|raise| raise.at(expr.span)),
        }
    }

    /// The fields of the row that a variable stands for, where it does: mostly a message, whose value need not be made
    /// to ask it for a field.
    fn row_fields(&self, owner: &'d Expr) -> Option<&'d Fields<'d>> {
        let ExprKind::Name(Place::Slot(slot @ Slot { out: 0, .. })) = &owner.kind else { return None };
        match self.activation.slots.borrow().get(slot.index as usize) {
            Some(Value::Dict(Dict::Data(fields))) => Some(fields),
            _ => None,
        }
    }

    /// Whether an expression is true.
    pub(super) fn test(&mut self, expr: &'d Expr) -> Run<bool> {
        match &expr.kind {
            ExprKind::Not(inner) => Ok(!self.test(inner)?),
            ExprKind::And(left, right) => Ok(self.test(left)? && self.test(right)?),
            ExprKind::Or(left, right) => Ok(self.test(left)? || self.test(right)?),
            ExprKind::Test(..) => self.run_test(expr).map_err(|raise| raise.at(expr.span)),
            ExprKind::Compare(first, with) => self.compare(first, with).map_err(|raise| raise.at(expr.span)),
            _ => Ok(self.eval(expr)?.is_true()),
        }
    }

    #[inline(never)]
    fn eval_other(&mut self, expr: &'d Expr) -> Run<Value<'d>> {
        Ok(match &expr.kind {
            ExprKind::Const(constant) => match constant {
                Const::None => Value::None,
                Const::Bool(value) => Value::Bool(*value),
                Const::Int(value) => Value::Int(*value),
                Const::Big(digits) => digits.parse().map_or(Value::None, integer),
                Const::Float(value) => Value::Float(*value),
                Const::Str(text) => Value::fixed(text),
            },
            ExprKind::Name(_) | ExprKind::Attribute(..) | ExprKind::Key(..) => return self.eval(expr),
            ExprKind::Item(owner, item) => {
                let (owner, item) = (self.eval(owner)?, self.eval(item)?);
                access::item(self, &owner, &item)?
            }
            ExprKind::Slice(value, bounds, literal) => {
                let value = self.eval(value)?;
                let mut bound =
                    |bound: &'d Option<Expr>| bound.as_ref().map_or(Ok(Value::None), |expr| self.eval(expr));
                let (start, stop, step) = (bound(&bounds[0])?, bound(&bounds[1])?, bound(&bounds[2])?);
                match slice::slice(self, &value, &start, &stop, &step) {
                    // Jinja2 works out literals when it compiles, and there a slice is an item that may be missing.
                    Err(raise) if *literal && raise.exception() == Exception::Type => {
                        Value::Undefined(Undefined::Hint("a slice of what has no slices"))
                    }
                    other => other?,
                }
            }
            ExprKind::Not(inner) => Value::Bool(!self.test(inner)?),
            ExprKind::Sign(inner, negative) => {
                let value = self.eval(inner)?;
                arithmetic::sign(&value, *negative)?
            }
            ExprKind::Binary(operator, left, right) => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                arithmetic::apply(self, *operator, &left, &right)?
            }
            ExprKind::Sum(operands) => {
                let values = operands.iter().map(|operand| self.eval(operand)).collect::<Run<Vec<_>>>()?;
                self.sum(values)?
            }
            ExprKind::Concat(operands) => {
                let values = operands.iter().map(|operand| self.eval(operand)).collect::<Run<Vec<_>>>()?;
                self.concat(values)?
            }
            ExprKind::And(left, right) => {
                let left = self.eval(left)?;
                if left.is_true() { self.eval(right)? } else { left }
            }
            ExprKind::Or(left, right) => {
                let left = self.eval(left)?;
                if left.is_true() { left } else { self.eval(right)? }
            }
            ExprKind::Compare(first, with) => Value::Bool(self.compare(first, with)?),
            ExprKind::If { test, yes, no } => match (self.test(test)?, no) {
                (true, _) => self.eval(yes)?,
                (false, Some(no)) => self.eval(no)?,
                (false, None) => Value::Undefined(Undefined::Hint(
                    "the inline if-expression evaluated to false and no else section was defined.",
                )),
            },
            ExprKind::Filter(None, ..) => return Err(Raise::new(Exception::Runtime, "a filter without a value")),
            ExprKind::Filter(Some(value), filter, args) => {
                let value = self.eval(value)?;
                self.apply_filter(filter, value, args)?
            }
            ExprKind::Test(..) => Value::Bool(self.run_test(expr)?),
            ExprKind::List(items) => {
                self.charge_items(items.len())?;
                Value::list(items.iter().map(|item| self.eval(item)).collect::<Run<_>>()?)
            }
            ExprKind::Tuple(items) => Value::tuple(items.iter().map(|item| self.eval(item)).collect::<Run<_>>()?),
            ExprKind::Dict(items) => {
                let mut entries = Vec::with_capacity(items.len());
                for (key, value) in items {
                    let key = self.eval(key)?;
                    compare::hashable(&key)?;
                    entries.push((key, self.eval(value)?));
                }
                Value::Dict(Dict::own(entries))
            }
            ExprKind::Call(callee, args) => {
                let callee = self.eval(callee)?;
                let args = self.arguments(args)?;
                self.call(&callee, args)?
            }
            ExprKind::Method(owner, name, args) => {
                let owner = self.eval(owner)?;
                self.call_method(&owner, name, args)?
            }
        })
    }

    fn apply_filter(
        &mut self,
        filter: &'d FilterRef,
        value: Value<'d>,
        args: &'d crate::template::program::Args,
    ) -> Run<Value<'d>> {
        let args = self.arguments(args)?;
        match filter {
            FilterRef::Known(filter) => {
                self.step()?;
                filter(self, value, args)
            }
            FilterRef::Unknown(name) => Err(Raise::new(Exception::Runtime, format!("No filter named '{name}' found."))),
        }
    }

    /// A chain of filters that begins with the text of a block.
    pub(super) fn filtered(&mut self, expr: &'d Expr, value: Value<'d>) -> Run<Value<'d>> {
        let ExprKind::Filter(inner, filter, args) = &expr.kind else { return Ok(value) };
        let value = match inner {
            Some(inner) => self.filtered(inner, value)?,
            None => value,
        };
        self.apply_filter(filter, value, args).map_err(|raise| raise.at(expr.span))
    }

    fn run_test(&mut self, expr: &'d Expr) -> Run<bool> {
        let ExprKind::Test(value, test, args) = &expr.kind else { return Ok(false) };
        let value = self.eval(value)?;
        if let TestRef::OfKind(test) = test {
            return Ok(test(&value));
        }
        let args = self.arguments(args)?;
        match test {
            TestRef::OfKind(test) => Ok(test(&value)),
            TestRef::Known(test) => test(self, &value, args),
            TestRef::Unknown(name) => Err(Raise::new(Exception::Runtime, format!("No test named '{name}' found."))),
        }
    }

    /// The sum of values, from left to right.
    pub(super) fn sum(&mut self, values: Vec<Value<'d>>) -> Run<Value<'d>> {
        let strings: Option<Vec<&Str<'d>>> =
            values.iter().map(|value| value.as_str().filter(|text| !text.is_markup())).collect();
        if let Some(strings) = strings {
            return arithmetic::join(self, &strings).map(Value::Str);
        }
        let mut values = values.into_iter();
        let mut total = values.next().unwrap_or(Value::None);
        for value in values {
            total = arithmetic::apply(self, Operator::Add, &total, &value)?;
        }
        Ok(total)
    }

    /// `a ~ b ~ c`.
    fn concat(&mut self, values: Vec<Value<'d>>) -> Run<Value<'d>> {
        let mut strings = values.iter().map(|value| repr::to_str(self, value)).collect::<Run<Vec<_>>>()?;
        let markup = self.autoescapes() && strings.iter().any(Str::is_markup);
        if markup {
            for text in &mut strings {
                if !text.is_markup() {
                    *text = crate::template::builtins::markup::escape(text);
                }
            }
        }
        let text = arithmetic::join(self, &strings.iter().collect::<Vec<_>>())?;
        Ok(Value::Str(if markup { text.into_markup() } else { text }))
    }

    fn compare(&mut self, first: &'d Expr, with: &'d [(Comparison, Expr)]) -> Run<bool> {
        let mut left = self.eval(first)?;
        if let [(comparison @ (Comparison::Equal | Comparison::NotEqual), right)] = with
            && let (ExprKind::Const(Const::Str(wanted)), Value::Str(text)) = (&right.kind, &left)
        {
            return Ok((**text == **wanted) == (*comparison == Comparison::Equal));
        }
        for (comparison, right) in with {
            let right = self.eval(right)?;
            let order = |symbol: &str| compare::order(&left, &right, symbol);
            let holds = match comparison {
                Comparison::Equal => compare::equal(&left, &right),
                Comparison::NotEqual => !compare::equal(&left, &right),
                Comparison::Less => order("<")? == Some(Ordering::Less),
                Comparison::LessEqual => matches!(order("<=")?, Some(Ordering::Less | Ordering::Equal)),
                Comparison::Greater => order(">")? == Some(Ordering::Greater),
                Comparison::GreaterEqual => matches!(order(">=")?, Some(Ordering::Greater | Ordering::Equal)),
                Comparison::In => compare::contains(self, &right, &left)?,
                Comparison::NotIn => !compare::contains(self, &right, &left)?,
            };
            if !holds {
                return Ok(false);
            }
            left = right;
        }
        Ok(true)
    }
}
