//! Evaluates expressions.

use std::cmp::Ordering;

use crate::builtins::{filters, tests};
use crate::data::Fields;
use crate::ir::{Args, Binding, Comparison, Const, Expr, ExprKind, FilterRef, TestRef};
use crate::ops::{access, arithmetic, compare, slice, strings};
use crate::runtime::{Dict, EvalResult, Interpreter, PyError, PyErrorKind, Undefined, Value, equal, hashable, integer};

impl<'d> Interpreter<'d> {
    /// The value of an expression.
    ///
    /// The most common kinds of expressions are here. The others are in a separate function, so that this one needs
    /// little stack: with one function for all kinds, ChatML took a quarter more time.
    pub(super) fn eval(&mut self, expr: &'d Expr) -> EvalResult<Value<'d>> {
        match &expr.kind {
            ExprKind::Const(Const::Str(text)) => Ok(Value::fixed(text)),
            ExprKind::Name(binding) => Ok(self.lookup(binding)),
            ExprKind::Attribute(owner, name) => match self.input_dict(owner).filter(|_| name.only_item) {
                Some(fields) => access::input_field(self, fields, &name.text),
                None => {
                    let owner = self.eval(owner)?;
                    access::attribute(self, &owner, name).map_err(|error| error.at(expr.span))
                }
            },
            ExprKind::Key(owner, name) => match self.input_dict(owner).filter(|_| name.only_item) {
                Some(fields) => access::input_field(self, fields, &name.text),
                None => {
                    let owner = self.eval(owner)?;
                    access::key(self, &owner, name).map_err(|error| error.at(expr.span))
                }
            },
            _ => self.eval_other(expr).map_err(|error| error.at(expr.span)),
        }
    }

    /// The dict of the input that an expression names, if it is a local variable with such a dict.
    fn input_dict(&self, owner: &'d Expr) -> Option<&'d Fields<'d>> {
        let ExprKind::Name(Binding::Local(slot)) = &owner.kind else { return None };
        self.input_fields(*slot)
    }

    /// Whether an expression is true.
    pub(super) fn test(&mut self, expr: &'d Expr) -> EvalResult<bool> {
        match &expr.kind {
            ExprKind::Not(inner) => {
                self.step()?;
                Ok(!self.test(inner)?)
            }
            ExprKind::And(left, right) => {
                self.step()?;
                Ok(self.test(left)? && self.test(right)?)
            }
            ExprKind::Or(left, right) => {
                self.step()?;
                Ok(self.test(left)? || self.test(right)?)
            }
            ExprKind::Test(value, test, args) => self.run_test(value, test, args).map_err(|error| error.at(expr.span)),
            ExprKind::Compare(first, with) => self.compare(first, with).map_err(|error| error.at(expr.span)),
            _ => Ok(self.eval(expr)?.is_true()),
        }
    }

    #[inline(never)]
    fn eval_other(&mut self, expr: &'d Expr) -> EvalResult<Value<'d>> {
        self.step()?;
        Ok(match &expr.kind {
            ExprKind::Const(constant) => match constant {
                Const::None => Value::None,
                Const::Bool(value) => Value::Bool(*value),
                Const::Int(value) => Value::Int(*value),
                Const::Big(digits) => {
                    self.budget.product(digits.len() as u64 * 4, digits.len() as u64 * 4)?;
                    digits.parse().map_or(Value::None, integer)
                }
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
                    // Jinja2 evaluates literals at compile time. A slice of a literal is an item there, and may not
                    // exist.
                    Err(error) if *literal && error.kind() == PyErrorKind::Type => {
                        Value::Undefined(Undefined::Hint("this value cannot be sliced"))
                    }
                    other => other?,
                }
            }
            ExprKind::Not(inner) => Value::Bool(!self.test(inner)?),
            ExprKind::Sign(inner, negative) => {
                let value = self.eval(inner)?;
                arithmetic::sign(&self.budget, &value, *negative)?
            }
            ExprKind::Binary(operator, left, right) => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                arithmetic::apply(self, *operator, &left, &right)?
            }
            ExprKind::Sum(operands) => {
                self.charge_items(operands.len())?;
                let values = self.eval_all(operands)?;
                arithmetic::sum(self, values)?
            }
            ExprKind::Concat(operands, folded) => {
                self.charge_items(operands.len())?;
                let values = self.eval_all(operands)?;
                strings::concat_all(self, &values, *folded)?
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
            ExprKind::Filter(None, ..) => return Err(PyError::new(PyErrorKind::Runtime, "a filter without a value")),
            ExprKind::Filter(Some(value), filter, args) => {
                let value = self.eval(value)?;
                self.apply_filter(filter, value, args)?
            }
            ExprKind::Test(value, test, args) => Value::Bool(self.run_test(value, test, args)?),
            ExprKind::List(items) => {
                self.charge_items(items.len())?;
                Value::list(self.eval_all(items)?)
            }
            ExprKind::Tuple(items) => {
                self.charge_items(items.len())?;
                Value::tuple(self.eval_all(items)?)
            }
            ExprKind::Dict(items) => {
                self.charge_items(items.len())?;
                let mut entries = Vec::with_capacity(items.len());
                for (key, value) in items {
                    let key = self.eval(key)?;
                    hashable(&self.budget, &key)?;
                    entries.push((key, self.eval(value)?));
                }
                Value::Dict(Dict::own(&self.budget, entries)?)
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

    fn eval_all(&mut self, exprs: &'d [Expr]) -> EvalResult<Vec<Value<'d>>> {
        exprs.iter().map(|expr| self.eval(expr)).collect()
    }

    fn apply_filter(&mut self, filter: &'d FilterRef, value: Value<'d>, args: &'d Args) -> EvalResult<Value<'d>> {
        let args = self.arguments(args)?;
        match filter {
            FilterRef::Known(filter) => {
                self.charge_call()?;
                filters::apply(self, *filter, value, args)
            }
            FilterRef::Unknown(name) => {
                Err(PyError::new(PyErrorKind::Runtime, format!("No filter named '{name}' found.")))
            }
        }
    }

    /// Applies a chain of filters to the text of a block.
    pub(super) fn filtered(&mut self, expr: &'d Expr, value: Value<'d>) -> EvalResult<Value<'d>> {
        let ExprKind::Filter(inner, filter, args) = &expr.kind else { return Ok(value) };
        let value = match inner {
            Some(inner) => self.filtered(inner, value)?,
            None => value,
        };
        self.apply_filter(filter, value, args).map_err(|error| error.at(expr.span))
    }

    fn run_test(&mut self, value: &'d Expr, test: &'d TestRef, args: &'d Args) -> EvalResult<bool> {
        let value = self.eval(value)?;
        match test {
            TestRef::OfKind(test) => Ok(tests::is_of_kind(*test, &value)),
            TestRef::Known(test) => {
                let args = self.arguments(args)?;
                self.charge_call()?;
                tests::apply(self, *test, &value, args)
            }
            TestRef::Unknown(name) => {
                // Jinja2 replaces the test by a function that fails, so it evaluates the arguments first.
                self.arguments(args)?;
                Err(PyError::new(PyErrorKind::Runtime, format!("No test named '{name}' found.")))
            }
        }
    }

    fn compare(&mut self, first: &'d Expr, with: &'d [(Comparison, Expr)]) -> EvalResult<bool> {
        let mut left = self.eval(first)?;
        if let [(comparison @ (Comparison::Equal | Comparison::NotEqual), right)] = with
            && let (ExprKind::Const(Const::Str(wanted)), Value::Str(text)) = (&right.kind, &left)
        {
            if text.len() == wanted.len() {
                self.budget.search(wanted.len())?;
            }
            return Ok((**text == **wanted) == (*comparison == Comparison::Equal));
        }
        for (comparison, right) in with {
            self.step()?;
            let right = self.eval(right)?;
            let order = |symbol: &str| compare::order(&self.budget, &left, &right, symbol);
            let holds = match comparison {
                Comparison::Equal => equal(&self.budget, &left, &right)?,
                Comparison::NotEqual => !equal(&self.budget, &left, &right)?,
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
