//! `prepare`: a chat template's source as the engine can compile it.
//!
//! The engine has no `{% generation %}` and cannot assign to an outer namespace in a macro. Both are rewritten on the
//! token stream of the engine's own lexer, so raw blocks, comments and strings are safe, and every line stays where
//! it was. Jinja2 also turns CR LF and CR into LF before it looks at anything.

use std::borrow::Cow;

use minijinja::machinery::{Span, Token, tokenize};
use minijinja::syntax::SyntaxConfig;

/// Names of the values that stand where a `{% generation %}` begins and ends; the underscores keep them apart from a
/// template's own names.
pub(super) const GENERATION_START: &str = "__generation_start";
pub(super) const GENERATION_END: &str = "__generation_end";
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

/// A tag that cannot stand where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misplaced {
    pub(super) line: usize,
    pub(super) text: &'static str,
}

/// Replaces the bytes `start..end` of a source.
type Edit = (usize, usize, String);

/// Rewrites `source`. What the lexer refuses is left alone: compiling it gives the error with its line.
///
/// `{% generation %}` becomes a `with` block, which has the scope that transformers gives it, with a value printed at
/// either end; the blocks around these values carry the signs of the tags. (A `call` block with a function that prints
/// its body was tried: the same texts and spans, at 0.65 µs a tag instead of 0.15 µs.)
pub(super) fn prepare(source: &str) -> Result<Prepared, Misplaced> {
    let source = normalise_newlines(source);
    let tokens: Vec<(Token<'_>, Span)> =
        tokenize(&source, false, SyntaxConfig::default()).map_while(|token| token.ok()).collect();
    let mut edits: Vec<Edit> = Vec::new();
    let mut has_generation = false;
    let mut closures = 0usize;
    // Open loops and the blocks that a `break` or `continue` cannot leave.
    let mut open: Vec<&str> = Vec::new();
    for (index, (token, _)) in tokens.iter().enumerate() {
        let (Token::BlockStart, Some((Token::Ident(name), span))) = (token, tokens.get(index + 1)) else { continue };
        let (start, end) = (span.start_offset as usize, span.end_offset as usize);
        let misplaced = |text| Misplaced { line: span.start_line as usize, text };
        match *name {
            "generation" => {
                has_generation = true;
                open.push(name);
                edits.push((start, end, format!("with %}}{{{{ {GENERATION_START} }}}}{{% set __ = 0")));
            }
            "endgeneration" => {
                if open.pop() != Some("generation") {
                    return Err(misplaced("endgeneration without a generation that it ends"));
                }
                edits.push((start, end, format!("set __ = 0 %}}{{{{ {GENERATION_END} }}}}{{% endwith")));
            }
            "for" | "with" | "filter" => open.push(name),
            "endfor" | "endwith" | "endfilter" | "endset" => drop(open.pop()),
            "break" | "continue" => match open.last() {
                Some(&"generation") => return Err(misplaced("break and continue cannot leave a generation block")),
                // The engine would lose what was captured so far, or stop in the middle of its own work.
                Some(&"set" | &"filter" | &"macro" | &"call" | &"with") => {
                    return Err(misplaced("break and continue cannot leave this block; close it before them"));
                }
                _ => {}
            },
            "macro" | "call" => {
                open.push(name);
                closures += 1;
            }
            "endmacro" | "endcall" => {
                open.pop();
                closures = closures.saturating_sub(1);
            }
            "set" => {
                let rest = &tokens[index + 2..];
                let mut until_end = rest.iter().take_while(|(token, _)| !matches!(token, Token::BlockEnd));
                if !until_end.any(|(token, _)| matches!(token, Token::Assign)) {
                    open.push(name);
                } else if closures > 0 {
                    cure_assignment(rest, &mut edits);
                }
            }
            _ => {}
        }
    }
    if open.contains(&"generation") {
        let line = source.lines().count();
        return Err(Misplaced { line, text: "a generation block is not ended" });
    }
    let mut prepared = String::with_capacity(source.len() + 64);
    let mut at = 0;
    for (start, end, text) in edits {
        prepared.push_str(&source[at..start]);
        prepared.push_str(&text);
        at = end;
    }
    prepared.push_str(&source[at..]);
    Ok(Prepared { source: prepared, has_generation })
}

/// Makes `set ns.a = x` mention `ns` on its right side too. The engine captures for a macro's or call block's body
/// what the body reads, and would not find a namespace that the body only assigns to.
fn cure_assignment(tokens: &[(Token<'_>, Span)], edits: &mut Vec<Edit>) {
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
    fn generation_becomes_a_block_and_keeps_its_signs() {
        let raw = "{% raw %}{% generation %}{% endraw %}{# {% generation %} #}";
        let prepared = prepare(&format!("a{{%- generation -%}}b{{%+ endgeneration %}}\n{raw}")).unwrap();
        assert_eq!(
            prepared.source,
            format!(
                "a{{%- with %}}{{{{ {GENERATION_START} }}}}{{% set __ = 0 -%}}b\
                 {{%+ set __ = 0 %}}{{{{ {GENERATION_END} }}}}{{% endwith %}}\n{raw}"
            )
        );
        assert!(prepared.has_generation);
        assert!(!prepare("{{ '{% generation %}' }}").unwrap().has_generation);
    }

    #[test]
    fn what_cannot_stand_in_a_generation_block_is_named_with_its_line() {
        for (source, line) in [
            ("{% for m in x %}\n{% generation %}{% break %}{% endgeneration %}{% endfor %}", 2),
            ("{% generation %}\n\n{% continue %}{% endgeneration %}", 3),
            ("{% endgeneration %}", 1),
            ("{% for m in x %}{% set y %}\n{% continue %}{% endset %}{% endfor %}", 2),
            ("{% for m in x %}{% with %}{% break %}{% endwith %}{% endfor %}", 1),
            ("{% generation %}\nx", 2),
        ] {
            assert_eq!(prepare(source).unwrap_err().line, line, "{source}");
        }
        let inner = "{% generation %}{% for m in x %}{% set y = 1 %}{% break %}{% endfor %}{% endgeneration %}\
                     {% set z %}{% for m in x %}{% if m %}{% continue %}{% endif %}{% endfor %}{% endset %}";
        assert!(prepare(inner).is_ok());
    }

    #[test]
    fn assignments_in_macros_read_their_namespace() {
        let prepared = prepare("{% set ns.a = 1 %}{% macro m() %}{% set ns.a = x -%}{% endmacro %}").unwrap();
        assert_eq!(
            prepared.source,
            "{% set ns.a = 1 %}{% macro m() %}{% set ns.a = __first(( x ), ns) -%}{% endmacro %}"
        );
    }

    #[test]
    fn carriage_returns_become_line_feeds() {
        assert_eq!(prepare("a\r\nb\rc").unwrap().source, "a\nb\nc");
    }
}
