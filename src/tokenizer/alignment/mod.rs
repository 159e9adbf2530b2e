//! Alignment: which bytes of a text each token covers.
//!
//! A fast engine gives token ids only. [`TokenBytes`] aligns them by comparing the bytes of every token with the text;
//! [`AnchorIndex`] does the same for the tokens around a few edges. Both prove the offsets, or report that they cannot.

mod anchors;
mod token_bytes;
mod token_spans;

pub(in crate::tokenizer) use anchors::AnchorIndex;
pub(in crate::tokenizer) use token_bytes::{Alphabet, TokenBytes};
pub use token_spans::{TokenSpan, token_spans};
