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
    /// The beginning of the text, from the first line that is not blank; empty if these are not the first lines.
    pub start: Vec<u8>,
}

/// Cuts a text, which comes in chunks, into lines. It holds a chunk and the line that the chunk does not end.
///
/// A line of more than `max_line_bytes` is not held: the rest of it is skipped once it is known to be too long.
#[derive(Debug)]
pub struct LineCutter {
    max_line_bytes: usize,
    /// The text after the last line end.
    held: Held,
    skipped: Option<Skipped>,
    /// How much of the UTF-8 mark was seen; None after the beginning of a file.
    mark: Option<usize>,
    /// Whether all lines so far were blank.
    is_first: bool,
}

/// The pieces of a line without its end. One text of them would double its room when it grows.
#[derive(Debug, Default)]
struct Held {
    pieces: Vec<Vec<u8>>,
    bytes: usize,
}

impl Held {
    fn push(&mut self, text: &[u8]) {
        if !text.is_empty() {
            self.pieces.push(text.to_vec());
            self.bytes += text.len();
        }
    }

    /// The first bytes, which are kept of a long line.
    fn beginning(&self) -> Vec<u8> {
        self.pieces.iter().flatten().copied().take(SHOWN_BYTES).collect()
    }

    fn joined(mut self) -> Vec<u8> {
        match self.pieces.len() {
            1 => self.pieces.pop().unwrap_or_default(),
            _ => self.pieces.concat(),
        }
    }
}

/// A long line that is being skipped; its length grows.
#[derive(Debug)]
struct Skipped {
    line: LongLine,
    is_blank: bool,
}

impl LineCutter {
    /// A cutter for the text of a file from its beginning (`is_first`), or from the beginning of a later line.
    pub fn new(max_line_bytes: usize, is_first: bool) -> LineCutter {
        LineCutter { max_line_bytes, held: Held::default(), skipped: None, mark: is_first.then_some(0), is_first }
    }

    /// Takes a chunk of text, and returns the lines that end in it.
    pub fn cut(&mut self, chunk: &[u8]) -> Vec<CutLines> {
        let mut found = Vec::new();
        let chunk = self.after_mark(chunk);
        let Some(last_end) = memrchr(b'\n', chunk) else {
            self.hold(chunk);
            return found;
        };
        let (mut ended, rest) = chunk.split_at(last_end + 1);
        if self.skipped.is_some() {
            let end = memchr(b'\n', ended).unwrap_or(ended.len());
            self.hold(&ended[..end]);
            found.extend(self.one_long());
            ended = ended.get(end + 1..).unwrap_or_default();
        }
        if !ended.is_empty() {
            let held = std::mem::take(&mut self.held).joined();
            found.push(self.lines(held, ended));
        }
        self.hold(rest);
        found
    }

    /// Returns the last line, if it lacks its end.
    pub fn finish(&mut self) -> Option<CutLines> {
        if let Some(seen) = self.mark.take() {
            self.hold(&UTF8_MARK[..seen]);
        }
        let held = std::mem::take(&mut self.held).joined();
        self.one_long().or_else(|| (!held.is_empty()).then(|| self.lines(held, &[])))
    }

    /// The text of a chunk without the UTF-8 mark, of which each byte may come in a chunk of its own.
    fn after_mark<'c>(&mut self, chunk: &'c [u8]) -> &'c [u8] {
        let Some(seen) = self.mark.take() else { return chunk };
        let rest = &UTF8_MARK[seen..];
        if let Some(text) = chunk.strip_prefix(rest) {
            return text;
        }
        if rest.starts_with(chunk) {
            self.mark = Some(seen + chunk.len());
            return &[];
        }
        self.hold(&UTF8_MARK[..seen]);
        chunk
    }

    /// Adds text without a line end.
    fn hold(&mut self, text: &[u8]) {
        match &mut self.skipped {
            Some(Skipped { line, is_blank: blank }) => {
                line.bytes += text.len();
                *blank = *blank && is_blank(text);
            }
            None => self.held.push(text),
        }
        if self.held.bytes > self.max_line_bytes {
            let held = std::mem::take(&mut self.held);
            let line = LongLine { beginning: held.beginning(), bytes: held.bytes };
            self.skipped = Some(Skipped { line, is_blank: held.pieces.iter().all(|piece| is_blank(piece)) });
        }
    }

    /// The line that was skipped, at its end. A blank one is no row.
    fn one_long(&mut self) -> Option<CutLines> {
        let Skipped { line, is_blank } = self.skipped.take()?;
        let rows = usize::from(!is_blank);
        let start = self.start(if is_blank { &[] } else { &line.beginning }, &[]);
        Some(CutLines {
            lines: LargeBinaryArray::new_null(rows),
            total: 1,
            places: is_blank.then(Vec::new),
            long: if is_blank { Vec::new() } else { vec![(0, line)] },
            start,
        })
    }

    /// The lines of `held` and `ended` together. Only the last line of `ended` may lack its end.
    fn lines(&mut self, mut held: Vec<u8>, ended: &[u8]) -> CutLines {
        let start = self.start(&held, ended);
        let mut list = LineList::of(held.len() + ended.len(), self.max_line_bytes);
        let first_end = memchr(b'\n', ended).unwrap_or(ended.len());
        held.extend_from_slice(&ended[..first_end]);
        list.add(&held);
        let others = ended.get(first_end + 1..).unwrap_or_default();
        let mut at = 0;
        for end in memchr_iter(b'\n', others) {
            list.add(&others[at..end]);
            at = end + 1;
        }
        if at < others.len() {
            list.add(&others[at..]);
        }
        list.finish(start)
    }

    /// The beginning of two texts together without blanks before it, if all lines before were blank.
    fn start(&mut self, one: &[u8], other: &[u8]) -> Vec<u8> {
        if !self.is_first {
            return Vec::new();
        }
        let one = one.trim_ascii_start();
        let other = if one.is_empty() { other.trim_ascii_start() } else { other };
        self.is_first = one.is_empty() && other.is_empty();
        let one = shown(one);
        [one, &other[..other.len().min(SHOWN_BYTES - one.len())]].concat()
    }
}

/// Lines that are being collected.
struct LineList {
    max_line_bytes: usize,
    bytes: Vec<u8>,
    ends: Vec<i64>,
    places: Vec<usize>,
    total: usize,
    long: Vec<(usize, LongLine)>,
}

impl LineList {
    fn of(bytes: usize, max_line_bytes: usize) -> LineList {
        LineList {
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
            self.long.push((self.places.len(), LongLine { beginning: shown(line).to_vec(), bytes: line.len() }));
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

/// The first bytes of a line, which are kept.
fn shown(line: &[u8]) -> &[u8] {
    &line[..line.len().min(SHOWN_BYTES)]
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;

    use super::*;

    /// Lines with their numbers, from 0.
    type Numbered<T> = Vec<(usize, T)>;

    /// All lines of a text, those that are too long, and the beginning of the text.
    fn cut(text: &[u8], chunk: usize, max_line_bytes: usize) -> (Numbered<Vec<u8>>, Numbered<LongLine>, Vec<u8>) {
        let mut cutter = LineCutter::new(max_line_bytes, true);
        let mut pieces: Vec<CutLines> = text.chunks(chunk).flat_map(|chunk| cutter.cut(chunk)).collect();
        pieces.extend(cutter.finish());
        let (mut lines, mut long, mut start, mut before) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for piece in pieces {
            for index in 0..piece.lines.len() {
                let number = before + piece.places.as_ref().map_or(index, |places| places[index]);
                match piece.long.iter().find(|(at, _)| *at == index) {
                    Some((_, line)) => {
                        assert!(piece.lines.is_null(index));
                        long.push((number, line.clone()));
                    }
                    None => lines.push((number, piece.lines.value(index).to_vec())),
                }
            }
            before += piece.total;
            if start.is_empty() {
                start = piece.start;
            } else {
                assert!(piece.start.is_empty());
            }
        }
        (lines, long, start)
    }

    #[test]
    fn lines_do_not_depend_on_chunks() {
        let text = b"\xef\xbb\xbf                \n\n \t\r\n 0123456789\r\n\x0b\nsecond\nlast";
        let expected: Numbered<Vec<u8>> =
            vec![(3, b" 0123456789\r".to_vec()), (4, b"\x0b".to_vec()), (5, b"second".to_vec()), (6, b"last".to_vec())];
        for chunk in 1..=text.len() {
            let (lines, long, start) = cut(text, chunk, 100);
            assert_eq!((lines, long), (expected.clone(), Vec::new()), "chunks of {chunk}");
            assert!(start.starts_with(b"0123456789"), "chunks of {chunk}");
            let (lines, long, start) = cut(text, chunk, 8);
            assert_eq!(lines, expected[1..], "chunks of {chunk}");
            let [(3, LongLine { beginning, bytes: 12 })] = &long[..] else { panic!("{long:?}, chunks of {chunk}") };
            assert!(b" 0123456789\r".starts_with(beginning));
            assert!(start.starts_with(b"01234"), "chunks of {chunk}");
        }
    }

    #[test]
    fn the_mark_of_utf_8_is_no_text() {
        for chunk in 1..20 {
            let (lines, long, _) = cut(b"\xef\xbb\xbf12345678\n9", chunk, 8);
            assert_eq!((lines.len(), long.len()), (2, 0), "chunks of {chunk}");
            let (_, long, start) = cut(b"\xef\xbb\xbf123456789\n", chunk, 8);
            assert_eq!((long[0].1.bytes, long[0].1.beginning[0], start[0]), (9, b'1', b'1'), "chunks of {chunk}");
            // Only the whole mark is one, and only at the beginning.
            let (lines, _, _) = cut(b"\xef\xbb", chunk, 8);
            assert_eq!(lines, [(0, b"\xef\xbb".to_vec())], "chunks of {chunk}");
            let (lines, _, _) = cut(b"\xefa\n\xef\xbb\xbfb", chunk, 8);
            assert_eq!(lines, [(0, b"\xefa".to_vec()), (1, b"\xef\xbb\xbfb".to_vec())], "chunks of {chunk}");
        }
    }

    #[test]
    fn a_long_line_is_not_held() {
        let mut cutter = LineCutter::new(10, true);
        for _ in 0..1000 {
            assert!(cutter.cut(&[b'x'; 100]).is_empty());
            assert!(cutter.held.pieces.is_empty());
        }
        let found = cutter.cut(b"x\ny\n");
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].long, [(0, LongLine { beginning: vec![b'x'; 100], bytes: 100_001 })]);
        assert_eq!(found[0].start.len(), 100);
        assert_eq!(found[1].lines.value(0), b"y");
        assert!(found[1].start.is_empty());
    }
}
