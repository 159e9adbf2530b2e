//! Comparisons of sets: `dict.keys()`, `dict.items()`, and the sets that `-` makes of them.

use std::cmp::Ordering;

use super::{Budget, Dict, EvalResult, Object, Value, ViewKind, equal, hashable};

/// A value that Python compares as a set.
#[derive(Clone, Copy)]
pub(crate) struct SetLike<'v, 'd> {
    kind: ViewKind,
    dict: &'v Dict<'d>,
}

impl<'v, 'd> SetLike<'v, 'd> {
    /// The set in a value, if it is one.
    pub(crate) fn of(value: &'v Value<'d>) -> Option<SetLike<'v, 'd>> {
        match value {
            Value::Object(object) => SetLike::of_object(object),
            _ => None,
        }
    }

    pub(crate) fn of_object(object: &'v Object<'d>) -> Option<SetLike<'v, 'd>> {
        match object {
            Object::View(ViewKind::Values, _) => None,
            Object::View(kind, dict) => Some(SetLike { kind: *kind, dict }),
            _ => None,
        }
    }

    /// Whether it was made by an operation, and is no view of a dict.
    pub(crate) fn is_set(self) -> bool {
        self.kind == ViewKind::Set
    }

    /// Whether an item is in the set.
    pub(crate) fn contains(self, budget: &Budget<'d>, item: &Value<'d>) -> EvalResult<bool> {
        budget.spend(4)?;
        match (self.kind, item) {
            (ViewKind::Items, Value::Tuple(pair)) if pair.len() == 2 => {
                hashable(budget, &pair[0])?;
                match self.dict.get(budget, &pair[0])? {
                    Some(value) => equal(budget, &value, &pair[1]),
                    None => Ok(false),
                }
            }
            (ViewKind::Items, _) => Ok(false),
            _ => {
                hashable(budget, item)?;
                Ok(self.dict.get(budget, item)?.is_some())
            }
        }
    }

    fn is_subset(self, budget: &Budget<'d>, other: SetLike<'_, 'd>) -> EvalResult<bool> {
        for entry in self.dict.entries() {
            if !other.contains(budget, &self.kind.item(entry))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// `Less` for a part of the other set; None if neither is a part of the other.
    pub(crate) fn order(self, budget: &Budget<'d>, other: SetLike<'_, 'd>) -> EvalResult<Option<Ordering>> {
        let order = self.dict.len().cmp(&other.dict.len());
        let within = match order {
            Ordering::Greater => other.is_subset(budget, self)?,
            _ => self.is_subset(budget, other)?,
        };
        Ok(within.then_some(order))
    }
}
