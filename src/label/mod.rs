//! Labels: which tokens of a rendered conversation are trained, and with what weight.
//!
//! [`Labels`] is the policy, in the terms of messages and regions. [`choose`](Labels::choose) turns it into [`Span`]s of
//! one text, and [`append`] turns the spans into one label a token. No part of it knows a template or a tokenizer.

mod choose;
mod detail;
mod flags;
mod policy;
mod tokens;
mod written;

pub use choose::{Chosen, Span, edges};
pub use policy::{Boundary, Labels, Method, Peer, Roles, Stop, Turns, Unproved};
pub use tokens::{MASKED, append};
