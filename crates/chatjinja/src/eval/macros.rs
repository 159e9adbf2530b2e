//! Macros: binds arguments to parameters, and runs calls.

use std::rc::Rc;

use crate::ir::{CallBlock, MacroCode};
use crate::provenance::Str;
use crate::runtime::{
    Arguments, Dict, EvalResult, Interpreter, Locals, MacroValue, Object, PyError, PyErrorKind, Undefined, Value,
};

pub(super) fn not_callable(value: &Value<'_>) -> PyError {
    PyError::new(PyErrorKind::Type, format!("'{}' object is not callable", value.type_name()))
}

/// More parameters than this are charged.
const MANY: usize = 4;

/// The arguments of a macro, bound to the parameters of its code.
struct BoundArguments<'d> {
    /// One for each parameter; None if it was not given.
    parameters: Vec<Option<Value<'d>>>,
    /// The arguments beyond the parameters, for `varargs`.
    extra: Vec<Value<'d>>,
    /// The value of `caller`, if the macro uses it and has no parameter of this name.
    caller: Option<Value<'d>>,
    /// The other arguments by name, for `kwargs`.
    named: Vec<(Str<'d>, Value<'d>)>,
}

impl<'d> BoundArguments<'d> {
    fn new(code: &MacroCode, args: Arguments<'d>) -> EvalResult<BoundArguments<'d>> {
        let Arguments { mut positional, mut named } = args;
        let extra = positional.split_off(positional.len().min(code.parameters.len()));
        let mut parameters: Vec<Option<Value<'d>>> = positional.into_iter().map(Some).collect();
        let mut take = |name: &str| {
            let at = named.iter().position(|(known, _)| **known == *name)?;
            Some(named.remove(at).1)
        };
        let mut found_caller = code.arguments().take(parameters.len()).any(|name| name == "caller");
        for parameter in &code.parameters[parameters.len()..] {
            found_caller |= parameter.name == "caller";
            parameters.push(take(&parameter.name));
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
                    "macro {} was invoked with two values for the special caller argument. This is most likely a bug.",
                    code.quoted_name()
                )
            } else {
                format!("macro {} takes no keyword argument '{}'", code.quoted_name(), &**name)
            };
            return Err(PyError::new(PyErrorKind::Type, text));
        }
        if code.varargs.is_none() && !extra.is_empty() {
            let count = code.parameters.len();
            let text = format!("macro {} takes not more than {count} argument(s)", code.quoted_name());
            return Err(PyError::new(PyErrorKind::Type, text));
        }
        Ok(BoundArguments { parameters, extra, caller, named })
    }
}

impl<'d> Interpreter<'d> {
    pub(super) fn macro_value(&self, code: &'d MacroCode) -> Value<'d> {
        Value::object(Object::Macro(MacroValue { code, closure: Rc::clone(&self.locals) }))
    }

    /// `{% call %}`: calls a macro with the body of the block as `caller`.
    pub(super) fn call_block(&mut self, block: &'d CallBlock) -> EvalResult<Value<'d>> {
        let caller = self.macro_value(&block.caller);
        let callee = self.eval(&block.callee)?;
        let mut args = self.arguments(&block.args)?;
        args.named.push((Str::fixed("caller"), caller));
        self.call(&callee, args)
    }

    pub(super) fn call_macro(&mut self, value: &MacroValue<'d>, args: Arguments<'d>) -> EvalResult<Value<'d>> {
        let code = value.code;
        if !args.named.is_empty() || code.parameters.len() > MANY {
            // The arguments by name are searched for each parameter.
            let named = args.named.len() + 1;
            self.charge_items(code.parameters.len().saturating_mul(named) / 4)?;
        }
        let bound = BoundArguments::new(code, args)?;
        self.deeper(|interpreter| {
            interpreter.charge_items(code.slots / 4)?;
            let locals = Locals::new(code.slots, Some(Rc::clone(&value.closure)));
            let before = std::mem::replace(&mut interpreter.locals, locals);
            let result = interpreter.captured(|interpreter| {
                interpreter.begin_scope(&code.scope)?;
                interpreter.set_parameters(code, bound)?;
                interpreter.body(&code.body)
            });
            interpreter.leave(before);
            result.map(|(_, text)| Value::Str(text.markup_if(interpreter.autoescape)))
        })
    }

    fn set_parameters(&mut self, code: &'d MacroCode, bound: BoundArguments<'d>) -> EvalResult<()> {
        if let (Some(slot), Some(caller)) = (code.caller, bound.caller) {
            self.budget.nested(&caller)?;
            self.set(slot, caller);
        }
        if let Some(slot) = code.kwargs {
            let named = Value::Dict(Dict::of_named(bound.named));
            self.budget.nested(&named)?;
            self.set(slot, named);
        }
        if let Some(slot) = code.varargs {
            let extra = Value::tuple(bound.extra);
            self.budget.nested(&extra)?;
            self.set(slot, extra);
        }
        // A parameter without a value is undefined while the defaults of those before it are computed.
        let mut missing = Vec::new();
        for (parameter, value) in code.parameters.iter().zip(bound.parameters) {
            let value = value.unwrap_or_else(|| {
                missing.push(parameter);
                Value::Undefined(Undefined::Variable(&parameter.name))
            });
            self.budget.nested(&value)?;
            self.set(parameter.slot, value);
        }
        for parameter in missing {
            if let Some(default) = &parameter.default {
                let value = self.eval(default)?;
                self.budget.nested(&value)?;
                self.set(parameter.slot, value);
            }
        }
        Ok(())
    }
}
