//! The path of a row with a prompt and its answers, as TRL takes it: the prompt's tokens are those that it shares with
//! the tokens of prompt and answer, so that nothing changes where the two meet.

use super::run::Run;
use super::sample::Scratch;
use super::tally::{Note, Notes};
use super::{Mill, Truncation};
use crate::conversation::Conversation;
use crate::error::{Error, Kind, Result};
use crate::format::{Answers, Sides};
use crate::label::MASKED;
use crate::template::Request;

impl Mill {
    /// One sample for each answer: the prompt masked, the answer trained.
    pub(super) fn answers(
        &self,
        answers: &Answers,
        row: &Conversation<'_>,
        scratch: &mut Scratch,
        run: &mut Run,
    ) -> Result<Notes> {
        let mut notes = Notes::default();
        let (prompt, texts) = match answers.sides(row)? {
            Sides::Texts { prompt, answers: texts } => self.plain_texts(answers.are_whole(), &prompt, &texts)?,
            Sides::Messages { prompt, answers } => self.rendered(prompt.as_ref(), &answers)?,
        };
        let good = answers.is_good(&row.variables)?;
        let mut prompt_ids = Vec::new();
        self.tokenizer.ids(&prompt, &mut prompt_ids)?;
        let mut sequences = Vec::with_capacity(texts.len());
        for text in &texts {
            let mut ids = Vec::new();
            self.tokenizer.ids(text, &mut ids)?;
            sequences.push(ids);
        }
        let shared = |ids: &Vec<u32>| prompt_ids.iter().zip(ids).take_while(|(left, right)| left == right).count();
        let length = sequences.iter().map(shared).min().unwrap_or(0);
        for (name, ids) in answers.names().iter().zip(&sequences) {
            if ids.len() <= length {
                let text = format!("{name} has no tokens of its own behind the prompt");
                return Err(Error::new(Kind::EmptyField, text));
            }
        }
        let most = self.most(length, &sequences, &mut notes)?;
        for ids in &sequences {
            scratch.clear();
            scratch.tokens.ids.extend_from_slice(&ids[..ids.len().min(most)]);
            scratch.labels.resize(length, MASKED);
            scratch.labels.extend(scratch.tokens.ids[length..].iter().map(|&id| id as i32));
            run.push(scratch, 0..scratch.tokens.ids.len());
        }
        run.good.push(good);
        Ok(notes)
    }

    /// How many tokens of prompt and answer are kept.
    fn most(&self, prompt: usize, sequences: &[Vec<u32>], notes: &mut Notes) -> Result<usize> {
        let longest = sequences.iter().map(Vec::len).max().unwrap_or(0);
        let Some(most) = self.options.max_length.filter(|most| *most < longest) else { return Ok(longest) };
        let too_long = |text: String| Err(Error::new(Kind::TooLong, text));
        if self.options.truncation != Truncation::KeepStart {
            return too_long(format!("prompt and answer have {longest} tokens, more than the {most} of max_length"));
        }
        if prompt >= most {
            return too_long(format!("the prompt alone has {prompt} tokens, and max_length is {most}"));
        }
        notes.note(Note::Truncated);
        Ok(most)
    }

    /// Texts as they are, with what the tokenizer puts before them, and a stop token behind.
    fn plain_texts(&self, whole: bool, prompt: &str, answers: &[String]) -> Result<(String, Vec<String>)> {
        let Some(eos) = self.tokenizer.special_token("eos_token") else {
            let text = format!("answers end in eos_token, and {} has none", self.tokenizer.name());
            return Err(Error::new(Kind::Option, text));
        };
        let prompt = if whole { String::new() } else { format!("{}{prompt}", self.tokenizer.prefix()) };
        let before = if whole { self.tokenizer.prefix() } else { prompt.clone() };
        let stop = |answer: &String| if answer.ends_with(eos) { "" } else { eos };
        let texts = answers.iter().map(|answer| format!("{before}{answer}{}", stop(answer))).collect();
        Ok((prompt, texts))
    }

    /// Renders of prompt and answers, and what of the prompt's they all begin with.
    fn rendered(
        &self,
        prompt: Option<&Conversation<'_>>,
        answers: &[Conversation<'_>],
    ) -> Result<(String, Vec<String>)> {
        let texts =
            answers.iter().map(|answer| self.template.text(self.request(answer))).collect::<Result<Vec<_>>>()?;
        let Some(prompt) = prompt else { return Ok((String::new(), texts)) };
        let last = prompt.messages.len().saturating_sub(1);
        let request = self.request(prompt);
        let alone = match prompt.role(last) {
            "user" | "tool" => self.template.text(Request { add_generation_prompt: true, ..request })?,
            "assistant" => self.template.continued(request, "content")?,
            other => {
                let text = format!("a prompt ends with a message of user, tool or assistant, not of {other}");
                return Err(Error::new(Kind::UnknownRole, text).at_message(last));
            }
        };
        let shared = |text: &String| {
            let pairs = alone.char_indices().zip(text.chars());
            let differ = pairs.into_iter().find(|((_, left), right)| left != right).map(|((at, _), _)| at);
            differ.unwrap_or(alone.len().min(text.len()))
        };
        let length = texts.iter().map(shared).min().unwrap_or(0);
        Ok((alone[..length].to_owned(), texts))
    }
}
