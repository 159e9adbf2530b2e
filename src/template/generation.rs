//! `{% generation %}`: the function behind the rewritten tag, and the marks for bodies that were captured.

use std::ops::Range;
use std::sync::Arc;

use minijinja::value::{Kwargs, Object, ObjectRepr};
use minijinja::{Error, ErrorKind, Output, State, Value};

use super::observe::Observer;

/// Noncharacters that stand before and after a body while marks are asked for; Unicode keeps them for such use.
const START: char = '\u{fdd3}';
const END: char = '\u{fdd4}';

/// What `__generation` is during one render.
#[derive(Debug)]
pub(super) struct GenerationTag(pub(super) Arc<Observer>);

impl Object for GenerationTag {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let kwargs: Option<Kwargs> = args.last().cloned().map(Kwargs::try_from).transpose()?;
        let caller: Value = match kwargs {
            Some(kwargs) => kwargs.get("caller")?,
            None => {
                return Err(Error::new(ErrorKind::MissingArgument, "generation without a body"));
            }
        };
        let body = caller.call(state, &[])?;
        Ok(Value::from_object(Body { text: body, observer: Arc::clone(&self.0) }))
    }
}

/// The text between the tags, on its way to the output.
#[derive(Debug)]
pub(super) struct Body {
    text: Value,
    observer: Arc<Observer>,
}

impl Object for Body {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text.as_str().unwrap_or_default())
    }
}

impl Body {
    /// Writes the body and notes where it lies.
    pub(super) fn write(&self, out: &mut Output<'_>) -> std::fmt::Result {
        let text = self.text.as_str().unwrap_or_default();
        if self.observer.marks_generation() {
            out.write_str(START.encode_utf8(&mut [0; 4]))?;
            out.write_str(text)?;
            return out.write_str(END.encode_utf8(&mut [0; 4]));
        }
        let start = self.observer.position();
        out.write_str(text)?;
        self.observer.note_generation(start, text.len());
        Ok(())
    }
}

/// Takes the marks out of `marked`: the plain text, and where the bodies lie in it. None if marks do not pair.
pub(super) fn strip_marks(marked: &str) -> Option<(String, Vec<Range<usize>>)> {
    let mut text = String::with_capacity(marked.len());
    let mut spans = Vec::new();
    let mut open = None;
    for piece in marked.split_inclusive([START, END]) {
        let (plain, mark) = match piece.chars().next_back() {
            Some(mark @ (START | END)) => (&piece[..piece.len() - mark.len_utf8()], Some(mark)),
            _ => (piece, None),
        };
        text.push_str(plain);
        match (mark, open) {
            (Some(START), None) => open = Some(text.len()),
            (Some(END), Some(start)) => {
                spans.push(start..text.len());
                open = None;
            }
            (None, _) => {}
            _ => return None,
        }
    }
    open.is_none().then_some((text, spans))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_come_out_in_pairs() {
        assert_eq!(strip_marks("a\u{fdd3}bé\u{fdd4}c"), Some(("abéc".into(), vec![1..4])));
        assert_eq!(strip_marks("a\u{fdd3}b"), None);
        assert_eq!(strip_marks("a\u{fdd4}b"), None);
    }
}
