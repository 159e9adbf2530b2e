//! `SequenceEncoder`: turns a conversation into labeled samples, one for the row or one for each turn, and truncates
//! them.

use std::sync::Arc;

use super::labels::LabelChoice;
use super::notes::{Note, Notes};
use super::sample::{Details, Sample, SampleDetails, SampleSink};
use super::truncate::truncate;
use super::{AllMasked, Options, Split, Truncation};
use crate::attribution::{Attributed, Attributor};
use crate::error::{Error, ErrorKind, Result};
use crate::label::{MASKED, TrainedSpans};
use crate::rows::Conversation;
use crate::template::Request;
use crate::tokenizer::{TokenSpan, Tokenizer, Tokens};

/// Buffers that one worker reuses for all its rows.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(super) tokens: Tokens,
    pub(super) spans: Vec<TokenSpan>,
    pub(super) labels: Vec<i32>,
    pub(super) weights: Vec<f32>,
    /// Whether the byte ends of the tokens are needed, even where labels can do without.
    pub(super) wants_ends: bool,
}

impl Scratch {
    pub(super) fn clear(&mut self) {
        self.tokens.clear();
        self.spans.clear();
        self.labels.clear();
        self.weights.clear();
    }
}

/// A text with its trained part.
pub(super) struct Labeled {
    pub(super) text: String,
    pub(super) trained: TrainedPart,
    pub(super) attributed: Option<Attributed>,
    /// Byte positions at which the text is cut into segments that are encoded independently; empty for one segment.
    pub(super) cuts: Vec<usize>,
}

/// The part of a text that is trained.
pub(super) enum TrainedPart {
    All,
    Nothing,
    Spans(TrainedSpans),
    /// The labels are in the scratch buffers already.
    Done,
}

/// The parts that every encoder of conversations needs.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    pub(super) tokenizer: Arc<Tokenizer>,
    pub(super) attributor: Arc<Attributor>,
    pub(super) options: Arc<Options>,
    /// The begin-of-text token.
    pub(super) bos: Option<u32>,
}

impl Parts {
    /// A render request for `conversation`.
    pub(super) fn request<'r, 'c>(&'r self, conversation: &'r Conversation<'c>) -> Request<'r, 'c> {
        Request {
            conversation,
            variables: &self.options.chat_template_kwargs,
            add_generation_prompt: false,
            now: self.options.now,
        }
    }

    /// Notes a doubled begin-of-text token.
    pub(super) fn note_bos(&self, ids: &[u32], notes: &mut Notes) {
        if self.bos.is_some_and(|bos| ids.starts_with(&[bos, bos])) {
            notes.add(Note::DoubledBos);
        }
    }
}

/// Encodes one conversation as one sequence.
pub(super) trait SequenceEncoder {
    fn parts(&self) -> &Parts;

    /// Leaves token ids and labels of `conversation` in `scratch`, which is empty before. `only` is the one message to
    /// train.
    fn encode(
        &self,
        conversation: &Conversation<'_>,
        only: Option<usize>,
        scratch: &mut Scratch,
        notes: &mut Notes,
    ) -> Result<Labeled>;

    /// Encodes a row and pushes its samples.
    fn samples(
        &self,
        conversation: &Conversation<'_>,
        scratch: &mut Scratch,
        sink: &mut dyn SampleSink,
        notes: &mut Notes,
    ) -> Result<()> {
        let options = &self.parts().options;
        match (options.split, &options.labels) {
            (Some(Split::PerTurn), LabelChoice::Policy(policy)) => {
                let turns = policy.trained_messages(conversation)?;
                self.samples_per_turn(turns, conversation, scratch, sink, notes)
            }
            // A split of emulated labels is refused by `support`.
            _ => self.samples_of(conversation, None, scratch, sink, notes),
        }
    }

    /// One sample for each of `turns`, rendered as if the conversation ended with this turn.
    fn samples_per_turn(
        &self,
        turns: Vec<usize>,
        conversation: &Conversation<'_>,
        scratch: &mut Scratch,
        sink: &mut dyn SampleSink,
        notes: &mut Notes,
    ) -> Result<()> {
        let options = &self.parts().options;
        let (mut kept, mut left_out) = (false, None);
        for turn in turns {
            let messages = conversation.messages[..=turn].to_vec();
            let up_to = Conversation { messages, ..conversation.clone() };
            match self.samples_of(&up_to, Some(turn), scratch, sink, notes) {
                Ok(()) => kept = true,
                Err(error) if error.kind == ErrorKind::TooLong && options.truncation == Truncation::Raise => {
                    return Err(error);
                }
                // The other samples of the row are not affected.
                Err(error) if error.kind.is_all_masked() || error.kind == ErrorKind::TooLong => left_out = Some(error),
                Err(error) => return Err(error),
            }
        }
        if !kept {
            let nothing = || {
                Error::new(
                    ErrorKind::NothingToTrain,
                    "no turn is trained; check the roles of the messages and their training flags",
                )
            };
            return Err(left_out.unwrap_or_else(nothing));
        }
        if left_out.is_some() {
            notes.add(Note::PiecesLeftOut);
        }
        Ok(())
    }

    fn samples_of(
        &self,
        conversation: &Conversation<'_>,
        only: Option<usize>,
        scratch: &mut Scratch,
        sink: &mut dyn SampleSink,
        notes: &mut Notes,
    ) -> Result<()> {
        scratch.clear();
        scratch.wants_ends = sink.wants_details();
        let parts = self.parts();
        let labeled = self.encode(conversation, only, scratch, notes)?;
        let details = match sink.wants_details() {
            false => None,
            true => {
                align(parts, &labeled, &mut scratch.tokens)?;
                Some(Arc::new(details(parts, conversation, &labeled)))
            }
        };
        let cut = Cut { options: &parts.options, details, left_out_turns: labeled.left_out_turns() };
        let Scratch { tokens, labels, weights, .. } = scratch;
        let length = tokens.ids.len();
        let ranges = truncate(length, parts.options.max_length, parts.options.truncation, || {
            turn_ends(parts, conversation, &labeled, tokens)
        })?;
        cut.push(ranges, (tokens, labels, weights), sink, notes)
    }
}

impl Labeled {
    fn left_out_turns(&self) -> bool {
        matches!(&self.trained, TrainedPart::Spans(spans) if !spans.left_out.is_empty())
    }
}

/// Pushes the kept ranges of one sequence as samples.
pub(super) struct Cut<'c> {
    pub(super) options: &'c Options,
    pub(super) details: Option<Arc<Details>>,
    /// Whether turns were left out because they are not verified or not printed.
    pub(super) left_out_turns: bool,
}

impl Cut<'_> {
    pub(super) fn push(
        &self,
        ranges: Vec<std::ops::Range<usize>>,
        (tokens, labels, weights): (&Tokens, &[i32], &[f32]),
        sink: &mut dyn SampleSink,
        notes: &mut Notes,
    ) -> Result<()> {
        if ranges.iter().any(|range| range.len() < tokens.ids.len()) {
            notes.add(Note::Truncated);
        }
        let masked = |labels: &[i32]| labels.iter().all(|&label| label == MASKED);
        let rejects = self.options.all_masked == AllMasked::Reject && !self.options.labels.is_nothing();
        let mut kept = 0;
        for range in ranges {
            if rejects && masked(&labels[range.clone()]) {
                notes.add(Note::PiecesLeftOut);
                continue;
            }
            kept += 1;
            let details = self.details.as_ref().map(|details| SampleDetails {
                details,
                ends: &tokens.ends[range.clone()],
                start: range.start.checked_sub(1).map_or(0, |before| tokens.ends[before]),
                answer: None,
            });
            let weights = if weights.is_empty() { weights } else { &weights[range.clone()] };
            sink.push(Sample { ids: &tokens.ids[range.clone()], labels: &labels[range], weights, details });
        }
        if kept == 0 {
            return Err(self.all_masked(!masked(labels)));
        }
        Ok(())
    }

    fn all_masked(&self, before_the_cut: bool) -> Error {
        if before_the_cut {
            let text =
                "all trained tokens of the row are beyond `max_length`; use a greater one or another `truncation`";
            Error::new(ErrorKind::TrainedPartCutOff, text)
        } else if self.left_out_turns {
            let text = "no token is trained: every assistant turn is unverified, or omitted by the template";
            Error::new(ErrorKind::TrainedTurnsLeftOut, text)
        } else {
            let text = "no token is trained; check the roles of the messages and their training flags";
            Error::new(ErrorKind::NothingToTrain, text)
        }
    }
}

/// Sets the byte ends of the tokens, unless they are known.
fn align(parts: &Parts, labeled: &Labeled, tokens: &mut Tokens) -> Result<()> {
    if tokens.ends.len() == tokens.ids.len() {
        return Ok(());
    }
    let mut aligned = Tokens::default();
    parts.tokenizer.tokens(&labeled.text, &labeled.cuts, &mut aligned)?;
    if aligned.ids.len() != tokens.ids.len() {
        let (first, second) = (tokens.ids.len(), aligned.ids.len());
        let text = format!("the tokenizer gave {first} tokens for a text, and {second} tokens with offsets");
        return Err(Error::new(ErrorKind::Internal, text));
    }
    tokens.ends = aligned.ends;
    Ok(())
}

/// The number of tokens up to the end of each turn.
fn turn_ends(
    parts: &Parts,
    conversation: &Conversation<'_>,
    labeled: &Labeled,
    tokens: &mut Tokens,
) -> Result<Vec<usize>> {
    align(parts, labeled, tokens)?;
    let found;
    let attributed = match &labeled.attributed {
        Some(attributed) => attributed,
        None => {
            found = parts.attributor.regions(parts.request(conversation))?.1?;
            &found
        }
    };
    let regions = attributed.regions.as_slice();
    let ends = regions.iter().enumerate().filter(|(index, region)| {
        region.message.is_some() && regions.get(index + 1).is_none_or(|next| next.message != region.message)
    });
    Ok(ends.map(|(_, region)| tokens.ends.partition_point(|&end| end as usize <= region.end)).collect())
}

/// The text, regions and roles of a sequence.
fn details(parts: &Parts, conversation: &Conversation<'_>, labeled: &Labeled) -> Details {
    let regions = match &labeled.attributed {
        Some(attributed) => Ok(attributed.regions.clone()),
        None => parts.attributor.regions(parts.request(conversation)).and_then(|(rendered, attributed)| {
            if rendered == labeled.text {
                return attributed.map(|attributed| attributed.regions);
            }
            let text = "the regions are unknown: the emulated tool renders another conversation than the row's";
            Err(Error::new(ErrorKind::AnotherText, text))
        }),
    };
    let roles = (0..conversation.messages.len()).map(|index| conversation.role(index).to_owned()).collect();
    Details { text: labeled.text.clone(), regions, roles }
}
