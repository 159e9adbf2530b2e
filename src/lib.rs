//! Chat templates, tokens and label masks over Arrow, for training data by the million rows.
//!
//! Each module takes one type and gives one type, in the order in which data flows:
//!
//! ```text
//!  source            rows              text + regions        ids + ends       labels          columns
//!  Arrow batch  →  Conversation   →   text, Regions     →   Tokens       →   labels      →   Arrow batch
//!  JSON rows       conversation       template,             tokenizer        label           mill
//!                                     attribution
//! ```
//!
//! | to change | look in |
//! |---|---|
//! | which columns and JSON are read, and how nulls count | [`conversation`] |
//! | what other formats of rows are, and what they stand for | [`format`](mod@format) |
//! | what a template prints | [`template`] |
//! | which part of a message a piece of text is | [`attribution`] |
//! | token ids and where tokens end | [`tokenizer`] |
//! | which token is trained | [`label`] |
//! | labels as other tools make them | [`compat`] |
//! | threads, order of rows, output columns | [`mill`] |
//!
//! ```
//! use std::sync::Arc;
//! use chatmill::conversation::{Conversation, Node};
//! use chatmill::template::{self, Request};
//!
//! let messages = Node::parse_json(br#"[{"role": "user", "content": "Hi"}]"#)?;
//! let conversation = Conversation::new(messages)?;
//! let template = template::named("chatml", &[])?;
//! let variables = Vec::new();
//! let request = Request { add_generation_prompt: true, ..Request::of(&conversation, &variables) };
//! let text = template.text(request)?;
//! assert_eq!(text, "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
//! # Ok::<(), chatmill::error::Error>(())
//! ```

pub mod attribution;
mod choices;
pub mod compat;
pub mod conversation;
pub mod encode;
pub mod error;
pub mod format;
pub mod label;
pub mod mill;
mod python_text;
pub mod rows;
pub mod template;
pub mod tokenizer;

#[cfg(feature = "python")]
mod python;
