//! The check at load: may the fast engine stand in for the reference?
//!
//! Both engines encode a fixed stress text. It has what tells pre-tokenizers and normalisers apart: characters of all
//! scripts beside letters, digits and spaces, digits of many scripts, runs of white space, emoji with joiners,
//! combining marks, control characters, and each added token between letters, spaces and its own kind.
//!
//! Two real tokenizers in sixteen (deepseek-v4, kimi-k2) differ on rare scripts only, because the engines' tables of
//! Unicode are of different age. There the fast engine is used for texts without characters of these blocks.

use super::fast::{Fast, LOADERS, Loader};
use super::reference::Reference;
use super::{Encoder, Placed, Tokens};

/// Text that every tokenizer meets: if even here the tokens cannot be placed, the fast engine would gain nothing.
const PLAIN: &[&str] = &[
    "Hello, world! How are you today? I'm fine; thanks.",
    "def f(x):\n    return {\"a\": [1, 22, 333], 'b': None}\n\n\nprint(f(10_000))  # ok\t\n",
    "The price rose 12.5% to $1,234.56 (see https://example.com/a?b=c&d=e#f).",
    "\n\nA list:\n- one\n- two\n\n  1. nested\n\n\n",
    "Grüße aus Köln, ça va? 你好，世界。こんにちは 안녕하세요 Привет мир مرحبا שלום नमस्ते",
];

const HARD: &[&str] = &[
    "",
    " ",
    "  leading and trailing  ",
    "\t\t\ttabs\r\nand\rreturns\n \n  \n   \n    x",
    "a\u{a0}b\u{2009}c\u{3000}d\u{200b}e\u{feff}f\u{85}g\u{2028}h\u{1c}i",
    "don't DON'T we'Ve I'LL they'RE it'S 'sup ''s 's'",
    "x1y22z333 4444a55555 666666 7777777 1 000 000 3.14159e-10 0x1F 1/2",
    "٣٤٥ १२३ ๔๕๖ ①②③ ²³¹ ½¾ Ⅷ ⅷ 〇一二三 𝟘𝟙𝟚 ₁₂ a²b 5²6 x½y 1٣2",
    "e\u{301} é a\u{323}\u{307} Å Å ﬁ ﬀ Ａ１ ｶﾞ 가 \u{1100}\u{1161} \u{958} ㈱ ｱ",
    "😀😃👩‍👩‍👧‍👦👍🏽🇩🇪🏴\u{e0067}\u{e0062}\u{e007f}❤️‍🔥 ☝🏿 a😀b 1😀2",
    "\u{0}\u{1}\u{7f}\u{80}\u{ad}\u{fff0}\u{10ffff}\u{e000}\u{fdd0}",
    "snake_case camelCase HTTPServer XMLHttpRequest ABCdef aBC __init__ --flag=value",
    "中文English混排123数字，标点。“引号”‘单’——破折号……《书名》",
    "ไทยไม่มีช่องว่าง မြန်မာ ខ្មែរ ລາວ བོད་ཡིག ქართული հայերեն ελληνικά አማርኛ",
    "!!!??? ... --- === *** ### @@@ ~~~ ||| \\\\\\ /// <<< >>> [[[ ]]] {{{ }}} ((( )))",
    "<|not_a_token|> <s </s [INST [/INST] <think <| |> <unused",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "                                                                                                    x",
];

/// Code points to a block. The engines differ by scripts, if at all, so a block is odd as a whole.
const BLOCK: u32 = 64;
/// With more odd blocks than this, too many texts would go to the reference for the fast engine to be worth it.
const MOST_ODD: usize = 256;
/// Everyday text is below this; an engine that is odd there is not used at all.
const EVERYDAY: u32 = 0x250;

/// The characters for which the fast engine is not equal to the reference, by blocks.
#[derive(Debug, Default)]
pub(super) struct OddBlocks {
    bits: Vec<u64>,
    count: usize,
    first: Option<u32>,
}

impl OddBlocks {
    fn add(&mut self, block: u32) {
        let (word, bit) = ((block / 64) as usize, block % 64);
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        self.bits[word] |= 1 << bit;
        self.count += 1;
        self.first.get_or_insert(block * BLOCK);
    }

    /// Whether `text` has a character of an odd block. Skips ASCII eight bytes at a time: 0.1 µs for a row of English,
    /// 2 µs for one of Chinese.
    pub(super) fn touch(&self, text: &str) -> bool {
        if self.count == 0 {
            return false;
        }
        let mut rest = text;
        loop {
            let ascii = ascii_prefix(rest.as_bytes());
            let mut characters = rest[ascii..].chars();
            let Some(character) = characters.next() else { return false };
            let block = u32::from(character) / BLOCK;
            if self.bits.get((block / 64) as usize).is_some_and(|word| word >> (block % 64) & 1 == 1) {
                return true;
            }
            rest = characters.as_str();
        }
    }
}

fn ascii_prefix(bytes: &[u8]) -> usize {
    let (words, tail) = bytes.as_chunks::<8>();
    let at = words.iter().position(|word| !word.is_ascii());
    let (from, slice) = match at {
        Some(word) => (word * 8, words[word].as_slice()),
        None => (words.len() * 8, tail),
    };
    from + slice.iter().position(|byte| !byte.is_ascii()).unwrap_or(slice.len())
}

/// The first fast engine that may be used, with the reason, or why none may.
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
    let mut fast = Fast::new(loader, definition, reference).map_err(|why| format!("it refuses ({why})"))?;
    for text in PLAIN {
        match fast.tokens(text, 0, &mut Tokens::default()) {
            Ok(Placed::Yes) => {}
            Ok(Placed::No) => {
                return Err("it gives no offsets and its tokens do not spell the text".into());
            }
            Err(error) => return Err(format!("it fails on the stress text: {}", error.text)),
        }
    }
    let mut odd = OddBlocks::default();
    for (block, text) in blocks() {
        if let Err(difference) = same(&fast, reference, &text) {
            if block * BLOCK < EVERYDAY || odd.count == MOST_ODD {
                return Err(difference);
            }
            odd.add(block);
        }
    }
    for text in PLAIN.iter().chain(HARD) {
        if !odd.touch(text) {
            same(&fast, reference, text)?;
        }
    }
    for text in &around_added_tokens(reference) {
        if !odd.touch(text) {
            same(&fast, reference, text)?;
        }
    }
    let mut reason = "its ids equal the reference's on the stress text".to_owned();
    if let Some(first) = odd.first {
        let count = odd.count;
        reason.push_str(&format!(
            "; texts with characters of {count} rare blocks, where they differ, go to the reference (first U+{first:04X})"
        ));
    }
    fast.set_odd(odd);
    Ok((fast, reason))
}

/// Compares whole ids.
fn same(fast: &Fast, reference: &Reference, text: &str) -> Result<(), String> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let (fast_ids, known) = (fast.ids(text, &mut ours), reference.ids(text, &mut theirs));
    if let Err(error) = known {
        // What the reference refuses, it will refuse in a row too; the fast engine must not be more lenient.
        return if fast_ids.is_err() {
            Ok(())
        } else {
            Err(format!("the reference fails on the stress text: {error}"))
        };
    }
    if let Err(error) = fast_ids {
        return Err(format!("it fails on the stress text: {}", error.text));
    }
    if ours != theirs {
        let shown: String = text.chars().take(24).collect();
        return Err(format!("it gives other ids than the reference near {shown:?}"));
    }
    Ok(())
}

/// A text for each block: its characters after a letter, after a digit, after a space and after themselves. Every
/// character up to the CJK punctuation, and samples of the ideographs, syllables and planes above.
fn blocks() -> impl Iterator<Item = (u32, String)> {
    let ranges = [(0x20, 0x3400, 1), (0x3400, 0xd800, 7), (0xe000, 0x1_0000, 3), (0x1_0000, 0x2_0000, 3)];
    let planes =
        [(0x2_0000, 0x3_3500, 31), (0xe_0000, 0xe_0200, 1), (0xf_0000, 0xf_0400, 61), (0x10_fe00, 0x11_0000, 61)];
    let blocks = ranges.into_iter().chain(planes).flat_map(|(from, to, step)| {
        (from / BLOCK..to / BLOCK)
            .map(move |block| (block, (block * BLOCK).max(from), ((block + 1) * BLOCK).min(to), step))
    });
    blocks.map(|(block, from, to, step)| {
        let mut text = String::new();
        for character in (from..to).step_by(step).filter_map(char::from_u32) {
            text.extend(['a', character, '1', character, ' ', character, character, '.']);
        }
        (block, text)
    })
}

fn around_added_tokens(reference: &Reference) -> Vec<String> {
    let tokens: Vec<String> = reference.added_tokens().into_iter().map(|token| token.text).collect();
    let mut texts = vec![tokens.concat(), tokens.join(" "), tokens.join("\n"), tokens.join("a")];
    // A few hundred tokens show all the flags that a vocabulary uses; the joined texts above have every one.
    for token in tokens.iter().take(300) {
        texts.push(format!("x {token}  y{token}\n{token} {token}.{token}\n\nz"));
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_blocks_are_found_in_texts() {
        let mut odd = OddBlocks::default();
        assert!(!odd.touch("a\u{1a17}"));
        odd.add(0x1a17 / BLOCK);
        assert!(odd.touch("a\u{1a17}") && odd.touch("\u{1a00}") && !odd.touch("a\u{1a40}é中"));
    }

    #[test]
    fn every_block_is_tried_once() {
        let mut seen = std::collections::HashSet::new();
        for (block, text) in blocks() {
            assert!(seen.insert(block), "block {block} twice");
            assert!(text.chars().all(|c| c.is_ascii() || u32::from(c) / BLOCK == block));
        }
        assert!(seen.len() > 1500);
    }
}
