//! JSON-like values with borrowed strings, and reading and writing JSON.

mod json;
mod node;

pub use json::JsonError;
pub use node::{Fields, Node, field};
