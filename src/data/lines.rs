//! `LineCutter`: cuts text into its lines. The rows of a JSONL file are read this way.

use arrow_array::LargeBinaryArray;
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use memchr::{memchr, memchr_iter, memrchr};

/// The bytes of a long line that are kept, to be shown.
const SHOWN_BYTES: usize = 4096;
const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// A line that is too long to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LongLine {
    /// Its first bytes.
    pub beginning: Vec<u8>,
    /// The number of its bytes.
    pub bytes: usize,
}

/// Consecutive lines of a text. Blank lines are left out.
#[derive(Debug)]
pub struct CutLines {
    /// The lines without their ends, as binary values. A line that is too long is null.
    pub lines: LargeBinaryArray,
    /// The number of all lines, with the blank ones.
    pub total: usize,
    /// The place of each line among all of them, from 0; None if no line is blank.
    pub places: Option<Vec<usize>>,
    /// The lines that are too long, with their index in `lines`.
    pub long: Vec<(usize, LongLine)>,
    /// The beginning of the text, with blank lines; empty if these are not the first lines.
    pub start: Vec<u8>,
}

/// Cuts a text, which comes in chunks, into lines. It holds a chunk and the line that the chunk does not end.
///
/// A line of more than `max_line_bytes` is not held: the rest of it is skipped once it is known to be too long.
#[derive(Debug)]
pub struct LineCutter {
    max_line_bytes: usize,
    /// The text after the last line end.
    held: Vec<u8>,
    /// The long line that is being skipped; its length grows.
    skipped: Option<LongLine>,
    is_first: bool,
}

impl LineCutter {
    /// A cutter for the text of a file from its beginning (`is_first`), or from the beginning of a later line.
    pub fn new(max_line_bytes: usize, is_first: bool) -> LineCutter {
        LineCutter { max_line_bytes, held: Vec::new(), skipped: None, is_first }
    }

    /// Takes a chunk of text, and returns the lines that end in it.
    pub fn cut(&mut self, chunk: &[u8]) -> Vec<CutLines> {
        let mut found = Vec::new();
        let Some(last_end) = memrchr(b'\n', chunk) else {
            self.hold(chunk);
            return found;
        };
        let (ended, rest) = chunk.split_at(last_end + 1);
        let mut ended = ended;
        if let Some(mut long) = self.skipped.take() {
            let end = memchr(b'\n', ended).unwrap_or(ended.len());
            long.bytes += end;
            found.push(self.one_long(long));
            ended = ended.get(end + 1..).unwrap_or_default();
        }
        if !ended.is_empty() {
            let held = std::mem::take(&mut self.held);
            found.push(self.lines(&held, ended));
        }
        self.hold(rest);
        found
    }

    /// Returns the last line, if it lacks its end.
    pub fn finish(&mut self) -> Option<CutLines> {
        if let Some(long) = self.skipped.take() {
            return Some(self.one_long(long));
        }
        let held = std::mem::take(&mut self.held);
        (!held.is_empty()).then(|| self.lines(&held, &[]))
    }

    /// Adds text without a line end.
    fn hold(&mut self, text: &[u8]) {
        match &mut self.skipped {
            Some(long) => long.bytes += text.len(),
            None => self.held.extend_from_slice(text),
        }
        if self.held.len() > self.max_line_bytes {
            let held = std::mem::take(&mut self.held);
            self.skipped = Some(LongLine { beginning: shown(&held), bytes: held.len() });
        }
    }

    fn one_long(&mut self, long: LongLine) -> CutLines {
        let start = if self.is_first { long.beginning.clone() } else { Vec::new() };
        self.is_first = false;
        let nothing = LargeBinaryArray::new_null(1);
        CutLines { lines: nothing, total: 1, places: None, long: vec![(0, long)], start }
    }

    /// The lines of `held` and `ended` together. Only the last line of `ended` may lack its end.
    fn lines(&mut self, held: &[u8], ended: &[u8]) -> CutLines {
        let is_first = std::mem::take(&mut self.is_first);
        let start = if is_first { joined(held, ended, SHOWN_BYTES) } else { Vec::new() };
        let mut cut = Cut::of(held.len() + ended.len(), self.max_line_bytes);
        let first_end = memchr(b'\n', ended).unwrap_or(ended.len());
        let mut first = joined(held, &ended[..first_end], usize::MAX);
        if is_first && first.starts_with(UTF8_MARK) {
            first.drain(..UTF8_MARK.len());
        }
        cut.add(&first);
        let others = ended.get(first_end + 1..).unwrap_or_default();
        let mut at = 0;
        for end in memchr_iter(b'\n', others) {
            cut.add(&others[at..end]);
            at = end + 1;
        }
        if at < others.len() {
            cut.add(&others[at..]);
        }
        cut.finish(start)
    }
}

/// Lines that are being collected.
struct Cut {
    max_line_bytes: usize,
    bytes: Vec<u8>,
    ends: Vec<i64>,
    places: Vec<usize>,
    total: usize,
    long: Vec<(usize, LongLine)>,
}

impl Cut {
    fn of(bytes: usize, max_line_bytes: usize) -> Cut {
        Cut {
            max_line_bytes,
            bytes: Vec::with_capacity(bytes),
            ends: vec![0],
            places: Vec::new(),
            total: 0,
            long: Vec::new(),
        }
    }

    fn add(&mut self, line: &[u8]) {
        self.total += 1;
        if is_blank(line) {
            return;
        }
        if line.len() > self.max_line_bytes {
            self.long.push((self.places.len(), LongLine { beginning: shown(line), bytes: line.len() }));
        } else {
            self.bytes.extend_from_slice(line);
        }
        self.places.push(self.total - 1);
        self.ends.push(self.bytes.len() as i64);
    }

    fn finish(self, start: Vec<u8>) -> CutLines {
        let rows = self.places.len();
        let nulls = (!self.long.is_empty()).then(|| {
            let mut is_read = vec![true; rows];
            for (index, _) in &self.long {
                is_read[*index] = false;
            }
            NullBuffer::from(is_read)
        });
        let ends = OffsetBuffer::new(ScalarBuffer::from(self.ends));
        CutLines {
            lines: LargeBinaryArray::new(ends, Buffer::from_vec(self.bytes), nulls),
            places: (rows < self.total).then_some(self.places),
            total: self.total,
            long: self.long,
            start,
        }
    }
}

/// Whether a line has white space only. Other control characters are text.
fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\x0c' | b'\r'))
}

fn shown(line: &[u8]) -> Vec<u8> {
    line[..line.len().min(SHOWN_BYTES)].to_vec()
}

/// The first `most` bytes of two texts together.
fn joined(one: &[u8], other: &[u8], most: usize) -> Vec<u8> {
    let one = &one[..one.len().min(most)];
    let other = &other[..other.len().min(most - one.len())];
    [one, other].concat()
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;

    use super::*;

    /// Lines with their numbers, from 0.
    type Numbered<T> = Vec<(usize, T)>;

    /// All lines of a text, and the sizes of those that are too long.
    fn cut(text: &[u8], chunk: usize, max_line_bytes: usize) -> (Numbered<Vec<u8>>, Numbered<usize>) {
        let mut cutter = LineCutter::new(max_line_bytes, true);
        let mut pieces: Vec<CutLines> = text.chunks(chunk).flat_map(|chunk| cutter.cut(chunk)).collect();
        pieces.extend(cutter.finish());
        let (mut lines, mut long, mut before) = (Vec::new(), Vec::new(), 0);
        for piece in pieces {
            for index in 0..piece.lines.len() {
                let number = before + piece.places.as_ref().map_or(index, |places| places[index]);
                match piece.long.iter().find(|(at, _)| *at == index) {
                    Some((_, line)) => {
                        assert!(piece.lines.is_null(index));
                        long.push((number, line.bytes));
                    }
                    None => lines.push((number, piece.lines.value(index).to_vec())),
                }
            }
            before += piece.total;
        }
        (lines, long)
    }

    #[test]
    fn lines_do_not_depend_on_chunks() {
        let text = b"\xef\xbb\xbffirst\n\n \t\r\nsecond\r\n\x0b\n0123456789\nlast";
        let expected: Numbered<Vec<u8>> = vec![
            (0, b"first".to_vec()),
            (3, b"second\r".to_vec()),
            (4, b"\x0b".to_vec()),
            (5, b"0123456789".to_vec()),
            (6, b"last".to_vec()),
        ];
        for chunk in 1..=text.len() {
            assert_eq!(cut(text, chunk, 100), (expected.clone(), Vec::new()), "chunks of {chunk}");
            let (lines, long) = cut(text, chunk, 8);
            let of_max_8 = expected.iter().filter(|(number, _)| *number != 5).cloned().collect::<Vec<_>>();
            assert_eq!((lines, long), (of_max_8, vec![(5, 10)]), "chunks of {chunk}");
        }
    }

    #[test]
    fn a_long_line_is_not_held() {
        let mut cutter = LineCutter::new(10, true);
        for _ in 0..1000 {
            assert!(cutter.cut(&[b'x'; 100]).is_empty());
            assert!(cutter.held.is_empty());
        }
        let found = cutter.cut(b"x\ny\n");
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].long, [(0, LongLine { beginning: vec![b'x'; 100], bytes: 100_001 })]);
        assert_eq!(found[0].start.len(), 100);
        assert_eq!(found[1].lines.value(0), b"y");
        assert!(found[1].start.is_empty());
    }
}
