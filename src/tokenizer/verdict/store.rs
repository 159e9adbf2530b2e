//! `VerdictStore`: verdicts in a folder, one file for each.
//!
//! A file that cannot be read or written is no error: the self-test runs again. It is read only if the user owns it, is
//! small, and its content has the hash that it names.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use etcetera::BaseStrategy as _;
use sha2::{Digest, Sha256};

/// The environment variable that names the folder, or is [`OFF`].
const VARIABLE: &str = "CHATMILL_CACHE";
/// The value of the variable that keeps nothing. An empty value does so too.
const OFF: &str = "off";
/// A larger file is not a verdict.
const MOST_BYTES: u64 = 1 << 20;

/// A place for verdicts.
#[derive(Debug, Clone, Default)]
pub struct VerdictStore(Option<PathBuf>);

impl VerdictStore {
    /// The user's cache folder, or the folder that `CHATMILL_CACHE` names; nothing is kept if it is `off` or empty.
    pub fn of_user() -> VerdictStore {
        VerdictStore::of_variable(std::env::var_os(VARIABLE))
    }

    /// A folder.
    pub fn of_folder(folder: PathBuf) -> VerdictStore {
        VerdictStore(Some(folder))
    }

    /// No place: nothing is kept.
    pub fn none() -> VerdictStore {
        VerdictStore(None)
    }

    fn of_variable(value: Option<OsString>) -> VerdictStore {
        match value {
            Some(value) if value.is_empty() || value == OFF => VerdictStore::none(),
            Some(value) => VerdictStore::of_folder(value.into()),
            None => {
                let user = etcetera::choose_base_strategy().ok();
                VerdictStore(user.map(|strategy| strategy.cache_dir().join("chatmill")))
            }
        }
    }

    /// The content that was stored under `key`. None if there is none, or if it is damaged.
    pub(in crate::tokenizer) fn read(&self, key: &str) -> Option<String> {
        let mut file = File::open(self.path(key)?).ok()?;
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || metadata.len() > MOST_BYTES || !is_own(&metadata) {
            return None;
        }
        let mut text = String::new();
        file.by_ref().take(MOST_BYTES).read_to_string(&mut text).ok()?;
        let (hash, content) = text.split_once('\n')?;
        (hash == hash_of(content)).then(|| content.to_owned())
    }

    /// Stores `content` under `key`. The file appears in one step, so another process sees all of it or nothing.
    pub(in crate::tokenizer) fn write(&self, key: &str, content: &str) {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let Some(path) = self.path(key) else { return };
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let draft = path.with_extension(format!("{}-{number}.draft", std::process::id()));
        let text = format!("{}\n{content}", hash_of(content));
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| create(&draft, &text));
        if written.and_then(|()| fs::rename(&draft, &path)).is_err() {
            // Without a verdict the next load takes longer, and is right all the same.
            let _ = fs::remove_file(&draft);
        }
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        self.0.as_ref().map(|folder| folder.join("engines").join(format!("{key}.verdict")))
    }
}

/// Writes a new file. A file that is there is not opened, because it may be a link to another place.
fn create(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    File::create_new(path)?.write_all(text.as_bytes())
}

fn hash_of(content: &str) -> String {
    Sha256::digest(content.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether the user owns a file. Others could say that an untested engine is equal.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn is_own(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    metadata.uid() == rustix::process::geteuid().as_raw()
}

/// Whether the user owns a file. On other systems the folders of a user are the user's own.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn is_own(_: &Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("chatmill-verdicts-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn what_is_stored_is_read_and_damage_is_ignored() {
        let folder = folder("damage");
        let store = VerdictStore::of_folder(folder.clone());
        assert_eq!(store.read("k"), None);
        store.write("k", "one");
        store.write("k", "two");
        assert_eq!(store.read("k").as_deref(), Some("two"));
        let path = store.path("k").unwrap();
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft is left");
        let whole = fs::read(&path).unwrap();
        for damaged in [b"".as_slice(), b"two", b"\xff\n", &whole[..whole.len() - 1], &whole[1..]] {
            fs::write(&path, damaged).unwrap();
            assert_eq!(store.read("k"), None, "{damaged:?}");
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_variable_moves_the_folder_or_switches_it_off() {
        assert!(VerdictStore::of_variable(Some("off".into())).0.is_none());
        assert!(VerdictStore::of_variable(Some("".into())).0.is_none());
        assert_eq!(VerdictStore::of_variable(Some("a/b".into())).0, Some(PathBuf::from("a/b")));
        VerdictStore::none().write("k", "one");
        assert_eq!(VerdictStore::none().read("k"), None);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_no_error() {
        let file = folder("file");
        fs::write(&file, "x").unwrap();
        let store = VerdictStore::of_folder(file.clone());
        store.write("k", "one");
        assert_eq!(store.read("k"), None);
        fs::remove_file(file).unwrap();
    }

    #[test]
    fn many_threads_may_write_the_same_verdict() {
        let folder = folder("threads");
        let store = VerdictStore::of_folder(folder.clone());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        store.write("k", "content");
                        assert_eq!(store.read("k").as_deref(), Some("content"));
                    }
                });
            }
        });
        fs::remove_dir_all(folder).unwrap();
    }
}
