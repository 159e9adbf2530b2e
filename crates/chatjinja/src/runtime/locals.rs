//! `Locals`: the variables of one call.

use std::cell::RefCell;
use std::rc::Rc;

use super::Value;
use crate::memory::Held;

/// The variables of one call of a macro, a block or a recursive loop, or of the template itself.
#[derive(Debug)]
pub(crate) struct Locals<'d> {
    pub(super) slots: RefCell<Vec<Value<'d>>>,
    /// The variables around the definition.
    pub(super) parent: Option<Rc<Locals<'d>>>,
    _held: Held,
}

/// Slots beyond this number count as held while the call runs.
const MANY: usize = 64;

impl<'d> Locals<'d> {
    /// The bytes of so many slots.
    fn bytes(slots: usize) -> usize {
        slots * size_of::<Value<'d>>() + size_of::<Locals<'d>>()
    }

    /// The bytes that are held if the variables outlive their call.
    pub(super) fn kept_bytes(&self) -> usize {
        Locals::bytes(self.slots.borrow().len())
    }

    pub(crate) fn new(slots: usize, parent: Option<Rc<Locals<'d>>>) -> Rc<Locals<'d>> {
        // Those of a running call count only if they are many: calls are not nested deep.
        let held = if slots > MANY { Held::new(Locals::bytes(slots)) } else { Held::default() };
        Rc::new(Locals { slots: RefCell::new(vec![Value::None; slots]), parent, _held: held })
    }
}
