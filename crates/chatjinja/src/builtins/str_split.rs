//! `split` and `rsplit`.

use super::str_methods::int;
use crate::provenance::Str;
use crate::runtime::{Arguments, EvalResult, Interpreter, PyError, PyErrorKind, Value};
use crate::text::is_space;
use crate::text::lines::{words, words_from_right};

/// In a text of this length, the parts are counted before they are made.
const LONG: usize = 4096;

pub(super) fn split<'d>(
    interpreter: &mut Interpreter<'d>,
    text: &Str<'d>,
    args: Arguments<'d>,
    from_right: bool,
) -> EvalResult<Value<'d>> {
    let name = if from_right { "rsplit" } else { "split" };
    let [separator, limit] = args.bind(name, ["sep", "maxsplit"], 0)?;
    let limit = limit.as_ref().map_or(Ok(-1), |limit| int(limit))?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    interpreter.budget.search(text.len().saturating_mul(4))?;
    if text.len() >= LONG {
        let count = match &separator {
            Some(Value::Str(separator)) if !separator.is_empty() => {
                memchr::memmem::find_iter(text.as_bytes(), separator.as_bytes()).take(limit).count() + 1
            }
            _ => {
                interpreter.budget.walk(text.len())?;
                let words = text.split(is_space).filter(|word| !word.is_empty());
                words.take(limit.saturating_add(1)).count()
            }
        };
        interpreter.budget.parts(text, count)?;
    }
    let mut parts: Vec<&str> = match separator {
        None | Some(Value::None) if from_right => words_from_right(text, limit),
        None | Some(Value::None) => words(text, limit),
        Some(Value::Str(separator)) => {
            if separator.is_empty() {
                return Err(PyError::new(PyErrorKind::Value, "empty separator"));
            }
            let most = limit.saturating_add(1);
            if from_right {
                text.rsplitn(most, &*separator).collect()
            } else {
                text.splitn(most, &*separator).collect()
            }
        }
        Some(Value::Undefined(undefined)) => return Err(PyError::undefined(&undefined)),
        Some(other) => {
            let text = format!("must be str or None, not {}", other.type_name());
            return Err(PyError::new(PyErrorKind::Type, text));
        }
    };
    if from_right {
        parts.reverse();
    }
    if text.len() < LONG {
        interpreter.budget.parts(text, parts.len())?;
    }
    Ok(Value::list(parts.into_iter().map(|part| Value::Str(text.part_of(part))).collect()))
}
