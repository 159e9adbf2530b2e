//! The `chat_template` strategy of axolotl 0.19: a turn is the text that changes when the content of the turn is
//! replaced by a word. This takes two more renders for each trained turn.

mod message_keys;
mod options;
mod rows;
mod thinking;

pub use options::{AxolotlOptions, TrainStops};

use std::borrow::Cow;
use std::ops::Range;

use super::inputs::{Emulated, Inputs};
use crate::attribution::common_prefix;
use crate::choice::Choice;
use crate::data::{Fields, Node, field};
use crate::error::Result;
use crate::label::MASKED;
use crate::rows::Conversation;
use crate::template::{ChatTemplate, RenderedText, Request};
use crate::tokenizer::Tokens;
use options::invalid;
use rows::{DetailRange, PreparedMessage};

/// The words that replace the content of a turn, as in axolotl.
const SENTINELS: [&str; 2] = ["[[dummy_message]]", "zzdummymessagezz"];
/// The number of tokens after a turn in which axolotl looks for a stop token.
const STOP_DISTANCE: isize = 3;

pub(super) fn label(
    inputs: &Inputs<'_, '_>,
    options: &AxolotlOptions,
    tokens: &mut Tokens,
    labels: &mut Vec<i32>,
) -> Result<Emulated> {
    options.check_fields()?;
    let given = inputs.request.conversation;
    let template = inputs.template().for_row(given);
    let keys = message_keys::keys_read(template.source());
    let mut turns: Vec<PreparedMessage> = Vec::with_capacity(given.messages.len());
    for (index, message) in given.messages.iter().enumerate() {
        turns.push(options.turn(message, &keys).map_err(|error| error.at_message(index))?);
    }
    if options.drop_system_message && turns.first().is_some_and(|turn| turn.role() == "system") {
        turns.remove(0);
    }
    let search = Search { inputs, template_source: template.source(), options, given, turns: &turns };
    if options.trains_last_turn_only() { search.last_turn(tokens, labels) } else { search.all_turns(tokens, labels) }
}

struct Search<'s, 't, 'c> {
    inputs: &'s Inputs<'t, 'c>,
    template_source: &'s str,
    options: &'s AxolotlOptions,
    given: &'s Conversation<'c>,
    turns: &'s [PreparedMessage],
}

/// The tokens of a turn: the first, and one past the last. Both are -1 if the turn was not found. axolotl uses them as
/// Python indices, where -1 is the last token.
type TokenRange = (isize, isize);
const NOT_FOUND: TokenRange = (-1, -1);

impl Search<'_, '_, '_> {
    /// Calls `render` with a request for these messages.
    fn with_request<T>(
        &self,
        messages: Vec<Fields<'static>>,
        with_tools: bool,
        add_generation_prompt: bool,
        render: impl FnOnce(&ChatTemplate, Request<'_, '_>) -> Result<T>,
    ) -> Result<T> {
        let mut conversation = self.given.with_messages(messages);
        if !with_tools {
            conversation.tools = None;
        }
        let request = Request { conversation: &conversation, add_generation_prompt, ..self.inputs.request };
        render(self.inputs.template(), request)
    }

    fn text(&self, messages: Vec<Fields<'static>>, with_tools: bool, prompt: bool) -> Result<String> {
        self.with_request(messages, with_tools, prompt, ChatTemplate::text)
    }

    /// The text of all messages.
    fn whole_text(&self, with_tools: bool) -> Result<RenderedText> {
        self.with_request(self.messages(), with_tools, false, ChatTemplate::render)
    }

    fn messages(&self) -> Vec<Fields<'static>> {
        self.turns.iter().map(|turn| turn.fields.clone()).collect()
    }

    /// Trains everything after the prompt of the last turn. The template gets no tools.
    fn last_turn(&self, tokens: &mut Tokens, labels: &mut Vec<i32>) -> Result<Emulated> {
        let RenderedText { text, written, .. } = self.whole_text(false)?;
        self.inputs.tokenizer.tokens(&text, &[], tokens)?;
        let mut prompt = Vec::new();
        let mut before = self.messages();
        before.pop();
        if !before.is_empty() {
            self.inputs.tokenizer.ids(&self.text(before, false, true)?, &mut prompt)?;
        }
        let length = prompt.len().min(tokens.ids.len());
        tokens.ids[..length].copy_from_slice(&prompt[..length]);
        let masked = if self.options.train_on_inputs { 0 } else { length };
        labels.resize(masked, MASKED);
        labels.extend(tokens.ids[masked..].iter().map(|&id| id as i32));
        Ok(Emulated { text, written })
    }

    /// Searches for every trained turn, and trains it.
    fn all_turns(&self, tokens: &mut Tokens, labels: &mut Vec<i32>) -> Result<Emulated> {
        let (eos, eots) = self.stops()?;
        let on_eos = self.options.train_on_eos;
        let on_eot = self.options.train_on_eot.unwrap_or(on_eos);
        if eos.is_some_and(|eos| eots.contains(&eos)) && on_eos != on_eot {
            return Err(invalid(format!(
                "`train_on_eos` is {:?} and `train_on_eot` is {:?}, but the EOS token is one of `eot_tokens`; use the same \
                 value for both",
                on_eos.name(),
                on_eot.name()
            )));
        }
        let RenderedText { text, written, .. } = self.whole_text(true)?;
        let offsets = self.inputs.tokenizer.offsets(&text, tokens)?;
        let ids = &tokens.ids;
        labels.resize(ids.len(), MASKED);
        let train = |labels: &mut Vec<i32>, index: isize| {
            // The index -1 is the last token, as in Python.
            let index = if index < 0 { ids.len().wrapping_add_signed(index) } else { index as usize };
            if let (Some(label), Some(&id)) = (labels.get_mut(index), ids.get(index)) {
                *label = id as i32;
            }
        };
        let mut last = [None, None];
        for (index, turn) in self.turns.iter().enumerate() {
            let trained = self.is_trained(turn);
            if !trained && on_eos != TrainStops::All && on_eot != TrainStops::All {
                continue;
            }
            let (start, end) = self.find(&text, index, &offsets)?;
            if trained && (start, end) != NOT_FOUND {
                match turn.detail.as_ref().filter(|detail| !detail.is_empty()) {
                    Some(detail) => {
                        let content = field(&turn.fields, "content").and_then(Node::as_str).unwrap_or("");
                        for token in self.detailed(content, detail)? {
                            let index = start + token as isize;
                            if (index as usize) < ids.len() {
                                train(labels, index);
                            }
                        }
                    }
                    None => (start..end).for_each(|index| train(labels, index)),
                }
            }
            for (kind, stops, option) in [(0, &eots[..], on_eot), (1, eos.as_slice(), on_eos)] {
                let is_stop = |index: isize| {
                    let index = if index < 0 { ids.len().checked_add_signed(index) } else { Some(index as usize) };
                    index.and_then(|index| ids.get(index)).is_some_and(|id| stops.contains(id))
                };
                let Some(found) = (end..ids.len() as isize).find(|&index| is_stop(index)) else { continue };
                // For a turn that was not found, the search starts at -1, and a stop token at -1 counts as not found.
                if found == -1 || (found - end).abs() > STOP_DISTANCE {
                    continue;
                }
                last[kind] = Some(found);
                if option == TrainStops::All || (option == TrainStops::Turn && trained) {
                    train(labels, found);
                }
            }
        }
        for (found, option) in last.into_iter().zip([on_eot, on_eos]) {
            if let (Some(found), TrainStops::Last) = (found, option) {
                train(labels, found);
            }
        }
        Ok(Emulated { text, written })
    }

    /// Whether a turn is trained, by its flag, else by its ranges, else by its role.
    fn is_trained(&self, turn: &PreparedMessage) -> bool {
        let roles = &self.options.roles_to_train;
        let of_role =
            || self.options.train_on_inputs || roles.iter().any(|role| self.options.role(role) == turn.role());
        turn.training.or(turn.detail.as_ref().map(|detail| !detail.is_empty())).unwrap_or_else(of_role)
    }

    /// The id of the EOS token, and the ids of the tokens that end turns.
    fn stops(&self) -> Result<(Option<u32>, Vec<u32>)> {
        let tokenizer = self.inputs.tokenizer;
        let eos = tokenizer.special_token("eos_token");
        let id = eos.and_then(|eos| tokenizer.token_to_id(eos));
        let Some(names) = &self.options.eot_tokens else { return Ok((id, id.into_iter().collect())) };
        let mut ids = Vec::new();
        for name in names {
            let mut own = Vec::new();
            tokenizer.ids(name, &mut own)?;
            let &[only] = own.as_slice() else {
                return Err(invalid(format!(
                    "`eot_tokens` has {name:?}, which {} encodes as {own:?}; use single tokens of the vocabulary",
                    tokenizer.name()
                )));
            };
            let alone = names.len() == 1 && Some(name.as_str()) == eos;
            // A token that is not in the template is ignored.
            if alone || self.template_source.contains(name.as_str()) {
                ids.push(only);
            }
        }
        Ok((id, ids))
    }

    /// The tokens of turn `index`.
    fn find(&self, text: &str, index: usize, offsets: &[Range<usize>]) -> Result<TokenRange> {
        let role = self.turns[index].role().to_owned();
        // This rule is axolotl's: it looks for "mistral" in the name of the tokenizer.
        let mistral = self.inputs.tokenizer.name().to_lowercase().contains("mistral");
        if index == 0 && role == "system" && mistral {
            return Ok(NOT_FOUND);
        }
        let mut span: Option<Range<usize>> = None;
        for sentinel in SENTINELS {
            let mut messages = self.messages();
            messages[index] = vec![
                (Cow::Borrowed("role"), Node::Str(Cow::Owned(role.clone()))),
                (Cow::Borrowed("content"), Node::Str(Cow::Borrowed(sentinel))),
            ];
            let other = self.text(messages, true, false)?;
            let changed = changed(text, &other);
            span = Some(match span {
                Some(known) => known.start.min(changed.start)..known.end.max(changed.end),
                None => changed,
            });
        }
        let Some(span) = span.filter(|span| span.start < span.end) else { return Ok(NOT_FOUND) };
        let start = offsets.partition_point(|offset| offset.end <= span.start);
        let end = offsets.partition_point(|offset| offset.start < span.end);
        Ok(if start < end { (start as isize, end as isize) } else { NOT_FOUND })
    }

    /// The tokens of a content, tokenized alone, that are inside a trained range.
    fn detailed(&self, content: &str, detail: &[DetailRange]) -> Result<Vec<usize>> {
        let mut tokens = Tokens::default();
        let offsets = self.inputs.tokenizer.offsets(content, &mut tokens)?;
        let count = content.chars().count();
        let characters = |byte: usize| content[..byte].chars().count();
        let starts: Vec<usize> = offsets.iter().map(|offset| characters(offset.start)).collect();
        // The first and last character of each token. The last one reaches up to the next token.
        let places: Vec<(usize, usize)> = starts
            .iter()
            .enumerate()
            .map(|(index, &start)| (start, starts.get(index + 1).copied().unwrap_or(count).saturating_sub(1)))
            .collect();
        let ranges: Vec<DetailRange> = detail
            .iter()
            .filter_map(|&(begin, end, train)| widen(&places, begin, end).map(|(from, to)| (from, to, train)))
            .collect();
        let is_trained = |&(start, end): &(usize, usize)| {
            ranges.iter().any(|&(from, to, train)| train && start >= from && end <= to)
        };
        Ok(places.iter().enumerate().filter(|(_, place)| is_trained(place)).map(|(index, _)| index).collect())
    }
}

/// A range of characters, widened to the tokens that it cuts. None if it has no token.
fn widen(places: &[(usize, usize)], begin: usize, end: usize) -> Option<(usize, usize)> {
    let mut first = places.iter().position(|place| place.0 >= begin).unwrap_or(places.len());
    if first > 0 && places[first - 1].1 > begin {
        first -= 1;
    }
    let mut last = places.iter().rposition(|place| place.1 <= end).map_or(-1, |last| last as isize);
    if places.get((last + 1) as usize).is_some_and(|next| next.0 < end) {
        last += 1;
    }
    (first as isize <= last).then(|| (places[first].0, places[last as usize].1))
}

/// The bytes of `text` between the prefix and the suffix that it shares with `other`.
fn changed(text: &str, other: &str) -> Range<usize> {
    let start = common_prefix(text, other);
    let most = text.len().min(other.len()) - start;
    let shared = text.bytes().rev().zip(other.bytes().rev()).take(most).take_while(|(a, b)| a == b).count();
    let mut end = text.len() - shared;
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_changed_part_is_between_prefix_and_suffix() {
        assert_eq!(changed("aXXb", "aYb"), 1..3);
        assert_eq!(changed("same", "same"), 4..4);
        // The bytes of é and è differ in the second one only.
        assert_eq!(changed("é", "è"), 0..2);
    }

    #[test]
    fn a_range_is_widened_to_whole_tokens() {
        let places = [(0, 1), (2, 4), (5, 5)];
        assert_eq!(widen(&places, 0, 1), Some((0, 1)));
        assert_eq!(widen(&places, 3, 5), Some((2, 5)));
        assert_eq!(widen(&places, 9, 9), None);
    }
}
