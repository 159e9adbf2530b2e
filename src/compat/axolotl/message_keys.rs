//! The keys of messages that axolotl finds in the source of a template. It drops all other keys.

use std::collections::{BTreeMap, BTreeSet};

/// The keys read from `messages`, from variables set to it, and from a variable called `message`. axolotl does not
/// recognize other loop variables, so it does not find their keys.
pub(super) fn keys_read(source: &str) -> BTreeSet<String> {
    let mut keys: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut assigned: Vec<(&str, &str)> = Vec::new();
    for (tag, code) in code(source) {
        let mut at = 0;
        while let Some(chain) = next_chain(code, &mut at) {
            keys.entry(chain.name).or_default().extend(chain.keys);
        }
        if let Some((target, value)) = code.split_once('=').filter(|_| tag) {
            let target = target.trim().strip_prefix("set").unwrap_or("").trim();
            let value = value.trim().trim_end_matches(['-', '+']).trim();
            let mut at = 0;
            if let Some(chain) = next_chain(value, &mut at)
                && value[at..].trim().is_empty()
                && value.starts_with(chain.name)
                && is_name(target)
            {
                assigned.push((target, chain.name));
            }
        }
    }
    let mut names = vec!["messages"];
    let mut next = 0;
    while let Some(name) = names.get(next).copied() {
        next += 1;
        for (target, source) in &assigned {
            if *source == name && !names.contains(target) {
                names.push(target);
            }
        }
    }
    names.push("message");
    names.into_iter().filter_map(|name| keys.remove(name)).flatten().collect()
}

/// The code in `{% %}` (true) and `{{ }}` (false).
fn code(source: &str) -> impl Iterator<Item = (bool, &str)> {
    let mut rest = source;
    std::iter::from_fn(move || {
        loop {
            let start = rest.find("{")?;
            rest = &rest[start..];
            let (tag, end) = match rest.as_bytes().get(1) {
                Some(b'%') => (Some(true), "%}"),
                Some(b'{') => (Some(false), "}}"),
                Some(b'#') => (None, "#}"),
                _ => {
                    rest = &rest[1..];
                    continue;
                }
            };
            let inside = rest.get(2..)?;
            let length = inside.find(end)?;
            rest = &inside[length + 2..];
            if let Some(tag) = tag {
                return Some((tag, inside[..length].trim_start_matches(['-', '+'])));
            }
        }
    })
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_name_character) && !text.starts_with(|first: char| first.is_ascii_digit())
}

fn is_name_character(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

/// A variable, and the keys read from it and from the results.
struct Chain<'c> {
    name: &'c str,
    keys: Vec<String>,
}

/// The next variable in an expression, starting at `at`.
fn next_chain<'c>(code: &'c str, at: &mut usize) -> Option<Chain<'c>> {
    let mut previous = ' ';
    loop {
        let rest = &code[*at..];
        let first = rest.chars().next()?;
        if first == '\'' || first == '"' {
            *at += 1 + rest[1..].find(first).map_or(rest.len() - 1, |end| end + 1);
            previous = first;
        } else if is_name_character(first) {
            let length = rest.find(|character| !is_name_character(character)).unwrap_or(rest.len());
            let name = &rest[..length];
            *at += length;
            if previous != '.' && is_name(name) {
                return Some(Chain { name, keys: chain_keys(code, at) });
            }
            previous = 'x';
        } else {
            if !first.is_whitespace() {
                previous = first;
            }
            *at += first.len_utf8();
        }
    }
}

/// The keys after a variable: `.key` and `['key']`. Any other `[…]` counts as no key.
fn chain_keys(code: &str, at: &mut usize) -> Vec<String> {
    let mut keys = Vec::new();
    loop {
        let rest = &code[*at..];
        if let Some(key) = rest.strip_prefix('.') {
            let length = key.find(|character| !is_name_character(character)).unwrap_or(key.len());
            if length == 0 {
                return keys;
            }
            keys.push(key[..length].to_owned());
            *at += 1 + length;
        } else if rest.starts_with('[') {
            let Some(length) = rest.find(']') else { return keys };
            let inside = rest[1..length].trim();
            let quoted = inside.strip_prefix('\'').and_then(|inside| inside.strip_suffix('\''));
            let quoted = quoted.or_else(|| inside.strip_prefix('"').and_then(|inside| inside.strip_suffix('"')));
            keys.extend(quoted.map(str::to_owned));
            *at += length + 1;
        } else {
            return keys;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(source: &str) -> Vec<String> {
        keys_read(source).into_iter().collect()
    }

    #[test]
    fn only_some_variables_are_seen() {
        assert_eq!(
            keys("{% for message in messages %}{{ message.role + message['content'] }}{% endfor %}"),
            ["content", "role"]
        );
        assert_eq!(keys("{% for m in messages %}{{ m.role }}{{ m.tool_calls }}{% endfor %}"), [""; 0]);
        assert_eq!(keys("{% set rest = messages[1:] %}{{ rest[0].name }}{{ messages[0]['role'] }}"), ["name", "role"]);
        assert_eq!(
            keys("{{ 'message.x' ~ loop.message.y }}{# message.z #}{% if message.tool_calls is defined %}"),
            ["tool_calls"]
        );
    }
}
