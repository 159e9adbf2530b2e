//! `BoundedText`: a text that is charged while it is written.

use super::{Budget, EvalResult};
use crate::provenance::Text;
use crate::text::quote::most_escaped;

/// A text that grows piece by piece, such as the `repr` of a list.
pub(crate) struct BoundedText<'b, 'd> {
    pub(crate) budget: &'b Budget<'d>,
    text: Text,
    charged: usize,
}

/// The bytes that may be written before they are charged.
const UNCHARGED: usize = 1024;

impl<'b, 'd> BoundedText<'b, 'd> {
    pub(crate) fn new(budget: &'b Budget<'d>) -> BoundedText<'b, 'd> {
        BoundedText { budget, text: Text::default(), charged: 0 }
    }

    /// The text, to write a short piece. Call [`grown`](Self::grown) now and then.
    pub(crate) fn short(&mut self) -> &mut Text {
        &mut self.text
    }

    /// Writes a piece of any length.
    pub(crate) fn push(&mut self, piece: &str) -> EvalResult<()> {
        if piece.len() >= UNCHARGED {
            self.before(piece.len())?;
        }
        self.text.text.push_str(piece);
        self.grown()
    }

    /// Call before writing `bytes` at once.
    pub(crate) fn before(&mut self, bytes: usize) -> EvalResult<()> {
        self.budget.text(self.text.text.len().saturating_add(bytes))
    }

    /// Call before writing the characters of a string with escapes.
    pub(crate) fn before_escaped(&mut self, text: &str) -> EvalResult<()> {
        if text.len() < UNCHARGED {
            return Ok(());
        }
        self.budget.walk(text.len())?;
        self.before(most_escaped(text))
    }

    /// Charges what was written.
    #[inline]
    pub(crate) fn grown(&mut self) -> EvalResult<()> {
        if self.text.text.len() < self.charged + UNCHARGED { Ok(()) } else { self.charge() }
    }

    fn charge(&mut self) -> EvalResult<()> {
        let len = self.text.text.len();
        self.budget.text(len)?;
        self.budget.bytes(len - self.charged)?;
        self.charged = len;
        Ok(())
    }

    /// The text at its end.
    pub(crate) fn finish(mut self) -> EvalResult<Text> {
        self.charge()?;
        Ok(self.text)
    }
}
