//! `Locals`: the variables of one call.

use std::cell::RefCell;
use std::rc::Rc;

use super::Value;

/// The variables of one call of a macro, a block or a recursive loop, or of the template itself.
#[derive(Debug)]
pub(crate) struct Locals<'d> {
    pub(super) slots: RefCell<Vec<Value<'d>>>,
    /// The variables around the definition.
    pub(super) parent: Option<Rc<Locals<'d>>>,
}

impl<'d> Locals<'d> {
    pub(crate) fn new(slots: usize, parent: Option<Rc<Locals<'d>>>) -> Rc<Locals<'d>> {
        Rc::new(Locals { slots: RefCell::new(vec![Value::None; slots]), parent })
    }
}
