//! Byte ends, regions and roles of a sequence. They are computed only for samples that a user looks at, and to cut a
//! sequence at the end of a turn.

use super::labeled::Labeled;
use super::parts::Parts;
use super::sample::Details;
use crate::attribution::{RegionKind, Regions};
use crate::error::{Error, ErrorKind, Result};
use crate::rows::Conversation;
use crate::tokenizer::{Tokenizer, Tokens};

/// Sets the byte ends of the tokens of `text`, unless they are known. `cuts` are the cuts of the text into segments.
pub(super) fn align(tokenizer: &Tokenizer, text: &str, cuts: &[usize], tokens: &mut Tokens) -> Result<()> {
    if tokens.ends.len() == tokens.ids.len() {
        return Ok(());
    }
    let mut aligned = Tokens::default();
    tokenizer.tokens(text, cuts, &mut aligned)?;
    if aligned.ids.len() != tokens.ids.len() {
        let (first, second) = (tokens.ids.len(), aligned.ids.len());
        let text = format!("the tokenizer gave {first} tokens for a text, and {second} tokens with offsets");
        return Err(Error::new(ErrorKind::Internal, text));
    }
    tokens.ends = aligned.ends;
    Ok(())
}

/// The number of tokens up to the end of each turn.
pub(super) fn turn_ends(
    parts: &Parts,
    conversation: &Conversation<'_>,
    labeled: &Labeled,
    tokens: &mut Tokens,
) -> Result<Vec<usize>> {
    align(&parts.tokenizer, &labeled.text, &labeled.cuts, tokens)?;
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
pub(super) fn details(parts: &Parts, conversation: &Conversation<'_>, labeled: &Labeled) -> Details {
    let regions = match &labeled.attributed {
        Some(attributed) => Ok(attributed.regions.clone()),
        None => parts.attributor.regions(parts.request(conversation)).and_then(|(rendered, attributed)| {
            if rendered == labeled.text {
                return attributed.map(|attributed| attributed.regions);
            }
            let text = "the regions are unknown, because the emulated tool renders another conversation; use other \
                        labels to see them";
            Err(Error::new(ErrorKind::AnotherText, text))
        }),
    };
    Details { text: labeled.text.clone(), regions, roles: conversation.roles() }
}

/// The decoded text of `tokens`. Sets their ends.
pub(super) fn spelled(tokenizer: &Tokenizer, tokens: &mut Tokens) -> Result<Details> {
    let (text, ends) = tokenizer.spell(&tokens.ids)?;
    tokens.ends = ends;
    Ok(Details { regions: Ok(unstructured(&text)), text, roles: Vec::new() })
}

/// The regions of a text without messages.
pub(super) fn unstructured(text: &str) -> Regions {
    let mut regions = Regions::default();
    regions.push(text.len(), None, RegionKind::Scaffold);
    regions
}
