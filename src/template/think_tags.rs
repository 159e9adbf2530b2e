//! The tags around reasoning that chat templates print.

/// An opening and a closing tag.
pub(crate) type Tags = (&'static str, &'static str);

/// The tags of most models.
pub(crate) const THINK: Tags = ("<think>", "</think>");
/// The tags of Mistral's models.
pub(crate) const BRACKET_THINK: Tags = ("[THINK]", "[/THINK]");
/// The tags of some fine-tuned models.
pub(crate) const REASONING: Tags = ("<reasoning>", "</reasoning>");

/// All tags that chatmill treats as the delimiters of reasoning.
pub(crate) const ALL: [Tags; 3] = [THINK, BRACKET_THINK, REASONING];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::words_at;

    #[test]
    fn the_trace_skips_the_same_tags() {
        for tag in ALL.iter().flat_map(|(open, close)| [open, close]) {
            assert_eq!(words_at(&format!(" {tag}\nx")), Some(tag.len() + 2), "{tag}");
        }
        assert_eq!(words_at("<thought>x"), Some(0));
    }
}
