//! The texts of the self-test: every kind of text for which pre-tokenizers and normalizers are known to differ.
//!
//! It has characters of all scripts next to letters, digits and spaces, digits of many scripts, runs of white space,
//! emoji with joiners, combining marks, control characters, and each added token next to letters, spaces and itself.

use crate::tokenizer::engines::BLOCK;
use crate::tokenizer::tokens::AddedToken;

/// Ordinary text. If its tokens cannot be aligned, a fast engine has no advantage.
pub(super) const PLAIN: &[&str] = &[
    "Hello, world! How are you today? I'm fine; thanks.",
    "def f(x):\n    return {\"a\": [1, 22, 333], 'b': None}\n\n\nprint(f(10_000))  # ok\t\n",
    "The price rose 12.5% to $1,234.56 (see https://example.com/a?b=c&d=e#f).",
    "\n\nA list:\n- one\n- two\n\n  1. nested\n\n\n",
    "Grüße aus Köln, ça va? 你好，世界。こんにちは 안녕하세요 Привет мир مرحبا שלום नमस्ते",
];

/// Text that is hard for tokenizers.
pub(super) const HARD: &[&str] = &[
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

/// One text per block of characters, with the index of the block: each character after a letter, after a digit, after a
/// space and after itself. It has every character up to the CJK punctuation, and samples of the ideographs, syllables
/// and planes above.
pub(super) fn blocks() -> impl Iterator<Item = (u32, String)> {
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

/// Texts with each added token next to letters, spaces and itself.
pub(super) fn around_added_tokens(added: &[AddedToken]) -> Vec<String> {
    let tokens: Vec<&str> = added.iter().map(|token| &*token.text).collect();
    let mut texts = vec![tokens.concat(), tokens.join(" "), tokens.join("\n"), tokens.join("a")];
    // A few hundred tokens show all flags that a vocabulary uses. The joined texts above have every token.
    for token in tokens.iter().take(300) {
        texts.push(format!("x {token}  y{token}\n{token} {token}.{token}\n\nz"));
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_is_tried_once() {
        let mut seen = std::collections::HashSet::new();
        for (block, text) in blocks() {
            assert!(seen.insert(block), "block {block} twice");
            assert!(text.chars().all(|c| c.is_ascii() || u32::from(c) / BLOCK == block));
        }
        assert_eq!(seen.len(), 3284);
    }
}
