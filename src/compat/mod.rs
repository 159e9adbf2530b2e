//! Labels as other tools make them, to reproduce a run or to compare.
//!
//! Each tool has its own rule for the trained tokens and its own way to find them; each file emulates one tool. The
//! emulations use no label policy and reproduce the faults of the tools. `docs/labels.md` shows all of them on one row.

mod axolotl;
mod completion;
mod inputs;
mod open_instruct;
mod transformers;
mod trl;
mod unsloth;

pub use axolotl::{AxolotlOptions, TrainStops};
pub use inputs::Emulated;

use serde_json::{Map, Value};

use crate::attribution::Attributor;
use crate::error::{Error, ErrorKind, Result};
use crate::label::json_fields::JsonFields;
use crate::names;
use crate::template::Request;
use crate::tokenizer::{Tokenizer, Tokens};
use inputs::Inputs;

/// A tool whose labels chatmill can make, with its options.
#[derive(Debug, Clone, PartialEq)]
pub enum Emulation {
    /// The `return_assistant_tokens_mask` of transformers, including its errors.
    Transformers,
    /// The `assistant_only_loss` of TRL: the same mask, but a template without tags is an error.
    Trl,
    /// The `chat_template` strategy of axolotl.
    Axolotl(AxolotlOptions),
    /// The `train_on_responses_only` of unsloth.
    Unsloth {
        /// Whether only the last response is trained.
        last_response_only: bool,
    },
    /// The prefixes of the rendered text, as open-instruct uses them.
    OpenInstruct,
    /// The prompt and completion of TRL: everything after the prompt of the last turn.
    Completion,
}

impl Emulation {
    /// The names of all tools.
    pub const NAMES: [&'static str; 6] = ["hf", "trl", "axolotl", "unsloth", "open-instruct", "completion"];

    /// The tool of this name with its own options. The error names an unknown tool, an unknown option or an invalid
    /// value.
    ///
    /// ```
    /// use chatmill::compat::Emulation;
    ///
    /// let options = serde_json::Map::from_iter([("last_response_only".to_owned(), true.into())]);
    /// assert_eq!(Emulation::parse("unsloth", options)?, Emulation::Unsloth { last_response_only: true });
    /// # Ok::<(), chatmill::error::Error>(())
    /// ```
    pub fn parse(name: &str, options: Map<String, Value>) -> Result<Emulation> {
        let mut options = JsonFields::of_options(name, options);
        let without_options = |options: JsonFields, emulation: Emulation| options.finish([]).map(|()| emulation);
        match name {
            "hf" => without_options(options, Emulation::Transformers),
            "trl" => without_options(options, Emulation::Trl),
            "open-instruct" => without_options(options, Emulation::OpenInstruct),
            "completion" => without_options(options, Emulation::Completion),
            "axolotl" => AxolotlOptions::read(options).map(Emulation::Axolotl),
            "unsloth" => {
                let last_response_only = options.take_or("last_response_only", false)?;
                options.finish(["last_response_only"])?;
                Ok(Emulation::Unsloth { last_response_only })
            }
            other => {
                let advice = names::advice(other, Emulation::NAMES);
                Err(Error::new(ErrorKind::Option, format!("labels: `emulate` is {other:?}; {advice}")))
            }
        }
    }

    /// The name of the tool.
    pub fn name(&self) -> &'static str {
        match self {
            Emulation::Transformers => "hf",
            Emulation::Trl => "trl",
            Emulation::Axolotl(_) => "axolotl",
            Emulation::Unsloth { .. } => "unsloth",
            Emulation::OpenInstruct => "open-instruct",
            Emulation::Completion => "completion",
        }
    }
}

/// Makes the tokens and labels of a conversation as another tool does. Returns the text.
///
/// `tokens` and `labels` must be empty. They get all tokens of the text and one label per token.
pub fn emulate(
    emulation: &Emulation,
    attributor: &Attributor,
    tokenizer: &Tokenizer,
    request: Request<'_, '_>,
    tokens: &mut Tokens,
    labels: &mut Vec<i32>,
) -> Result<Emulated> {
    let inputs = Inputs { attributor, tokenizer, request };
    match emulation {
        Emulation::Transformers => transformers::label(&inputs, tokens, labels),
        Emulation::Trl => trl::label(&inputs, tokens, labels),
        Emulation::Axolotl(options) => axolotl::label(&inputs, options, tokens, labels),
        Emulation::Unsloth { last_response_only } => unsloth::label(&inputs, *last_response_only, tokens, labels),
        Emulation::OpenInstruct => open_instruct::label(&inputs, tokens, labels),
        Emulation::Completion => completion::label(&inputs, tokens, labels),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str, options: &str) -> Result<Emulation> {
        let Ok(Value::Object(options)) = serde_json::from_str(options) else { panic!("{options} is not an object") };
        Emulation::parse(name, options)
    }

    #[test]
    fn every_name_is_parsed() {
        for name in Emulation::NAMES {
            assert_eq!(parse(name, "{}").unwrap().name(), name);
        }
    }

    #[test]
    fn errors_name_the_tool_and_the_option() {
        for (name, options, expected) in [
            ("nemo", "{}", "labels: `emulate` is \"nemo\"; use one of `hf`, `trl`, `axolotl`"),
            ("axolot", "{}", "labels: `emulate` is \"axolot\"; did you mean `axolotl`? use one of"),
            ("hf", r#"{"x": 1}"#, "labels: options of hf: unknown option `x`; remove it"),
            (
                "unsloth",
                r#"{"last_response": 1}"#,
                "labels: options of unsloth: unknown option `last_response`; use `last_response_only`",
            ),
            ("unsloth", r#"{"last_response_only": 1}"#, "`last_response_only` is invalid: invalid type: integer `1`"),
            (
                "axolotl",
                r#"{"train_on_eos": "often"}"#,
                "`train_on_eos` is \"often\"; use one of `all`, `turn`, `last`, `none`",
            ),
            ("axolotl", r#"{"train_on_eo": "turn"}"#, "unknown option `train_on_eo`; did you mean `train_on_eos`?"),
        ] {
            let error = parse(name, options).unwrap_err();
            assert!(error.text.contains(expected), "{name} {options}: {error}");
            assert_eq!(error.kind, ErrorKind::Option);
        }
    }
}
