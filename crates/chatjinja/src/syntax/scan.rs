//! `scan`: the tags, strings and words of a template, by the rules of Jinja2's lexer.
//!
//! It distinguishes only the tokens that [`super::source`] rewrites. It stops where a template is invalid; the parser
//! then reports the error.

use crate::text::is_space;

/// A token of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    Text,
    /// `{%` with its sign, such as `{%-`.
    BlockStart,
    /// `%}` with its sign, such as `-%}`.
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

/// The tokens of `source`, in their order.
pub(super) fn scan(source: &str) -> Vec<Token> {
    let mut scanner = Scanner { source, at: 0, tokens: Vec::new() };
    while scanner.at < source.len() && scanner.text().is_some() {}
    scanner.tokens
}

struct Scanner<'s> {
    source: &'s str,
    at: usize,
    tokens: Vec<Token>,
}

impl<'s> Scanner<'s> {
    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    fn push(&mut self, kind: TokenKind, len: usize) {
        if len > 0 {
            self.tokens.push(Token { kind, start: self.at, end: self.at + len });
            self.at += len;
        }
    }

    /// Reads the text up to the next tag, and that tag. None if the source ends too early.
    fn text(&mut self) -> Option<()> {
        let rest = self.rest();
        let opening = rest.match_indices('{').map(|(at, _)| at).find(|at| rest[at + 1..].starts_with(['{', '%', '#']));
        self.push(TokenKind::Text, opening.unwrap_or(rest.len()));
        opening?;
        let rest = self.rest();
        match rest.as_bytes()[1] {
            b'#' => {
                let end = rest[2..].find("#}")? + 4;
                self.push(TokenKind::Comment, end);
                Some(())
            }
            b'%' if raw_tag(rest, "raw").is_some() => {
                self.push(TokenKind::RawStart, raw_tag(rest, "raw")?);
                let rest = self.rest();
                let end =
                    rest.match_indices("{%").map(|(at, _)| at).find(|at| raw_tag(&rest[*at..], "endraw").is_some());
                self.push(TokenKind::Text, end?);
                self.push(TokenKind::RawEnd, raw_tag(self.rest(), "endraw")?);
                Some(())
            }
            b'%' => {
                self.push(TokenKind::BlockStart, 2 + usize::from(rest[2..].starts_with(['-', '+'])));
                self.code(TokenKind::BlockEnd, "%}")
            }
            _ => {
                self.push(TokenKind::VariableStart, 2 + usize::from(rest[2..].starts_with(['-', '+'])));
                self.code(TokenKind::VariableEnd, "}}")
            }
        }
    }

    /// Reads the inside of a tag, and its end. None if the source ends too early.
    fn code(&mut self, end_kind: TokenKind, end: &str) -> Option<()> {
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
                '\'' | '"' => self.push(TokenKind::Str, string_len(rest)?),
                '(' | '[' | '{' => {
                    open += 1;
                    self.push(TokenKind::Operator, 1);
                }
                ')' | ']' | '}' => {
                    open = open.saturating_sub(1);
                    self.push(TokenKind::Operator, 1);
                }
                _ if is_space(first) => self.push(TokenKind::Space, while_of(is_space)),
                '0'..='9' => self.push(TokenKind::Number, while_of(|it| it.is_ascii_alphanumeric() || it == '_')),
                _ if first == '_' || first.is_alphanumeric() => {
                    self.push(TokenKind::Word, while_of(|it| it.is_alphanumeric() || it == '_'));
                }
                _ => self.push(TokenKind::Operator, first.len_utf8()),
            }
        }
    }
}

/// The length of the string literal that `rest` begins with.
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

/// The length of the tag `{% name %}` with its signs, if `rest` begins with it.
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

    fn kinds(source: &str) -> Vec<(TokenKind, &str)> {
        scan(source).into_iter().map(|token| (token.kind, &source[token.start..token.end])).collect()
    }

    #[test]
    fn strings_comments_and_raw_blocks_hide_tags() {
        use TokenKind::*;
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
