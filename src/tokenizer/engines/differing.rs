//! `DifferingBlocks`: the characters for which a fast engine gives different ids than the reference.

/// Code points in a block. Engines differ by script, if at all, so a block differs as a whole.
pub(in crate::tokenizer) const BLOCK: u32 = 64;

/// A set of blocks of characters.
#[derive(Debug, Default)]
pub(in crate::tokenizer) struct DifferingBlocks {
    bits: Vec<u64>,
    count: usize,
    first: Option<u32>,
}

impl DifferingBlocks {
    /// Adds the block with this index. Blocks are added in ascending order.
    pub(in crate::tokenizer) fn add(&mut self, block: u32) {
        let (word, bit) = ((block / 64) as usize, block % 64);
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        self.bits[word] |= 1 << bit;
        self.count += 1;
        self.first.get_or_insert(block * BLOCK);
    }

    /// The indices of the blocks, ascending.
    pub(in crate::tokenizer) fn indices(&self) -> Vec<u32> {
        let bits = self.bits.iter().enumerate();
        let set =
            bits.flat_map(|(word, bits)| (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| (word, bit)));
        set.map(|(word, bit)| word as u32 * 64 + bit).collect()
    }

    /// The number of blocks.
    pub(in crate::tokenizer) fn count(&self) -> usize {
        self.count
    }

    /// The first code point of the first block.
    pub(in crate::tokenizer) fn first(&self) -> Option<u32> {
        self.first
    }

    /// Whether `text` has a character of one of the blocks. Skips ASCII eight bytes at a time: 0.1 µs for a row of
    /// English, 2 µs for a row of Chinese.
    pub(in crate::tokenizer) fn occur_in(&self, text: &str) -> bool {
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

/// The number of ASCII bytes at the start of `bytes`.
fn ascii_prefix(bytes: &[u8]) -> usize {
    let (words, tail) = bytes.as_chunks::<8>();
    let at = words.iter().position(|word| !word.is_ascii());
    let (from, slice) = match at {
        Some(word) => (word * 8, words[word].as_slice()),
        None => (words.len() * 8, tail),
    };
    from + slice.iter().position(|byte| !byte.is_ascii()).unwrap_or(slice.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_in_texts() {
        let mut blocks = DifferingBlocks::default();
        assert!(!blocks.occur_in("a\u{1a17}"));
        blocks.add(0x1a17 / BLOCK);
        assert_eq!(blocks.indices(), [0x1a17 / BLOCK]);
        assert!(blocks.occur_in("a\u{1a17}") && blocks.occur_in("\u{1a00}") && !blocks.occur_in("a\u{1a40}é中"));
    }
}
