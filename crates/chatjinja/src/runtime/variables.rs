//! Reads and sets variables.

use super::{Dict, EvalResult, Global, Interpreter, List, Object, Undefined, Value};
use crate::ir::{Binding, ScopeInit, Slot, SlotInit};
use crate::names::Function;

impl<'d> Interpreter<'d> {
    fn get(&self, slot: Slot) -> Value<'d> {
        let mut locals = &self.locals;
        for _ in 0..slot.out {
            if let Some(parent) = &locals.parent {
                locals = parent;
            }
        }
        locals.slots.borrow().get(slot.index as usize).cloned().unwrap_or(Value::None)
    }

    /// Sets a variable of the running call.
    pub(crate) fn set(&mut self, slot: Slot, value: Value<'d>) {
        // A name is only ever set in the call that it belongs to.
        debug_assert_eq!(slot.out, 0);
        let old = match self.locals.slots.borrow_mut().get_mut(slot.index as usize) {
            Some(known) => std::mem::replace(known, value),
            None => return,
        };
        drop(old);
    }

    /// The fields of the input that a variable of the running call holds, if it holds such a dict. It is usually a
    /// record: its fields can then be read without a value for the record.
    pub(crate) fn input_fields(&self, slot: Slot) -> Option<&'d crate::data::Fields<'d>> {
        if slot.out > 0 {
            return None;
        }
        match self.locals.slots.borrow().get(slot.index as usize) {
            Some(Value::Dict(Dict::Input(fields))) => Some(fields),
            _ => None,
        }
    }

    /// The value of a name.
    pub(crate) fn lookup(&mut self, binding: &Binding) -> Value<'d> {
        match *binding {
            Binding::Local(slot) => self.get(slot),
            Binding::Global(index) => self.global(index),
            Binding::LateGlobal(index) => {
                let name = &self.program.globals[index];
                // The names are sorted.
                let exported = self.program.exported.binary_search_by(|(known, _)| known.cmp(name)).ok();
                let slot = exported.map(|at| self.program.exported[at].1);
                let set = slot.and_then(|slot| self.root.slots.borrow().get(slot).cloned());
                match set {
                    Some(value) if !matches!(value, Value::Undefined(Undefined::Variable(_))) => value,
                    _ => self.global(index),
                }
            }
        }
    }

    fn global(&mut self, index: usize) -> Value<'d> {
        if let Some(Some(known)) = self.globals.get(index) {
            return known.clone();
        }
        let program = self.program;
        let name = program.globals[index].as_str();
        let value = self.find_global(name).unwrap_or(Value::Undefined(Undefined::Variable(name)));
        if let Some(known) = self.globals.get_mut(index) {
            *known = Some(value.clone());
        }
        value
    }

    fn find_global(&self, name: &str) -> Option<Value<'d>> {
        Some(match self.input.globals.get(name) {
            Some(Global::Node(node)) => Value::of(node),
            Some(Global::Records) => Value::List(List::Records(self.input.records)),
            Some(Global::Str(text)) => Value::fixed(text),
            Some(Global::Bool(value)) => Value::Bool(value),
            Some(Global::None) => Value::None,
            None => Value::object(Object::Function(Function::global(name)?)),
        })
    }

    /// Begins a scope: sets the first values of its slots.
    pub(crate) fn begin_scope(&mut self, scope: &'d ScopeInit) -> EvalResult<()> {
        self.budget.spend(scope.slots.len() as u64)?;
        for (index, init) in &scope.slots {
            let value = match init {
                SlotInit::Undefined(name) => Value::Undefined(Undefined::Variable(name)),
                SlotInit::From(binding) => self.lookup(binding),
            };
            self.set(Slot { out: 0, index: *index }, value);
        }
        Ok(())
    }

    /// The index of a `{% block %}`.
    pub(crate) fn block(&self, name: &str) -> Option<usize> {
        self.program.blocks.iter().position(|block| block.name == name)
    }
}
