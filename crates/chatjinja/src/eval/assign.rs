//! Assignment to names, attributes of namespaces, and tuples of these.

use std::cmp::Ordering;

use crate::ir::Target;
use crate::ops::namespace;
use crate::runtime::{EvalResult, Interpreter, PyError, PyErrorKind, Value};

/// Room for the items of most tuples.
const FEW: usize = 8;

impl<'d> Interpreter<'d> {
    /// Assigns a value to a target.
    pub(super) fn assign(&mut self, target: &'d Target, value: Value<'d>) -> EvalResult<()> {
        match target {
            Target::Name(slot) => {
                self.budget.nested(&value)?;
                self.set(*slot, value);
                Ok(())
            }
            Target::Attribute(binding, name, span) => {
                let owner = self.lookup(binding);
                namespace::set(&self.budget, &owner, name, value).map_err(|error| error.at(*span))
            }
            Target::Tuple(targets, span) => {
                let items = self.unpack(&value, targets.len()).map_err(|error| error.at(*span))?;
                for (target, item) in targets.iter().zip(items) {
                    self.assign(target, item)?;
                }
                Ok(())
            }
        }
    }

    /// The items of a value, which must be `count`.
    fn unpack(&mut self, value: &Value<'d>, count: usize) -> EvalResult<Vec<Value<'d>>> {
        let items = match value {
            // Python has a separate message for these types.
            Value::None | Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_) => {
                let text = format!("cannot unpack non-iterable {} object", value.type_name());
                return Err(PyError::new(PyErrorKind::Type, text));
            }
            other => {
                let mut all = self.cursor(other)?;
                let mut items = Vec::with_capacity(count.min(FEW));
                // One item more shows that there are too many.
                while items.len() <= count
                    && let Some(item) = all.next(self)?
                {
                    items.push(item);
                }
                items
            }
        };
        match items.len().cmp(&count) {
            Ordering::Equal => Ok(items),
            Ordering::Less => {
                let text = format!("not enough values to unpack (expected {count}, got {})", items.len());
                Err(PyError::new(PyErrorKind::Value, text))
            }
            Ordering::Greater => {
                let text = format!("too many values to unpack (expected {count})");
                Err(PyError::new(PyErrorKind::Value, text))
            }
        }
    }
}
