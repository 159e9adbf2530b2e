//! Rows of a prompt with answers, by TRL's rule: prompt and answer are tokenized together, and the prompt's tokens are
//! those that all sequences share with the tokens of the prompt alone. So the border does not change any token.

use std::sync::Arc;

use super::Truncation;
use super::details::{align, unstructured};
use super::notes::{Note, Notes};
use super::parts::{Parts, after_prefix, missing_token};
use super::sample::{AnswerSamples, Details, SampleDetails, SampleSink};
use crate::attribution::common_prefix;
use crate::error::{Error, ErrorKind, Result};
use crate::label::MASKED;
use crate::rows::{AnswersRow, Conversation, Format, PromptAnswers};
use crate::template::Request;
use crate::tokenizer::{Tokenizer, Tokens};

/// Encodes rows of a prompt with answers.
#[derive(Debug, Clone)]
pub(super) struct AnswersEncoder {
    parts: Parts,
    format: Arc<Format>,
}

/// The texts of a row: of the prompt, and of the prompt with each answer.
struct Texts {
    prompt: String,
    sequences: Vec<String>,
    /// Where the prefix of the tokenizer ends, which is encoded on its own.
    cuts: Vec<usize>,
}

impl Texts {
    /// The token ids of a text.
    fn ids(&self, tokenizer: &Tokenizer, text: &str) -> Result<Vec<u32>> {
        let (mut ids, mut rest) = (Vec::new(), text);
        for (before, after) in self.cuts.iter().filter_map(|&cut| text.split_at_checked(cut)) {
            tokenizer.ids(before, &mut ids)?;
            rest = after;
        }
        tokenizer.ids(rest, &mut ids)?;
        Ok(ids)
    }
}

impl AnswersEncoder {
    pub(super) fn new(parts: Parts, format: Arc<Format>) -> AnswersEncoder {
        AnswersEncoder { parts, format }
    }

    /// Encodes a row and pushes its samples: the prompt masked, the answers trained.
    pub(super) fn row(&self, row: &AnswersRow<'_>, sink: &mut dyn SampleSink, notes: &mut Notes) -> Result<()> {
        let texts = match &row.content {
            PromptAnswers::Texts { prompt, answers } => self.plain(prompt, answers)?,
            PromptAnswers::Chats { prompt, answers } => self.rendered(prompt.as_ref(), answers)?,
        };
        let tokenizer = &self.parts.tokenizer;
        let prompt_ids = texts.ids(tokenizer, &texts.prompt)?;
        let sequences = texts.sequences.iter().map(|text| texts.ids(tokenizer, text)).collect::<Result<Vec<_>>>()?;
        let shared = |ids: &Vec<u32>| prompt_ids.iter().zip(ids).take_while(|(left, right)| left == right).count();
        let prompt = sequences.iter().map(shared).min().unwrap_or(0);
        for (name, ids) in self.names().iter().zip(&sequences) {
            if ids.len() <= prompt {
                let text = format!("`{name}` has no tokens after the prompt; the answer must have text");
                return Err(Error::new(ErrorKind::EmptyField, text));
            }
        }
        let longest = self.kept(prompt, &sequences, notes).and_then(|kept| {
            let cut: Vec<&[u32]> = sequences.iter().map(|ids| &ids[..ids.len().min(kept)]).collect();
            match cut.as_slice() {
                // Whole conversations stay, as in axolotl.
                [left, right] if left == right && !self.are_whole() => Err(self.equal_answers(kept)),
                _ => Ok(kept),
            }
        });
        if let Some(figures) = sink.figures() {
            let kept = longest.as_ref().map_or(0, |kept| *kept);
            for (text, ids) in texts.sequences.iter().zip(&sequences) {
                let mut labels: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
                labels[..prompt].fill(MASKED);
                figures.push_sequence(text.len(), 0, &labels, &[]);
                figures.keep(&[0..ids.len().min(kept)]);
            }
        }
        let kept = longest?;
        let described = match sink.wants_details() {
            true => self.details(row, &texts, &sequences, kept)?,
            false => Vec::new(),
        };
        let details = described.iter().zip(self.names()).map(|((details, ends), name)| SampleDetails {
            details,
            ends,
            start: 0,
            answer: Some(name),
        });
        let details = details.collect();
        sink.push_answers(AnswerSamples { sequences: &sequences, prompt, kept, label: row.label, details });
        Ok(())
    }

    fn names(&self) -> &[String] {
        self.format.answers().map_or(&[], |answers| answers.names())
    }

    fn are_whole(&self) -> bool {
        self.format.answers().is_some_and(|answers| answers.are_whole())
    }

    /// The error of answers with equal tokens.
    fn equal_answers(&self, kept: usize) -> Error {
        let names = crate::names::joined(self.names(), " and ");
        let until = match self.parts.options.max_length {
            Some(max) if max == kept => format!(" up to `max_length` {max}"),
            _ => String::new(),
        };
        let text = format!("the tokens of {names} are equal{until}, so neither is preferred; remove the row");
        Error::new(ErrorKind::EqualAnswers, text)
    }

    /// The number of tokens of prompt and answer to keep.
    fn kept(&self, prompt: usize, sequences: &[Vec<u32>], notes: &mut Notes) -> Result<usize> {
        let longest = sequences.iter().map(Vec::len).max().unwrap_or(0);
        let Some(max) = self.parts.options.max_length.filter(|max| *max < longest) else { return Ok(longest) };
        let too_long = |text: String| Err(Error::new(ErrorKind::TooLong, text));
        if self.parts.options.truncation != Truncation::KeepStart {
            return too_long(format!(
                "prompt and answer have {longest} tokens, more than `max_length` {max}; increase it"
            ));
        }
        if prompt >= max {
            return too_long(format!("the prompt alone has {prompt} tokens, but `max_length` is {max}; increase it"));
        }
        notes.add(Note::Truncated);
        notes.amounts.cut_tokens = sequences.iter().map(|ids| ids.len().saturating_sub(max)).sum();
        Ok(max)
    }

    /// Plain texts, with the tokens that the tokenizer puts before a text and a stop token after each answer.
    fn plain(&self, prompt: &str, answers: &[String]) -> Result<Texts> {
        let tokenizer = &self.parts.tokenizer;
        let Some(eos) = tokenizer.special_token("eos_token") else {
            return Err(missing_token(tokenizer, "eos_token", "answers need an `eos_token`"));
        };
        let prompt = if self.are_whole() { String::new() } else { format!("{}{prompt}", tokenizer.prefix()) };
        let before = if self.are_whole() { tokenizer.prefix() } else { prompt.clone() };
        let stop = |answer: &String| if answer.ends_with(eos) { "" } else { eos };
        let sequences = answers.iter().map(|answer| format!("{before}{answer}{}", stop(answer))).collect();
        let cuts = after_prefix(tokenizer, &before).into_iter().collect();
        Ok(Texts { prompt, sequences, cuts })
    }

    /// The renders of prompt and answers, and the start of the prompt's render that all of them share.
    fn rendered(&self, prompt: Option<&Conversation<'_>>, answers: &[Conversation<'_>]) -> Result<Texts> {
        let template = self.parts.attributor.template();
        let sequences =
            answers.iter().map(|answer| template.text(self.parts.request(answer))).collect::<Result<Vec<_>>>()?;
        let Some(prompt) = prompt else { return Ok(Texts { prompt: String::new(), sequences, cuts: Vec::new() }) };
        let last = prompt.messages.len().saturating_sub(1);
        let request = self.parts.request(prompt);
        let alone = match prompt.role(last) {
            "user" | "tool" => template.text(Request { add_generation_prompt: true, ..request })?,
            "assistant" => template.continued(request, "content")?,
            other => {
                let text =
                    format!("a prompt must end with a user, tool or assistant message, found the role {other:?}");
                return Err(Error::new(ErrorKind::UnknownRole, text).at_message(last));
            }
        };
        let length = sequences.iter().map(|text| common_prefix(&alone, text)).min().unwrap_or(0);
        Ok(Texts { prompt: alone[..length].to_owned(), sequences, cuts: Vec::new() })
    }

    /// Text, regions and byte ends for each answer.
    fn details(
        &self,
        row: &AnswersRow<'_>,
        texts: &Texts,
        sequences: &[Vec<u32>],
        kept: usize,
    ) -> Result<Vec<(Arc<Details>, Vec<u32>)>> {
        let mut details = Vec::with_capacity(texts.sequences.len());
        for (index, text) in texts.sequences.iter().enumerate() {
            let mut tokens = Tokens { ids: sequences[index].clone(), ends: Vec::new() };
            align(&self.parts.tokenizer, text, &texts.cuts, &mut tokens)?;
            tokens.ends.truncate(kept);
            let (regions, roles) = match &row.content {
                PromptAnswers::Texts { .. } => (Ok(unstructured(text)), Vec::new()),
                PromptAnswers::Chats { answers, .. } => {
                    let conversation = &answers[index];
                    let found = self.parts.attributor.regions(self.parts.request(conversation));
                    let regions = found.and_then(|(_, attributed)| attributed).map(|attributed| attributed.regions);
                    (regions, conversation.roles())
                }
            };
            details.push((Arc::new(Details { text: text.clone(), regions, roles }), tokens.ends));
        }
        Ok(details)
    }
}
