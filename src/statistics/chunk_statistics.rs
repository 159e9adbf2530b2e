//! `ChunkStatistics`: the sums of the figures of a few consecutive rows.

use std::collections::BTreeMap;

use super::marks::{Marked, RowMark};
use super::outline::roles_text;
use super::role_names::RoleNames;
use super::row_figures::RowFigures;
use super::row_statistics::{MAX_ROLE_SEQUENCES, RowStatistics};
use super::sums::{ByKind, Extreme, StopCounts, TurnTokens, add_each, add_kinds, add_named, greater, less};

/// Turns of the assistant that are counted; later ones are counted with the last of them.
const MAX_TURNS: usize = 16;

/// The sums of a few consecutive rows, in a form that is fast to add to: no row needs a new text or a new place in a
/// map.
#[derive(Debug, Default)]
pub(crate) struct ChunkStatistics {
    pub(crate) row: RowFigures,
    sums: RowStatistics,
    lengths: Vec<u32>,
    /// Rows by the numbers of their roles.
    roles: BTreeMap<Vec<u8>, u64>,
    /// By the number of the role; the first one is for text outside of messages.
    regions: Vec<ByKind>,
    marks: Vec<(&'static str, Marked)>,
    /// A buffer that each row uses again.
    seen: Vec<SeenMessage>,
}

/// What the samples of a row have of a message.
#[derive(Debug, Clone, Copy, Default)]
struct SeenMessage {
    is_turn: bool,
    is_trained: bool,
    has_reasoning: bool,
}

impl ChunkStatistics {
    /// Without rows; `row` gives its buffers.
    pub(crate) fn new(mut row: RowFigures) -> ChunkStatistics {
        row.forget_names();
        ChunkStatistics { row, ..ChunkStatistics::default() }
    }

    /// Adds the row in `row`, which became samples, with the codes of its notes.
    pub(crate) fn add_row(&mut self, row: usize, notes: impl Iterator<Item = &'static str>) {
        let row = row as u64;
        for code in notes {
            self.mark(code, row);
        }
        self.add_sequences();
        self.add_outline(row);
        self.add_regions(row);
        if self.row.sequences().iter().all(|it| it.kept_trained == 0) {
            self.mark(RowMark::Untrained.code(), row);
        }
        let sums = &mut self.sums;
        for sequence in self.row.sequences() {
            sums.bytes += sequence.bytes as u64;
            sums.text_tokens += sequence.length as u64;
            if sequence.is_kept {
                sums.cut_trained += (sequence.trained() - sequence.kept_trained) as u64;
            }
            let (trained, length) = (sequence.kept_trained as u64, sequence.kept_length as u64);
            greater(&mut sums.longest, Extreme { part: length, of: 1, row });
            if trained > 0 {
                less(&mut sums.least_trained, Extreme { part: trained, of: length, row });
            }
        }
    }

    /// Adds the sequences of a row that was rejected because they are too long.
    pub(crate) fn add_sequences(&mut self) {
        for sequence in self.row.sequences() {
            self.lengths.push(sequence.length as u32);
            add_each(&mut self.sums.trained_cells, &sequence.cells);
        }
    }

    fn add_outline(&mut self, row: u64) {
        let Some(outline) = self.row.outline else { return };
        let messages = self.row.roles.len() as u64;
        *self.sums.messages.entry(messages).or_default() += 1;
        *self.sums.tools.entry(outline.tools as u64).or_default() += 1;
        match self.roles.get_mut(&self.row.roles) {
            Some(rows) => *rows += 1,
            None => {
                self.roles.insert(self.row.roles.clone(), 1);
            }
        }
        greater(&mut self.sums.most_turns, Extreme { part: messages, of: 1, row });
        for (mark, is_marked) in [
            (RowMark::EmptyMessage, outline.has_empty_message),
            (RowMark::RepeatedRole, outline.repeats_role),
            (RowMark::Unanswered, outline.is_unanswered()),
            (RowMark::LateSystem, outline.has_late_system),
        ] {
            if is_marked {
                self.mark(mark.code(), row);
            }
        }
    }

    fn add_regions(&mut self, row: u64) {
        let figures = &self.row;
        let (mut stops, mut has_regions, mut is_dropped, mut has_control) =
            (StopCounts::default(), false, false, false);
        // For each message: whether a sample has its turn, trains it, and prints its reasoning.
        self.seen.clear();
        self.seen.resize(figures.roles.len(), SeenMessage::default());
        for sequence in figures.sequences().iter().filter(|it| it.has_regions && it.is_kept) {
            has_regions = true;
            let mut turn = None;
            for piece in &sequence.pieces {
                let slot = piece.message.and_then(|at| figures.roles.get(at)).map_or(0, |role| usize::from(*role) + 1);
                if self.regions.len() <= slot {
                    self.regions.resize(slot + 1, ByKind::default());
                }
                let tokens = piece.tokens();
                self.regions[slot][piece.kind as usize].add(tokens, piece.trained);
                let Some(message) = piece.message.filter(|at| *at < self.seen.len()) else { continue };
                let Some(index) = figures.turns[message] else { continue };
                let place = index.min(MAX_TURNS - 1);
                if self.sums.turns.len() <= place {
                    self.sums.turns.resize(place + 1, TurnTokens::default());
                }
                let counted = &mut self.sums.turns[place];
                if turn != Some(index) {
                    turn = Some(index);
                    counted.turns += 1;
                }
                counted.tokens += tokens as u64;
                counted.trained += piece.trained as u64;
                let seen = &mut self.seen[message];
                seen.is_turn = true;
                // A turn whose trained tokens were cut off is not masked by its labels.
                seen.is_trained |= sequence.printed.get(message).is_some_and(|it| it.trained);
            }
            for at in &figures.reasoning {
                self.seen[*at].has_reasoning |= sequence.printed.get(*at).is_some_and(|it| it.reasoning);
            }
            stops.add(sequence.stops);
            has_control |= sequence.has_control;
            is_dropped |= figures.has_dropped(sequence);
        }
        if !has_regions {
            return;
        }
        let is_untrained = self.seen.iter().any(|it| it.is_turn && !it.is_trained);
        let printed = figures.reasoning.iter().filter(|at| self.seen[**at].has_reasoning).count();
        let given = figures.reasoning.len();
        self.sums.region_rows += 1;
        self.sums.stops.add(stops);
        self.sums.reasoning_given += given as u64;
        self.sums.reasoning_printed += printed as u64;
        for (mark, is_marked) in [
            (RowMark::UntrainedTurn, is_untrained),
            (RowMark::StopMasked, stops.masked > 0),
            (RowMark::StopCut, stops.cut > 0),
            (RowMark::StopMissing, stops.missing > 0),
            (RowMark::ReasoningDropped, printed < given),
            (RowMark::ContentDropped, is_dropped),
            (RowMark::ControlToken, has_control),
        ] {
            if is_marked {
                self.mark(mark.code(), row);
            }
        }
    }

    fn mark(&mut self, code: &'static str, row: u64) {
        match self.marks.iter_mut().find(|(known, _)| *known == code) {
            Some((_, marked)) => marked.rows += 1,
            None => self.marks.push((code, Marked { rows: 1, first: row })),
        }
    }

    /// The sums, after the last row, and the buffers.
    pub(crate) fn finish(mut self) -> (RowStatistics, RowFigures) {
        let mut sums = self.sums;
        self.lengths.sort_unstable();
        for same in self.lengths.chunk_by(|left, right| left == right) {
            sums.lengths.insert(same[0], same.len() as u64);
        }
        let names: &RoleNames = &self.row.names;
        for (roles, rows) in &self.roles {
            add_named(&mut sums.roles, &roles_text(roles, names), *rows, MAX_ROLE_SEQUENCES);
        }
        for (slot, kinds) in self.regions.iter().enumerate() {
            let name = slot.checked_sub(1).map_or("", |role| names.name(role as u8));
            add_kinds(&mut sums.regions, name, kinds);
        }
        sums.marks = self.marks.into_iter().map(|(code, marked)| (code.to_owned(), marked)).collect();
        (sums, self.row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::parse_json;
    use crate::label::MASKED;
    use crate::rows::Conversation;

    fn statistics(rows: &[(&str, Vec<i32>)]) -> RowStatistics {
        let mut chunk = ChunkStatistics::default();
        for (row, (messages, labels)) in rows.iter().enumerate() {
            let conversation = Conversation::new(parse_json(messages.as_bytes()).unwrap()).unwrap();
            chunk.row.clear(false);
            chunk.row.describe(&conversation);
            chunk.row.push_sequence(labels.len() * 3, 2, labels, &[]);
            chunk.row.keep(&[0..labels.len()]);
            chunk.add_row(row, ["proved"].into_iter());
        }
        chunk.finish().0
    }

    const GOOD: &str = r#"[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]"#;
    const EMPTY: &str = r#"[{"role": "user", "content": ""}, {"role": "assistant", "content": "b"}]"#;

    #[test]
    fn sums_do_not_depend_on_the_batches() {
        let rows = [(GOOD, vec![1; 70]), (EMPTY, vec![MASKED, 1]), (GOOD, vec![1; 70]), (EMPTY, vec![1; 300])];
        let whole = statistics(&rows);
        let (mut first, second) = (statistics(&rows[..2]), statistics(&rows[2..]));
        first.add(&second, 2);
        assert_eq!(first, whole);
        assert_eq!(whole.lengths, BTreeMap::from([(2, 1), (70, 2), (300, 1)]));
        assert_eq!(whole.trained_cells.iter().sum::<u64>(), 441);
        assert_eq!(whole.marks["empty_message"], Marked { rows: 2, first: 1 });
        assert_eq!(whole.longest, Some(Extreme { part: 300, of: 1, row: 3 }));
        assert_eq!(whole.least_trained, Some(Extreme { part: 1, of: 2, row: 1 }));
        assert_eq!(whole.roles, BTreeMap::from([("user assistant".to_owned(), 4)]));
        let json = serde_json::to_string(&whole).unwrap();
        assert_eq!(serde_json::from_str::<RowStatistics>(&json).unwrap(), whole);
    }
}
