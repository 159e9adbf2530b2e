//! JSON-like values with borrowed strings, and JSON in and out.

mod json;
mod node;

pub use json::JsonError;
pub use node::{Fields, Node, field};
