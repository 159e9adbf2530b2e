//! Methods of Python's `str` where the engine's own differ: Python also takes U+001C to U+001F for white space.

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, State, Value};
use minijinja_contrib::pycompat;

use super::marks::is_space;

/// Methods that a value does not have of itself.
pub(super) fn unknown_method(
    state: &mut State<'_, '_>,
    value: &Value,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    if let (ValueKind::String, Some(text)) = (value.kind(), value.as_str()) {
        match (method, args) {
            ("strip" | "lstrip" | "rstrip", _) => {
                let characters = match args {
                    [] => None,
                    [characters] if characters.is_none() => None,
                    [characters] => Some(characters.as_str().ok_or_else(|| not_text(method))?),
                    _ => return Err(Error::from(ErrorKind::TooManyArguments)),
                };
                return Ok(Value::from(strip(text, method != "rstrip", method != "lstrip", characters)));
            }
            ("split", []) => {
                let words = text.split(is_space).filter(|word| !word.is_empty());
                return Ok(Value::from(words.map(Value::from).collect::<Vec<_>>()));
            }
            _ => {}
        }
    }
    pycompat::unknown_method_callback(state, value, method, args)
}

/// The filter `trim`.
pub(super) fn trim(value: &Value, characters: Option<&str>) -> Value {
    let owned;
    let text = match value.as_str() {
        Some(text) => text,
        None => {
            owned = value.to_string();
            owned.as_str()
        }
    };
    Value::from(strip(text, true, true, characters))
}

fn not_text(method: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("{method} arg must be None or str"))
}

fn strip<'t>(text: &'t str, left: bool, right: bool, characters: Option<&str>) -> &'t str {
    let goes = |character: char| match characters {
        Some(characters) => characters.contains(character),
        None => is_space(character),
    };
    let text = if left { text.trim_start_matches(goes) } else { text };
    if right { text.trim_end_matches(goes) } else { text }
}
