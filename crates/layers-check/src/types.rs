//! The names of the types that a token stream declares.

use proc_macro2::{TokenStream, TokenTree};

/// Name and line of each struct, enum, union and trait, also of those inside modules, functions and macros.
pub(crate) fn names(tokens: TokenStream) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    scan(tokens, &mut found);
    found
}

fn scan(tokens: TokenStream, found: &mut Vec<(String, usize)>) {
    let mut declares = false;
    for token in tokens {
        match &token {
            TokenTree::Ident(name) if declares => {
                found.push((name.to_string(), name.span().start().line));
                declares = false;
            }
            TokenTree::Ident(keyword) => {
                declares = ["struct", "enum", "union", "trait"].iter().any(|known| keyword == known);
            }
            TokenTree::Group(group) => {
                declares = false;
                scan(group.stream(), found);
            }
            _ => declares = false,
        }
    }
}
