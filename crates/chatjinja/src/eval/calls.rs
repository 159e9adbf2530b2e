//! Calls of functions, methods and other values.

use super::macros::not_callable;
use crate::builtins::{functions, methods};
use crate::ir::{Arg, Args, MethodName, NamedArg};
use crate::names::Method;
use crate::ops::{access, modifies};
use crate::provenance::Str;
use crate::runtime::{Arguments, EvalResult, Interpreter, Object, PyError, PyErrorKind, Value};

/// More arguments than this are charged.
const MANY: usize = 4;

impl<'d> Interpreter<'d> {
    /// Evaluates the arguments of a call.
    pub(super) fn arguments(&mut self, args: &'d Args) -> EvalResult<Arguments<'d>> {
        let mut arguments = Arguments::default();
        if args.positional.len() + args.named.len() > MANY {
            self.charge_items(args.positional.len() + args.named.len())?;
        }
        for arg in &args.positional {
            match arg {
                Arg::One(expr) => {
                    let value = self.eval(expr)?;
                    arguments.positional.push(value);
                }
                Arg::All(expr) => {
                    let value = self.eval(expr)?;
                    let items = self.items(&value)?;
                    arguments.positional.extend(items);
                }
            }
        }
        for arg in &args.named {
            match arg {
                NamedArg::One(name, expr) => {
                    let value = self.eval(expr)?;
                    arguments.named.push((Str::fixed(name), value));
                }
                NamedArg::All(expr) => match self.eval(expr)? {
                    Value::Dict(dict) => {
                        self.charge_items(dict.len() * (2 + arguments.named.len() / 8))?;
                        let before = arguments.named.len();
                        for (key, value) in dict.entries() {
                            let Value::Str(key) = key else {
                                return Err(PyError::new(PyErrorKind::Type, "keywords must be strings"));
                            };
                            if arguments.named[..before].iter().any(|(known, _)| **known == *key) {
                                let text = format!("got multiple values for keyword argument '{}'", &*key);
                                return Err(PyError::new(PyErrorKind::Type, text));
                            }
                            arguments.named.push((key, value));
                        }
                    }
                    other => {
                        let text = format!("argument after ** must be a mapping, not {}", other.type_name());
                        return Err(PyError::new(PyErrorKind::Type, text));
                    }
                },
            }
        }
        Ok(arguments)
    }

    /// `owner.name(args)`.
    pub(super) fn call_method(
        &mut self,
        owner: &Value<'d>,
        name: &'d MethodName,
        args: &'d Args,
    ) -> EvalResult<Value<'d>> {
        // The most common methods are called without a value for the method.
        let method = match owner {
            Value::Str(_) => name.of_str.map(Method::Str),
            Value::Dict(_) => name.of_dict.map(Method::Dict),
            _ => None,
        };
        if let Some(method) = method.filter(|method| !modifies(*method)) {
            let args = self.arguments(args)?;
            self.charge_call()?;
            return methods::call(self, owner, method, args);
        }
        let callee = access::any_attribute(self, owner, &name.text)?;
        let args = self.arguments(args)?;
        self.call(&callee, args)
    }

    /// Calls a value.
    pub(super) fn call(&mut self, callee: &Value<'d>, args: Arguments<'d>) -> EvalResult<Value<'d>> {
        self.charge_call()?;
        match callee {
            Value::Undefined(undefined) => Err(PyError::undefined(undefined)),
            Value::Object(object) => match &**object {
                Object::Macro(value) => self.call_macro(value, args),
                Object::Function(function) => functions::call(self, *function, args),
                Object::Method(owner, Method::Loop(method)) => self.call_loop_method(owner, *method, args),
                Object::Method(owner, method) => methods::call(self, owner, *method, args),
                Object::Loop(state) => self.call_loop(state, args),
                Object::Joiner { separator, used } => {
                    let first = !used.replace(true);
                    Ok(if first { Value::fixed("") } else { separator.clone() })
                }
                Object::Block(index) => {
                    let index = *index;
                    let ((), text) = self.captured(|interpreter| interpreter.run_block(index))?;
                    Ok(Value::Str(text.markup_if(self.autoescape)))
                }
                Object::Range { .. }
                | Object::Namespace(..)
                | Object::Generator(_)
                | Object::Group(_)
                | Object::View(..)
                | Object::Cycler { .. }
                | Object::Template => Err(not_callable(callee)),
            },
            other => Err(not_callable(other)),
        }
    }
}
