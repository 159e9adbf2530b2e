//! `Arguments`: the evaluated arguments of a call.

use super::{EvalResult, PyError, PyErrorKind, Value};
use crate::provenance::Str;

#[derive(Debug, Default)]
pub(crate) struct Arguments<'d> {
    pub(crate) positional: Vec<Value<'d>>,
    pub(crate) named: Vec<(Str<'d>, Value<'d>)>,
}

impl<'d> Arguments<'d> {
    pub(crate) fn is_empty(&self) -> bool {
        self.positional.is_empty() && self.named.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.positional.len() + self.named.len()
    }

    /// The arguments in the order of `names`. The first `required` names must have one.
    pub(crate) fn bind<const N: usize>(
        self,
        function: &str,
        names: [&str; N],
        required: usize,
    ) -> EvalResult<[Option<Value<'d>>; N]> {
        let mut bound = [const { None }; N];
        let given = self.positional.len();
        if given > N {
            let plural = if N == 1 { "" } else { "s" };
            let text = format!("{function}() takes {N} positional argument{plural} but {given} were given");
            return Err(PyError::new(PyErrorKind::Type, text));
        }
        for (place, value) in bound.iter_mut().zip(self.positional) {
            *place = Some(value);
        }
        for (name, value) in self.named {
            let Some(at) = names.iter().position(|known| *known == &*name) else {
                let text = format!("{function}() got an unexpected keyword argument '{}'", &*name);
                return Err(PyError::new(PyErrorKind::Type, text));
            };
            if bound[at].is_some() {
                let text = format!("{function}() got multiple values for argument '{}'", &*name);
                return Err(PyError::new(PyErrorKind::Type, text));
            }
            bound[at] = Some(value);
        }
        match names.iter().zip(&bound).take(required).find(|(_, value)| value.is_none()) {
            None => Ok(bound),
            Some((name, _)) => {
                let text = format!("{function}() missing 1 required positional argument: '{name}'");
                Err(PyError::new(PyErrorKind::Type, text))
            }
        }
    }

    /// The positional arguments; fails if there are others.
    pub(crate) fn only_positional(self, function: &str) -> EvalResult<Vec<Value<'d>>> {
        match self.named.is_empty() {
            true => Ok(self.positional),
            false => Err(PyError::new(PyErrorKind::Type, format!("{function}() takes no keyword arguments"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(positional: usize, named: &[&'static str]) -> Result<Vec<bool>, String> {
        let arguments = Arguments {
            positional: vec![Value::None; positional],
            named: named.iter().map(|name| (Str::fixed(name), Value::None)).collect(),
        };
        let bound = arguments.bind("f", ["a", "b"], 1).map_err(|error| error.into_text())?;
        Ok(bound.iter().map(Option::is_some).collect())
    }

    #[test]
    fn arguments_are_bound_by_place_and_name() {
        assert_eq!(bound(1, &["b"]), Ok(vec![true, true]));
        assert_eq!(bound(0, &["a"]), Ok(vec![true, false]));
        for (positional, named, text) in [
            (3, &[][..], "f() takes 2 positional arguments but 3 were given"),
            (0, &["b"], "f() missing 1 required positional argument: 'a'"),
            (1, &["a"], "f() got multiple values for argument 'a'"),
            (1, &["c"], "f() got an unexpected keyword argument 'c'"),
        ] {
            assert_eq!(bound(positional, named), Err(text.to_owned()));
        }
    }
}
