//! What is worth counting of a run.

/// Something that can be said of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// The labels are proved by one render.
    Proved,
    /// They are proved by rendering the conversation up to some of its turns as well.
    ProvedByPrefixes,
    /// They are what the tags of the template enclose.
    Tagged,
    /// They are made as another tool makes them.
    Peer,
    /// A turn is not trained, since the template does not print it.
    ValueDropped,
    /// A turn is not trained, since the template prints it as another role's.
    OtherRole,
    /// A turn is not trained, since its header is not the generation prompt.
    HeaderMismatch,
    /// A turn is not trained, since it has no place of its own.
    Merged,
    /// A turn is not trained, since it has no words that tell its place.
    Unanchored,
    /// A trained turn does not end in a stop token.
    MissingStop,
    /// The text begins with two begin-of-text tokens.
    DoubledBos,
    /// Text of a user that reads as a control token was encoded as plain text.
    ControlText,
    /// An answer has no words: of its turn only what the template puts around it is trained.
    EmptyAnswer,
    /// The row was cut.
    Truncated,
    /// Samples of a row were left out: without a trained token, or too long.
    PiecesLeftOut,
}

impl Note {
    /// All notes, in their order.
    pub const ALL: [Note; 15] = [
        Note::Proved,
        Note::ProvedByPrefixes,
        Note::Tagged,
        Note::Peer,
        Note::ValueDropped,
        Note::OtherRole,
        Note::HeaderMismatch,
        Note::Merged,
        Note::Unanchored,
        Note::MissingStop,
        Note::DoubledBos,
        Note::ControlText,
        Note::EmptyAnswer,
        Note::Truncated,
        Note::PiecesLeftOut,
    ];

    /// The stable word for summaries.
    pub fn code(self) -> &'static str {
        match self {
            Note::Proved => "proved",
            Note::ProvedByPrefixes => "proved_by_prefixes",
            Note::Tagged => "tagged",
            Note::Peer => "like_another_tool",
            Note::ValueDropped => "value_dropped",
            Note::OtherRole => "other_role",
            Note::HeaderMismatch => "header_mismatch",
            Note::Merged => "merged",
            Note::Unanchored => "unanchored",
            Note::MissingStop => "missing_stop",
            Note::DoubledBos => "doubled_bos",
            Note::ControlText => "control_text",
            Note::EmptyAnswer => "empty_answer",
            Note::Truncated => "truncated",
            Note::PiecesLeftOut => "pieces_left_out",
        }
    }
}

/// Rows by what was noted of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally([usize; Note::ALL.len()]);

impl Tally {
    /// Rows of which this was noted.
    pub fn rows(&self, note: Note) -> usize {
        self.0[note as usize]
    }

    /// Adds the rows of another tally.
    pub fn add(&mut self, other: &Tally) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// Adds what was noted of one row.
    pub(super) fn add_row(&mut self, notes: Notes) {
        Note::ALL.into_iter().filter(|note| notes.has(*note)).for_each(|note| self.0[note as usize] += 1);
    }
}

/// What was noted of one row: each note once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Notes(u16);

impl Notes {
    pub(super) fn note(&mut self, note: Note) {
        self.0 |= 1 << note as u16;
    }

    pub(super) fn has(self, note: Note) -> bool {
        self.0 & (1 << note as u16) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_counts_once_by_note() {
        let mut notes = Notes::default();
        notes.note(Note::MissingStop);
        notes.note(Note::MissingStop);
        let mut tally = Tally::default();
        tally.add_row(notes);
        tally.add(&tally.clone());
        assert_eq!((tally.rows(Note::MissingStop), tally.rows(Note::Proved)), (2, 0));
        assert!(Note::ALL.iter().enumerate().all(|(index, note)| *note as usize == index));
    }
}
