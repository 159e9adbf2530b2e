//! Attribution: which message, and which part of it, put each byte of a rendered text there.
//!
//! One traced render a row gives the text, the place of every value in it, and where turns begin ([`layout`]). A
//! dozen small renders a template, made once, tell what the generation prompt and the end of a turn look like
//! ([`facts`]). With these the gaps between values are split ([`turns`]). Turns that stay doubtful are settled, where
//! that is possible, by rendering the conversation up to them ([`prefixes`]).

mod facts;
mod layout;
mod prefixes;
mod probes;
mod turns;

pub use facts::{FactsCache, Speaker};

use crate::error::Result;
use crate::region::Regions;
use crate::template::{ChatTemplate, Printed, Request};
use layout::Layout;

/// Why a turn is not fit for training without a second look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// The text before the turn's first value is nothing that a generation prompt would supply.
    HeaderMismatch,
    /// The template printed none of the turn's values.
    ValueDropped,
    /// The template prints the turn under a user's header.
    OtherRole,
    /// The turn has no place of its own in the text.
    Merged,
    /// The turn shows no words, and text follows its stop token, so nothing tells where it ends.
    Unanchored,
}

impl Doubt {
    /// The stable word for reject files and summaries.
    pub fn code(self) -> &'static str {
        match self {
            Doubt::HeaderMismatch => "header_mismatch",
            Doubt::ValueDropped => "value_dropped",
            Doubt::OtherRole => "other_role",
            Doubt::Merged => "merged",
            Doubt::Unanchored => "unanchored",
        }
    }

    /// Whether the turn is no turn of the model: then there is nothing to train, and the rest of the row is not touched.
    pub fn is_no_turn(self) -> bool {
        matches!(self, Doubt::ValueDropped | Doubt::OtherRole)
    }

    /// What it means, for errors.
    pub fn explanation(self) -> &'static str {
        match self {
            Doubt::HeaderMismatch => "what stands before the answer is not the generation prompt",
            Doubt::ValueDropped => "the template prints nothing of this message",
            Doubt::OtherRole => "the template prints this message under a user's header",
            Doubt::Merged => "the template does not give this message a turn of its own",
            Doubt::Unanchored => "the message has no words, and nothing tells where its turn ends",
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
    /// Messages whose doubt was settled by rendering the conversation up to them.
    pub settled: Vec<usize>,
    /// What of the text was made from texts of messages, in the order of the text.
    pub printed: Vec<Printed>,
}

impl ChatTemplate {
    /// The text of `request`, and its regions. The outer error is that of the render; the inner one says that the
    /// regions do not explain the text.
    pub fn regions(&self, request: Request<'_, '_>) -> Result<(String, Result<Attributed>)> {
        let template = self.for_row(request.conversation);
        let traced = template.trace(request)?;
        let layout = Layout::of(&traced);
        let facts = template.facts(request);
        let mut split = turns::split(request.conversation, &traced.text, (&layout, &traced.printed), &facts, &[]);
        let headers = template.settle(request, &traced.text, &layout, &split);
        if !headers.is_empty() {
            split = turns::split(request.conversation, &traced.text, (&layout, &traced.printed), &facts, &headers);
        }
        let turns::Split { regions, doubts, .. } = split;
        let checked = regions.check(&traced.text).map(|()| Attributed {
            regions,
            doubts,
            settled: headers.iter().map(|header| header.message).collect(),
            printed: traced.printed,
        });
        Ok((traced.text, checked))
    }
}
