//! `Input`: the data that a template is rendered with.

use std::borrow::Cow;
use std::fmt;

use chrono::NaiveDateTime;

use crate::data::{Fields, Node, field};

/// The data and the settings of one render.
///
/// ```
/// use chatjinja::{Fields, Input, Node, Template};
///
/// let variables: Fields<'_> = vec![("name".into(), Node::Str("you".into()))];
/// let template = Template::new("example", "Hello {{ name }}!")?;
/// assert_eq!(template.render(Input::new(&variables))?.text, "Hello you!");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Input<'d> {
    /// The variables.
    pub globals: &'d dyn Globals,
    /// The list whose items errors and trace events name, such as the messages of a conversation. In the template it is
    /// the variable for which [`Globals::get`] returns [`Global::Records`].
    pub records: &'d [Fields<'d>],
    /// The time for `strftime_now`; None for the local time.
    pub now: Option<NaiveDateTime>,
    /// The expected length of the text in bytes. It saves reallocations and limits nothing.
    pub capacity: usize,
    /// Whether a [trace](crate::Template::trace) also gives the bytes that the template itself wrote.
    pub tracks_template: bool,
    /// Called now and then, at least a thousand times a second; if it returns true, the render stops with an error of the
    /// kind [`Interrupted`](crate::RenderErrorKind::Interrupted).
    pub interrupted: Option<&'d dyn Fn() -> bool>,
}

impl<'d> Input<'d> {
    /// An input with variables only.
    pub fn new(globals: &'d dyn Globals) -> Input<'d> {
        Input { globals, records: &[], now: None, capacity: 0, tracks_template: false, interrupted: None }
    }
}

impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input")
            .field("records", &self.records.len())
            .field("now", &self.now)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

/// The variables of the input.
///
/// A render looks up each name at most once. [`Fields`] implement this trait. Implement it yourself to look up names in
/// several places, or to give the template [records](Input::records):
///
/// ```
/// use chatjinja::{Fields, Global, Globals, Input, Node, Template};
///
/// struct Variables {
///     bos_token: String,
/// }
///
/// impl Globals for Variables {
///     fn get(&self, name: &str) -> Option<Global<'_>> {
///         match name {
///             "messages" => Some(Global::Records),
///             "bos_token" => Some(Global::Str(&self.bos_token)),
///             _ => None,
///         }
///     }
/// }
///
/// let messages: Vec<Fields<'_>> = vec![vec![("content".into(), Node::Str("Hi".into()))]];
/// let variables = Variables { bos_token: "<s>".into() };
/// let input = Input { records: &messages, ..Input::new(&variables) };
/// let template = Template::new("example", "{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}")?;
/// assert_eq!(template.render(input)?.text, "<s>Hi");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Globals {
    /// The value of a variable. If there is none, the name refers to the built-in function of this name, or to an
    /// undefined value.
    fn get(&self, name: &str) -> Option<Global<'_>>;
}

/// The value of a variable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Global<'d> {
    /// Data. A [trace](crate::Template::trace) follows its strings to the output.
    Node(&'d Node<'d>),
    /// The [records](Input::records), as a list.
    Records,
    /// A text that counts as text of the template, such as a special token. A trace does not follow it.
    Str(&'d str),
    /// `True` or `False`.
    Bool(bool),
    /// `None`.
    None,
}

impl Globals for Vec<(Cow<'_, str>, Node<'_>)> {
    fn get(&self, name: &str) -> Option<Global<'_>> {
        field(self, name).map(Global::Node)
    }
}
