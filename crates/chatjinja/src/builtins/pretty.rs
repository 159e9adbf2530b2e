//! `pprint`: values in lines of 80 characters, with the keys of dicts sorted.

use std::cmp::Ordering;

use crate::ops::{compare, sorting};
use crate::runtime::{Value, repr};

const WIDTH: usize = 80;

/// Python's `pprint.pformat(value)`.
pub(super) fn pformat(value: &Value<'_>) -> String {
    let mut out = String::new();
    write(&mut out, value, 0, 0);
    out
}

/// `repr` with the keys of dicts sorted.
fn flat(value: &Value<'_>) -> String {
    let joined = |items: Vec<String>| items.join(", ");
    match value {
        Value::List(list) => format!("[{}]", joined(list.iter().map(|item| flat(&item)).collect())),
        Value::Tuple(items) => {
            let inner = joined(items.iter().map(flat).collect());
            if items.len() == 1 { format!("({inner},)") } else { format!("({inner})") }
        }
        Value::Dict(_) => {
            let entries = sorted(value);
            format!(
                "{{{}}}",
                joined(entries.iter().map(|(key, value)| format!("{}: {}", flat(key), flat(value))).collect())
            )
        }
        other => {
            let mut text = String::new();
            repr::write(&mut text, other);
            text
        }
    }
}

/// The entries of a dict, sorted by their keys.
fn sorted<'d>(value: &Value<'d>) -> Vec<(Value<'d>, Value<'d>)> {
    let Value::Dict(dict) = value else { return Vec::new() };
    let entries: Vec<_> = dict.entries().collect();
    let by_key = |left: &(Value<'d>, Value<'d>), right: &(Value<'d>, Value<'d>)| {
        // Python sorts keys without an order by the names of their types.
        Ok(match compare::order(&left.0, &right.0, "<") {
            Ok(order) => order == Some(Ordering::Less),
            Err(_) => left.0.type_name() < right.0.type_name(),
        })
    };
    sorting::sorted(entries, &mut { by_key }).unwrap_or_default()
}

/// Writes `value` at the column `indent`, and leaves room for `allowance` characters after it.
fn write(out: &mut String, value: &Value<'_>, indent: usize, allowance: usize) {
    let text = flat(value);
    if text.chars().count() + indent + allowance <= WIDTH {
        return out.push_str(&text);
    }
    let items = |out: &mut String, items: Vec<Value<'_>>, end: &str| {
        let last = items.len() - 1;
        for (index, item) in items.iter().enumerate() {
            let behind = if index == last { allowance + end.len() } else { 1 };
            write(out, item, indent + 1, behind);
            if index < last {
                out.push_str(",\n");
                out.push_str(&" ".repeat(indent + 1));
            }
        }
        out.push_str(end);
    };
    match value {
        Value::List(list) if list.len() > 0 => {
            out.push('[');
            items(out, list.iter().collect(), "]");
        }
        Value::Tuple(tuple) if !tuple.is_empty() => {
            out.push('(');
            items(out, tuple.to_vec(), if tuple.len() == 1 { ",)" } else { ")" });
        }
        Value::Dict(dict) if dict.len() > 0 => {
            out.push('{');
            let entries = sorted(value);
            let last = entries.len() - 1;
            for (index, (key, value)) in entries.iter().enumerate() {
                let key = flat(key);
                out.push_str(&key);
                out.push_str(": ");
                let behind = if index == last { allowance + 1 } else { 1 };
                write(out, value, indent + key.chars().count() + 3, behind);
                if index < last {
                    out.push_str(",\n");
                    out.push_str(&" ".repeat(indent + 1));
                }
            }
            out.push('}');
        }
        _ => out.push_str(&text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Dict;

    #[test]
    fn long_values_are_broken_and_keys_sorted() {
        let words = Value::list(vec![Value::text("a".repeat(50)), Value::text("b".repeat(40))]);
        let dict = Value::Dict(Dict::own(vec![(Value::fixed("z"), Value::Int(1)), (Value::fixed("k"), words)]));
        let expected = format!("{{'k': ['{}',\n       '{}'],\n 'z': 1}}", "a".repeat(50), "b".repeat(40));
        assert_eq!(pformat(&dict), expected);
        assert_eq!(pformat(&Value::tuple(vec![Value::None])), "(None,)");
    }
}
