//! Which engine the user chose, and which one is in use.

use crate::choices;
use crate::error::{Error, ErrorKind, Result};

/// An engine, by the kind of its library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineName {
    /// fastokens or tokenizers 1.0.
    Fast,
    /// tokenizers 0.23.
    Reference,
}

impl EngineName {
    /// Every engine with its name.
    pub const NAMES: [(EngineName, &'static str); 2] =
        [(EngineName::Fast, "fast"), (EngineName::Reference, "reference")];

    /// The name: `fast` or `reference`.
    pub fn name(self) -> &'static str {
        EngineName::NAMES[self as usize].1
    }
}

/// The engine that the user chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineChoice {
    /// The fast engine if the check at load finds it equal to the reference, else the reference.
    Auto,
    /// The fast engine, or an error.
    Fast,
    /// The reference.
    Reference,
}

impl EngineChoice {
    /// Every choice with its name.
    pub const NAMES: [(EngineChoice, &'static str); 3] =
        [(EngineChoice::Auto, "auto"), (EngineChoice::Fast, "fast"), (EngineChoice::Reference, "reference")];

    /// The name: `auto`, `fast` or `reference`.
    pub fn name(self) -> &'static str {
        EngineChoice::NAMES[self as usize].1
    }

    /// The choice of this name. The error lists all names.
    pub fn parse(name: &str) -> Result<EngineChoice> {
        EngineChoice::NAMES.iter().find(|(_, known)| *known == name).map(|(choice, _)| *choice).ok_or_else(|| {
            let advice = choices::advice(name, EngineChoice::NAMES.iter().map(|(_, known)| *known));
            let text = format!("`engine` is {name:?}; {advice}");
            Error::new(ErrorKind::Option, text)
        })
    }
}

/// The engine in use, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// The engine.
    pub name: EngineName,
    /// The crate and its version.
    pub version: &'static str,
    /// Why this engine is used, in one sentence.
    pub reason: String,
}

impl Engine {
    /// The name of the engine: `fast` or `reference`.
    pub fn name(&self) -> &'static str {
        self.name.name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_reads_back() {
        for (choice, name) in EngineChoice::NAMES {
            assert_eq!((choice.name(), EngineChoice::parse(name)), (name, Ok(choice)));
        }
        for (engine, name) in EngineName::NAMES {
            assert_eq!(engine.name(), name);
        }
    }

    #[test]
    fn an_unknown_choice_is_an_error_that_lists_all() {
        let error = EngineChoice::parse("fats").unwrap_err();
        assert_eq!(error.kind, ErrorKind::Option);
        let expected = "`engine` is \"fats\"; did you mean `fast`? use one of `auto`, `fast`, `reference`";
        assert_eq!(error.text, expected);
    }
}
