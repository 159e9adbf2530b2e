//! `prepare`: a chat template's source as the engine can compile it.
//!
//! The engine has no `{% generation %}` and cannot assign to an outer namespace in a macro. Both are rewritten on the
//! token stream of the engine's own lexer, so raw blocks, comments and strings are safe, and every line stays where
//! it was. Jinja2 also turns CR LF and CR into LF before it looks at anything.

use std::borrow::Cow;

use minijinja::machinery::{Span, Token, tokenize};
use minijinja::syntax::SyntaxConfig;

/// Name of the function behind `{% generation %}`; the underscores keep it apart from a template's own names.
pub(super) const GENERATION: &str = "__generation";
/// Name of the function that returns its first argument, see [`cure_assignment`].
pub(super) const FIRST: &str = "__first";

/// A source ready to be compiled.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Prepared {
    /// What the engine compiles.
    pub(super) source: String,
    /// Whether there was a `{% generation %}`.
    pub(super) has_generation: bool,
}

/// Rewrites `source`. What the lexer refuses is left alone: compiling it gives the error with its line.
pub(super) fn prepare(source: &str) -> Prepared {
    let source = normalise_newlines(source);
    let tokens: Vec<(Token<'_>, Span)> =
        tokenize(&source, false, SyntaxConfig::default()).map_while(|token| token.ok()).collect();
    let mut edits: Vec<(usize, usize, String)> = Vec::new();
    let mut has_generation = false;
    let mut closures = 0usize;
    for (index, (token, _)) in tokens.iter().enumerate() {
        let (Token::BlockStart, Some((Token::Ident(name), span))) = (token, tokens.get(index + 1)) else {
            continue;
        };
        let (start, end) = (span.start_offset as usize, span.end_offset as usize);
        match *name {
            "generation" => {
                has_generation = true;
                closures += 1;
                edits.push((start, end, format!("call {GENERATION}()")));
            }
            "endgeneration" => {
                closures = closures.saturating_sub(1);
                edits.push((start, end, "endcall".to_owned()));
            }
            "macro" | "call" => closures += 1,
            "endmacro" | "endcall" => closures = closures.saturating_sub(1),
            "set" if closures > 0 => cure_assignment(&tokens[index + 2..], &mut edits),
            _ => {}
        }
    }
    let mut prepared = String::with_capacity(source.len() + 64);
    let mut at = 0;
    for (start, end, text) in edits {
        prepared.push_str(&source[at..start]);
        prepared.push_str(&text);
        at = end;
    }
    prepared.push_str(&source[at..]);
    Prepared { source: prepared, has_generation }
}

/// Makes `set ns.a = x` mention `ns` on its right side too. The engine captures for a macro's or call block's body
/// what the body reads, and would not find a namespace that the body only assigns to.
fn cure_assignment(tokens: &[(Token<'_>, Span)], edits: &mut Vec<(usize, usize, String)>) {
    let [(Token::Ident(namespace), _), (Token::Dot, _), (Token::Ident(_), _), (Token::Assign, assign), ..] = tokens
    else {
        return;
    };
    let Some((_, block_end)) = tokens.iter().find(|(token, _)| matches!(token, Token::BlockEnd)) else {
        return;
    };
    let (after, before) = (assign.end_offset as usize, block_end.start_offset as usize);
    edits.push((after, after, format!(" {FIRST}((")));
    edits.push((before, before, format!("), {namespace}) ")));
}

fn normalise_newlines(source: &str) -> Cow<'_, str> {
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
    fn generation_becomes_a_call_and_keeps_its_signs() {
        let prepared = prepare(
            "a{%- generation -%}b{%+ endgeneration %}\n{% raw %}{% generation %}{% endraw %}{# {% generation %} #}",
        );
        assert_eq!(
            prepared.source,
            "a{%- call __generation() -%}b{%+ endcall %}\n{% raw %}{% generation %}{% endraw %}{# {% generation %} #}"
        );
        assert!(prepared.has_generation);
        assert!(!prepare("{{ '{% generation %}' }}").has_generation);
    }

    #[test]
    fn assignments_in_macros_read_their_namespace() {
        let prepared = prepare("{% set ns.a = 1 %}{% macro m() %}{% set ns.a = x -%}{% endmacro %}");
        assert_eq!(
            prepared.source,
            "{% set ns.a = 1 %}{% macro m() %}{% set ns.a = __first(( x ), ns) -%}{% endmacro %}"
        );
    }

    #[test]
    fn carriage_returns_become_line_feeds() {
        assert_eq!(prepare("a\r\nb\rc").source, "a\nb\nc");
    }
}
