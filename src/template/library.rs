//! The named templates: the files `templates/*.jinja`, compiled into the crate.

use super::ChatTemplate;
use crate::data::{Node, field, parse_json};
use crate::error::{Error, ErrorKind, Result};
use crate::names::advice;

include!(concat!(env!("OUT_DIR"), "/library.rs"));

/// A template of the library.
struct Entry {
    name: &'static str,
    source: &'static str,
    /// The text of `templates/<name>.json`: the settings that belong to the template, such as its special tokens.
    settings: &'static str,
}

/// The names of the templates in chatmill, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    LIBRARY.iter().map(|entry| entry.name)
}

/// The template with this name. `special_tokens` replace its default ones.
pub fn named(name: &str, special_tokens: &[(String, String)]) -> Result<ChatTemplate> {
    let Some(entry) = LIBRARY.iter().find(|entry| entry.name == name) else {
        let text = format!("no template named {name:?}; {}", advice(name, names()));
        return Err(Error::new(ErrorKind::TemplateMissing, text));
    };
    ChatTemplate::new(name, entry.source, &default_tokens(entry.settings)?)?.with_special_tokens(special_tokens)
}

fn default_tokens(settings: &str) -> Result<Vec<(String, String)>> {
    let Node::Map(settings) = parse_json(settings.as_bytes())? else { return Ok(Vec::new()) };
    let Some(Node::Map(tokens)) = field(&settings, "special_tokens") else { return Ok(Vec::new()) };
    Ok(tokens.iter().filter_map(|(name, token)| Some((name.to_string(), token.as_str()?.to_owned()))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_compiles_with_its_own_tokens_or_others() {
        assert_eq!(names().count(), 34);
        for name in names() {
            let template = named(name, &[("eos_token".into(), "<end>".into())]).unwrap();
            assert!(template.special_tokens().contains(&("eos_token".into(), "<end>".into())), "{name}");
        }
        assert_eq!(named("nothing", &[]).unwrap_err().kind, ErrorKind::TemplateMissing);
    }
}
