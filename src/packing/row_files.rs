//! `RowFiles`: rows in files of numbers, for more rows than fit into memory.
//!
//! Tried and dropped: an Arrow file that is mapped into memory. Packs read rows in any order, and Linux maps up to 512 KiB
//! around each place that is read: 1.7 GB for a million short rows, and a third of the time for page faults.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use arrow_schema::DataType;

use super::plan::{PackPlan, Slice};
use super::rows::{PackedColumn, PackedRows};
use crate::error::{Error, ErrorKind, Result};

/// A file for each column, with the numbers of all rows one after the other, in the byte order of this machine.
#[derive(Debug)]
pub struct RowFiles {
    columns: Vec<PackedColumn>,
    files: Vec<(PathBuf, File)>,
    /// The number of tokens before each row.
    starts: Vec<u64>,
}

impl RowFiles {
    /// Opens files, each with the name of its column. `weights` are float32, all others are int32.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be opened, or has another size than the rows of the plan, or if there is no `input_ids`.
    pub fn open(paths: Vec<(String, PathBuf)>, plan: &PackPlan) -> Result<RowFiles> {
        let mut tokens = 0;
        let mut rows = RowFiles { starts: Vec::new(), columns: Vec::new(), files: Vec::new() };
        for length in plan.lengths() {
            rows.starts.push(tokens);
            tokens += u64::from(*length);
        }
        for (name, path) in paths {
            let item = if name == "weights" { DataType::Float32 } else { DataType::Int32 };
            let file = File::open(&path).map_err(|error| unreadable(&path, &error))?;
            let size = file.metadata().map_err(|error| unreadable(&path, &error))?.len();
            let column = PackedColumn::of(&name, &item).filter(|column| size == tokens * column.width as u64);
            let Some(column) = column else {
                let text = format!(
                    "{} has {size} bytes, but the {tokens} tokens of the plan need {} bytes; write the file again",
                    path.display(),
                    4 * tokens
                );
                return Err(Error::new(ErrorKind::Batch, text));
            };
            rows.columns.push(column);
            rows.files.push((path, file));
        }
        if !rows.columns.iter().any(|column| column.name == "input_ids") {
            return Err(Error::new(ErrorKind::Batch, "there is no file for input_ids; give the token ids"));
        }
        Ok(rows)
    }
}

impl PackedRows for RowFiles {
    fn columns(&self) -> &[PackedColumn] {
        &self.columns
    }

    fn copy(&self, column: usize, slice: Slice, out: &mut [u8]) -> Result<()> {
        let (path, file) = &self.files[column];
        let first = self.starts[slice.row as usize] + u64::from(slice.start);
        read_exact_at(file, out, first * self.columns[column].width as u64).map_err(|error| unreadable(path, &error))
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::new(ErrorKind::Batch, format!("cannot read {} ({error}); write the file again", path.display()))
}

#[cfg(unix)]
fn read_exact_at(file: &File, out: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut out: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !out.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, out, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        out = &mut out[read..];
        offset += read as u64;
    }
    Ok(())
}
