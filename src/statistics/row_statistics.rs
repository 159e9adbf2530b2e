//! `RowStatistics`: the sums of the figures of many rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::outline::roles_text;
use super::role_names::{OTHERS, RoleNames};
use super::row_figures::RowFigures;
use crate::attribution::RegionKind;

/// Sequences of roles that are counted; all others are counted together.
const MAX_ROLE_SEQUENCES: usize = 200;
/// Roles that are counted; all others are counted together.
const MAX_ROLES: usize = 42;
/// Turns of the assistant that are counted; later ones are counted with the last of them.
const MAX_TURNS: usize = 16;

/// Something about a row that may need attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowMark {
    /// A message of another role than the assistant's has no text.
    EmptyMessage,
    /// Two messages in a row are from the user, or from the assistant.
    RepeatedRole,
    /// The last message is not the assistant's.
    Unanswered,
    /// A system message is not the first message.
    LateSystem,
    /// No sample of the row has a trained token.
    Untrained,
    /// A turn of the assistant has no trained token.
    UntrainedTurn,
    /// The stop token of a trained turn is not trained.
    StopMasked,
    /// The stop token of a trained turn was cut off.
    StopCut,
    /// A trained turn has no stop token.
    StopMissing,
    /// Reasoning is not in the text.
    ReasoningDropped,
    /// The text of a message is not in the text of the row.
    ContentDropped,
    /// The text of a message has a control token, which is encoded as one.
    ControlToken,
}

impl RowMark {
    /// Those that only regions tell.
    const OF_REGIONS: [RowMark; 7] = [
        RowMark::UntrainedTurn,
        RowMark::StopMasked,
        RowMark::StopCut,
        RowMark::StopMissing,
        RowMark::ReasoningDropped,
        RowMark::ContentDropped,
        RowMark::ControlToken,
    ];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            RowMark::EmptyMessage => "empty_message",
            RowMark::RepeatedRole => "repeated_role",
            RowMark::Unanswered => "unanswered",
            RowMark::LateSystem => "late_system",
            RowMark::Untrained => "untrained",
            RowMark::UntrainedTurn => "untrained_turn",
            RowMark::StopMasked => "stop_masked",
            RowMark::StopCut => "stop_cut",
            RowMark::StopMissing => "stop_missing",
            RowMark::ReasoningDropped => "reasoning_dropped",
            RowMark::ContentDropped => "content_dropped",
            RowMark::ControlToken => "control_token",
        }
    }
}

/// The rows with a mark or a note.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marked {
    /// Number of rows.
    pub rows: u64,
    /// The first of them.
    pub first: u64,
}

/// Tokens of one role and one kind of region in samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionTokens {
    /// All tokens.
    pub tokens: u64,
    /// Those of them that are trained.
    pub trained: u64,
}

/// The turns of the assistant with one index in their conversations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnTokens {
    /// Number of turns.
    pub turns: u64,
    /// Their tokens in samples.
    pub tokens: u64,
    /// Those of them that are trained.
    pub trained: u64,
}

/// The stop tokens of trained turns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopCounts {
    /// They are trained.
    pub trained: u64,
    /// They are in the sample, but not trained.
    pub masked: u64,
    /// They were cut off.
    pub cut: u64,
    /// The turn has none.
    pub missing: u64,
}

/// A row with the greatest or least value: a fraction, because a float may change when it is written as a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extreme {
    /// The number above the line.
    pub part: u64,
    /// The number below it; not 0.
    pub of: u64,
    /// The first row that has the value.
    pub row: u64,
}

impl Extreme {
    /// The value.
    pub fn value(&self) -> f64 {
        self.part as f64 / self.of as f64
    }

    fn is_above(&self, other: &Extreme) -> bool {
        u128::from(self.part) * u128::from(other.of) > u128::from(other.part) * u128::from(self.of)
    }
}

/// The tokens of one role by kind of region, in the order of [`RegionKind::ALL`].
type ByKind = [RegionTokens; RegionKind::ALL.len()];

/// The sums of the figures of many rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowStatistics {
    /// Sequences by their length before any cut, with those that were rejected for their length.
    lengths: BTreeMap<u32, u64>,
    /// Trained tokens of these sequences by [cell](super::limit_cells) of positions.
    trained_cells: Vec<u64>,
    /// Bytes of the texts of the rows that became samples, before any cut.
    bytes: u64,
    /// Tokens of these texts.
    text_tokens: u64,
    /// Trained tokens that were cut off.
    cut_trained: u64,
    messages: BTreeMap<u64, u64>,
    roles: BTreeMap<String, u64>,
    tools: BTreeMap<u64, u64>,
    /// Rows whose regions are known.
    region_rows: u64,
    regions: BTreeMap<String, ByKind>,
    turns: Vec<TurnTokens>,
    stops: StopCounts,
    reasoning_given: u64,
    reasoning_printed: u64,
    marks: BTreeMap<String, Marked>,
    longest: Option<Extreme>,
    least_trained: Option<Extreme>,
    most_turns: Option<Extreme>,
}

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
                seen.is_trained |= piece.trained > 0;
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

    /// The sums, after the last row.
    pub(crate) fn finish(mut self) -> RowStatistics {
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
        sums
    }
}

impl RowStatistics {
    /// Bytes of the texts of the rows that became samples, and tokens of these texts, before any cut.
    pub fn texts(&self) -> (u64, u64) {
        (self.bytes, self.text_tokens)
    }

    /// The first row with each mark or note, by its code.
    pub fn first_rows(&self) -> impl Iterator<Item = (&str, u64)> {
        self.marks.iter().map(|(code, marked)| (code.as_str(), marked.first))
    }

    /// The rows with the longest sample, the least trained share that is not 0, and the most messages.
    pub fn extremes(&self) -> impl Iterator<Item = (&'static str, Extreme)> {
        let found = [("longest", self.longest), ("least_trained", self.least_trained), ("most_turns", self.most_turns)];
        found.into_iter().filter_map(|(name, extreme)| Some((name, extreme?)))
    }

    /// Rows whose regions are known.
    pub fn region_rows(&self) -> u64 {
        self.region_rows
    }

    /// Adds only what regions tell, of some of the rows: their tokens by role, kind and turn, stop tokens, and marks.
    /// `rows` has the number of each of them.
    pub fn add_regions(&mut self, other: &RowStatistics, rows: &[u64]) {
        self.add_region_sums(other);
        for mark in RowMark::OF_REGIONS {
            let Some(marked) = other.marks.get(mark.code()) else { continue };
            let first = rows.get(marked.first as usize).copied().unwrap_or_default();
            match self.marks.get_mut(mark.code()) {
                Some(mine) => mine.rows += marked.rows,
                None => {
                    self.marks.insert(mark.code().to_owned(), Marked { rows: marked.rows, first });
                }
            }
        }
    }

    fn add_region_sums(&mut self, other: &RowStatistics) {
        self.region_rows += other.region_rows;
        for (role, kinds) in &other.regions {
            add_kinds(&mut self.regions, role, kinds);
        }
        if self.turns.len() < other.turns.len() {
            self.turns.resize(other.turns.len(), TurnTokens::default());
        }
        self.turns.iter_mut().zip(&other.turns).for_each(|(mine, theirs)| mine.add(*theirs));
        self.stops.add(other.stops);
        self.reasoning_given += other.reasoning_given;
        self.reasoning_printed += other.reasoning_printed;
    }

    /// Adds the statistics of later rows, whose numbers begin at `first_row`.
    pub fn add(&mut self, other: &RowStatistics, first_row: usize) {
        let first_row = first_row as u64;
        add_counts(&mut self.lengths, &other.lengths);
        add_each(&mut self.trained_cells, &other.trained_cells);
        self.bytes += other.bytes;
        self.text_tokens += other.text_tokens;
        self.cut_trained += other.cut_trained;
        add_counts(&mut self.messages, &other.messages);
        add_counts(&mut self.tools, &other.tools);
        for (roles, rows) in &other.roles {
            add_named(&mut self.roles, roles, *rows, MAX_ROLE_SEQUENCES);
        }
        self.add_region_sums(other);
        for (code, marked) in &other.marks {
            match self.marks.get_mut(code) {
                Some(mine) => mine.rows += marked.rows,
                None => {
                    self.marks.insert(code.clone(), Marked { rows: marked.rows, first: marked.first + first_row });
                }
            }
        }
        for (mine, theirs) in [(&mut self.longest, &other.longest), (&mut self.most_turns, &other.most_turns)] {
            if let Some(theirs) = theirs {
                greater(mine, Extreme { row: theirs.row + first_row, ..*theirs });
            }
        }
        if let Some(theirs) = &other.least_trained {
            less(&mut self.least_trained, Extreme { row: theirs.row + first_row, ..*theirs });
        }
    }
}

impl RegionTokens {
    fn add(&mut self, tokens: usize, trained: usize) {
        self.tokens += tokens as u64;
        self.trained += trained as u64;
    }
}

impl TurnTokens {
    fn add(&mut self, other: TurnTokens) {
        self.turns += other.turns;
        self.tokens += other.tokens;
        self.trained += other.trained;
    }
}

impl StopCounts {
    fn add(&mut self, other: StopCounts) {
        self.trained += other.trained;
        self.masked += other.masked;
        self.cut += other.cut;
        self.missing += other.missing;
    }
}

fn greater(extreme: &mut Option<Extreme>, other: Extreme) {
    if extreme.is_none_or(|it| other.is_above(&it)) {
        *extreme = Some(other);
    }
}

fn less(extreme: &mut Option<Extreme>, other: Extreme) {
    if extreme.is_none_or(|it| it.is_above(&other)) {
        *extreme = Some(other);
    }
}

fn add_each(mine: &mut Vec<u64>, theirs: &[u64]) {
    if mine.len() < theirs.len() {
        mine.resize(theirs.len(), 0);
    }
    mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine += theirs);
}

fn add_counts<K: Ord + Copy>(mine: &mut BTreeMap<K, u64>, theirs: &BTreeMap<K, u64>) {
    for (key, count) in theirs {
        *mine.entry(*key).or_default() += count;
    }
}

/// Adds the tokens of a role, or of all others if there are too many roles.
fn add_kinds(regions: &mut BTreeMap<String, ByKind>, role: &str, kinds: &ByKind) {
    if kinds.iter().all(|kind| kind.tokens == 0) {
        return;
    }
    let mine = match regions.get_mut(role) {
        Some(mine) => mine,
        None => {
            let role = if regions.len() < MAX_ROLES { role } else { OTHERS };
            regions.entry(role.to_owned()).or_default()
        }
    };
    for (mine, theirs) in mine.iter_mut().zip(kinds) {
        mine.tokens += theirs.tokens;
        mine.trained += theirs.trained;
    }
}

/// Adds to the count of a name, or to that of all others if there are too many names.
fn add_named(counts: &mut BTreeMap<String, u64>, name: &str, count: u64, max: usize) {
    match counts.get_mut(name) {
        Some(mine) => *mine += count,
        None => {
            let name = if counts.len() < max { name } else { OTHERS };
            *counts.entry(name.to_owned()).or_default() += count;
        }
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
            chunk.row.push_sequence(labels.len() * 3, 2, labels);
            chunk.row.keep(&[0..labels.len()]);
            chunk.add_row(row, ["proved"].into_iter());
        }
        chunk.finish()
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

    #[test]
    fn too_many_names_are_counted_together() {
        let mut counts = BTreeMap::new();
        for name in 0..10 {
            add_named(&mut counts, &name.to_string(), 1, 4);
        }
        assert_eq!((counts.len(), counts[OTHERS]), (5, 6));
    }
}
