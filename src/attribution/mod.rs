//! Attribution: which message, and which part of it, put each byte of a rendered text there.
//!
//! One traced render a row gives the text, the place of every value in it, and where turns begin ([`layout`]). A
//! dozen small renders a template, made once, tell what the generation prompt and the end of a turn look like
//! ([`facts`]). With these the gaps between values are split ([`turns`]).

mod facts;
mod layout;
mod turns;

pub use facts::FactsCache;
use facts::Speaker;

use std::ops::Range;

use crate::conversation::Conversation;
use crate::error::{Error, Kind, Result};
use crate::region::Regions;
use crate::template::{ChatTemplate, Request};
use layout::Layout;

/// Why a turn, or a whole row, is not fit for training without a second look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// The text before the turn's first value is nothing that a generation prompt would supply.
    HeaderMismatch,
    /// The template printed none of the turn's values.
    ValueDropped,
    /// The turn has no place of its own in the text.
    Merged,
}

impl Doubt {
    /// The stable word for reject files.
    pub fn code(self) -> &'static str {
        match self {
            Doubt::HeaderMismatch => "header_mismatch",
            Doubt::ValueDropped => "value_dropped",
            Doubt::Merged => "merged",
        }
    }

    fn explanation(self) -> &'static str {
        match self {
            Doubt::HeaderMismatch => "what stands before the answer is not the generation prompt",
            Doubt::ValueDropped => "the template prints nothing of this message",
            Doubt::Merged => "the template does not give this message a turn of its own",
        }
    }
}

/// Regions that explain a text, with the doubts that remain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributed {
    /// The regions; they cover the text.
    pub regions: Regions,
    /// Messages, and what is doubtful about them.
    pub doubts: Vec<(usize, Doubt)>,
}

impl Attributed {
    /// The bytes that the model itself would have to write in the assistant turns of `conversation`: all of a turn
    /// after what the generation prompt supplies, through its stop token. An error if one of these turns is doubtful.
    pub fn trained(&self, conversation: &Conversation<'_>) -> Result<Vec<Range<usize>>> {
        if let Some((message, doubt)) = self.doubts.iter().find(|(message, _)| is_assistant(conversation, *message)) {
            let text = format!(
                "labels are not proved ({}): {}; use a template with {{% generation %}} tags, or leave the row out",
                doubt.code(),
                doubt.explanation()
            );
            return Err(Error::new(Kind::Unproved, text).at_message(*message));
        }
        Ok(self.regions.spans(|region| {
            region.kind.is_generated() && region.message.is_some_and(|message| is_assistant(conversation, message))
        }))
    }
}

/// Whether the message is one that a model writes.
fn is_assistant(conversation: &Conversation<'_>, message: usize) -> bool {
    Speaker::of(conversation.role(message)) == Speaker::Assistant
}

impl ChatTemplate {
    /// The text of `request`, and its regions. The outer error is that of the render; the inner one says that the
    /// regions could not be proved.
    pub fn regions(&self, request: Request<'_, '_>) -> Result<(String, Result<Attributed>)> {
        let template = self.for_row(request.conversation);
        let traced = template.trace(request)?;
        let layout = Layout::of(&traced);
        let facts = template.facts(request);
        let attributed = turns::split(request.conversation, &traced.text, &layout, &facts);
        let checked = attributed.regions.check(&traced.text).map(|()| attributed);
        Ok((traced.text, checked))
    }
}
