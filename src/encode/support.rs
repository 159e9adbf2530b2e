//! The options that each kind of row supports. All checks of option combinations are in this file.

use super::labels::LabelChoice;
use super::options::{Options, Padding, PaddingSide, SpecialTokens, Split, Truncation};
use crate::choice::Choice;
use crate::error::{Error, ErrorKind, Result};
use crate::label::{Boundary, Labels};
use crate::rows::{Format, RowKind};
use crate::tokenizer::Tokenizer;

/// Checks that `options` can be used together, with this tokenizer and for this kind of rows.
///
/// # Errors
///
/// Fails for an invalid option or combination. The error names the option and the change to make.
pub(super) fn check(options: &Options, tokenizer: &Tokenizer) -> Result<()> {
    check_values(options)?;
    if options.split.is_some() && matches!(options.labels, LabelChoice::Emulate { .. }) {
        return refuse("`split=\"per_turn\"` cannot be combined with `labels.emulate`; remove one of them");
    }
    match options.rows.format() {
        None => check_chat(options)?,
        Some(format) => check_format(options, format)?,
    }
    check_tokenizer(options, tokenizer)
}

/// More threads are a mistake: a million of them made a machine useless for minutes.
const MOST_THREADS: usize = 1024;

fn refuse(text: impl Into<String>) -> Result<()> {
    Err(Error::new(ErrorKind::Option, text))
}

fn check_values(options: &Options) -> Result<()> {
    let at_least_one = [
        ("max_length", options.max_length),
        ("segment_length", options.segment_length),
        ("pad_to_multiple_of", options.pad_to_multiple_of),
        ("threads", options.threads),
    ];
    for (name, value) in at_least_one {
        if value == Some(0) {
            return refuse(format!("`{name}` is 0; use at least 1, or None"));
        }
    }
    if let Some(threads) = options.threads.filter(|threads| *threads > MOST_THREADS) {
        return refuse(format!("`threads` is {threads}; use at most {MOST_THREADS}, or None for one per core"));
    }
    if options.padding == Some(Padding::MaxLength) && options.max_length.is_none() {
        return refuse("`padding=\"max_length\"` needs `max_length`; set it, or use `padding=\"longest\"`");
    }
    if options.padding.is_none() {
        let without = |option: &str| {
            refuse(format!("{option} has no effect without `padding`; set `padding` to \"longest\" or \"max_length\""))
        };
        if options.padding_side == PaddingSide::Left {
            return without("`padding_side=\"left\"`");
        }
        if options.pad_to_multiple_of.is_some() {
            return without("`pad_to_multiple_of`");
        }
    }
    if options.special_tokens == SpecialTokens::Allow && !options.allowed_special_tokens.is_empty() {
        return refuse(
            "`allowed_special_tokens` needs `special_tokens` \"text\" or \"raise\"; \"allow\" allows all of them",
        );
    }
    Ok(())
}

fn check_tokenizer(options: &Options, tokenizer: &Tokenizer) -> Result<()> {
    let name = tokenizer.name();
    let known = |token: &&String| tokenizer.token_to_id(token).is_some();
    if let Some(token) = options.allowed_special_tokens.iter().find(|token| !known(token)) {
        return refuse(format!("`allowed_special_tokens` has {token:?}, which is not a token of {name}; remove it"));
    }
    if let LabelChoice::Policy(labels) = &options.labels {
        for token in &labels.stop_tokens {
            let mut ids = Vec::new();
            tokenizer.ids(token, &mut ids)?;
            if ids.len() != 1 {
                return refuse(format!(
                    "`labels.stop_tokens` has {token:?}, which {name} encodes as {} tokens {ids:?}; use single tokens",
                    ids.len()
                ));
            }
        }
        if labels.boundary == Boundary::Split && tokenizer.adds_space() {
            return refuse(format!(
                "`labels.boundary` \"split\" cuts texts into segments, but {name} adds a space to every segment; use \
                \"overlap\", \"contained\" or \"first\""
            ));
        }
    }
    if options.padding.is_some() && tokenizer.special_token_id("pad_token").is_none() {
        let text = format!(
            "`padding` needs a `pad_token`, but {} has none; name one of its tokens with `pad_token` of `prepare` \
             (`--pad-token`), or with `Tokenizer(…, special_tokens=…)`",
            tokenizer.name()
        );
        return Err(Error::new(ErrorKind::Option, text));
    }
    Ok(())
}

fn check_chat(options: &Options) -> Result<()> {
    match options.segment_length {
        Some(_) => {
            refuse("`segment_length` is only supported for formats with their own text; use `max_length` for messages")
        }
        None => Ok(()),
    }
}

/// Options that the rows of `format` do not support.
fn check_format(options: &Options, format: &Format) -> Result<()> {
    let kind = format.kind();
    if kind == RowKind::Chat || kind == RowKind::Segments && format.text_has_messages() {
        if kind == RowKind::Segments && options.special_tokens == SpecialTokens::Text {
            return refuse(unsupported(format, "`special_tokens=\"text\"`"));
        }
        return check_chat(options);
    }
    let labels = match &options.labels {
        LabelChoice::Emulate { .. } => false,
        LabelChoice::Policy(labels) => {
            let plain = Labels { boundary: labels.boundary, unproved: labels.unproved, ..Labels::default() };
            *labels == plain || kind == RowKind::Segments && (labels.is_nothing() || labels.is_everything())
        }
    };
    let truncation = match kind {
        RowKind::Text => matches!(options.truncation, Truncation::Split | Truncation::KeepStart),
        RowKind::Answers => {
            matches!(options.truncation, Truncation::KeepStart | Truncation::Drop | Truncation::Raise)
        }
        _ => options.truncation != Truncation::Turns,
    };
    let has_sequences = kind != RowKind::Answers;
    let supported = [
        (labels, "these `labels`".to_owned()),
        (options.split != Some(Split::PerTurn), "`split=\"per_turn\"`".to_owned()),
        (truncation, format!("`truncation=\"{}\"`", options.truncation.name())),
        (
            options.special_tokens == SpecialTokens::Allow,
            format!("`special_tokens=\"{}\"`", options.special_tokens.name()),
        ),
        (options.segment_length.is_none() || kind == RowKind::Segments, "`segment_length`".to_owned()),
        (options.padding.is_none() || has_sequences, "`padding`".to_owned()),
        (!options.attention_mask || has_sequences, "`attention_mask`".to_owned()),
        (!options.position_ids || has_sequences, "`position_ids`".to_owned()),
    ];
    match supported.into_iter().find(|(is_supported, _)| !is_supported) {
        None => Ok(()),
        Some((_, option)) => refuse(unsupported(format, &option)),
    }
}

fn unsupported(format: &Format, option: &str) -> String {
    let (reason, remedy) = match format.kind() {
        RowKind::Chat | RowKind::Segments => (
            "because its text defines the label mask",
            "remove the option, or use a style of the format that builds messages",
        ),
        RowKind::Answers => ("because its rows are a prompt with answers", "remove the option"),
        RowKind::Tokens => ("because its rows are already tokenized", "remove the option"),
        RowKind::Text => ("because its rows are plain text", "remove the option"),
    };
    format!("the format `{}` does not support {option}, {reason}; {remedy}", format.name())
}
