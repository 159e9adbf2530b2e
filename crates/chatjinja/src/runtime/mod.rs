//! Values with Python's semantics, and the state of a render.
//!
//! Values and the interpreter are in one folder, because they need each other: a generator among the values holds work
//! for the interpreter ([`LazyIter`]).

mod arguments;
mod budget;
mod dict;
mod equality;
mod error;
mod input;
mod interpreter;
mod kind;
mod lazy_iter;
mod list;
mod locals;
mod number;
mod object;
pub(crate) mod repr;
mod trace;
mod undefined;
mod value;
mod variables;

pub(crate) use arguments::Arguments;
pub(crate) use budget::{MAX_DEPTH, MAX_OUTPUT};
pub(crate) use dict::Dict;
pub(crate) use equality::{equal, hashable, numeric_order};
pub(crate) use error::{EvalResult, PyError, PyErrorKind};
pub use input::{Global, Globals, Input};
pub(crate) use interpreter::{Failure, Finished, Interpreter};
pub(crate) use kind::Kind;
pub(crate) use lazy_iter::LazyIter;
pub(crate) use list::List;
pub(crate) use locals::Locals;
pub(crate) use number::{big, float, integer, is_number};
pub(crate) use object::{Generator, GeneratorName, LoopState, MacroValue, Object, ViewKind, range_len};
pub use trace::{Origin, TraceEvent, TraceKind};
pub(crate) use trace::{Trace, Tracing};
pub(crate) use undefined::{MissingItem, Undefined};
pub(crate) use value::Value;
