//! `Note`: observations about a row that are counted and reported, such as how its labels were verified.

/// One observation about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// One render verified the labels.
    Proved,
    /// Renders of the conversation up to some of its turns verified the labels as well.
    ProvedByPrefixes,
    /// The `{% generation %}` tags of the template define the labels.
    Tagged,
    /// The labels follow the rules of another tool.
    Emulated,
    /// The template does not print a turn.
    ValueDropped,
    /// The template prints a turn under another role.
    OtherRole,
    /// The header of a turn is not the generation prompt.
    HeaderMismatch,
    /// The text of a turn is mixed with that of another message.
    Merged,
    /// A turn has no text that shows where it ends.
    Unanchored,
    /// A trained turn does not end with a stop token.
    MissingStop,
    /// The row begins with two begin-of-text tokens.
    DoubledBos,
    /// A control token in a text was encoded as plain text.
    ControlText,
    /// An answer is empty.
    EmptyAnswer,
    /// The row has a system prompt beside its messages, which is not read.
    UnreadSystem,
    /// The row was cut.
    Truncated,
    /// Samples of the row were left out.
    PiecesLeftOut,
}

impl Note {
    /// All notes, in their order.
    pub const ALL: [Note; 16] = [
        Note::Proved,
        Note::ProvedByPrefixes,
        Note::Tagged,
        Note::Emulated,
        Note::ValueDropped,
        Note::OtherRole,
        Note::HeaderMismatch,
        Note::Merged,
        Note::Unanchored,
        Note::MissingStop,
        Note::DoubledBos,
        Note::ControlText,
        Note::EmptyAnswer,
        Note::UnreadSystem,
        Note::Truncated,
        Note::PiecesLeftOut,
    ];

    /// The stable code of the note that summaries and manifests contain.
    pub fn code(self) -> &'static str {
        self.texts().0
    }

    /// The phrase after the number of rows in a summary, such as "rows with verified labels".
    pub fn rows(self) -> &'static str {
        self.texts().1
    }

    /// The meaning of the note for one row, as a sentence.
    pub fn sentence(self) -> &'static str {
        self.texts().2
    }

    /// Whether the note tells how the labels were made. All other notes may need attention.
    pub fn is_about_labels(self) -> bool {
        matches!(self, Note::Proved | Note::ProvedByPrefixes | Note::Tagged | Note::Emulated)
    }

    /// Code, phrase for a number of rows, sentence for one row.
    fn texts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Note::Proved => ("proved", "rows with verified labels", "The labels are verified."),
            Note::ProvedByPrefixes => (
                "proved_by_prefixes",
                "rows with labels verified against the prompts of their turns",
                "The labels are verified by rendering the conversation up to some of its turns.",
            ),
            Note::Tagged => (
                "tagged",
                "rows labeled by {% generation %} tags",
                "The {% generation %} tags of the template define the labels.",
            ),
            Note::Emulated => (
                "emulated",
                "rows labeled by the rules of another tool",
                "The labels follow the rules of another tool.",
            ),
            Note::ValueDropped => (
                "value_dropped",
                "rows with a turn that the template drops; the turn is not trained",
                "A turn is not trained: the template does not print it.",
            ),
            Note::OtherRole => (
                "other_role",
                "rows with a turn that the template prints under another role; the turn is not trained",
                "A turn is not trained: the template prints it under another role.",
            ),
            Note::HeaderMismatch => (
                "header_mismatch",
                "rows with a turn whose header is not the generation prompt; the turn is not trained",
                "A turn is not trained: its header is not the generation prompt.",
            ),
            Note::Merged => (
                "merged",
                "rows with a turn mixed with another message; the turn is not trained",
                "A turn is not trained: its text is mixed with that of another message.",
            ),
            Note::Unanchored => (
                "unanchored",
                "rows with a turn without text, whose end is uncertain; the turn is not trained",
                "A turn is not trained: it has no text, so its end is uncertain.",
            ),
            Note::MissingStop => (
                "missing_stop",
                "rows with a trained turn that does not end with a stop token",
                "A trained turn does not end with a stop token.",
            ),
            Note::DoubledBos => (
                "doubled_bos",
                "rows that begin with two begin-of-text tokens",
                "The row begins with two begin-of-text tokens.",
            ),
            Note::ControlText => (
                "control_text",
                "rows with control tokens in their texts, encoded as plain text",
                "A control token in a text was encoded as plain text.",
            ),
            Note::EmptyAnswer => (
                "empty_answer",
                "rows with an empty answer; only the text that the template adds to it is trained",
                "An answer is empty: only the text that the template adds to it is trained.",
            ),
            Note::UnreadSystem => (
                "unread_system",
                "rows with a system prompt in a column beside the messages, which is not read",
                "The row has a system prompt in a column beside the messages, which is not read.",
            ),
            Note::Truncated => ("truncated", "rows cut to max_length", "The row is cut to `max_length`."),
            Note::PiecesLeftOut => (
                "pieces_left_out",
                "rows with samples left out, because they have no trained token or are too long",
                "Samples of the row are left out: they have no trained token or are too long.",
            ),
        }
    }
}

/// Amounts of turns and tokens, of one row or of several rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Turns of the assistant, in rows that a policy labels.
    pub assistant_turns: usize,
    /// The turns of these of which a token is trained, after the row is cut.
    pub trained_turns: usize,
    /// Tokens that `max_length` cut off.
    pub cut_tokens: usize,
}

impl Amounts {
    fn add(&mut self, other: Amounts) {
        self.assistant_turns += other.assistant_turns;
        self.trained_turns += other.trained_turns;
        self.cut_tokens += other.cut_tokens;
    }
}

/// Numbers of rows by note, and the amounts of all rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoteCounts {
    rows: [usize; Note::ALL.len()],
    amounts: Amounts,
}

impl NoteCounts {
    /// The number of rows with `note`.
    pub fn rows(&self, note: Note) -> usize {
        self.rows[note as usize]
    }

    /// The amounts of all rows.
    pub fn amounts(&self) -> Amounts {
        self.amounts
    }

    /// Adds `rows` rows with `note`.
    pub fn add_rows(&mut self, note: Note, rows: usize) {
        self.rows[note as usize] += rows;
    }

    /// Adds amounts of rows.
    pub fn add_amounts(&mut self, amounts: Amounts) {
        self.amounts.add(amounts);
    }

    /// Adds other counts.
    pub fn add(&mut self, other: &NoteCounts) {
        self.rows.iter_mut().zip(other.rows).for_each(|(mine, theirs)| *mine += theirs);
        self.amounts.add(other.amounts);
    }

    /// Counts one row.
    pub(crate) fn add_row(&mut self, notes: Notes) {
        notes.iter().for_each(|note| self.rows[note as usize] += 1);
        self.amounts.add(notes.amounts);
    }
}

/// The notes of one row, each at most once, with its amounts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    bits: u16,
    pub(crate) amounts: Amounts,
}

// One bit for each note.
const _: () = assert!(Note::ALL.len() <= u16::BITS as usize);

impl Notes {
    pub(crate) fn add(&mut self, note: Note) {
        self.bits |= 1 << note as u16;
    }

    pub(crate) fn has(self, note: Note) -> bool {
        self.bits & (1 << note as u16) != 0
    }

    /// The notes, in their order.
    pub(crate) fn iter(self) -> impl Iterator<Item = Note> {
        Note::ALL.into_iter().filter(move |note| self.has(*note))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_counts_once_for_each_note() {
        let mut notes = Notes::default();
        notes.add(Note::MissingStop);
        notes.add(Note::MissingStop);
        notes.amounts = Amounts { assistant_turns: 3, trained_turns: 2, cut_tokens: 5 };
        let mut counts = NoteCounts::default();
        counts.add_row(notes);
        counts.add(&counts.clone());
        assert_eq!((counts.rows(Note::MissingStop), counts.rows(Note::Proved)), (2, 0));
        assert_eq!(counts.amounts(), Amounts { assistant_turns: 6, trained_turns: 4, cut_tokens: 10 });
        assert!(Note::ALL.iter().enumerate().all(|(index, note)| *note as usize == index));
    }

    #[test]
    fn codes_differ() {
        let mut codes: Vec<&str> = Note::ALL.iter().map(|note| note.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Note::ALL.len());
    }
}
