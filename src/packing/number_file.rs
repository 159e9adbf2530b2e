//! `NumberFile`: a file that threads append to, and read at any place.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, ErrorKind, Result};

/// A file of numbers in the byte order of this machine.
#[derive(Debug)]
pub(super) struct NumberFile {
    path: PathBuf,
    file: File,
    size: AtomicU64,
}

impl NumberFile {
    /// Creates a new file.
    pub(super) fn create(path: PathBuf) -> Result<NumberFile> {
        match File::options().read(true).write(true).create_new(true).open(&path) {
            Ok(file) => Ok(NumberFile { path, file, size: AtomicU64::new(0) }),
            Err(error) => Err(Error::new(
                ErrorKind::Batch,
                format!("cannot create {} ({error}); check the folder", path.display()),
            )),
        }
    }

    /// Appends bytes, and gives the place of the first one.
    pub(super) fn append(&self, bytes: &[u8]) -> Result<u64> {
        // Each thread first takes its place, so they write at the same time.
        let at = self.size.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        write_all_at(&self.file, bytes, at).map_err(|error| self.failed("write", &error))?;
        Ok(at)
    }

    /// Reads bytes.
    pub(super) fn read(&self, at: u64, out: &mut [u8]) -> Result<()> {
        read_exact_at(&self.file, out, at).map_err(|error| self.failed("read", &error))
    }

    fn failed(&self, what: &str, error: &io::Error) -> Error {
        Error::new(ErrorKind::Batch, format!("cannot {what} {} ({error}); run it again", self.path.display()))
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, out: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, offset)
}

#[cfg(unix)]
fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
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

#[cfg(windows)]
fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[written..];
        offset += written as u64;
    }
    Ok(())
}
