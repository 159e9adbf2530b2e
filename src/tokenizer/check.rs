//! The check at load: may the fast engine stand in for the reference?
//!
//! Both engines encode a fixed stress text. It has what tells pre-tokenizers and normalisers apart: letters of all
//! scripts beside digits and spaces, digits of many scripts, runs of white space, emoji with joiners, combining
//! marks, control characters, and each added token between letters, spaces and its own kind.

use super::fast::Fast;
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

/// The fast engine, or why it may not be used.
pub(super) fn fast_if_equal(definition: &str, reference: &Reference) -> Result<Fast, String> {
    let fast = Fast::new(definition, reference.pieces()).map_err(|why| format!("the fast engine refuses it: {why}"))?;
    for text in PLAIN {
        let mut tokens = Tokens::default();
        match fast.tokens(text, 0, &mut tokens) {
            Ok(Placed::Yes) => {}
            Ok(Placed::No) => {
                return Err("the fast engine gives no offsets and its tokens do not spell the text".into());
            }
            Err(error) => {
                return Err(format!("the fast engine fails on the stress text: {}", error.text));
            }
        }
    }
    for text in PLAIN.iter().chain(HARD) {
        same(&fast, reference, text)?;
    }
    for text in every_script().iter().chain(&around_added_tokens(reference)) {
        same(&fast, reference, text)?;
    }
    Ok(fast)
}

/// Compares whole ids, and the ends where the fast engine claims to know them.
fn same(fast: &Fast, reference: &Reference, text: &str) -> Result<(), String> {
    let (mut ours, mut theirs) = (Vec::new(), Tokens::default());
    let (fast_ids, known) = (fast.ids(text, &mut ours), reference.tokens(text, 0, &mut theirs));
    if let Err(error) = known {
        // What the reference refuses, it will refuse in a row too; the fast engine must not be more lenient.
        return if fast_ids.is_err() {
            Ok(())
        } else {
            Err(format!("the reference fails on the stress text: {error}"))
        };
    }
    if let Err(error) = fast_ids {
        return Err(format!("the fast engine fails on the stress text: {}", error.text));
    }
    if ours != theirs.ids {
        let shown: String = text.chars().take(24).collect();
        return Err(format!("the fast engine gives other ids than the reference, first near {shown:?}"));
    }
    Ok(())
}

/// Characters of all scripts between letters, digits and spaces, some hundreds to a text.
fn every_script() -> Vec<String> {
    // Everything up to the end of the CJK punctuation, then samples of the ideographs, syllables and planes above.
    let characters = (0x20..0x3400).chain((0x3400..0x1_1000).step_by(23)).chain((0x1_1000..0x3_0000).step_by(61));
    let mut texts = Vec::new();
    let mut text = String::new();
    for (index, character) in characters.filter_map(char::from_u32).enumerate() {
        match index % 4 {
            0 => text.push_str(" a"),
            1 => text.push('1'),
            2 => text.push(' '),
            _ => text.push('.'),
        }
        text.push(character);
        if index % 3 == 0 {
            text.push(character);
        }
        if text.len() > 2000 {
            texts.push(std::mem::take(&mut text));
        }
    }
    texts.push(text);
    texts
}

fn around_added_tokens(reference: &Reference) -> Vec<String> {
    let tokens = reference.added_tokens();
    let mut texts = vec![tokens.concat(), tokens.join(" "), tokens.join("\n"), tokens.join("a")];
    // A few hundred tokens show all the flags that a vocabulary uses; the joined texts above have every one.
    for token in tokens.iter().take(300) {
        texts.push(format!("x {token}  y{token}\n{token} {token}.{token}\n\nz"));
    }
    texts
}
