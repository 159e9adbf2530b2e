//! `split` and `rsplit`.

use super::str_methods::int;
use crate::provenance::Str;
use crate::runtime::{Arguments, EvalResult, Interpreter, PyError, PyErrorKind, Value};
use crate::text::lines::{words, words_from_right};

pub(super) fn split<'d>(
    interpreter: &mut Interpreter<'d>,
    text: &Str<'d>,
    args: Arguments<'d>,
    from_right: bool,
) -> EvalResult<Value<'d>> {
    let name = if from_right { "rsplit" } else { "split" };
    let [separator, limit] = args.bind(name, ["sep", "maxsplit"], 0)?;
    let limit = limit.as_ref().map_or(Ok(-1), |limit| int(limit, name))?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
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
    interpreter.charge_items(parts.len())?;
    Ok(Value::list(parts.into_iter().map(|part| Value::Str(text.part_of(part))).collect()))
}
