//! From a conversation to the tokens and labels of its samples.

use super::fit::fit;
use super::run::Run;
use super::tally::{Note, Notes};
use super::{AllMasked, Mill, Samples, Truncation};
use crate::attribution::{Attributed, Doubt};
use crate::conversation::Conversation;
use crate::error::{Error, Kind, Result};
use crate::format::has_empty_answer;
use crate::label::{self, Boundary, Chosen, MASKED, Method};
use crate::peers;
use crate::template::Request;
use crate::tokenizer::{Stretch, Tokens, stretches};

/// Buffers that one worker uses for all its rows.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) tokens: Tokens,
    pub(super) stretches: Vec<Stretch>,
    pub(super) labels: Vec<i32>,
    pub(super) weights: Vec<f32>,
}

impl Scratch {
    pub(super) fn clear(&mut self) {
        self.tokens.clear();
        self.stretches.clear();
        self.labels.clear();
        self.weights.clear();
    }
}

/// A text, and what is known of it.
pub(super) struct Labelled {
    pub(super) text: String,
    pub(super) trained: Trained,
    pub(super) attributed: Option<Attributed>,
    /// Where the text is cut into segments that are encoded each on its own. None if it is one.
    pub(super) segments: Option<Vec<usize>>,
}

/// The part of a text to train.
pub(super) enum Trained {
    All,
    Nothing,
    Chosen(Chosen),
    /// The labels are made already, with the tokens.
    Made,
}

impl Mill {
    /// The samples of a conversation, appended to `run` with their notes. On an error nothing is appended.
    pub(super) fn row(&self, conversation: &Conversation<'_>, scratch: &mut Scratch, run: &mut Run) -> Result<Notes> {
        let before = run.mark();
        if self.options.format.as_ref().is_some_and(|format| format.has_windows()) {
            return self.windows(conversation, scratch, run);
        }
        if let Some(answers) = self.options.format.as_ref().and_then(|format| format.answers()) {
            let result = self.answers(answers, conversation, scratch, run);
            if result.is_err() {
                run.back_to(before);
            }
            return result;
        }
        let result = match self.options.samples {
            Samples::PerRow => {
                let mut notes = Notes::default();
                self.samples(conversation, None, scratch, run, &mut notes).map(|()| notes)
            }
            Samples::PerTurn => self.samples_per_turn(conversation, scratch, run),
        };
        if result.is_err() {
            run.back_to(before);
        }
        result
    }

    /// One sample for each trained turn, each rendered as if the conversation ended with it.
    fn samples_per_turn(&self, conversation: &Conversation<'_>, scratch: &mut Scratch, run: &mut Run) -> Result<Notes> {
        let mut notes = Notes::default();
        let before = run.mark();
        let mut left_out = None;
        for turn in self.options.labels.trained_messages(conversation)? {
            let messages = conversation.messages[..=turn].to_vec();
            let upto = Conversation { messages, ..conversation.clone() };
            match self.samples(&upto, Some(turn), scratch, run, &mut notes) {
                Ok(()) => {}
                Err(error) if error.kind == Kind::TooLong && self.options.truncation == Truncation::Raise => {
                    return Err(error);
                }
                // The other samples of the row are none the worse for it.
                Err(error) if matches!(error.kind, Kind::AllMasked(_) | Kind::TooLong) => left_out = Some(error),
                Err(error) => return Err(error),
            }
        }
        if run.mark() == before {
            let nothing = || Error::new(Kind::AllMasked("nothing_to_train"), "the row has no trained turn");
            return Err(left_out.unwrap_or_else(nothing));
        }
        if left_out.is_some() {
            notes.note(Note::PiecesLeftOut);
        }
        Ok(notes)
    }

    fn samples(
        &self,
        conversation: &Conversation<'_>,
        only: Option<usize>,
        scratch: &mut Scratch,
        run: &mut Run,
        notes: &mut Notes,
    ) -> Result<()> {
        scratch.clear();
        let labelled = self.encode_into(conversation, only, scratch, notes)?;
        let length = scratch.tokens.ids.len();
        let pieces = fit(length, self.options.max_length, self.options.truncation, || {
            self.turn_ends(conversation, &labelled, scratch)
        })?;
        if pieces.iter().any(|piece| piece.len() < length) {
            notes.note(Note::Truncated);
        }
        let masked = |labels: &[i32]| labels.iter().all(|&label| label == MASKED);
        let rejects = self.options.all_masked == AllMasked::Reject && !self.options.labels.is_nothing();
        let mut kept = 0;
        for piece in pieces {
            if rejects && masked(&scratch.labels[piece.clone()]) {
                notes.note(Note::PiecesLeftOut);
                continue;
            }
            kept += 1;
            run.push(scratch, piece);
        }
        if kept == 0 {
            return Err(self.all_masked(&labelled, !masked(&scratch.labels)));
        }
        Ok(())
    }

    fn all_masked(&self, labelled: &Labelled, before_the_cut: bool) -> Error {
        let left_out = matches!(&labelled.trained, Trained::Chosen(chosen) if !chosen.left_out.is_empty());
        let (code, text) = if before_the_cut {
            ("trained_part_cut_off", "what is trained of the row lies beyond max_length")
        } else if left_out {
            ("trained_turns_left_out", "no turn is trained: those that would be are not proved, or not printed")
        } else {
            ("nothing_to_train", "no token is trained: see the roles of the messages, and their flags")
        };
        Error::new(Kind::AllMasked(code), text)
    }

    /// The tokens of a conversation and their labels, left in `scratch`.
    pub(super) fn encode_into(
        &self,
        conversation: &Conversation<'_>,
        only: Option<usize>,
        scratch: &mut Scratch,
        notes: &mut Notes,
    ) -> Result<Labelled> {
        let labels = &self.options.labels;
        if !labels.is_nothing() && has_empty_answer(conversation) {
            notes.note(Note::EmptyAnswer);
        }
        let holds_control = match &self.control {
            Some(control) => control.are_in(conversation)?,
            None => false,
        };
        let mut labelled = match &labels.method {
            Method::Regions => self.labelled(conversation, only, notes)?,
            Method::Like(peer) => {
                if holds_control {
                    let text = "labels of another tool know no control tokens as plain text; leave such rows out";
                    return Err(Error::new(Kind::ControlToken, text));
                }
                notes.note(Note::Peer);
                let request = self.request(conversation);
                let text = peers::label(
                    peer,
                    &self.template,
                    &self.tokenizer,
                    request,
                    &mut scratch.tokens,
                    &mut scratch.labels,
                )?;
                Labelled { text, trained: Trained::Made, attributed: None, segments: None }
            }
        };
        if holds_control && labelled.attributed.is_none() {
            labelled.attributed = Some(self.template.regions(self.request(conversation))?.1?);
        }
        if labelled.segments.is_some() {
            self.encode_segments(conversation, &labelled, scratch, notes)?;
            self.note_tokens(scratch, notes);
            return Ok(labelled);
        }
        let Labelled { text, trained, attributed, .. } = &labelled;
        let plain = match (&self.control, attributed) {
            (Some(control), Some(attributed)) if holds_control => control.plain(text, &attributed.printed),
            _ => Vec::new(),
        };
        if holds_control {
            notes.note(Note::ControlText);
        }
        let weights = labels.weighted.then_some(&mut scratch.weights);
        match trained {
            Trained::Made => {}
            Trained::Chosen(chosen) => {
                let Scratch { tokens, stretches: found, .. } = scratch;
                let edges = chosen.edges();
                if labels.boundary == Boundary::Split || !plain.is_empty() {
                    let cuts =
                        if labels.boundary == Boundary::Split { label::edges(&chosen.spans) } else { Vec::new() };
                    self.tokenizer.tokens_with_plain(text, &cuts, &plain, tokens)?;
                    stretches(text, &tokens.ends, &edges, found);
                } else {
                    self.tokenizer.tokens_near(text, &edges, tokens, found)?;
                }
                label::append(&tokens.ids, found, &chosen.spans, labels.boundary, &mut scratch.labels, weights);
                if labels.trains_stops() && self.lacks_stop(&tokens.ids, found, &chosen.turn_ends) {
                    notes.note(Note::MissingStop);
                }
            }
            // Where nothing depends on the place of a token, the engine need not tell it.
            Trained::All | Trained::Nothing => {
                if plain.is_empty() {
                    self.tokenizer.ids(text, &mut scratch.tokens.ids)?;
                } else {
                    self.tokenizer.tokens_with_plain(text, &[], &plain, &mut scratch.tokens)?;
                }
                let (ids, all) = (&scratch.tokens.ids, matches!(trained, Trained::All));
                scratch.labels.extend(ids.iter().map(|&id| if all { id as i32 } else { MASKED }));
                scratch.weights.resize(if labels.weighted { ids.len() } else { 0 }, f32::from(u8::from(all)));
            }
        }
        self.note_tokens(scratch, notes);
        Ok(labelled)
    }

    fn note_tokens(&self, scratch: &Scratch, notes: &mut Notes) {
        if self.bos.is_some_and(|bos| scratch.tokens.ids.starts_with(&[bos, bos])) {
            notes.note(Note::DoubledBos);
        }
    }

    /// The text, and what of it is trained by its regions or by its tags.
    fn labelled(&self, conversation: &Conversation<'_>, only: Option<usize>, notes: &mut Notes) -> Result<Labelled> {
        let labels = &self.options.labels;
        let request = self.request(conversation);
        if self.options.format.as_ref().is_some_and(|format| format.has_text()) {
            return self.labelled_by_format(conversation, notes);
        }
        let simple = |text: String, trained: Trained| Labelled { text, trained, attributed: None, segments: None };
        if labels.is_nothing() {
            return Ok(simple(self.template.text(request)?, Trained::Nothing));
        }
        if labels.is_everything() && only.is_none() {
            return Ok(simple(self.template.text(request)?, Trained::All));
        }
        if labels.tags && self.template.for_row(conversation).has_generation() {
            notes.note(Note::Tagged);
            let (text, generation) = self.template.render(request)?;
            if !labels.goes_beyond_tags(conversation, only)? {
                let chosen = labels.choose_tagged(conversation, &generation, None, only)?;
                return Ok(simple(text, Trained::Chosen(chosen)));
            }
            let attributed = self.template.regions(request)?.1?;
            let chosen = labels.choose_tagged(conversation, &generation, Some(&attributed), only)?;
            note_left_out(&chosen, notes);
            return Ok(Labelled {
                text,
                trained: Trained::Chosen(chosen),
                attributed: Some(attributed),
                segments: None,
            });
        }
        let (text, attributed) = self.template.regions(request)?;
        let attributed = attributed?;
        let chosen = labels.choose(conversation, &text, &attributed, &self.stops, only)?;
        if chosen.left_out.iter().all(|(_, doubt)| doubt.is_no_turn()) {
            notes.note(if chosen.settled { Note::ProvedByPrefixes } else { Note::Proved });
        }
        note_left_out(&chosen, notes);
        Ok(Labelled { text, trained: Trained::Chosen(chosen), attributed: Some(attributed), segments: None })
    }

    pub(super) fn request<'r, 'c>(&'r self, conversation: &'r Conversation<'c>) -> Request<'r, 'c> {
        Request {
            conversation,
            variables: &self.options.chat_template_kwargs,
            add_generation_prompt: false,
            now: self.options.now,
        }
    }

    /// Whether a trained turn ends in something else than a stop token.
    fn lacks_stop(&self, ids: &[u32], stretches: &[Stretch], turn_ends: &[usize]) -> bool {
        turn_ends.iter().any(|&end| {
            let stretch = stretches.get(stretches.partition_point(|stretch| stretch.end < end));
            let last = stretch.and_then(|stretch| ids.get(stretch.tokens.checked_sub(1)?));
            !last.is_some_and(|&id| self.tokenizer.is_added(id))
        })
    }

    /// Tokens before the end of each turn.
    fn turn_ends(
        &self,
        conversation: &Conversation<'_>,
        labelled: &Labelled,
        scratch: &mut Scratch,
    ) -> Result<Vec<usize>> {
        if scratch.tokens.ends.is_empty() {
            scratch.tokens.clear();
            let cuts = labelled.segments.as_deref().unwrap_or_default();
            self.tokenizer.tokens(&labelled.text, cuts, &mut scratch.tokens)?;
        }
        let found;
        let attributed = match &labelled.attributed {
            Some(attributed) => attributed,
            None => {
                found = self.template.regions(self.request(conversation))?.1?;
                &found
            }
        };
        let regions = attributed.regions.as_slice();
        let ends = regions.iter().enumerate().filter(|(index, region)| {
            region.message.is_some() && regions.get(index + 1).is_none_or(|next| next.message != region.message)
        });
        Ok(ends.map(|(_, region)| scratch.tokens.ends.partition_point(|&end| end as usize <= region.end)).collect())
    }
}

fn note_left_out(chosen: &Chosen, notes: &mut Notes) {
    for (_, doubt) in &chosen.left_out {
        notes.note(match doubt {
            Doubt::ValueDropped => Note::ValueDropped,
            Doubt::OtherRole => Note::OtherRole,
            Doubt::HeaderMismatch => Note::HeaderMismatch,
            Doubt::Merged => Note::Merged,
            Doubt::Unanchored => Note::Unanchored,
        });
    }
}
