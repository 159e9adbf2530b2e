//! The named templates: `templates/*.jinja`, compiled into the crate.

use super::ChatTemplate;
use crate::error::{Error, Kind, Result};

include!(concat!(env!("OUT_DIR"), "/library.rs"));

/// The names of the templates that come with chatmill, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    LIBRARY.iter().map(|(name, _)| *name)
}

/// The template of this name, with `special_tokens` as its variables.
pub fn named(name: &str, special_tokens: &[(String, String)]) -> Result<ChatTemplate> {
    match LIBRARY.iter().find(|(known, _)| *known == name) {
        Some((name, source)) => ChatTemplate::new(name, source, special_tokens),
        None => {
            let known: Vec<&str> = names().collect();
            let text = format!("no template named {name}; there are {}", known.join(", "));
            Err(Error::new(Kind::TemplateMissing, text))
        }
    }
}
