//! `exchange`: swaps two files or folders in one step, so that no moment exists at which one of the names is free.

use std::io;
use std::path::Path;

/// Swaps the files or folders behind two names of one filesystem, in one step of the filesystem.
///
/// The error has the code of the system. A system or a filesystem that cannot do this gives
/// [`io::ErrorKind::Unsupported`] or the code `EINVAL`, and both names stay as they are.
///
/// ```no_run
/// chatmill::exchange::exchange("tokens.new".as_ref(), "tokens".as_ref())?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
    }
    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    {
        let _ = (one, other);
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn folders_change_places_or_stay() {
        let folder = std::env::temp_dir().join(format!("chatmill-exchange-{}", std::process::id()));
        let (one, other) = (folder.join("one"), folder.join("other"));
        for (path, text) in [(&one, "1"), (&other, "2")] {
            fs::create_dir_all(path).expect("a folder");
            fs::write(path.join("text"), text).expect("a file");
        }
        exchange(&one, &other).expect("they change places");
        let missing = exchange(&one, &folder.join("missing")).map_err(|error| error.kind());
        let texts = [&one, &other].map(|path| fs::read_to_string(path.join("text")).expect("a file"));
        fs::remove_dir_all(&folder).expect("the folder is ours");
        assert_eq!(texts, ["2", "1"]);
        assert_eq!(missing, Err(io::ErrorKind::NotFound));
    }
}
