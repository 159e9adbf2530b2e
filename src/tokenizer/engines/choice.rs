//! `EngineChoice`: the engine that the user chose, and `Engine`: the engine in use.

use crate::choice::Choice;

/// An engine, by the kind of its library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineName {
    /// fastokens or tokenizers 1.0.
    Fast,
    /// tokenizers 0.23.
    Reference,
}

impl EngineName {
    /// The name: `fast` or `reference`.
    pub fn name(self) -> &'static str {
        match self {
            EngineName::Fast => EngineChoice::Fast.name(),
            EngineName::Reference => EngineChoice::Reference.name(),
        }
    }
}

/// The engine that the user chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineChoice {
    /// The fast engine if it passes the self-test at load, else the reference.
    Auto,
    /// The fast engine, or an error.
    Fast,
    /// The reference.
    Reference,
}

impl Choice for EngineChoice {
    const OPTION: &'static str = "engine";
    const NAMES: &'static [(&'static str, Self)] =
        &[("auto", EngineChoice::Auto), ("fast", EngineChoice::Fast), ("reference", EngineChoice::Reference)];
}

/// The engine in use, with the reason.
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
