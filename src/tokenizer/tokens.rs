//! The results of tokenizing: [`Tokens`] of a text and the [`AddedToken`]s of a vocabulary.

/// Token ids of a text and the byte offset at which each token ends.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// The token ids.
    pub ids: Vec<u32>,
    /// The byte offset at which each token ends, ascending. A token starts where the previous one ends; after a
    /// truncated segment, it starts where its own segment starts. Empty if no offsets were requested.
    pub ends: Vec<u32>,
}

impl Tokens {
    /// Removes all tokens and keeps the allocated memory.
    pub fn clear(&mut self) {
        self.ids.clear();
        self.ends.clear();
    }
}

/// An added token: a tokenizer cuts it out of a text before it applies its model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedToken {
    /// The text of the token.
    pub text: String,
    /// Whether the vocabulary marks it as special, so that it controls the model instead of being ordinary text.
    pub special: bool,
    /// Whether the tokenizer finds it wherever its text is: also inside a word, and without normalization.
    pub is_always_found: bool,
    /// Whether no other text becomes this token. A model that has the token too may make it of other text,
    /// unless it spells it exactly so.
    pub is_only_its_text: bool,
}
