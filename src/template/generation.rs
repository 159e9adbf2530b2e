//! `{% generation %}`: the values that stand at its two ends, and the marks for bodies that were captured.

use std::ops::Range;
use std::sync::Arc;

use minijinja::Output;
use minijinja::value::{Object, ObjectRepr};

use super::observe::Observer;

/// Noncharacters that stand before and after a body while marks are asked for; Unicode keeps them for such use.
const START: char = '\u{fdd3}';
const END: char = '\u{fdd4}';

/// One end of a `{% generation %}`. It prints nothing but notes where it was printed.
#[derive(Debug)]
pub(super) enum GenerationEdge {
    Start(Arc<Observer>),
    End(Arc<Observer>),
}

impl Object for GenerationEdge {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl GenerationEdge {
    /// What happens where the engine prints this edge.
    pub(super) fn reached(&self, out: &mut Output<'_>) -> std::fmt::Result {
        match self {
            GenerationEdge::Start(observer) if observer.marks_generation() => {
                out.write_str(START.encode_utf8(&mut [0; 4]))
            }
            GenerationEdge::End(observer) if observer.marks_generation() => out.write_str(END.encode_utf8(&mut [0; 4])),
            GenerationEdge::Start(observer) => {
                observer.begin_generation();
                Ok(())
            }
            GenerationEdge::End(observer) => {
                observer.end_generation();
                Ok(())
            }
        }
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
