//! Attribution: for every byte of a rendered text, the message and the part of the message that it belongs to.
//!
//! | step | module |
//! |---|---|
//! | one traced render per row gives the text, the place of every value in it, and the starts of turns | `layout` |
//! | small renders of the template, made once, show its generation prompt and the ends of its turns | `profile` |
//! | with these, the text between values is split into regions | `turns` |
//! | an ambiguous turn is resolved, if possible, by rendering the conversation up to it | `prefixes` |

mod ambiguity;
mod cache;
mod event_index;
mod layout;
mod prefixes;
mod probes;
mod profile;
mod region;
mod shared_text;
mod turns;

pub use ambiguity::Ambiguity;
pub use cache::ProfileCache;
pub use region::{Region, RegionKind, Regions};
pub(crate) use shared_text::common_prefix;

use std::ops::Range;
use std::sync::Arc;

use crate::error::Result;
use crate::template::{ChatTemplate, Printed, Request};
use layout::Layout;

/// The regions of a text, with the turns that are ambiguous.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributed {
    /// The regions. They cover the text.
    pub regions: Regions,
    /// Ambiguous turns: index of the message, and the ambiguity.
    pub ambiguities: Vec<(usize, Ambiguity)>,
    /// Messages that were ambiguous until a render of the conversation up to them resolved it.
    pub resolved: Vec<usize>,
    /// The pieces of the text that come from texts of messages, in the order of the text.
    pub printed: Vec<Printed>,
    /// The bytes that no value of the row can change, as in [`RenderedText`](crate::template::RenderedText).
    pub written: Vec<Range<usize>>,
}

/// A chat template with its profiles. Threads can share it.
///
/// ```
/// use std::sync::Arc;
/// use chatmill::attribution::{Attributor, RegionKind};
/// use chatmill::data::parse_json;
/// use chatmill::rows::{Conversation, TemplateVariables};
/// use chatmill::template::{self, Request};
///
/// let attributor = Attributor::new(Arc::new(template::named("chatml", &[])?));
/// let messages = parse_json(br#"[{"role": "assistant", "content": "Hi"}]"#)?;
/// let conversation = Conversation::new(messages)?;
/// let variables = TemplateVariables::default();
/// let (text, attributed) = attributor.regions(Request::of(&conversation, &variables))?;
/// let attributed = attributed?;
/// let pieces: Vec<_> = attributed.regions.as_slice().iter().map(|it| (it.kind, &text[it.start..it.end])).collect();
/// assert_eq!(
///     pieces,
///     [
///         (RegionKind::Header, "<|im_start|>assistant\n"),
///         (RegionKind::Content, "Hi"),
///         (RegionKind::Closer, "<|im_end|>"),
///         (RegionKind::Trailing, "\n"),
///     ]
/// );
/// # Ok::<(), chatmill::error::Error>(())
/// ```
#[derive(Debug)]
pub struct Attributor {
    template: Arc<ChatTemplate>,
    profiles: ProfileCache,
}

impl Attributor {
    /// An attributor that has learned nothing yet.
    pub fn new(template: Arc<ChatTemplate>) -> Attributor {
        Attributor { template, profiles: ProfileCache::default() }
    }

    /// The chat template.
    pub fn template(&self) -> &Arc<ChatTemplate> {
        &self.template
    }

    /// The profiles learned so far.
    pub fn profiles(&self) -> &ProfileCache {
        &self.profiles
    }

    /// The text of `request` and its regions. The outer error is an error of the render. The inner error means that the
    /// regions do not cover the text.
    pub fn regions(&self, request: Request<'_, '_>) -> Result<(String, Result<Attributed>)> {
        let template = self.template.for_row(request.conversation);
        let traced = template.trace(request)?;
        let layout = Layout::of(&traced);
        let profile = self.profiles.get(template, request);
        let split = |headers: &[_]| {
            turns::split(request.conversation, &traced.text, (&layout, &traced.printed), &profile, headers)
        };
        let mut found = split(&[]);
        let headers = prefixes::resolve(template, request, &traced.text, &layout, &found);
        if !headers.is_empty() {
            found = split(&headers);
        }
        let turns::SplitTurns { regions, ambiguities, .. } = found;
        let checked = regions.check(&traced.text).map(|()| Attributed {
            regions,
            ambiguities,
            resolved: headers.iter().map(|header| header.message).collect(),
            printed: traced.printed,
            written: traced.written,
        });
        Ok((traced.text, checked))
    }
}
