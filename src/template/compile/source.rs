//! `prepare`: a chat template's source as the parser can read it.
//!
//! minijinja's parser reads Jinja2 but for some corners, which are rewritten here, on the pieces of [`super::scan`], so
//! raw blocks, comments and strings are safe; every line stays where it was. Jinja2 also turns CR LF and CR into LF
//! before it looks at anything.

use std::borrow::Cow;

use super::literal;
use super::scan::{Piece, PieceKind, scan};
use crate::python_text::is_space;

/// Names that stand where a `{% generation %}` begins and ends; the underscores keep them apart from a template's own.
pub(super) const GENERATION_START: &str = "__chatmill_generation_start";
pub(super) const GENERATION_END: &str = "__chatmill_generation_end";

/// A source ready to be parsed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Prepared {
    pub(super) source: String,
    /// Whether there was a `{% generation %}`.
    pub(super) has_generation: bool,
}

/// Something that cannot stand where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misplaced {
    pub(super) line: usize,
    pub(super) text: String,
}

/// Replaces the bytes `start..end` of a source.
type Edit = (usize, usize, String);

/// Rewrites `source`.
///
/// `{% generation %}` becomes a `with` block with a name printed at either end; the set blocks around these names
/// carry the signs of the tags.
pub(super) fn prepare(source: &str) -> Result<Prepared, Misplaced> {
    let source = normalise_newlines(source);
    let pieces = scan(&source);
    let mut edits: Vec<Edit> = Vec::new();
    check_size(&source, &pieces)?;
    let mut open_generations: Vec<usize> = Vec::new();
    let mut has_generation = false;
    let odd_space = source.contains(is_odd_space);
    let misplaced = |at: usize, text: &str| Misplaced { line: line_of(&source, at), text: text.to_owned() };
    for (index, piece) in pieces.iter().enumerate() {
        let text = &source[piece.start..piece.end];
        match piece.kind {
            PieceKind::RawStart if !text.ends_with("-%}") && !text.ends_with("+%}") => {
                // Jinja2 keeps a line end right behind this tag.
                edits.push((piece.end - 2, piece.end - 2, "+".into()));
            }
            PieceKind::RawEnd if !text.starts_with("{%-") && !text.starts_with("{%+") => {
                // What stands between the two tags on one line is no indentation.
                let inside = index.checked_sub(1).map(|before| &pieces[before]).filter(|it| it.kind == PieceKind::Text);
                let inside = inside.map_or("", |it| &source[it.start..it.end]);
                if !inside.contains('\n') && inside.chars().all(is_space) {
                    edits.push((piece.start + 2, piece.start + 2, "+".into()));
                }
            }
            PieceKind::Str if text.contains('\\') => {
                let rewritten = literal::rewrite(text).map_err(|why| misplaced(piece.start, why))?;
                edits.push((piece.start, piece.end, rewritten));
            }
            PieceKind::Operator if text == "+" && is_prefix(&source, &pieces[..index]) => {
                edits.push((piece.start, piece.end, "- -".into()));
            }
            PieceKind::Space if odd_space && text.contains(is_odd_space) => {
                edits.push((piece.start, piece.end, text.replace(is_odd_space, " ")));
            }
            PieceKind::Text if odd_space => trim_odd_space(&source, &pieces, index, &mut edits),
            PieceKind::BlockStart => {
                let name = pieces[index + 1..].iter().find(|piece| piece.kind != PieceKind::Space);
                let Some(name) = name.filter(|piece| piece.kind == PieceKind::Word) else { continue };
                match &source[name.start..name.end] {
                    "generation" => {
                        has_generation = true;
                        open_generations.push(name.start);
                        let start = format!("with %}}{{{{ {GENERATION_START} }}}}{{% set {GENERATION_START} = 0");
                        edits.push((name.start, name.end, start));
                    }
                    "endgeneration" => {
                        if open_generations.pop().is_none() {
                            return Err(misplaced(name.start, "endgeneration without a generation that it ends"));
                        }
                        let end = format!("set {GENERATION_END} = 0 %}}{{{{ {GENERATION_END} }}}}{{% endwith");
                        edits.push((name.start, name.end, end));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    if let Some(at) = open_generations.pop() {
        return Err(misplaced(at, "this generation block is not ended"));
    }
    Ok(Prepared { source: apply(&source, edits), has_generation })
}

/// Operators that one tag may have, and branches that all `if`s may have: the parser follows them by calling itself.
const MAX_OPERATORS: usize = 500;

/// Refuses what would take the parser deeper than the stack goes. Real templates have a tenth of it at most.
fn check_size(source: &str, pieces: &[Piece]) -> Result<(), Misplaced> {
    let (mut operators, mut branches) = (0, 0);
    for piece in pieces {
        let text = &source[piece.start..piece.end];
        match piece.kind {
            PieceKind::BlockStart | PieceKind::VariableStart => operators = 0,
            PieceKind::Operator if !matches!(text, "," | ":" | ")" | "]" | "}" | "{" | "=") => operators += 1,
            PieceKind::Word if text == "elif" => branches += 1,
            PieceKind::Word if matches!(text, "and" | "or" | "not" | "is" | "in" | "if" | "else") => operators += 1,
            _ => {}
        }
        if operators > MAX_OPERATORS || branches > MAX_OPERATORS {
            let text = match branches > MAX_OPERATORS {
                true => format!("the template has more than {MAX_OPERATORS} branches"),
                false => format!("this tag has more than {MAX_OPERATORS} operators"),
            };
            return Err(Misplaced { line: line_of(source, piece.start), text });
        }
    }
    Ok(())
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

/// Whether an operator behind these pieces stands before its operand and not between two.
fn is_prefix(source: &str, before: &[Piece]) -> bool {
    let Some(last) = before.iter().rev().find(|piece| piece.kind != PieceKind::Space) else { return false };
    match last.kind {
        PieceKind::VariableStart | PieceKind::BlockStart => true,
        PieceKind::Operator => !matches!(&source[last.start..last.end], ")" | "]" | "}"),
        PieceKind::Word => {
            matches!(&source[last.start..last.end], "and" | "or" | "not" | "in" | "if" | "elif" | "else" | "is")
        }
        _ => false,
    }
}

/// White space for Python and not for the parser.
fn is_odd_space(character: char) -> bool {
    matches!(character, '\u{1c}'..='\u{1f}')
}

/// Removes from a text what a neighbouring tag strips by Python's rules, if odd white space is in it.
fn trim_odd_space(source: &str, pieces: &[Piece], index: usize, edits: &mut Vec<Edit>) {
    let (start, end) = (pieces[index].start, pieces[index].end);
    let text = &source[start..end];
    let neighbour = |piece: Option<&Piece>| piece.map_or("", |piece| &source[piece.start..piece.end]);
    let before = neighbour(index.checked_sub(1).and_then(|before| pieces.get(before)));
    let behind = pieces.get(index + 1);
    let kept = if ["-%}", "-}}", "-#}"].iter().any(|close| before.ends_with(close)) {
        text.trim_start_matches(is_space)
    } else {
        text
    };
    let head = text.len() - kept.len();
    let opening = neighbour(behind);
    let tail = if ["{%-", "{{-", "{#-"].iter().any(|open| opening.starts_with(open)) {
        kept.len() - kept.trim_end_matches(is_space).len()
    } else if behind.is_some_and(|piece| piece.kind != PieceKind::VariableStart) && !opening.starts_with("{%+") {
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

fn normalise_newlines(source: &str) -> Cow<'_, str> {
    if source.contains('\r') {
        Cow::Owned(source.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(source)
    }
}

fn line_of(source: &str, at: usize) -> usize {
    source[..at].matches('\n').count() + 1
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
    fn what_cannot_stand_is_named_with_its_line() {
        for (source, line) in [("\n{% endgeneration %}", 2), ("{% generation %}\nx", 1), ("\n\n{{ '\\x' }}", 3)] {
            assert_eq!(prepare(source).unwrap_err().line, line, "{source}");
        }
        for source in [
            format!("{{{{ x{} }}}}", "|e".repeat(501)),
            format!("{{{{ {} x }}}}", "not ".repeat(100_000)),
            format!("{{% if a %}}{}{{% endif %}}", "{% elif b %}".repeat(5000)),
        ] {
            assert!(prepare(&source).unwrap_err().text.contains("more than 500"));
        }
    }

    #[test]
    fn corners_are_rewritten() {
        for (source, expected) in [
            ("a\r\nb\rc", "a\nb\nc"),
            ("{% raw %}\n{% endraw %}", "{% raw +%}\n{% endraw %}"),
            ("{% raw %} {% endraw %}", "{% raw +%} {%+ endraw %}"),
            ("{{ +1 + +x }}{%+ if a +%}", "{{ - -1 + - -x }}{%+ if a +%}"),
            ("a\u{1c}\n{%- if x -%} \u{1f}b", "a\n{%- if x -%}b"),
            ("a\n\u{1c}{% if x %}", "a\n{% if x %}"),
            ("a\u{1c}{{ x }}", "a\u{1c}{{ x }}"),
        ] {
            assert_eq!(prepare(source).unwrap().source, expected, "{source:?}");
        }
    }
}
