//! `map`, `select` and their like: another filter or a test for each item.

use super::attribute_path::Path;
use super::filters::generator;
use crate::template::run::{Arguments, Exception, Machine, Raise, Run};
use crate::template::value::{Value, repr};

pub(super) fn map<'d>(_: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    Ok(generator("sync_do_map", move |machine| {
        if !value.is_true() {
            return Ok(Vec::new());
        }
        let Arguments { positional, mut named } = args;
        if positional.is_empty()
            && let Some(at) = named.iter().position(|(name, _)| &**name == "attribute")
        {
            let mut path = Path::of(Some(&named.remove(at).1));
            if let Some(at) = named.iter().position(|(name, _)| &**name == "default") {
                path.default = Some(named.remove(at).1).filter(|default| !matches!(default, Value::None));
            }
            if let Some((name, _)) = named.first() {
                let text = format!("Unexpected keyword argument {}", repr::quoted(name));
                return Err(Raise::new(Exception::Runtime, text));
            }
            return machine.items(&value)?.iter().map(|item| path.get(machine, item)).collect();
        }
        let mut positional = positional.into_iter();
        let Some(name) = positional.next() else {
            return Err(Raise::new(Exception::Runtime, "map requires a filter argument"));
        };
        let rest: Vec<Value<'d>> = positional.collect();
        let filter = name
            .as_str()
            .and_then(|name| super::filter(name))
            .ok_or_else(|| Raise::new(Exception::Runtime, format!("No filter named {}.", repr::brief(&name))))?;
        let items = machine.items(&value)?;
        items
            .into_iter()
            .map(|item| {
                let args = Arguments { positional: rest.clone(), named: named.clone() };
                filter(machine, item, args)
            })
            .collect()
    }))
}

/// `select`, `reject` and their forms for attributes: the items for which a test holds, or does not.
fn chosen<'d>(value: Value<'d>, args: Arguments<'d>, wanted: bool, by_attribute: bool) -> Value<'d> {
    generator("select_or_reject", move |machine| {
        if !value.is_true() {
            return Ok(Vec::new());
        }
        let Arguments { positional, named } = args;
        let mut positional = positional.into_iter();
        let path = match by_attribute {
            false => Path::of(None),
            true => match positional.next() {
                Some(attribute) => Path::of(Some(&attribute)),
                None => return Err(Raise::new(Exception::Runtime, "Missing parameter for attribute name")),
            },
        };
        let test = positional
            .next()
            .map(|name| {
                name.as_str()
                    .and_then(|name| super::test(name))
                    .ok_or_else(|| Raise::new(Exception::Runtime, format!("No test named {}.", repr::brief(&name))))
            })
            .transpose()?;
        let rest: Vec<Value<'d>> = positional.collect();
        let mut kept = Vec::new();
        for item in machine.items(&value)? {
            let tested = path.get(machine, &item)?;
            let holds = match test {
                None => tested.is_true(),
                Some(test) => test(machine, &tested, Arguments { positional: rest.clone(), named: named.clone() })?,
            };
            if holds == wanted {
                kept.push(item);
            }
        }
        Ok(kept)
    })
}

pub(super) fn select<'d>(_: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    Ok(chosen(value, args, true, false))
}

pub(super) fn reject<'d>(_: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    Ok(chosen(value, args, false, false))
}

pub(super) fn selectattr<'d>(_: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    Ok(chosen(value, args, true, true))
}

pub(super) fn rejectattr<'d>(_: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    Ok(chosen(value, args, false, true))
}
