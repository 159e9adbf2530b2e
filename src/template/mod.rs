//! Chat templates: compiled once, rendered as transformers renders them, and traced for labels.
//!
//! The engine is the crate [`chatjinja`]. This folder turns a conversation into its input, and its output into the text
//! and, for labels, the message and the part of the message that each piece of the text comes from.

mod continuation;
mod library;
mod limits;
mod render;
mod source_index;
pub(crate) mod think_tags;
mod written;

pub use chatjinja::{Limits, Origin, TraceEvent, TraceKind};
pub use library::{named, names};
pub use limits::{limit_options, limits_of};
pub use render::{Printed, RenderedText, Request, Traced};
pub use source_index::{Part, SourceIndex, SourceText, texts_of, words_at};

use chatjinja::Template;
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result};
use crate::rows::Conversation;

/// A compiled chat template. Threads can share it; each render has its own state.
#[derive(Debug)]
pub struct ChatTemplate {
    template: Template,
    special_tokens: Vec<(String, String)>,
    /// The template for rows with tools, if they have a separate one.
    tool_use: Option<Box<ChatTemplate>>,
}

impl ChatTemplate {
    /// Compiles `source`. `name` is for error messages. `special_tokens` are variables of the template, such as
    /// `bos_token`.
    pub fn new(name: &str, source: &str, special_tokens: &[(String, String)]) -> Result<ChatTemplate> {
        let template = Template::new(name, source).map_err(|error| {
            let text = format!("the chat template {name} does not compile: {error}");
            let failure = Error::new(ErrorKind::TemplateSyntax, text);
            match error.line() {
                Some(line) => failure.at_template_line(line),
                None => failure,
            }
        })?;
        let special_tokens = special_tokens.to_vec();
        Ok(ChatTemplate { template, special_tokens, tool_use: None })
    }

    /// The same template, with a separate source for rows with tools.
    pub fn with_tool_use(mut self, source: &str) -> Result<ChatTemplate> {
        let name = format!("{}:tool_use", self.name());
        let template = ChatTemplate::new(&name, source, &self.special_tokens)?.with_limits(self.limits());
        self.tool_use = Some(Box::new(template));
        Ok(self)
    }

    /// The same template, with other limits on its renders.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> ChatTemplate {
        let tool_use = self.tool_use.map(|template| Box::new(template.with_limits(limits)));
        ChatTemplate { template: self.template.with_limits(limits), tool_use, ..self }
    }

    /// The limits on the renders of the template.
    pub fn limits(&self) -> Limits {
        self.template.limits()
    }

    /// The same template, with `special_tokens` added. They replace special tokens of the same names.
    pub fn with_special_tokens(&self, special_tokens: &[(String, String)]) -> Result<ChatTemplate> {
        let mut merged = self.special_tokens.clone();
        for (name, token) in special_tokens {
            match merged.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) => known.clone_from(token),
                None => merged.push((name.clone(), token.clone())),
            }
        }
        let template = ChatTemplate::new(self.name(), self.source(), &merged)?.with_limits(self.limits());
        match &self.tool_use {
            Some(tool_use) => template.with_tool_use(tool_use.source()),
            None => Ok(template),
        }
    }

    /// The template for a conversation. Rows with tools may have a separate one.
    pub fn for_row(&self, conversation: &Conversation<'_>) -> &ChatTemplate {
        match &self.tool_use {
            Some(tool_use) if conversation.tools.is_some() => tool_use,
            _ => self,
        }
    }

    /// The name of the template in errors and reports.
    pub fn name(&self) -> &str {
        self.template.name()
    }

    /// The source of the template.
    pub fn source(&self) -> &str {
        self.template.source()
    }

    /// The source for rows with tools, if they have a separate one.
    pub fn tool_use(&self) -> Option<&str> {
        self.tool_use.as_ref().map(|template| template.source())
    }

    /// The special tokens, which are variables of the template.
    pub fn special_tokens(&self) -> &[(String, String)] {
        &self.special_tokens
    }

    /// Whether the template has a `{% generation %}` block.
    pub fn has_generation(&self) -> bool {
        self.template.has_generation()
    }

    /// Whether the template, or the one for rows with tools, may print the time.
    pub fn reads_clock(&self) -> bool {
        self.template.reads_clock() || self.tool_use.as_ref().is_some_and(|template| template.reads_clock())
    }

    /// Whether the template reads `loop.nextitem`, and so may read a message before the loop reaches it.
    pub fn looks_ahead(&self) -> bool {
        self.template.looks_ahead()
    }

    /// The names of the variables that the template may take from its input: it reads them and does not always set them
    /// before. Built-in functions are not included.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.template.variables()
    }

    /// The names of the built-in functions that the template reads. A variable of such a name replaces the function.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        self.template.functions()
    }

    /// The SHA-256 of sources and special tokens, in hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.source().as_bytes());
        if let Some(tool_use) = &self.tool_use {
            hash.update([1]);
            hash.update(tool_use.source().as_bytes());
        }
        for (name, token) in &self.special_tokens {
            // The zero bytes keep `a` + `bc` apart from `ab` + `c`.
            for part in [name, token] {
                hash.update([0]);
                hash.update(part.as_bytes());
            }
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
