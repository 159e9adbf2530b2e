//! The self-test at load: a fast engine is used only if it gives the same ids as the reference.
//!
//! Both engines encode the same [`texts`], and their ids are compared.
//!
//! Two of sixteen real tokenizers (deepseek-v4, kimi-k2) differ on rare scripts only, because the engines use Unicode
//! tables of different versions. For these tokenizers, texts with characters of the differing blocks use the reference.

mod texts;

use std::sync::Arc;

use super::engines::{Aligned, BLOCK, DifferingBlocks, Fast, LOADERS, Loader, Reference, TokenEncoder};
use super::tokens::Tokens;
use super::verdict::Verdict;
use super::vocabulary::Vocabulary;

/// With more differing blocks than this, too many texts would need the reference.
const MAX_DIFFERING: usize = 256;
/// Common characters are below this code point. An engine that differs there is not used.
const COMMON: u32 = 0x250;

/// The first fast engine that passes the self-test, with its name and the reason for its use. The error says why no
/// engine passes.
pub(super) fn fast_if_equal(
    definition: &str,
    reference: &Reference,
    vocabulary: &Arc<Vocabulary>,
) -> Result<(Fast, &'static str, String), String> {
    let mut reasons = Vec::new();
    for loader in &LOADERS {
        match try_engine(loader, definition, reference, vocabulary) {
            Ok((fast, reason)) => return Ok((fast, loader.name, reason)),
            Err(reason) => reasons.push(format!("{}: {reason}", loader.name)),
        }
    }
    Err(reasons.join("; "))
}

/// Loads the engine that passed the self-test, for the tokenizer of the verdict. None if there is none.
pub(super) fn fast_that_passed(definition: &str, vocabulary: &Arc<Vocabulary>, verdict: &Verdict) -> Option<Fast> {
    let name = verdict.engine.as_deref()?;
    let loader = LOADERS.iter().find(|loader| loader.name == name)?;
    let mut fast = Fast::new(loader, definition, Arc::clone(vocabulary)).ok()?;
    let mut blocks = DifferingBlocks::default();
    verdict.differing.iter().for_each(|block| blocks.add(*block));
    fast.set_differing(blocks);
    Some(fast)
}

/// The version of an engine. None if there is no engine of this name.
pub(super) fn version_of(name: &str) -> Option<&'static str> {
    LOADERS.iter().find(|loader| loader.name == name).map(|loader| loader.version)
}

fn try_engine(
    loader: &Loader,
    definition: &str,
    reference: &Reference,
    vocabulary: &Arc<Vocabulary>,
) -> Result<(Fast, String), String> {
    let mut fast = Fast::new(loader, definition, Arc::clone(vocabulary))
        .map_err(|why| format!("cannot load this tokenizer ({why})"))?;
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
    let (blocks, block_texts): (Vec<u32>, Vec<String>) = texts::blocks().unzip();
    for (block, difference) in blocks.into_iter().zip(compare_all(&fast, reference, &block_texts)) {
        if let Err(difference) = difference {
            if block * BLOCK < COMMON || differing.count() == MAX_DIFFERING {
                return Err(difference);
            }
            differing.add(block);
        }
    }
    let mut rest: Vec<String> = texts::PLAIN.iter().chain(texts::HARD).map(|text| (*text).to_owned()).collect();
    rest.extend(texts::around_added_tokens(&vocabulary.added_tokens));
    rest.retain(|text| !differing.occur_in(text));
    compare_all(&fast, reference, &rest).into_iter().collect::<Result<(), String>>()?;
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

/// Compares the ids that both engines give for each text, with all cores. These threads end here: a pool that outlives
/// the load would be without its threads in a forked child.
fn compare_all(fast: &Fast, reference: &Reference, texts: &[String]) -> Vec<Result<(), String>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    let chunks = texts.chunks(texts.len().div_ceil(threads).max(1));
    std::thread::scope(|scope| {
        let work = |chunk: &[String]| chunk.iter().map(|text| compare(fast, reference, text)).collect::<Vec<_>>();
        let running: Vec<_> = chunks.map(|chunk| scope.spawn(move || work(chunk))).collect();
        let results = running.into_iter().map(|thread| match thread.join() {
            Ok(results) => results,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        results.flatten().collect()
    })
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
