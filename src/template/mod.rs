//! Chat templates: compiled once, rendered as transformers renders them, observed where labels need it.

mod environment;
mod generation;
mod library;
pub mod marks;
mod messages;
mod observe;
mod plan;
mod python_str;
mod render;
mod source;
mod tojson;
mod values;

pub use library::{named, names};
pub use observe::{Event, Happening, Origin};
pub use render::{Observed, Request};

use std::sync::Arc;

use minijinja::Environment;
use sha2::{Digest, Sha256};

use crate::attribution::FactsCache;
use crate::error::{Error, Kind, Result};
use values::Dict;

/// A compiled chat template. Cheap to share between threads; every render has its own state.
#[derive(Debug)]
pub struct ChatTemplate {
    name: String,
    source: String,
    special_tokens: Vec<(String, String)>,
    special: Arc<Dict>,
    environment: Environment<'static>,
    has_generation: bool,
    plan: Option<plan::Plan>,
    pub(crate) facts: FactsCache,
}

/// The engine knows the one template of an environment under this name; it has no suffix that turns escaping on.
const ENTRY: &str = "chat_template";

impl ChatTemplate {
    /// Compiles `source`. `special_tokens` are variables of the template, such as `bos_token`; `name` appears in errors.
    pub fn new(name: &str, source: &str, special_tokens: &[(String, String)]) -> Result<ChatTemplate> {
        let refuse = |line: Option<usize>, why: &str| {
            let mut text = format!("chat template {name} does not compile: {why}");
            if let Some(quoted) = line.and_then(|line| render::quote_line(source, line)) {
                text.push_str(&quoted);
            }
            let error = Error::new(Kind::TemplateSyntax, text);
            if let Some(line) = line { error.at_template_line(line) } else { error }
        };
        let prepared = source::prepare(source).map_err(|tag| refuse(Some(tag.line), tag.text))?;
        let plan = plan::compile(&prepared.source, environment::syntax());
        let mut environment = environment::environment();
        environment
            .add_template_owned(ENTRY, prepared.source)
            .map_err(|error| refuse(error.line(), &render::what(&error)))?;
        let entries =
            special_tokens.iter().map(|(name, token)| (name.as_str().into(), token.as_str().into())).collect();
        Ok(ChatTemplate {
            name: name.to_owned(),
            source: source.to_owned(),
            special_tokens: special_tokens.to_vec(),
            special: Arc::new(Dict::new(entries)),
            environment,
            has_generation: prepared.has_generation,
            plan,
            facts: FactsCache::default(),
        })
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
        ChatTemplate::new(&self.name, &self.source, &merged)
    }

    /// What the template is called in errors and reports.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The source as it was given.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The special tokens that the template sees as variables.
    pub fn special_tokens(&self) -> &[(String, String)] {
        &self.special_tokens
    }

    /// Whether the source carries `{% generation %}`.
    pub fn has_generation(&self) -> bool {
        self.has_generation
    }

    /// SHA-256 of source and special tokens, in hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.source.as_bytes());
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
