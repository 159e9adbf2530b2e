//! `value[start:stop:step]` as in Python.

use num_bigint::Sign;

use crate::runtime::{EvalResult, Interpreter, List, Object, PyError, PyErrorKind, Value, range_len};

/// The slice of a value. A bound that is not given is `None`.
pub(crate) fn slice<'d>(
    interpreter: &mut Interpreter<'d>,
    value: &Value<'d>,
    start: &Value<'d>,
    stop: &Value<'d>,
    step: &Value<'d>,
) -> EvalResult<Value<'d>> {
    let len = match value {
        Value::Undefined(undefined) => return Err(PyError::undefined(undefined)),
        Value::Str(text) if text.is_ascii() => text.len(),
        Value::Str(_) | Value::List(_) | Value::Tuple(_) => value.len().unwrap_or(0),
        Value::Object(object) if matches!(&**object, Object::Range { .. }) => value.len().unwrap_or(0),
        // Jinja2 looks the slice up as an item.
        Value::Dict(_) => return Err(PyError::new(PyErrorKind::Type, "unhashable type: 'slice'")),
        other => {
            let text = format!("'{}' object is not subscriptable", other.type_name());
            return Err(PyError::new(PyErrorKind::Type, text));
        }
    };
    if let Value::Str(text) = value {
        interpreter.budget.search(text.weight().saturating_mul(2))?;
    }
    let bounds = Bounds::of(len, bound(start)?, bound(stop)?, bound(step)?)?;
    match value {
        Value::Str(text) if bounds.step == 1 => interpreter.budget.parts(text, 1)?,
        Value::Str(text) => {
            interpreter.budget.walk(text.len())?;
            interpreter.charge_bytes(text.len().saturating_mul(size_of::<char>()))?;
        }
        // These are views.
        Value::List(List::Records(_) | List::Input(_)) if bounds.step == 1 => {}
        Value::List(_) | Value::Tuple(_) => interpreter.charge_items(bounds.count)?,
        _ => {}
    }
    Ok(match value {
        Value::Str(text) if bounds.step == 1 => {
            let (from, to) = bounds.range();
            let byte = |at: usize| match text.is_ascii() {
                true => at,
                false => text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte),
            };
            Value::Str(text.part(byte(from)..byte(to)))
        }
        Value::Str(text) => {
            let characters: Vec<char> = text.chars().collect();
            let picked: String = bounds.places().map(|at| characters[at]).collect();
            Value::Str(interpreter.derived(text, picked)?.markup_if(text.is_markup()))
        }
        Value::List(List::Records(records)) if bounds.step == 1 => {
            let (from, to) = bounds.range();
            Value::List(List::Records(&records[from..to]))
        }
        Value::List(List::Input(items)) if bounds.step == 1 => {
            let (from, to) = bounds.range();
            Value::List(List::Input(&items[from..to]))
        }
        Value::List(list) => Value::list(bounds.places().filter_map(|at| list.get(at)).collect()),
        Value::Tuple(items) => Value::tuple(bounds.places().map(|at| items[at].clone()).collect()),
        Value::Object(object) => match &**object {
            Object::Range { start, step, .. } => {
                let at = |place: i64| start.saturating_add(place.saturating_mul(*step));
                // A step that is too large selects one item, so its size does not matter.
                let step = step.saturating_mul(bounds.step);
                Value::object(Object::Range { start: at(bounds.start), stop: at(bounds.stop), step })
            }
            _ => Value::None,
        },
        _ => Value::None,
    })
}

/// The indices that a slice selects.
struct Bounds {
    start: i64,
    /// The index after the last one, or before it if the step is negative.
    stop: i64,
    step: i64,
    count: usize,
}

impl Bounds {
    /// Python's `slice.indices`.
    fn of(len: usize, start: Option<i64>, stop: Option<i64>, step: Option<i64>) -> EvalResult<Bounds> {
        let len = i64::try_from(len).unwrap_or(i64::MAX);
        let step = step.unwrap_or(1).max(-i64::MAX);
        if step == 0 {
            return Err(PyError::new(PyErrorKind::Value, "slice step cannot be zero"));
        }
        let (lowest, highest) = if step > 0 { (0, len) } else { (-1, len - 1) };
        let place = |bound: i64| {
            let bound = if bound < 0 { bound.saturating_add(len) } else { bound };
            bound.clamp(lowest, highest)
        };
        let start = start.map_or(if step > 0 { lowest } else { highest }, place);
        let stop = stop.map_or(if step > 0 { highest } else { lowest }, place);
        let count = range_len(start, stop, step);
        Ok(Bounds { start, stop, step, count })
    }

    /// The first index and the one after the last, of a slice with the step 1.
    fn range(&self) -> (usize, usize) {
        let from = if self.count == 0 { 0 } else { self.start as usize };
        (from, from + self.count)
    }

    fn places(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.count).map(|at| (self.start + at as i64 * self.step) as usize)
    }
}

fn bound(value: &Value<'_>) -> EvalResult<Option<i64>> {
    Ok(match value {
        Value::None => None,
        Value::Int(at) => Some(*at),
        Value::Bool(at) => Some(i64::from(*at)),
        Value::Big(at) => Some(if at.sign() == Sign::Minus { i64::MIN } else { i64::MAX }),
        _ => {
            let text = "slice indices must be integers or None or have an __index__ method";
            return Err(PyError::new(PyErrorKind::Type, text));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_pythons() {
        let places = |len, start, stop, step| Bounds::of(len, start, stop, step).unwrap().places().collect::<Vec<_>>();
        assert_eq!(places(3, Some(2), Some(0), Some(-1)), [2, 1]);
        assert_eq!(places(3, None, None, Some(-1)), [2, 1, 0]);
        assert_eq!(places(3, Some(0), Some(2), Some(-1)), [0usize; 0]);
        assert_eq!(places(5, Some(-100), Some(100), Some(2)), [0, 2, 4]);
        assert_eq!(places(0, Some(1), None, None), [0usize; 0]);
        assert!(Bounds::of(3, None, None, Some(0)).is_err());
    }
}
