//! `map`, `select` and similar filters, which apply a filter or a test to each item.

use super::attribute_path::AttributePath;
use super::filters::{self, generator, not_none};
use super::tests;
use crate::names::{Filter, Test};
use crate::runtime::{Arguments, EvalResult, PyError, PyErrorKind, Value, deepest, no_items, repr};
use crate::text::quote::quoted;

/// The depth of a value and of arguments.
fn depth(value: &Value<'_>, args: &Arguments<'_>) -> u32 {
    let named = args.named.iter().map(|(_, value)| value);
    deepest(args.positional.iter().chain(named)).max(value.depth())
}

#[expect(clippy::unnecessary_wraps, reason = "all filters have this signature")]
pub(super) fn map<'d>(value: Value<'d>, args: Arguments<'d>) -> EvalResult<Value<'d>> {
    let depth = depth(&value, &args);
    Ok(generator("sync_do_map", depth, move |interpreter| {
        if !value.is_true() {
            return Ok(no_items());
        }
        let Arguments { positional, mut named } = args;
        if positional.is_empty()
            && let Some(at) = named.iter().position(|(name, _)| &**name == "attribute")
        {
            let mut path = AttributePath::of(&interpreter.budget, Some(&named.remove(at).1))?;
            if let Some(at) = named.iter().position(|(name, _)| &**name == "default") {
                path.default = not_none(Some(named.remove(at).1));
            }
            if let Some((name, _)) = named.first() {
                let text = format!("Unexpected keyword argument {}", quoted(name));
                return Err(PyError::new(PyErrorKind::Runtime, text));
            }
            let mut items = interpreter.cursor(&value)?;
            return Ok(Box::new(move |interpreter| match items.next(interpreter)? {
                Some(item) => path.get(interpreter, &item).map(Some),
                None => Ok(None),
            }));
        }
        let mut positional = positional.into_iter();
        let Some(name) = positional.next() else {
            return Err(PyError::new(PyErrorKind::Runtime, "map requires a filter argument"));
        };
        let rest: Vec<Value<'d>> = positional.collect();
        let filter = name
            .as_str()
            .and_then(|name| Filter::named(name))
            .ok_or_else(|| PyError::new(PyErrorKind::Runtime, format!("No filter named {}.", repr::brief(&name))))?;
        let mut items = interpreter.cursor(&value)?;
        Ok(Box::new(move |interpreter| {
            let Some(item) = items.next(interpreter)? else { return Ok(None) };
            interpreter.charge_call()?;
            interpreter.charge_items(rest.len() + named.len())?;
            let args = Arguments { positional: rest.clone(), named: named.clone() };
            filters::apply(interpreter, filter, item, args).map(Some)
        }))
    }))
}

/// `select`, `reject`, and the same by attribute: the items for which a test gives `wanted`.
pub(super) fn select<'d>(value: Value<'d>, args: Arguments<'d>, wanted: bool, by_attribute: bool) -> Value<'d> {
    let depth = depth(&value, &args);
    generator("select_or_reject", depth, move |interpreter| {
        if !value.is_true() {
            return Ok(no_items());
        }
        let Arguments { positional, named } = args;
        let mut positional = positional.into_iter();
        let path = match by_attribute {
            false => AttributePath::of(&interpreter.budget, None)?,
            true => match positional.next() {
                Some(attribute) => AttributePath::of(&interpreter.budget, Some(&attribute))?,
                None => return Err(PyError::new(PyErrorKind::Runtime, "Missing parameter for attribute name")),
            },
        };
        let test = positional
            .next()
            .map(|name| {
                name.as_str()
                    .and_then(|name| Test::named(name))
                    .ok_or_else(|| PyError::new(PyErrorKind::Runtime, format!("No test named {}.", repr::brief(&name))))
            })
            .transpose()?;
        let rest: Vec<Value<'d>> = positional.collect();
        let mut items = interpreter.cursor(&value)?;
        Ok(Box::new(move |interpreter| {
            while let Some(item) = items.next(interpreter)? {
                let tested = path.get(interpreter, &item)?;
                let holds = match test {
                    None => tested.is_true(),
                    Some(test) => {
                        interpreter.charge_call()?;
                        interpreter.charge_items(rest.len() + named.len())?;
                        let args = Arguments { positional: rest.clone(), named: named.clone() };
                        tests::apply(interpreter, test, &tested, args)?
                    }
                };
                if holds == wanted {
                    return Ok(Some(item));
                }
            }
            Ok(None)
        }))
    })
}
