//! `prepare`: rewrites the source of a chat template for minijinja's parser.
//!
//! That parser differs from Jinja2 in some special cases. They are rewritten on the tokens of [`super::scan`], so that
//! raw blocks, comments and strings do not change, and every line keeps its number. Like Jinja2, `prepare` first turns
//! CR LF and CR into LF.

use std::borrow::Cow;

use super::error::SyntaxError;
use super::scan::{Token, TokenKind, scan};
use super::{depth, literal};
use crate::text::is_space;

/// The names that mark the start and the end of a `{% generation %}` block. The underscores avoid conflicts with names
/// in templates.
pub(super) const GENERATION_START: &str = "__chatjinja_generation_start";
pub(super) const GENERATION_END: &str = "__chatjinja_generation_end";

/// A source that the parser can read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Prepared {
    pub(super) source: String,
    /// Whether it has a `{% generation %}` block.
    pub(super) has_generation: bool,
}

/// Replaces the bytes `start..end` of a source.
type Edit = (usize, usize, String);

/// Rewrites `source`.
///
/// `{% generation %}` becomes a `with` block with a name printed at each end. The `set` tags beside these names have
/// the signs of the original tags.
pub(super) fn prepare(source: &str) -> Result<Prepared, SyntaxError> {
    let source = normalize_newlines(source);
    let tokens = scan(&source);
    let mut edits: Vec<Edit> = Vec::new();
    depth::check(&source, &tokens)?;
    let mut open_generations: Vec<usize> = Vec::new();
    let mut has_generation = false;
    let mut tag = "";
    let odd_space = source.contains(is_odd_space);
    let misplaced = |at: usize, text: &str| SyntaxError::at_line(text, line_of(&source, at));
    for (index, token) in tokens.iter().enumerate() {
        let text = &source[token.start..token.end];
        match token.kind {
            TokenKind::RawStart if !text.ends_with("-%}") && !text.ends_with("+%}") => {
                // Jinja2 keeps a line break directly after this tag.
                edits.push((token.end - 2, token.end - 2, "+".into()));
            }
            TokenKind::RawEnd if !text.starts_with("{%-") && !text.starts_with("{%+") => {
                // White space between both tags on one line is not indentation.
                let inside = index.checked_sub(1).map(|before| &tokens[before]).filter(|it| it.kind == TokenKind::Text);
                let inside = inside.map_or("", |it| &source[it.start..it.end]);
                if !inside.contains('\n') && inside.chars().all(is_space) {
                    edits.push((token.start + 2, token.start + 2, "+".into()));
                }
            }
            TokenKind::Str if text.contains('\\') => {
                let rewritten = literal::rewrite(text).map_err(|why| misplaced(token.start, why))?;
                edits.push((token.start, token.end, rewritten));
            }
            TokenKind::Operator if text == "+" && is_prefix(&source, &tokens[..index]) => {
                edits.push((token.start, token.end, "- -".into()));
            }
            TokenKind::Number if text.contains("__") => {
                return Err(misplaced(token.start, "the digits of a number have single underscores between them"));
            }
            // `1.e5` is an attribute of 1.
            TokenKind::Number if is_attribute(&source, &tokens[index + 1..]) => {
                edits.push((token.end, token.end, " ".into()));
            }
            // The parser accepts fewer kinds of white space in a tag.
            TokenKind::Space if text.contains(|it| !matches!(it, ' ' | '\t' | '\n')) => {
                edits.push((token.start, token.end, text.replace(|it: char| it != '\n', " ")));
            }
            // As in Python, a tag that begins a block may end with a colon.
            TokenKind::Operator if text == ":" && ends_tag(&tokens[index + 1..]) && COLON_TAGS.contains(&tag) => {
                edits.push((token.start, token.end, " ".into()));
            }
            TokenKind::Text if odd_space => trim_odd_space(&source, &tokens, index, &mut edits),
            TokenKind::BlockStart => {
                let Some((name, place)) = tag_name(&source, &tokens[index + 1..]) else { continue };
                tag = name;
                match name {
                    "block" if is_scoped(&source, &tokens[index + 1..]) => {
                        return Err(misplaced(
                            place.start,
                            "scoped blocks are not supported; write the text of the block in its place",
                        ));
                    }
                    "generation" => {
                        has_generation = true;
                        open_generations.push(place.start);
                        let start = format!("with %}}{{{{ {GENERATION_START} }}}}{{% set {GENERATION_START} = 0");
                        edits.push((place.start, place.end, start));
                    }
                    "endgeneration" => {
                        if open_generations.pop().is_none() {
                            return Err(misplaced(
                                place.start,
                                "`endgeneration` without an open `generation` block; remove it or add the start",
                            ));
                        }
                        let end = format!("set {GENERATION_END} = 0 %}}{{{{ {GENERATION_END} }}}}{{% endwith");
                        edits.push((place.start, place.end, end));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    if let Some(at) = open_generations.pop() {
        return Err(misplaced(at, "this `generation` block has no `endgeneration`; add it"));
    }
    edits.extend(open_end(&source, &tokens));
    Ok(Prepared { source: apply(&source, edits), has_generation })
}

/// Whether a point and a name follow a number.
fn is_attribute(source: &str, behind: &[Token]) -> bool {
    let [point, name, ..] = behind else { return false };
    &source[point.start..point.end] == "." && name.kind == TokenKind::Word
}

/// Closes a comment or a raw block that begins at the end of the source. In Jinja2 it is only an error if text follows.
fn open_end(source: &str, tokens: &[Token]) -> Option<Edit> {
    let last = tokens.last();
    let end = last.map_or(0, |last| last.end);
    // Jinja2 drops a line break at the end of the source.
    let rest = source[end..].strip_suffix('\n').unwrap_or(&source[end..]);
    if matches!(rest, "{#" | "{#-" | "{#+") {
        return Some((source.len(), source.len(), " #}".into()));
    }
    let raw = last.filter(|last| last.kind == TokenKind::RawStart)?;
    let trims = source[raw.start..raw.end].ends_with("-%}");
    (rest.is_empty() || trims && rest.chars().all(is_space)).then(|| (end, source.len(), "{% endraw %}".into()))
}

/// The first word of a tag, and its token, among the tokens after the tag's start.
pub(super) fn tag_name<'s>(source: &'s str, behind: &[Token]) -> Option<(&'s str, Token)> {
    let name = behind.iter().find(|token| token.kind != TokenKind::Space)?;
    (name.kind == TokenKind::Word).then(|| (&source[name.start..name.end], *name))
}

/// The line, from 1, of a byte of the source.
pub(super) fn line_of(source: &str, at: usize) -> usize {
    source[..at].matches('\n').count() + 1
}

fn apply(source: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|(start, _, _)| *start);
    let mut prepared = String::with_capacity(source.len() + 64);
    let mut at = 0;
    for (start, end, text) in edits {
        prepared.push_str(&source[at..start.max(at)]);
        prepared.push_str(&text);
        at = end.max(at);
    }
    prepared.push_str(&source[at..]);
    prepared
}

/// The tags that begin a block.
const COLON_TAGS: [&str; 10] = ["if", "elif", "else", "for", "macro", "call", "filter", "with", "block", "generation"];

fn ends_tag(behind: &[Token]) -> bool {
    behind.iter().find(|token| token.kind != TokenKind::Space).is_some_and(|token| token.kind == TokenKind::BlockEnd)
}

/// Whether a tag has the word `scoped`.
fn is_scoped(source: &str, behind: &[Token]) -> bool {
    let inside = behind.iter().take_while(|token| token.kind != TokenKind::BlockEnd);
    inside.filter(|token| token.kind == TokenKind::Word).skip(2).any(|it| &source[it.start..it.end] == "scoped")
}

/// Whether an operator after these tokens is the sign of one operand, and not an operator between two operands.
fn is_prefix(source: &str, before: &[Token]) -> bool {
    let Some(last) = before.iter().rev().find(|token| token.kind != TokenKind::Space) else { return false };
    match last.kind {
        TokenKind::VariableStart | TokenKind::BlockStart => true,
        TokenKind::Operator => !matches!(&source[last.start..last.end], ")" | "]" | "}"),
        TokenKind::Word => {
            matches!(&source[last.start..last.end], "and" | "or" | "not" | "in" | "if" | "elif" | "else" | "is")
        }
        _ => false,
    }
}

/// Whether a character is white space for Python, but not for the parser.
fn is_odd_space(character: char) -> bool {
    matches!(character, '\u{1c}'..='\u{1f}')
}

/// Removes the white space that Python strips beside a tag, in a text with odd white space.
fn trim_odd_space(source: &str, tokens: &[Token], index: usize, edits: &mut Vec<Edit>) {
    let (start, end) = (tokens[index].start, tokens[index].end);
    let text = &source[start..end];
    let neighbor = |token: Option<&Token>| token.map_or("", |token| &source[token.start..token.end]);
    let before = neighbor(index.checked_sub(1).and_then(|before| tokens.get(before)));
    let behind = tokens.get(index + 1);
    let kept = if ["-%}", "-}}", "-#}"].iter().any(|close| before.ends_with(close)) {
        text.trim_start_matches(is_space)
    } else {
        text
    };
    let head = text.len() - kept.len();
    let opening = neighbor(behind);
    let tail = if ["{%-", "{{-", "{#-"].iter().any(|open| opening.starts_with(open)) {
        kept.len() - kept.trim_end_matches(is_space).len()
    } else if behind.is_some_and(|token| token.kind != TokenKind::VariableStart) && !opening.starts_with("{%+") {
        let line = kept.rfind('\n').map_or(0, |at| at + 1);
        let own_line = line > 0 || start == 0;
        if own_line && kept[line..].chars().all(is_space) { kept.len() - line } else { 0 }
    } else {
        0
    };
    if text[..head].contains(is_odd_space) {
        edits.push((start, start + head, text[..head].replace(|it| it != '\n', "")));
    }
    if kept[kept.len() - tail..].contains(is_odd_space) {
        edits.push((end - tail, end, kept[kept.len() - tail..].replace(|it| it != '\n', "")));
    }
}

fn normalize_newlines(source: &str) -> Cow<'_, str> {
    if source.contains('\r') {
        Cow::Owned(source.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generation_becomes_a_block_and_keeps_its_signs() {
        let raw = "{% raw +%}{% generation %}{% endraw %}{# {% generation %} #}";
        let prepared = prepare(&format!("a{{%- generation -%}}b{{%+ endgeneration %}}\n{raw}")).unwrap();
        assert_eq!(
            prepared.source,
            format!(
                "a{{%- with %}}{{{{ {GENERATION_START} }}}}{{% set {GENERATION_START} = 0 -%}}b\
                 {{%+ set {GENERATION_END} = 0 %}}{{{{ {GENERATION_END} }}}}{{% endwith %}}\n{raw}"
            )
        );
        assert!(prepared.has_generation);
        assert!(!prepare("{{ '{% generation %}' }}").unwrap().has_generation);
    }

    #[test]
    fn errors_name_the_line() {
        for (source, line) in [("\n{% endgeneration %}", 2), ("{% generation %}\nx", 1), ("\n\n{{ '\\x' }}", 3)] {
            assert_eq!(prepare(source).unwrap_err().line(), Some(line), "{source}");
        }
    }

    #[test]
    fn special_cases_are_rewritten() {
        for (source, expected) in [
            ("a\r\nb\rc", "a\nb\nc"),
            ("{% raw %}\n{% endraw %}", "{% raw +%}\n{% endraw %}"),
            ("{% raw %} {% endraw %}", "{% raw +%} {%+ endraw %}"),
            ("{{ +1 + +x }}{%+ if a +%}", "{{ - -1 + - -x }}{%+ if a +%}"),
            ("a\u{1c}\n{%- if x -%} \u{1f}b", "a\n{%- if x -%}b"),
            ("a\n\u{1c}{% if x %}", "a\n{% if x %}"),
            ("{{ 1.e5 }}{{ 1.5e5 }}", "{{ 1 .e5 }}{{ 1.5e5 }}"),
            ("a{#-", "a{#- #}"),
            ("a{% raw %}\n", "a{% raw +%}{% endraw %}"),
            ("a\u{1c}{{ x }}", "a\u{1c}{{ x }}"),
            ("{%\u{a0}if x : %}{{ {1: 2} }}{% else: %}{% endif %}", "{% if x   %}{{ {1: 2} }}{% else  %}{% endif %}"),
        ] {
            assert_eq!(prepare(source).unwrap().source, expected, "{source:?}");
        }
    }
}
