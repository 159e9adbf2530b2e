//! `Plan`: a simple template as a list of steps that runs without the engine.
//!
//! ChatML and its like only join literals, roles and contents, and ask for roles. Run by the engine such a template
//! costs some 0.5 µs a message, most of it values made and dropped; run as a plan 0.05 µs. A plan never guesses: what
//! it does not know is not compiled ([`compile`]), and a row that is not made of the strings it expects is handed
//! over to the engine ([`run`]), which then prints it or fails as it does without plans.

mod compile;
mod run;

pub(super) use compile::compile;
pub(super) use run::Ran;

/// A template's steps.
#[derive(Debug, PartialEq)]
pub(super) struct Plan(Vec<Step>);

#[derive(Debug, PartialEq)]
enum Step {
    /// Print a text.
    Print(Text),
    /// Take one branch or the other.
    If(Condition, Vec<Step>, Vec<Step>),
    /// Once for each message.
    Loop(Vec<Step>),
    /// A `{% generation %}` begins.
    GenerationStart,
    /// A `{% generation %}` ends.
    GenerationEnd,
    /// Only the engine knows what happens here: the template refuses the row.
    HandOver,
}

/// A string; what is no string is handed over.
#[derive(Debug, PartialEq)]
enum Text {
    Literal(String),
    /// A field of a message.
    Field(Message, String),
    /// A variable.
    Variable(String),
    /// Without white space at its edges.
    Trimmed(Box<Text>),
    /// One after the other.
    Joined(Vec<Text>),
}

/// A message that a template names.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Message {
    /// The one that the loop is at.
    Current,
    /// `messages[0]`.
    First,
}

#[derive(Debug, PartialEq)]
enum Condition {
    Constant(bool),
    /// A field is this string.
    Equals(Message, String, String),
    /// A field is neither missing nor empty, false, null or zero.
    Truthy(Message, String),
    /// A field is there.
    Defined(Message, String),
    /// `loop.first`.
    LoopFirst,
    /// `loop.last`.
    LoopLast,
    /// `add_generation_prompt`.
    Prompt,
    /// `tools`: given and not empty.
    Tools,
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}
