//! Chat templates as Python's Jinja2 runs them, on minijinja's parser.
//!
//! A model's chat template is written for Jinja2 in Python, in the sandbox of Hugging Face transformers. This crate
//! renders such templates to the same bytes: with Python's strings, numbers, slices, methods and error messages, with
//! Jinja2's rules of scope, and with the functions that transformers adds. It needs no Python.
//!
//! ```
//! use chatjinja::{Fields, Input, Node, Template};
//!
//! let template = Template::new("example", "{% for m in messages %}[{{ m.role }}] {{ m['content'] }}\n{% endfor %}")?;
//! let messages = Node::parse_json(br#"[{"role": "user", "content": "Hi"}]"#)?;
//! let variables: Fields<'_> = vec![("messages".into(), messages)];
//! assert_eq!(template.render(Input::new(&variables))?.text, "[user] Hi\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! * [`Template`] is a compiled template, and [`Input`] the data of one render.
//! * [`Node`] is a JSON-like value with borrowed strings. A render copies nothing before it prints it.
//! * [`Template::trace`] gives the value of the input that each byte of the text comes from ([`Provenance`]), and the
//!   places where the template read each record ([`TraceEvent`]).
//! * [`SyntaxError`] and [`RenderError`] name the line of the template.
//!
//! # Limits
//!
//! A template is code, and it may be hostile. So each render has [`Limits`]: by default 25 million steps, 256 MiB of values
//! at one time, 128 MiB of output and of each text, and 200 levels of calls and of values in values. Every operation is
//! charged for its work and its memory before it begins: texts by their bytes, lists by their items, big integers by their
//! words. A render ends with a text or an error within seconds and within 1 GiB, whatever the template does. A render of
//! ten megabytes of conversation takes about a fifth of the steps. [`Input::interrupted`] stops a render from outside.
//!
//! Integers have at most a million bits. A source has at most 1 MiB; it nests expressions at most 150 levels deep, and has
//! at most 500 operators in a row. More is an error.
//!
//! # The code
//!
//! Each folder imports only from folders before it in this list; `tests/layers.rs` checks that.
//!
//! | folder | content |
//! |---|---|
//! | `memory` | counts the bytes that values hold |
//! | `names` | the names of filters, tests, functions and methods |
//! | `text` | Python's rules for text: pure functions over strings |
//! | `data` | [`Node`], and reading and writing JSON |
//! | `provenance` | strings with their provenance: the values of the input that they come from |
//! | `ir` | the intermediate representation of a template |
//! | `syntax` | the compiler from the source to the intermediate representation |
//! | `runtime` | values with Python's semantics, and the state of a render |
//! | `ops` | Python's operators on values |
//! | `builtins` | filters, tests, functions and methods |
//! | `eval` | statements, expressions, loops and calls |

#![deny(missing_docs)]

mod builtins;
mod data;
mod error;
mod eval;
mod ir;
mod memory;
mod names;
mod ops;
mod provenance;
mod runtime;
mod syntax;
mod template;
mod text;

pub use chrono::NaiveDateTime;
pub use num_bigint::BigInt;

pub use data::{Fields, JsonError, Node, field};
pub use error::{RenderError, RenderErrorKind};
pub use provenance::{Provenance, ProvenanceSpan};
pub use runtime::{Global, Globals, Input, Limits, Origin, TraceEvent, TraceKind};
pub use syntax::SyntaxError;
pub use template::{KeyRead, Rendered, Template, Traced};
pub use text::is_space;

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
