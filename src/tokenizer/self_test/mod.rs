//! The self-test at load: a fast engine is used only if it gives the same ids as the reference.
//!
//! Both engines encode the same [`texts`], and their ids are compared.
//!
//! Two of sixteen real tokenizers (deepseek-v4, kimi-k2) differ on rare scripts only, because the engines use Unicode
//! tables of different versions. For these tokenizers, texts with characters of the differing blocks use the reference.

mod texts;

use super::engines::{Aligned, BLOCK, DifferingBlocks, Fast, LOADERS, Loader, Reference, TokenEncoder};
use super::tokens::Tokens;

/// With more differing blocks than this, too many texts would need the reference.
const MAX_DIFFERING: usize = 256;
/// Common characters are below this code point. An engine that differs there is not used.
const COMMON: u32 = 0x250;

/// The first fast engine that passes the self-test, with the reason for its use. The error says why no engine passes.
pub(super) fn fast_if_equal(definition: &str, reference: &Reference) -> Result<(Fast, String), String> {
    let mut reasons = Vec::new();
    for loader in &LOADERS {
        match try_engine(loader, definition, reference) {
            Ok(found) => return Ok(found),
            Err(reason) => reasons.push(format!("{}: {reason}", loader.0)),
        }
    }
    Err(reasons.join("; "))
}

fn try_engine(loader: &Loader, definition: &str, reference: &Reference) -> Result<(Fast, String), String> {
    let mut fast =
        Fast::new(loader, definition, reference).map_err(|why| format!("cannot load this tokenizer ({why})"))?;
    for text in texts::PLAIN {
        match fast.tokens(text, 0, &mut Tokens::default()) {
            Ok(Aligned::Yes) => {}
            Ok(Aligned::No) => {
                return Err(
                    "its tokens joined do not equal the text of the self-test, so the places of its tokens are unknown"
                        .into(),
                );
            }
            Err(error) => return Err(format!("fails on the self-test: {}", error.text)),
        }
    }
    let mut differing = DifferingBlocks::default();
    for (block, text) in texts::blocks() {
        if let Err(difference) = compare(&fast, reference, &text) {
            if block * BLOCK < COMMON || differing.count() == MAX_DIFFERING {
                return Err(difference);
            }
            differing.add(block);
        }
    }
    for text in texts::PLAIN.iter().chain(texts::HARD) {
        if !differing.occur_in(text) {
            compare(&fast, reference, text)?;
        }
    }
    for text in &texts::around_added_tokens(reference.added_tokens()) {
        if !differing.occur_in(text) {
            compare(&fast, reference, text)?;
        }
    }
    let mut reason = "its ids equal the reference's on the self-test".to_owned();
    if let Some(first) = differing.first() {
        let count = differing.count();
        reason = format!(
            "{reason}; texts with characters of {count} rare blocks, where the ids differ, use the reference (first U+{first:04X})"
        );
    }
    fast.set_differing(differing);
    Ok((fast, reason))
}

/// Compares the ids that both engines give for `text`.
fn compare(fast: &Fast, reference: &Reference, text: &str) -> Result<(), String> {
    let (mut fast_ids, mut reference_ids) = (Vec::new(), Vec::new());
    let (fast_result, reference_result) = (fast.ids(text, &mut fast_ids), reference.ids(text, &mut reference_ids));
    if let Err(error) = reference_result {
        // If the reference cannot encode a text, such rows fail. They must then fail with the fast engine too.
        return if fast_result.is_err() {
            Ok(())
        } else {
            Err(format!("only the reference fails on the self-test: {error}"))
        };
    }
    if let Err(error) = fast_result {
        return Err(format!("fails on the self-test: {}", error.text));
    }
    if fast_ids != reference_ids {
        let shown: String = text.chars().take(24).collect();
        return Err(format!("its ids differ from those of the reference near {shown:?}"));
    }
    Ok(())
}
