//! `pprint`: values in lines of 80 characters, with the keys of dicts sorted.

use std::cmp::Ordering;

use super::pretty_str::{self, Place};
use crate::ops::{compare, sorting};
use crate::runtime::{BoundedText, Budget, EvalResult, PyErrorKind, Value, repr};

const WIDTH: usize = 80;

/// Python's `pprint.pformat(value)`.
pub(super) fn pformat<'d>(budget: &Budget<'d>, value: &Value<'d>) -> EvalResult<String> {
    let mut printer = Printer { out: BoundedText::new(budget) };
    printer.write(value, Place { alone: true, indent: 0, allowance: 0, width: WIDTH })?;
    Ok(printer.out.finish()?.text)
}

/// The place of a value in another one.
fn inner(indent: usize, allowance: usize) -> Place {
    Place { alone: false, indent, allowance, width: WIDTH }
}

struct Printer<'b, 'd> {
    out: BoundedText<'b, 'd>,
}

/// `repr` with the keys of dicts sorted.
fn flat<'d>(budget: &Budget<'d>, value: &Value<'d>) -> EvalResult<String> {
    let mut out = BoundedText::new(budget);
    write_flat(&mut out, value)?;
    Ok(out.finish()?.text)
}

fn write_flat<'d>(out: &mut BoundedText<'_, 'd>, value: &Value<'d>) -> EvalResult<()> {
    out.budget.spend(1)?;
    match value {
        Value::List(list) => {
            out.push("[")?;
            write_items(out, list.iter())?;
            out.push("]")
        }
        Value::Tuple(items) => {
            out.push("(")?;
            write_items(out, items.iter().cloned())?;
            out.push(if items.len() == 1 { ",)" } else { ")" })
        }
        Value::Dict(_) => {
            out.push("{")?;
            for (index, (key, value)) in sorted(out.budget, value)?.iter().enumerate() {
                out.push(if index > 0 { ", " } else { "" })?;
                write_flat(out, key)?;
                out.push(": ")?;
                write_flat(out, value)?;
            }
            out.push("}")
        }
        other => repr::write(out, other),
    }
}

fn write_items<'d>(out: &mut BoundedText<'_, 'd>, items: impl Iterator<Item = Value<'d>>) -> EvalResult<()> {
    for (index, item) in items.enumerate() {
        out.push(if index > 0 { ", " } else { "" })?;
        write_flat(out, &item)?;
    }
    Ok(())
}

/// The entries of a dict, sorted by their keys.
fn sorted<'d>(budget: &Budget<'d>, value: &Value<'d>) -> EvalResult<Vec<(Value<'d>, Value<'d>)>> {
    let Value::Dict(dict) = value else { return Ok(Vec::new()) };
    budget.items(dict.len() * 4)?;
    let by_key = |left: &(Value<'d>, Value<'d>), right: &(Value<'d>, Value<'d>)| {
        // Python sorts keys without an order by the names of their types.
        match compare::order(budget, &left.0, &right.0, "<") {
            Ok(order) => Ok(order == Some(Ordering::Less)),
            Err(error) if matches!(error.kind(), PyErrorKind::Limit | PyErrorKind::Interrupted) => Err(error),
            Err(_) => Ok(left.0.type_name() < right.0.type_name()),
        }
    };
    sorting::sorted(dict.entries().collect(), &mut { by_key })
}

impl<'d> Printer<'_, 'd> {
    /// Writes `value` at a place.
    fn write(&mut self, value: &Value<'d>, place: Place) -> EvalResult<()> {
        let Place { indent, allowance, .. } = place;
        let text = flat(self.out.budget, value)?;
        let is_short = text.chars().count() + indent + allowance <= WIDTH;
        if let (false, Value::Str(string)) = (is_short, value)
            && !string.is_markup()
        {
            return pretty_str::write(&mut self.out, string, place);
        }
        if is_short || !matches!(value, Value::List(_) | Value::Tuple(_) | Value::Dict(_)) || value.len() == Some(0) {
            return self.out.push(&text);
        }
        drop(text);
        match value {
            Value::List(list) => {
                self.out.push("[")?;
                self.items(list.iter(), indent, allowance, "]")
            }
            Value::Tuple(tuple) => {
                self.out.push("(")?;
                self.items(tuple.iter().cloned(), indent, allowance, if tuple.len() == 1 { ",)" } else { ")" })
            }
            Value::Dict(_) => {
                self.out.push("{")?;
                let entries = sorted(self.out.budget, value)?;
                let last = entries.len() - 1;
                for (index, (key, value)) in entries.iter().enumerate() {
                    let key = flat(self.out.budget, key)?;
                    self.out.push(&key)?;
                    self.out.push(": ")?;
                    let behind = if index == last { allowance + 1 } else { 1 };
                    self.write(value, inner(indent + key.chars().count() + 3, behind))?;
                    if index < last {
                        self.new_line(indent + 1)?;
                    }
                }
                self.out.push("}")
            }
            // Other values have no items.
            _ => Ok(()),
        }
    }

    fn items(
        &mut self,
        items: impl Iterator<Item = Value<'d>>,
        indent: usize,
        allowance: usize,
        end: &str,
    ) -> EvalResult<()> {
        let mut items = items.peekable();
        while let Some(item) = items.next() {
            let is_last = items.peek().is_none();
            self.write(&item, inner(indent + 1, if is_last { allowance + end.len() } else { 1 }))?;
            if !is_last {
                self.new_line(indent + 1)?;
            }
        }
        self.out.push(end)
    }

    fn new_line(&mut self, indent: usize) -> EvalResult<()> {
        self.out.push(",\n")?;
        self.out.before(indent)?;
        self.out.push(&" ".repeat(indent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::{Dict, Limits};

    #[test]
    fn long_values_are_broken_and_keys_sorted() {
        let words = Value::list(vec![Value::text("a".repeat(50)), Value::text("b".repeat(40))]);
        let budget = Budget::new(Limits::default(), None);
        let entries = vec![(Value::fixed("z"), Value::Int(1)), (Value::fixed("k"), words)];
        let dict = Value::Dict(Dict::own(&budget, entries).unwrap());
        let expected = format!("{{'k': ['{}',\n       '{}'],\n 'z': 1}}", "a".repeat(50), "b".repeat(40));
        assert_eq!(pformat(&budget, &dict).unwrap(), expected);
        assert_eq!(pformat(&budget, &Value::tuple(vec![Value::None])).unwrap(), "(None,)");
    }
}
