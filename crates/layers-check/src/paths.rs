//! Paths in a token stream that begin with `crate`, `super` or `self`, resolved to modules of the crate.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// A path in a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundPath {
    /// The path as it is written, such as `super::super::eval`.
    pub(crate) written: String,
    /// The module or item it leads to, without `crate`. Empty for the crate root itself.
    pub(crate) target: Vec<String>,
    pub(crate) line: usize,
}

/// All paths in `tokens`, the body of the module `module`. Comments, doc comments and string literals are not read.
pub(crate) fn paths(tokens: TokenStream, module: &[String]) -> Vec<FoundPath> {
    let mut found = Vec::new();
    scan(tokens, module, &mut found);
    found
}

fn scan(tokens: TokenStream, module: &[String], found: &mut Vec<FoundPath>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        if let Some((name, body, next)) = inline_module(&tokens, at) {
            let inner: Vec<String> = module.iter().cloned().chain([name]).collect();
            scan(body.stream(), &inner, found);
            at = next;
            continue;
        }
        match &tokens[at] {
            // `pub(in path)` restricts an item and imports nothing.
            TokenTree::Group(group) if is_visibility(&tokens, at, group) => at += 1,
            TokenTree::Group(group) => {
                scan(group.stream(), module, found);
                at += 1;
            }
            TokenTree::Ident(first) if starts_path(&tokens, at) => {
                let prefix = Prefix {
                    written: first.to_string(),
                    target: if first == "crate" { Vec::new() } else { parent(module, first == "super") },
                    line: first.span().start().line,
                };
                at = follow(&tokens, at + 1, prefix, found);
            }
            _ => at += 1,
        }
    }
}

/// The part of a path that was read so far.
#[derive(Clone)]
struct Prefix {
    written: String,
    target: Vec<String>,
    line: usize,
}

/// Reads the rest of a path after `prefix`, and returns the index of the token after the path.
fn follow(tokens: &[TokenTree], mut at: usize, mut prefix: Prefix, found: &mut Vec<FoundPath>) -> usize {
    while is_separator(tokens, at) {
        match tokens.get(at + 2) {
            Some(TokenTree::Ident(segment)) => {
                prefix.written = format!("{}::{segment}", prefix.written);
                if segment == "super" {
                    prefix.target.pop();
                } else if segment != "self" {
                    prefix.target.push(segment.to_string());
                }
                at += 3;
            }
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let items: Vec<TokenTree> = group.stream().into_iter().collect();
                for item in items.split(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',')) {
                    member(item, prefix.clone(), found);
                }
                return at + 3;
            }
            Some(TokenTree::Punct(star)) if star.as_char() == '*' => {
                prefix.written.push_str("::*");
                at += 3;
                break;
            }
            // Generic arguments after `::` are scanned as separate tokens.
            _ => {
                at += 2;
                break;
            }
        }
    }
    found.push(FoundPath { written: prefix.written, target: prefix.target, line: prefix.line });
    at
}

/// One member of a `use` group.
fn member(item: &[TokenTree], mut prefix: Prefix, found: &mut Vec<FoundPath>) {
    match item.first() {
        Some(TokenTree::Ident(segment)) => {
            prefix.line = segment.span().start().line;
            prefix.written = format!("{}::{segment}", prefix.written);
            if segment != "self" {
                prefix.target.push(segment.to_string());
            }
            follow(item, 1, prefix, found);
        }
        Some(TokenTree::Punct(_)) => found.push(FoundPath {
            written: format!("{}::*", prefix.written),
            target: prefix.target,
            line: prefix.line,
        }),
        _ => {}
    }
}

fn parent(module: &[String], up: bool) -> Vec<String> {
    let kept = module.len().saturating_sub(usize::from(up));
    module[..kept].to_vec()
}

/// Whether the tokens at `at` are `::`.
pub(crate) fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    let colon = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    colon(at) && colon(at + 1)
}

/// Whether the token at `at` begins a path inside the crate.
fn starts_path(tokens: &[TokenTree], at: usize) -> bool {
    let TokenTree::Ident(first) = &tokens[at] else { return false };
    (first == "crate" || first == "super" || first == "self")
        && is_separator(tokens, at + 1)
        && !(at >= 2 && is_separator(tokens, at - 2))
}

/// `mod name { … }` at `at`: its name, its body, and the index after it.
fn inline_module(tokens: &[TokenTree], at: usize) -> Option<(String, &Group, usize)> {
    match tokens.get(at..at + 3)? {
        [TokenTree::Ident(keyword), TokenTree::Ident(name), TokenTree::Group(body)]
            if keyword == "mod" && body.delimiter() == Delimiter::Brace =>
        {
            Some((name.to_string(), body, at + 3))
        }
        _ => None,
    }
}

fn is_visibility(tokens: &[TokenTree], at: usize, group: &Group) -> bool {
    let behind_pub =
        matches!(at.checked_sub(1).map(|before| &tokens[before]), Some(TokenTree::Ident(word)) if word == "pub");
    behind_pub && group.delimiter() == Delimiter::Parenthesis
}
