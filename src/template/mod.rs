//! Chat templates: compiled once, rendered as transformers renders them, traced where labels need it.
//!
//! ```text
//! source ── compile ──► Program ── run, over values that point into the row ──► text, and what is known of its bytes
//! ```

mod batch;
mod builtins;
mod compile;
mod continuation;
mod leaves;
mod library;
mod program;
mod render;
mod run;
mod value;

pub use batch::BatchRequest;
pub use leaves::{Leaf, Leaves, Part, texts_of, words_at};
pub use library::{named, names};
pub use render::{Printed, Request, Traced};
pub use run::{Event, Happening, Origin};

use sha2::{Digest, Sha256};

use crate::conversation::Conversation;
use crate::error::{Error, Kind, Result};
use program::Program;

/// A compiled chat template. Cheap to share between threads; every render has its own state.
#[derive(Debug)]
pub struct ChatTemplate {
    name: String,
    source: String,
    special_tokens: Vec<(String, String)>,
    program: Program,
    /// The template for rows with tools, where there is one of its own.
    tool_use: Option<Box<ChatTemplate>>,
}

impl ChatTemplate {
    /// Compiles `source`. `special_tokens` are variables of the template, such as `bos_token`; `name` appears in errors.
    pub fn new(name: &str, source: &str, special_tokens: &[(String, String)]) -> Result<ChatTemplate> {
        let program = compile::compile(source).map_err(|error| {
            let mut text = format!("chat template {name} does not compile: {}", error.text);
            if let Some(quoted) = error.line.and_then(|line| quote_line(source, line, error.columns)) {
                text.push_str(&quoted);
            }
            let failure = Error::new(Kind::TemplateSyntax, text);
            match error.line {
                Some(line) => failure.at_template_line(line),
                None => failure,
            }
        })?;
        Ok(ChatTemplate {
            name: name.to_owned(),
            source: source.to_owned(),
            special_tokens: special_tokens.to_vec(),
            program,
            tool_use: None,
        })
    }

    /// The same template, with another source for rows that have tools.
    pub fn with_tool_use(mut self, source: &str) -> Result<ChatTemplate> {
        let name = format!("{}:tool_use", self.name);
        self.tool_use = Some(Box::new(ChatTemplate::new(&name, source, &self.special_tokens)?));
        Ok(self)
    }

    /// The same template with `special_tokens` on top of its own.
    pub fn with_special_tokens(&self, special_tokens: &[(String, String)]) -> Result<ChatTemplate> {
        let mut merged = self.special_tokens.clone();
        for (name, token) in special_tokens {
            match merged.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) => known.clone_from(token),
                None => merged.push((name.clone(), token.clone())),
            }
        }
        let template = ChatTemplate::new(&self.name, &self.source, &merged)?;
        match &self.tool_use {
            Some(tool_use) => template.with_tool_use(&tool_use.source),
            None => Ok(template),
        }
    }

    /// The template that a conversation is rendered with: rows with tools may have one of their own.
    pub fn for_row(&self, conversation: &Conversation<'_>) -> &ChatTemplate {
        match &self.tool_use {
            Some(tool_use) if conversation.tools.is_some() => tool_use,
            _ => self,
        }
    }

    /// What the template is called in errors and reports.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The source as it was given.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The source for rows with tools, where they have one of their own.
    pub fn tool_use(&self) -> Option<&str> {
        self.tool_use.as_ref().map(|template| template.source())
    }

    /// The special tokens that the template sees as variables.
    pub fn special_tokens(&self) -> &[(String, String)] {
        &self.special_tokens
    }

    /// Whether the source carries `{% generation %}`.
    pub fn has_generation(&self) -> bool {
        self.program.has_generation
    }

    /// Whether the template asks for the time of day.
    pub fn reads_clock(&self) -> bool {
        self.program.globals.iter().any(|name| name == "strftime_now")
            || self.tool_use.as_ref().is_some_and(|template| template.reads_clock())
    }

    /// The names of variables that the template may take from outside: those that it reads and does not set in every
    /// case before, without the functions that are always there.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        let names = self.program.globals.iter().map(String::as_str);
        names.filter(|name| run::global_function(name).is_none())
    }

    /// SHA-256 of source and special tokens, in hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.source.as_bytes());
        if let Some(tool_use) = &self.tool_use {
            hash.update([1]);
            hash.update(tool_use.source.as_bytes());
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

/// A line of the source with a marker under what is wrong in it, shortened around it.
fn quote_line(source: &str, line: usize, columns: Option<(usize, usize)>) -> Option<String> {
    const BEFORE: usize = 60;
    const SHOWN: usize = 120;
    let text = source.lines().nth(line.checked_sub(1)?)?;
    if text.trim().is_empty() {
        return None;
    }
    let count = |at: usize| text.get(..at).map(|before| before.chars().count());
    let (from, to) = columns.and_then(|(from, to)| Some((count(from)?, count(to.min(text.len()))?))).unzip();
    let first = from.map_or(0, |from| from.saturating_sub(BEFORE));
    let indent = text.chars().skip(first).take_while(|it| it.is_whitespace()).count();
    let first = first + indent.min(from.map_or(indent, |from| from - first));
    let shown: String = text.chars().skip(first).take(SHOWN).map(|it| if it == '\t' { ' ' } else { it }).collect();
    let mut quoted = format!("\n  {line} | {shown}");
    if let (Some(from), Some(to)) = (from, to) {
        let margin = " ".repeat(line.to_string().len() + 2);
        let marker = "^".repeat(to.saturating_sub(from).clamp(1, SHOWN.saturating_sub(from - first).max(1)));
        quoted.push_str(&format!("\n{margin} | {}{marker}", " ".repeat(from - first)));
    }
    Some(quoted)
}
