//! `Budget`: charges a render for its work and its memory, before it does the work.
//!
//! One step is about 100 nanoseconds of work or less, so the limit on steps is a limit on time. Every loop over data of
//! unknown size is charged here: texts by their bytes, lists by their items, big integers by their words.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;

use num_bigint::BigInt;

use super::{EvalResult, Interpreter, Limits, PyError, PyErrorKind, Value};
use crate::data::{Fields, Node};
use crate::memory::Held;
use crate::provenance::Str;
use crate::text::quote::most_escaped;

/// The steps of a call of a filter, a test, a function, a method or a macro.
const CALL: u64 = 8;

/// The bytes of a text that one step copies or searches.
const COPIED: usize = 64;

/// The bytes of a text that one step looks at character by character.
const WALKED: usize = 16;

/// From this size on, an operation is checked against the memory before it begins. Smaller ones are checked now and then.
const LARGE: usize = 64 << 10;

/// The steps between two looks at the memory and at the interruption.
const PORTION: u64 = 4096;

/// The bytes of a short string that a template makes, with the room that the allocator adds.
const STRING: usize = 224;

/// The remaining steps of a render, and its other limits.
pub(crate) struct Budget<'d> {
    limits: Limits,
    /// The steps until the next look at the memory.
    portion: Cell<u64>,
    /// The steps after these.
    rest: Cell<u64>,
    /// What the thread held before the render.
    base: usize,
    interrupted: Option<&'d dyn Fn() -> bool>,
    /// The fields of large objects of the input, by the address of the object.
    fields: RefCell<HashMap<usize, HashMap<&'d str, &'d Node<'d>>>>,
}

impl fmt::Debug for Budget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").field("limits", &self.limits).field("rest", &self.rest).finish_non_exhaustive()
    }
}

impl<'d> Budget<'d> {
    pub(crate) fn new(limits: Limits, interrupted: Option<&'d dyn Fn() -> bool>) -> Budget<'d> {
        let limits = Limits { depth: limits.depth.min(Limits::MAX_DEPTH), ..limits };
        Budget {
            limits,
            portion: Cell::new(0),
            rest: Cell::new(limits.steps),
            base: Held::total(),
            interrupted,
            fields: RefCell::default(),
        }
    }

    /// The value of a key of a large object of the input.
    pub(crate) fn input_field(&self, fields: &'d Fields<'d>, key: &str) -> EvalResult<Option<&'d Node<'d>>> {
        let mut known = self.fields.borrow_mut();
        let address = std::ptr::from_ref(fields) as usize;
        if let Some(by_name) = known.get(&address) {
            return Ok(by_name.get(key).copied());
        }
        self.spend(fields.len() as u64 * 2)?;
        let by_name: HashMap<&'d str, &'d Node<'d>> = fields.iter().map(|(name, node)| (&**name, node)).collect();
        let found = by_name.get(key).copied();
        known.insert(address, by_name);
        Ok(found)
    }

    /// Counts steps.
    #[inline]
    pub(crate) fn spend(&self, steps: u64) -> EvalResult<()> {
        match self.portion.get().checked_sub(steps) {
            Some(left) => {
                self.portion.set(left);
                Ok(())
            }
            None => self.next_portion(steps),
        }
    }

    #[cold]
    fn next_portion(&self, steps: u64) -> EvalResult<()> {
        let Some(left) = (self.rest.get() + self.portion.get()).checked_sub(steps) else {
            self.rest.set(0);
            self.portion.set(0);
            let most = self.limits.steps;
            let text =
                if most.is_multiple_of(1_000_000) { format!("{} million", most / 1_000_000) } else { most.to_string() };
            return Err(limit(format!("the template exceeds the limit of {text} steps; shorten its loops")));
        };
        let portion = left.min(PORTION);
        self.portion.set(portion);
        self.rest.set(left - portion);
        if self.interrupted.is_some_and(|interrupted| interrupted()) {
            return Err(PyError::new(PyErrorKind::Interrupted, "the render was stopped"));
        }
        self.room(0)
    }

    /// Fails if `bytes` more do not fit into the memory.
    pub(crate) fn room(&self, bytes: usize) -> EvalResult<()> {
        let held = Held::total().wrapping_sub(self.base);
        if held.saturating_add(bytes) <= self.limits.memory {
            return Ok(());
        }
        let text = format!(
            "the values of the template exceed the limit of {} of memory; make shorter texts and lists",
            size(self.limits.memory)
        );
        Err(limit(text))
    }

    /// Call before making a text of `bytes`.
    pub(crate) fn bytes(&self, bytes: usize) -> EvalResult<()> {
        if bytes > self.limits.output {
            return Err(limit(format!("a text exceeds the limit of {}; make it shorter", size(self.limits.output))));
        }
        if bytes >= LARGE {
            self.room(bytes)?;
        }
        self.spend((bytes / COPIED) as u64)
    }

    /// Fails if a text that is being written may not have `bytes`.
    pub(crate) fn text(&self, bytes: usize) -> EvalResult<()> {
        if bytes < LARGE {
            return Ok(());
        }
        if bytes > self.limits.output {
            return self.bytes(bytes);
        }
        self.room(bytes)
    }

    /// Call before making `items` values, such as a list.
    pub(crate) fn items(&self, items: usize) -> EvalResult<()> {
        let bytes = items.saturating_mul(size_of::<Value<'_>>());
        if bytes >= LARGE {
            self.room(bytes)?;
        }
        self.spend(items as u64)
    }

    /// Call before making `count` values that may be short strings, besides the work.
    pub(crate) fn strings(&self, count: usize) -> EvalResult<()> {
        let bytes = count.saturating_mul(size_of::<Value<'_>>() + STRING);
        if bytes >= LARGE { self.room(bytes) } else { Ok(()) }
    }

    /// Call before making `parts` values of a text, such as its words or characters.
    pub(crate) fn parts(&self, text: &Str<'_>, parts: usize) -> EvalResult<()> {
        if text.borrowed().is_some() {
            return self.items(parts);
        }
        let bytes = parts.saturating_mul(size_of::<Value<'_>>() + STRING).saturating_add(text.len());
        if bytes >= LARGE {
            self.room(bytes)?;
        }
        // Each part looks for its spans among those of the text.
        self.spend((parts as u64).saturating_mul(2 + text.spans() as u64 / 8))
    }

    /// Call before searching or comparing `bytes` of a text.
    #[inline]
    pub(crate) fn search(&self, bytes: usize) -> EvalResult<()> {
        if bytes < 4 * COPIED { Ok(()) } else { self.spend((bytes / COPIED) as u64) }
    }

    /// Call before looking at each character of `bytes`.
    #[inline]
    pub(crate) fn walk(&self, bytes: usize) -> EvalResult<()> {
        if bytes < 4 * WALKED { Ok(()) } else { self.spend((bytes / WALKED) as u64) }
    }

    /// Call before multiplying or dividing integers of these numbers of bits.
    pub(crate) fn product(&self, left: u64, right: u64) -> EvalResult<()> {
        let words = |bits: u64| bits / 64 + 1;
        self.spend(words(left).saturating_mul(words(right)) / 64 + words(left) / 8 + words(right) / 8)
    }

    /// Call before copying or comparing an integer.
    pub(crate) fn copy_integer(&self, integer: &BigInt) -> EvalResult<()> {
        self.spend(integer.bits() / 512)
    }

    /// Fails if a value is nested too deep to be kept.
    #[inline]
    pub(crate) fn nested(&self, value: &Value<'_>) -> EvalResult<()> {
        if value.is_nested() && value.depth() > self.limits.depth { Err(self.too_deep()) } else { Ok(()) }
    }

    /// Fails if namespaces are nested too deep to be printed.
    pub(crate) fn check_namespaces(&self, open: usize) -> EvalResult<()> {
        if open <= self.limits.depth as usize { Ok(()) } else { Err(self.too_deep()) }
    }

    #[cold]
    fn too_deep(&self) -> PyError {
        limit(format!("values are nested more than {} deep, which is the limit; nest them less", self.limits.depth))
    }
}

#[cold]
fn limit(text: String) -> PyError {
    PyError::new(PyErrorKind::Limit, text)
}

/// A number of bytes in words.
fn size(bytes: usize) -> String {
    match bytes {
        _ if bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        _ => format!("{bytes} bytes"),
    }
}

impl<'d> Interpreter<'d> {
    /// Counts one step.
    #[inline]
    pub(crate) fn step(&self) -> EvalResult<()> {
        self.budget.spend(1)
    }

    /// Counts a call.
    #[inline]
    pub(crate) fn charge_call(&self) -> EvalResult<()> {
        self.budget.spend(CALL)
    }

    /// Call before allocating a string of `bytes`.
    pub(crate) fn charge_bytes(&self, bytes: usize) -> EvalResult<()> {
        self.budget.bytes(bytes)
    }

    /// Call before allocating a list of `items`.
    pub(crate) fn charge_items(&self, items: usize) -> EvalResult<()> {
        self.budget.items(items)
    }

    /// Call before making a text from each character of `text`. It may have up to `growth` times its bytes.
    pub(crate) fn charge_change(&self, text: &Str<'d>, growth: usize) -> EvalResult<()> {
        self.budget.walk(text.weight().saturating_mul(2))?;
        if text.len() >= LARGE { self.budget.room(text.len().saturating_mul(growth)) } else { Ok(()) }
    }

    /// Call before a copy of a text with escapes.
    pub(crate) fn charge_escapes(&self, text: &str) -> EvalResult<()> {
        self.budget.walk(text.len())?;
        if text.len() >= LARGE { self.budget.room(most_escaped(text)) } else { Ok(()) }
    }

    /// Fails if the text that is being written is too long.
    #[inline]
    pub(crate) fn check_output(&self) -> EvalResult<()> {
        if self.out.text.len() > self.budget.limits.output { Err(self.output_exceeded()) } else { Ok(()) }
    }

    #[cold]
    fn output_exceeded(&self) -> PyError {
        limit(format!("the output exceeds the limit of {}; print less", size(self.budget.limits.output)))
    }

    /// Begins a call. Fails if calls are nested too deep.
    pub(crate) fn check_depth(&self) -> EvalResult<()> {
        let most = self.budget.limits.depth;
        if self.depth < most {
            return self.charge_call();
        }
        Err(limit(format!("maximum recursion depth exceeded: the limit is {most} nested calls; end the recursion")))
    }
}
