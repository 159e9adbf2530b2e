//! Chat templates, tokens and label masks over Arrow, for training data of a million rows.
//!
//! Data flows through the folders in this order; each takes one type and gives one type:
//!
//! ```text
//!  Arrow batch ─▶ RowTable ─▶ Row ─▶ text + regions ─▶ ids + token ends ─▶ labels ─▶ Sample ─▶ Arrow batch
//!                 data        rows   template,         tokenizer           label,    encode    batch
//!                                    attribution                           compat
//! ```
//!
//! | to change | look in |
//! |---|---|
//! | which columns and JSON are read, and how nulls count | [`data`] |
//! | what the kinds of rows are, and what formats read | [`rows`] |
//! | what a chat template prints | [`template`], and the crate [`chatjinja`] |
//! | which part of a message a piece of text belongs to | [`attribution`] |
//! | token ids, and where tokens end | [`tokenizer`] |
//! | which token is trained | [`label`] |
//! | labels as other tools make them | [`compat`] |
//! | what is counted of rows and samples | [`statistics`] |
//! | one row: options, truncation, notes | [`encode`] |
//! | which rows share a sequence of a fixed length | [`packing`] |
//! | many rows: threads, order, output columns | [`batch`] |
//! | the Parquet files of samples | [`shards`] |
//! | two folders swapped in one step | [`exchange`] |
//!
//! A folder may use those above it in this table and never those below it; `tests/layers.rs` checks this.
//!
//! ```
//! use chatmill::data::parse_json;
//! use chatmill::rows::{Conversation, TemplateVariables};
//! use chatmill::template::{self, Request};
//!
//! let messages = parse_json(br#"[{"role": "user", "content": "Hi"}]"#)?;
//! let conversation = Conversation::new(messages)?;
//! let template = template::named("chatml", &[])?;
//! let variables = TemplateVariables::default();
//! let request = Request { add_generation_prompt: true, ..Request::of(&conversation, &variables) };
//! let text = template.text(request)?;
//! assert_eq!(text, "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
//! # Ok::<(), chatmill::error::Error>(())
//! ```

pub mod attribution;
pub mod batch;
pub mod choice;
pub mod compat;
pub mod data;
pub mod encode;
pub mod error;
pub mod exchange;
mod interrupt;
pub mod label;
mod names;
pub mod packing;
pub mod rows;
pub mod shards;
pub mod statistics;
pub mod template;
pub mod tokenizer;

#[cfg(feature = "python")]
mod python;
