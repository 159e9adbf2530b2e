//! `scan`: where the tags, strings and words of a template are, by the rules of Jinja2's lexer.
//!
//! Only what [`super::source`] rewrites is told apart. Where a template is broken the scan ends: compiling it gives
//! the error.

use crate::python_text::is_space;

/// A stretch of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) kind: PieceKind,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PieceKind {
    Text,
    /// `{%`, with its sign.
    BlockStart,
    /// `%}`, with its sign.
    BlockEnd,
    VariableStart,
    VariableEnd,
    Comment,
    /// A whole `{% raw %}`.
    RawStart,
    /// A whole `{% endraw %}`.
    RawEnd,
    Space,
    Word,
    Number,
    Str,
    Operator,
}

/// The pieces of `source`, in their order.
pub(super) fn scan(source: &str) -> Vec<Piece> {
    let mut scanner = Scanner { source, at: 0, pieces: Vec::new() };
    while scanner.at < source.len() && scanner.text().is_some() {}
    scanner.pieces
}

struct Scanner<'s> {
    source: &'s str,
    at: usize,
    pieces: Vec<Piece>,
}

impl<'s> Scanner<'s> {
    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    fn push(&mut self, kind: PieceKind, len: usize) {
        if len > 0 {
            self.pieces.push(Piece { kind, start: self.at, end: self.at + len });
            self.at += len;
        }
    }

    /// Text up to the next tag, and that tag. None where the source breaks off.
    fn text(&mut self) -> Option<()> {
        let rest = self.rest();
        let opening = rest.match_indices('{').map(|(at, _)| at).find(|at| rest[at + 1..].starts_with(['{', '%', '#']));
        self.push(PieceKind::Text, opening.unwrap_or(rest.len()));
        opening?;
        let rest = self.rest();
        match rest.as_bytes()[1] {
            b'#' => {
                let end = rest[2..].find("#}")? + 4;
                self.push(PieceKind::Comment, end);
                Some(())
            }
            b'%' if raw_tag(rest, "raw").is_some() => {
                self.push(PieceKind::RawStart, raw_tag(rest, "raw")?);
                let rest = self.rest();
                let end =
                    rest.match_indices("{%").map(|(at, _)| at).find(|at| raw_tag(&rest[*at..], "endraw").is_some());
                self.push(PieceKind::Text, end?);
                self.push(PieceKind::RawEnd, raw_tag(self.rest(), "endraw")?);
                Some(())
            }
            b'%' => {
                self.push(PieceKind::BlockStart, 2 + usize::from(rest[2..].starts_with(['-', '+'])));
                self.code(PieceKind::BlockEnd, "%}")
            }
            _ => {
                self.push(PieceKind::VariableStart, 2 + usize::from(rest[2..].starts_with(['-', '+'])));
                self.code(PieceKind::VariableEnd, "}}")
            }
        }
    }

    /// What stands inside a tag, and its end.
    fn code(&mut self, end_kind: PieceKind, end: &str) -> Option<()> {
        let mut open = 0usize;
        loop {
            let rest = self.rest();
            let first = rest.chars().next()?;
            if open == 0 {
                let sign = usize::from(rest.starts_with(['-', '+']));
                if rest[sign..].starts_with(end) {
                    self.push(end_kind, sign + end.len());
                    return Some(());
                }
            }
            let while_of = |matches: fn(char) -> bool| rest.find(|character| !matches(character)).unwrap_or(rest.len());
            match first {
                '\'' | '"' => self.push(PieceKind::Str, string_len(rest)?),
                '(' | '[' | '{' => {
                    open += 1;
                    self.push(PieceKind::Operator, 1);
                }
                ')' | ']' | '}' => {
                    open = open.saturating_sub(1);
                    self.push(PieceKind::Operator, 1);
                }
                _ if is_space(first) => self.push(PieceKind::Space, while_of(is_space)),
                '0'..='9' => self.push(PieceKind::Number, while_of(|it| it.is_ascii_alphanumeric() || it == '_')),
                _ if first == '_' || first.is_alphanumeric() => {
                    self.push(PieceKind::Word, while_of(|it| it.is_alphanumeric() || it == '_'));
                }
                _ => self.push(PieceKind::Operator, first.len_utf8()),
            }
        }
    }
}

/// Bytes of the string literal that `rest` begins with.
fn string_len(rest: &str) -> Option<usize> {
    let quote = rest.as_bytes()[0];
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            _ if byte == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Bytes of `{% name %}` with its signs, if `rest` begins with it.
fn raw_tag(rest: &str, name: &str) -> Option<usize> {
    let inner = rest.strip_prefix("{%")?;
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner).trim_start_matches(is_space);
    let inner = inner.strip_prefix(name)?.trim_start_matches(is_space);
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner).strip_prefix("%}")?;
    Some(rest.len() - inner.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(source: &str) -> Vec<(PieceKind, &str)> {
        scan(source).into_iter().map(|piece| (piece.kind, &source[piece.start..piece.end])).collect()
    }

    #[test]
    fn strings_comments_and_raw_blocks_hide_tags() {
        use PieceKind::*;
        assert_eq!(
            kinds("a{{- '}}' }}{# {% x %} #}{% raw -%}{{ y }}{%- endraw %}"),
            [
                (Text, "a"),
                (VariableStart, "{{-"),
                (Space, " "),
                (Str, "'}}'"),
                (Space, " "),
                (VariableEnd, "}}"),
                (Comment, "{# {% x %} #}"),
                (RawStart, "{% raw -%}"),
                (Text, "{{ y }}"),
                (RawEnd, "{%- endraw %}"),
            ]
        );
        assert_eq!(kinds("{{ {'a': {}}}}").last(), Some(&(VariableEnd, "}}")));
    }
}
