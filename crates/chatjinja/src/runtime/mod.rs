//! Values with Python's semantics, and the state of a render.
//!
//! Values and the interpreter are in one folder, because they need each other: a generator among the values holds work
//! for the interpreter ([`LazyIter`]).

mod arguments;
mod bounded_text;
mod budget;
mod dict;
mod equality;
mod error;
mod input;
mod interpreter;
mod items;
mod key_index;
mod kind;
mod lazy_iter;
mod limits;
mod list;
mod locals;
mod number;
mod object;
pub(crate) mod repr;
mod set_like;
mod trace;
mod undefined;
mod value;
mod variables;

pub(crate) use arguments::Arguments;
pub(crate) use bounded_text::BoundedText;
pub(crate) use budget::Budget;
pub(crate) use dict::{Dict, SMALL};
pub(crate) use equality::{LONG_FLOAT, charge_numbers, equal, hashable, numeric_order};
pub(crate) use error::{EvalResult, PyError, PyErrorKind};
pub use input::{Global, Globals, Input};
pub(crate) use interpreter::{Failure, Finished, Interpreter};
pub(crate) use items::{Items, deepest, short};
pub(crate) use key_index::SeenKeys;
pub(crate) use kind::Kind;
pub(crate) use lazy_iter::{Cursor, LazyIter, Step, no_items};
pub use limits::Limits;
pub(crate) use list::List;
pub(crate) use locals::Locals;
pub(crate) use number::{BigNumber, big, float, integer, is_number};
pub(crate) use object::{Generator, GeneratorName, LoopRest, LoopState, MacroValue, Object, ViewKind, range_len};
pub(crate) use set_like::SetLike;
pub use trace::{Origin, TraceEvent, TraceKind};
pub(crate) use trace::{Trace, Tracing};
pub(crate) use undefined::{MissingItem, Undefined};
pub(crate) use value::Value;
