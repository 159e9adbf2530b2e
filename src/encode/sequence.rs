//! `SequenceEncoder`: turns a conversation into labeled samples, one for the row or one for each turn.

use std::sync::Arc;

use super::cut::Cut;
use super::details::{align, details, turn_ends};
use super::labeled::Labeled;
use super::labels::LabelChoice;
use super::notes::{Note, Notes};
use super::parts::{Parts, Scratch};
use super::sample::{Details, SampleSink};
use super::truncate::truncate;
use super::{Options, SpecialTokens, Split, Truncation};
use crate::error::{Error, ErrorKind, Result};
use crate::names;
use crate::rows::{Conversation, Role};
use crate::statistics::{RowFigures, WholeSequence};
use crate::tokenizer::token_spans;

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
        if let Some(figures) = sink.figures() {
            figures.describe(conversation);
        }
        if matches!(options.labels, LabelChoice::Policy(_)) {
            notes.amounts.assistant_turns = assistant_turns(conversation);
        }
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
            match self.samples_of(&conversation.prefix(turn + 1), Some(turn), scratch, sink, notes) {
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
            return Err(without_assistant(left_out.unwrap_or_else(nothing), conversation, options));
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
        scratch.wants_regions = sink.figures().is_some();
        let parts = self.parts();
        let labeled = self.encode(conversation, only, scratch, notes)?;
        if let Some(figures) = sink.figures() {
            count(parts, conversation, &labeled, scratch, figures);
        }
        let details = match sink.wants_details() {
            false => None,
            true => {
                align(&parts.tokenizer, &labeled.text, &labeled.cuts, &mut scratch.tokens)?;
                Some(Arc::new(details(parts, conversation, &labeled)))
            }
        };
        let cut = Cut { options: &parts.options, details, left_out_turns: labeled.left_out_turns() };
        let length = scratch.tokens.ids.len();
        let ranges = truncate(length, parts.options.max_length, parts.options.truncation, || {
            turn_ends(parts, conversation, &labeled, &mut scratch.tokens)
        })?;
        let Scratch { tokens, labels, weights, .. } = &*scratch;
        let kept = cut
            .push(ranges, (tokens, labels, weights), sink, notes)
            .map_err(|error| without_assistant(error, conversation, &parts.options))?;
        let turns = only.map_or_else(|| assistant_turns(conversation), |_| 1);
        notes.amounts.trained_turns += labeled.trained_turns(turns, &kept, scratch);
        Ok(())
    }
}

/// Counts a sequence before it is cut. Its regions are those that the labels needed, or are found for some rows.
fn count(
    parts: &Parts,
    conversation: &Conversation<'_>,
    labeled: &Labeled,
    scratch: &mut Scratch,
    figures: &mut RowFigures,
) {
    let Scratch { tokens, spans, labels, has_region_spans, .. } = scratch;
    let of_labels = if *has_region_spans { &spans[..] } else { &[] };
    figures.push_sequence(labeled.text.len(), conversation.messages.len(), labels, of_labels);
    let is_added = |id: u32| parts.tokenizer.is_added(id);
    // Texts have control tokens only with `special_tokens="allow"`; otherwise they are encoded as plain text, or the row
    // is an error.
    let may_have_control = parts.options.special_tokens == SpecialTokens::Allow;
    let allowed = &parts.options.allowed_special_tokens;
    let has_control = |ids: &[u32]| may_have_control && parts.tokenizer.has_control(ids, allowed);
    if let Some(attributed) = labeled.attributed.as_ref().filter(|_| *has_region_spans) {
        let whole = WholeSequence { ids: &tokens.ids, spans };
        return figures.set_regions(&attributed.regions, &whole, is_added, has_control);
    }
    if !figures.wants_regions {
        return;
    }
    // What fails here is not the row's fault: its regions are not counted then.
    let Details { regions: Ok(regions), .. } = details(parts, conversation, labeled) else { return };
    if align(&parts.tokenizer, &labeled.text, &labeled.cuts, tokens).is_ok() {
        let mut found = Vec::new();
        token_spans(&labeled.text, &tokens.ends, &regions.ends(), &mut found);
        let whole = WholeSequence { ids: &tokens.ids, spans: &found };
        figures.set_regions(&regions, &whole, is_added, has_control);
    }
}

/// Names the roles of a conversation in the error that nothing is trained, if none of them is the assistant's.
fn without_assistant(error: Error, conversation: &Conversation<'_>, options: &Options) -> Error {
    let wants_assistant = match &options.labels {
        LabelChoice::Policy(policy) => policy.roles.contain("assistant"),
        LabelChoice::Emulate { .. } => true,
    };
    let mut roles: Vec<&str> = Vec::new();
    for role in (0..conversation.messages.len()).map(|at| conversation.role(at)) {
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    let has_assistant = roles.iter().any(|role| Role::of(role) == Role::Assistant);
    if error.kind != ErrorKind::NothingToTrain || !wants_assistant || has_assistant || roles.is_empty() {
        return error;
    }
    let all_known = roles.iter().all(|role| Role::is_usual(role));
    let names = names::list(roles);
    let text = match all_known {
        true => format!(
            "no token is trained: no message has the role `assistant`, only {names}; add the answer, or remove the row"
        ),
        false => format!(
            "no token is trained: no message has the role `assistant`, only {names}; tell which role is the \
             assistant's in a format, such as `{{format: messages, roles: {{assistant: [bot], user: [human]}}}}` in a \
             YAML file for `--format`, or remove the row"
        ),
    };
    Error { text, ..error }
}

fn assistant_turns(conversation: &Conversation<'_>) -> usize {
    (0..conversation.messages.len()).filter(|&at| Role::of(conversation.role(at)) == Role::Assistant).count()
}
