//! Reading and writing small files: whole or not at all, mode 0600.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error::{Context, Error, Kind, Result};

/// The format that this version writes, as (major, minor). A newer major is never read and never overwritten.
const FORMAT: (u32, u32) = (1, 0);

/// How the name of a file that is being written begins and ends.
const UNFINISHED: (&str, &str) = (".", ".tmp");

/// A stored value with its format's version in front.
#[derive(Serialize, Deserialize)]
struct Stored<T> {
    format: String,
    #[serde(flatten)]
    value: T,
}

/// The text that stands for this version's format.
pub(super) fn format() -> String {
    format!("{}.{}", FORMAT.0, FORMAT.1)
}

/// Refuses a format that a newer bgd wrote.
pub(super) fn check_format(format: &str, what: &Path) -> Result<()> {
    let major = format.split('.').next().and_then(|major| major.parse::<u32>().ok());
    match major {
        Some(major) if major <= FORMAT.0 => Ok(()),
        _ => Err(Error::new(
            Kind::Other,
            format!("{} has the format {format:?}, which this bgd does not know", what.display()),
        )
        .hint("a newer bgd wrote it: use that version, or a newer one")),
    }
}

/// Reads a stored value; `None` when the file is not there.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => parse(&bytes, path).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot("read", path, error)),
    }
}

/// Reads a stored value from its bytes.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8], path: &Path) -> Result<T> {
    #[derive(Deserialize)]
    struct Head {
        format: String,
    }
    let damaged = |error| {
        Error::new(Kind::NeedsRecovery, format!("{} is damaged", path.display())).caused_by(error).hint(
            "bgd writes its files whole or not at all: something else changed it. Put it back from a backup",
        )
    };
    let head: Head = serde_json::from_slice(bytes).map_err(damaged)?;
    check_format(&head.format, path)?;
    let stored: Stored<T> = serde_json::from_slice(bytes).map_err(damaged)?;
    Ok(stored.value)
}

/// The error of a file that cannot be read or written, with the remedy that its cause asks for.
pub(super) fn cannot(verb: &str, path: &Path, error: io::Error) -> Error {
    let folder = path.parent().unwrap_or(Path::new(".")).display();
    let remedy = match error.kind() {
        _ if error.raw_os_error() == Some(nix::libc::ELOOP) => Some(
            "it is a link, which bgd does not follow: see where it leads and who made it, then remove it"
                .to_owned(),
        ),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Some(format!("make room for {folder}")),
        ErrorKind::ReadOnlyFilesystem => Some(format!("make {folder} writable")),
        ErrorKind::PermissionDenied => Some(format!(
            "run bgd as the user who owns {folder}, with the BGD_STATE_DIR of the earlier deploys"
        )),
        _ => None,
    };
    let error = Error::new(Kind::Other, format!("cannot {verb} {}", path.display())).caused_by(error);
    remedy.into_iter().fold(error, Error::hint)
}

/// Writes a value: temporary name in the same folder, sync, rename, sync the folder.
pub(super) fn write<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_folder(folder)?;
    let text = serde_json::to_string_pretty(&Stored { format: format(), value })
        .or_error(Kind::Other, || format!("cannot write {}", path.display()))?;
    let failed = |error| cannot("write", path, error);
    let mut file = tempfile::Builder::new()
        .prefix(UNFINISHED.0)
        .suffix(UNFINISHED.1)
        .permissions(fs::Permissions::from_mode(0o600))
        .tempfile_in(folder)
        .map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    sync_folder(folder)
}

/// Removes what a writer left that was killed before its rename. Only for who holds the folder's lock.
///
/// What cannot be removed stays: it is in nobody's way.
pub(super) fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let unfinished =
            name.to_str().is_some_and(|name| name.starts_with(UNFINISHED.0) && name.ends_with(UNFINISHED.1));
        if unfinished && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Makes a folder with everything above it, mode 0700.
pub(super) fn make_folder(folder: &Path) -> Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| {
        cannot("make the folder", folder, error).hint("or set BGD_STATE_DIR to a folder that you may write")
    })
}

/// Refuses to write in a folder that somebody else can change: a link put there would lead to any file of this user's.
///
/// `root` and every folder from it down to `folder` have to belong to this user or to root, and other users must not be
/// able to write there. Those that do not exist yet are made by this user.
///
/// # Errors
/// Of kind `Config`, naming the folder.
pub(super) fn check_owner(root: &Path, folder: &Path) -> Result<()> {
    let me = nix::unistd::geteuid().as_raw();
    for one in folder.ancestors().take_while(|one| one.starts_with(root)) {
        let found = match fs::metadata(one) {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(cannot("look at", one, error)),
        };
        if found.uid() != me && found.uid() != 0 {
            let owner = crate::user::name(found.uid());
            // sudo takes a number with this sign before it.
            let sudo = if owner.parse::<u32>().is_ok() { format!("'#{owner}'") } else { owner.clone() };
            let message = format!("the state folder {} belongs to another user, {owner}", one.display());
            return Err(Error::new(Kind::Config, message)
                .hint(format!("run bgd as that user: sudo -u {sudo} bgd …"))
                .hint("nothing is written into a folder of another user, who could lead it elsewhere"));
        }
        const WRITABLE_BY_OTHERS: u32 = 0o002;
        const STICKY: u32 = 0o1000;
        if found.mode() & WRITABLE_BY_OTHERS != 0 && found.mode() & STICKY == 0 {
            let message = format!("every user may write into the state folder {}", one.display());
            return Err(Error::new(Kind::Config, message).hint(format!("chmod o-w {}", one.display())));
        }
    }
    Ok(())
}

/// Makes renames in a folder last through a power cut.
pub(super) fn sync_folder(folder: &Path) -> Result<()> {
    let synced = fs::File::open(folder).and_then(|file| file.sync_all());
    synced.map_err(|error| cannot("sync", folder, error))
}

/// Removes a file; one that is gone already is fine.
pub(super) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(cannot("remove", path, error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Thing {
        name: String,
    }

    #[test]
    fn a_value_comes_back_and_only_its_owner_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/thing.json");
        let thing = Thing { name: "x".to_owned() };
        write(&path, &thing).unwrap();
        assert_eq!(read::<Thing>(&path).unwrap(), Some(thing));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "a temporary file was left");
    }

    #[test]
    fn only_what_a_killed_writer_left_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".a1b2c3.tmp", "state.json", "notes.tmp", ".hidden"] {
            fs::write(folder.path().join(name), "{").unwrap();
        }
        fs::create_dir(folder.path().join(".folder.tmp")).unwrap();
        sweep(folder.path());
        let mut left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".folder.tmp", ".hidden", "notes.tmp", "state.json"]);
        sweep(&folder.path().join("missing"));
    }

    #[test]
    fn a_folder_that_every_user_may_write_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let app = folder.path().join("apps/api");
        assert!(check_owner(folder.path(), &app).is_ok(), "it does not exist yet");
        make_folder(&app).unwrap();
        check_owner(folder.path(), &app).unwrap();
        fs::set_permissions(folder.path().join("apps"), fs::Permissions::from_mode(0o777)).unwrap();
        let error = check_owner(folder.path(), &app).unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.hints()[0].starts_with("chmod o-w "), "{error:?}");
    }

    #[test]
    fn a_missing_a_damaged_and_a_newer_file_have_answers_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("thing.json");
        assert_eq!(read::<Thing>(&path).unwrap(), None);
        fs::write(&path, r#"{"format":"1.0","na"#).unwrap();
        assert!(read::<Thing>(&path).unwrap_err().to_string().ends_with("is damaged"));
        fs::write(&path, r#"{"format":"2.0","other":1}"#).unwrap();
        let error = read::<Thing>(&path).unwrap_err();
        assert!(error.to_string().contains("\"2.0\""), "{error}");
        fs::write(&path, r#"{"format":"1.7","name":"x","new":1}"#).unwrap();
        assert!(read::<Thing>(&path).unwrap().is_some(), "a newer minor is read");
    }
}
