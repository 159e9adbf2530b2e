//! Calls: functions, methods, macros, and how arguments meet parameters.

use std::rc::Rc;

use super::statements::check_name;
use super::{Activation, Exception, MAX_DEPTH, Machine, Raise, Run, dict_of};
use crate::template::builtins::{functions, methods};
use crate::template::program::{Arg, Args, CallBlock, MacroCode, NamedArg};
use crate::template::value::{Dict, MacroValue, Object, Str, Undefined, Value, access, compare};

/// Arguments of a call, evaluated.
#[derive(Debug, Default)]
pub(crate) struct Arguments<'d> {
    pub(crate) positional: Vec<Value<'d>>,
    pub(crate) named: Vec<(Str<'d>, Value<'d>)>,
}

impl<'d> Arguments<'d> {
    pub(crate) fn is_empty(&self) -> bool {
        self.positional.is_empty() && self.named.is_empty()
    }

    /// The arguments in the order of `names`, of which the first `required` must be there.
    pub(crate) fn bind<const N: usize>(
        self,
        function: &str,
        names: [&str; N],
        required: usize,
    ) -> Run<[Option<Value<'d>>; N]> {
        let mut bound = [const { None }; N];
        let given = self.positional.len();
        if given > N {
            let text = format!("{function}() takes {N} positional argument{} but {given} were given", plural(N));
            return Err(Raise::new(Exception::Type, text));
        }
        for (place, value) in bound.iter_mut().zip(self.positional) {
            *place = Some(value);
        }
        for (name, value) in self.named {
            let Some(at) = names.iter().position(|known| *known == &*name) else {
                let text = format!("{function}() got an unexpected keyword argument '{}'", &*name);
                return Err(Raise::new(Exception::Type, text));
            };
            if bound[at].is_some() {
                let text = format!("{function}() got multiple values for argument '{}'", &*name);
                return Err(Raise::new(Exception::Type, text));
            }
            bound[at] = Some(value);
        }
        match names.iter().zip(&bound).take(required).find(|(_, value)| value.is_none()) {
            None => Ok(bound),
            Some((name, _)) => {
                let text = format!("{function}() missing 1 required positional argument: '{name}'");
                Err(Raise::new(Exception::Type, text))
            }
        }
    }

    /// Fails if there are arguments by name.
    pub(crate) fn only_positional(self, function: &str) -> Run<Vec<Value<'d>>> {
        match self.named.is_empty() {
            true => Ok(self.positional),
            false => Err(Raise::new(Exception::Type, format!("{function}() takes no keyword arguments"))),
        }
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

impl<'d> Machine<'d> {
    pub(super) fn arguments(&mut self, args: &'d Args) -> Run<Arguments<'d>> {
        let mut arguments = Arguments::default();
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
                        for (key, value) in dict.entries() {
                            let Value::Str(key) = key else {
                                return Err(Raise::new(Exception::Type, "keywords must be strings"));
                            };
                            arguments.named.push((key, value));
                        }
                    }
                    other => {
                        let text = format!("argument after ** must be a mapping, not {}", other.type_name());
                        return Err(Raise::new(Exception::Type, text));
                    }
                },
            }
        }
        Ok(arguments)
    }

    /// Runs `call` one level deeper. The stack of the thread grows where it must.
    pub(super) fn deeper<T>(&mut self, call: impl FnOnce(&mut Self) -> Run<T>) -> Run<T> {
        if self.depth >= MAX_DEPTH {
            return Err(Raise::new(Exception::Limit, "maximum recursion depth exceeded"));
        }
        self.step()?;
        self.depth += 1;
        let result = stacker::maybe_grow(RED_ZONE, STACK, || call(self));
        self.depth -= 1;
        result
    }

    /// `value.name(…)`.
    pub(super) fn call_method(&mut self, owner: &Value<'d>, name: &'d str, args: &'d Args) -> Run<Value<'d>> {
        let method = match owner {
            Value::Str(_) => methods::of_str(name),
            Value::Dict(_) => methods::of_dict(name),
            _ => None,
        };
        if let Some(method) = method.filter(|method| !methods::modifies(owner, method)) {
            let args = self.arguments(args)?;
            self.step()?;
            return methods::call(self, owner, method, args);
        }
        let callee = access::any_attribute(self, owner, name)?;
        let args = self.arguments(args)?;
        self.call(&callee, args)
    }

    /// Calls a value.
    pub(crate) fn call(&mut self, callee: &Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
        self.step()?;
        match callee {
            Value::Undefined(undefined) => Err(Raise::undefined(undefined)),
            Value::Object(object) => match &**object {
                Object::Macro(value) => self.call_macro(value, args),
                Object::Function(function) => functions::call(self, *function, args),
                Object::Method(owner, method) => match owner {
                    Value::Object(owner) if matches!(&**owner, Object::Loop(_)) => match &**owner {
                        Object::Loop(state) => self.loop_call(state, method, args),
                        _ => Ok(Value::None),
                    },
                    owner => methods::call(self, owner, method, args),
                },
                Object::Loop(state) => self.loop_call(state, "", args),
                Object::Joiner { separator, used } => {
                    let first = !used.replace(true);
                    Ok(if first { Value::fixed("") } else { separator.clone() })
                }
                Object::Block(index) => {
                    let index = *index;
                    let ((), text) = self.captured(|machine| machine.run_block(index))?;
                    Ok(Value::Str(if self.autoescape { text.into_markup() } else { text }))
                }
                _ => Err(not_callable(callee)),
            },
            other => Err(not_callable(other)),
        }
    }

    pub(super) fn macro_value(&self, code: &'d MacroCode) -> Value<'d> {
        Value::object(Object::Macro(MacroValue { code, closure: Rc::clone(&self.activation) }))
    }

    pub(super) fn call_block(&mut self, block: &'d CallBlock) -> Run<Value<'d>> {
        let caller = self.macro_value(&block.caller);
        let callee = self.eval(&block.callee)?;
        let mut args = self.arguments(&block.args)?;
        args.named.push((Str::fixed("caller"), caller));
        self.call(&callee, args)
    }

    fn call_macro(&mut self, value: &MacroValue<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
        let code = value.code;
        let Arguments { mut positional, mut named } = args;
        let extra = positional.split_off(positional.len().min(code.parameters.len()));
        let mut bound: Vec<Option<Value<'d>>> = positional.into_iter().map(Some).collect();
        let mut take = |name: &str| {
            let at = named.iter().position(|(known, _)| **known == *name)?;
            Some(named.remove(at).1)
        };
        let mut found_caller = code.arguments().take(bound.len()).any(|name| name == "caller");
        for parameter in &code.parameters[bound.len()..] {
            found_caller |= parameter.name == "caller";
            bound.push(take(&parameter.name));
        }
        let caller = match code.caller {
            Some(_) if !found_caller => match take("caller") {
                Some(caller) if !matches!(caller, Value::None) => Some(caller),
                _ => Some(Value::Undefined(Undefined::Hint("No caller defined"))),
            },
            _ => None,
        };
        if code.kwargs.is_none()
            && let Some((name, _)) = named.first()
        {
            let text = if named.iter().any(|(name, _)| &**name == "caller") {
                format!(
                    "macro '{}' was invoked with two values for the special caller argument. This is most likely a bug.",
                    code.name
                )
            } else {
                format!("macro '{}' takes no keyword argument '{}'", code.name, &**name)
            };
            return Err(Raise::new(Exception::Type, text));
        }
        if code.varargs.is_none() && !extra.is_empty() {
            let count = code.parameters.len();
            let text = format!("macro '{}' takes not more than {count} argument(s)", code.name);
            return Err(Raise::new(Exception::Type, text));
        }
        let kwargs = named.into_iter().map(|(name, value)| (Value::Str(name), value)).collect();
        self.deeper(|machine| {
            let activation = Activation::new(code.slots, Some(Rc::clone(&value.closure)));
            let before = std::mem::replace(&mut machine.activation, activation);
            let result = machine.captured(|machine| {
                machine.enter(&code.frame);
                if let (Some(slot), Some(caller)) = (code.caller, caller) {
                    machine.set(slot, caller);
                }
                if let Some(slot) = code.kwargs {
                    machine.set(slot, dict_of(kwargs));
                }
                if let Some(slot) = code.varargs {
                    machine.set(slot, Value::tuple(extra));
                }
                // Parameters without a value are undefined until their default is reached.
                let mut missing = Vec::new();
                for (parameter, bound) in code.parameters.iter().zip(bound) {
                    let value = bound.unwrap_or_else(|| {
                        missing.push(parameter);
                        Value::Undefined(Undefined::Variable(&parameter.name))
                    });
                    machine.set(parameter.slot, value);
                }
                for parameter in missing {
                    if let Some(default) = &parameter.default {
                        let value = machine.eval(default)?;
                        machine.set(parameter.slot, value);
                    }
                }
                machine.body(&code.body)
            });
            machine.leave(before);
            result.map(|(_, text)| Value::Str(if machine.autoescape { text.into_markup() } else { text }))
        })
    }

    /// `namespace(…)`.
    pub(crate) fn namespace(&mut self, args: Arguments<'d>) -> Run<Value<'d>> {
        let entries = self.dict_entries("namespace", args)?;
        let mut attributes = Vec::with_capacity(entries.len());
        for (name, value) in entries {
            let Value::Str(name) = name else {
                return Err(Raise::new(Exception::Type, "the attributes of a namespace are named by strings"));
            };
            check_name(&name)?;
            attributes.push(((*name).into(), value));
        }
        let namespace = Rc::new(Object::Namespace(attributes.into()));
        self.namespaces.push(Rc::downgrade(&namespace));
        Ok(Value::Object(namespace))
    }

    /// The entries of `dict(…)`: of a mapping or pairs, and by name.
    pub(crate) fn dict_entries(&mut self, function: &str, args: Arguments<'d>) -> Run<Vec<(Value<'d>, Value<'d>)>> {
        if args.positional.len() > 1 {
            let text = format!("{function} expected at most 1 argument, got {}", args.positional.len());
            return Err(Raise::new(Exception::Type, text));
        }
        let mut entries = Vec::new();
        match args.positional.into_iter().next() {
            None => {}
            Some(Value::Dict(dict)) => entries.extend(dict.entries()),
            Some(pairs) => {
                for (index, pair) in self.items(&pairs)?.into_iter().enumerate() {
                    let pair = match &pair {
                        Value::List(_) | Value::Tuple(_) | Value::Str(_) => self.items(&pair)?,
                        other => {
                            let text = format!(
                                "cannot convert dictionary update sequence element #{index} to a sequence ({})",
                                other.type_name()
                            );
                            return Err(Raise::new(Exception::Type, text));
                        }
                    };
                    let [key, value]: [Value<'d>; 2] = pair.try_into().map_err(|pair: Vec<Value<'d>>| {
                        let text = format!(
                            "dictionary update sequence element #{index} has length {}; 2 is required",
                            pair.len()
                        );
                        Raise::new(Exception::Value, text)
                    })?;
                    compare::hashable(&key)?;
                    entries.push((key, value));
                }
            }
        }
        entries.extend(args.named.into_iter().map(|(name, value)| (Value::Str(name), value)));
        match Dict::own(entries) {
            Dict::Own(entries) => Ok(entries.to_vec()),
            Dict::Data(_) => Ok(Vec::new()),
        }
    }
}

/// Where less than this is left of the stack it grows by that much. The longest expression that compiles takes half of
/// it in a build without optimisation.
pub(super) const RED_ZONE: usize = 2 << 20;
pub(super) const STACK: usize = 8 << 20;

fn not_callable(value: &Value<'_>) -> Raise {
    Raise::new(Exception::Type, format!("'{}' object is not callable", value.type_name()))
}
