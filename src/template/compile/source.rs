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
    check_depth(&source, &pieces)?;
    let mut open_generations: Vec<usize> = Vec::new();
    let mut has_generation = false;
    let mut tag = "";
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
            // The parser knows fewer kinds of white space in a tag.
            PieceKind::Space if text.contains(|it| !matches!(it, ' ' | '\t' | '\n')) => {
                edits.push((piece.start, piece.end, text.replace(|it: char| it != '\n', " ")));
            }
            // A colon may stand at the end of a tag that begins a block, as in Python.
            PieceKind::Operator if text == ":" && ends_tag(&pieces[index + 1..]) && COLON_TAGS.contains(&tag) => {
                edits.push((piece.start, piece.end, " ".into()));
            }
            PieceKind::Text if odd_space => trim_odd_space(&source, &pieces, index, &mut edits),
            PieceKind::BlockStart => {
                let Some((name, place)) = tag_name(&source, &pieces[index + 1..]) else { continue };
                tag = name;
                match name {
                    "block" if is_scoped(&source, &pieces[index + 1..]) => {
                        return Err(misplaced(
                            place.start,
                            "scoped blocks are not there: write the block's text in place",
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
                            return Err(misplaced(place.start, "endgeneration without a generation that it ends"));
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
        return Err(misplaced(at, "this generation block is not ended"));
    }
    Ok(Prepared { source: apply(&source, edits), has_generation })
}

/// Operators that may stand in a row, and branches that an `if` may have: the parser follows them by calling itself.
const MAX_OPERATORS: usize = 500;

/// Refuses what would take the parser deeper than the stack goes. Real templates have a fifth of it at most.
fn check_depth(source: &str, pieces: &[Piece]) -> Result<(), Misplaced> {
    // Operators so far in each bracket that is open: a comma begins anew inside its own.
    let mut operators = vec![0];
    let mut branches: Vec<usize> = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let text = &source[piece.start..piece.end];
        match (piece.kind, text) {
            (PieceKind::BlockStart, _) => {
                operators = vec![0];
                match (tag_name(source, &pieces[index + 1..]).map(|(name, _)| name), branches.last_mut()) {
                    (Some("if"), _) => branches.push(0),
                    (Some("elif"), Some(branches)) => *branches += 1,
                    (Some("endif"), _) => drop(branches.pop()),
                    _ => {}
                }
            }
            (PieceKind::VariableStart, _) => operators = vec![0],
            (PieceKind::Operator, ")" | "]" | "}") => {
                operators.pop();
                // What follows stands behind the bracket, in the row that the bracket is part of.
                if operators.is_empty() {
                    operators.push(0);
                }
            }
            (PieceKind::Operator, ",") => operators.last_mut().into_iter().for_each(|count| *count = 0),
            (PieceKind::Operator, ":" | "=") => {}
            (PieceKind::Operator, _) | (PieceKind::Word, "and" | "or" | "not" | "is" | "in" | "if" | "else") => {
                operators.last_mut().into_iter().for_each(|count| *count += 1);
                if matches!(text, "(" | "[" | "{") {
                    operators.push(0);
                }
            }
            _ => {}
        }
        let text = if operators.iter().sum::<usize>() > MAX_OPERATORS {
            format!("there are more than {MAX_OPERATORS} operators in a row")
        } else if branches.last().is_some_and(|count| *count > MAX_OPERATORS) {
            format!("this `if` has more than {MAX_OPERATORS} branches")
        } else {
            continue;
        };
        return Err(Misplaced { line: line_of(source, piece.start), text });
    }
    Ok(())
}

/// The first word of a tag, and where it stands among the pieces behind the tag's start.
fn tag_name<'s>(source: &'s str, behind: &[Piece]) -> Option<(&'s str, Piece)> {
    let name = behind.iter().find(|piece| piece.kind != PieceKind::Space)?;
    (name.kind == PieceKind::Word).then(|| (&source[name.start..name.end], *name))
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

/// Tags that begin a block.
const COLON_TAGS: [&str; 10] = ["if", "elif", "else", "for", "macro", "call", "filter", "with", "block", "generation"];

fn ends_tag(behind: &[Piece]) -> bool {
    behind.iter().find(|piece| piece.kind != PieceKind::Space).is_some_and(|piece| piece.kind == PieceKind::BlockEnd)
}

/// Whether a tag has the word `scoped`.
fn is_scoped(source: &str, behind: &[Piece]) -> bool {
    let inside = behind.iter().take_while(|piece| piece.kind != PieceKind::BlockEnd);
    inside.filter(|piece| piece.kind == PieceKind::Word).skip(2).any(|it| &source[it.start..it.end] == "scoped")
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
            format!("{{{{ x{} }}}}", "|replace('a', 'b')".repeat(501)),
        ] {
            assert!(prepare(&source).unwrap_err().text.contains("more than 500"), "{}", &source[..40]);
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
            ("{%\u{a0}if x : %}{{ {1: 2} }}{% else: %}{% endif %}", "{% if x   %}{{ {1: 2} }}{% else  %}{% endif %}"),
        ] {
            assert_eq!(prepare(source).unwrap().source, expected, "{source:?}");
        }
    }
}
