//! The file of the embedded store: created atomically, opened by one process at a time, and never
//! replaced when it is damaged.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use redb::{Builder, Database, ReadableDatabase as _, backends::FileBackend};

use super::tables::{self, ABOUT, EmbeddedError};
use crate::model::Entropy;

/// The format that this release writes, and the newest that it reads.
const FORMAT: u32 = 1;
/// The size of redb's page cache, in bytes.
const CACHE_BYTES: usize = 64 * 1024 * 1024;
/// The unit in which the system counts the space of files (`st_blocks`).
const BLOCK_BYTES: u64 = 512;
/// The file contains sessions and grants: only its owner may read it.
const FILE_MODE: u32 = 0o600;

/// The reason why the file was not opened. The file is left unchanged.
#[derive(Debug, thiserror::Error)]
pub enum StoreFileError {
    /// Another process has locked the file.
    #[error("{0} is in use by another process: stop that one, or choose another --store-path")]
    InUse(PathBuf),
    /// The file was written by a newer release.
    #[error(
        "{path} has format {format}, and this release knows {FORMAT}: run the release that wrote \
         it or a newer one"
    )]
    Newer {
        /// The path of the file (`--store-path`).
        path: PathBuf,
        /// The format number that the file contains.
        format: String,
    },
    /// The file is not a Lanyard store, or is damaged.
    #[error(
        "{path} is damaged or is not a Lanyard store ({why}): restore it from a backup, or move it \
         away to begin with an empty one, which signs all users out"
    )]
    Damaged {
        /// The path of the file (`--store-path`).
        path: PathBuf,
        /// The check that failed, in words.
        why: String,
    },
    /// The operating system returned an error.
    #[error("{path}: {error}")]
    System {
        /// The path of the file (`--store-path`).
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
}

/// The locked path of a store. No other process can open it.
pub(super) struct StoreFile {
    path: PathBuf,
    /// The lock is held for as long as this value lives.
    _lock: File,
}

impl StoreFile {
    /// Locks a path, and creates the file if it does not exist.
    pub(super) fn lock(path: &Path, entropy: &dyn Entropy) -> Result<Self, StoreFileError> {
        let system = |error| StoreFileError::System { path: path.to_owned(), error };
        // A separate lock file also covers creating and reopening the store's file.
        let lock = open_private(&with_suffix(path, ".lock")).map_err(system)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreFileError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(system(error)),
        }
        let file = Self { path: path.to_owned(), _lock: lock };
        if !path.try_exists().map_err(system)? {
            file.create(entropy)?;
        }
        Ok(file)
    }

    /// Creates the file under a temporary name and renames it, so a killed process leaves either no
    /// file or a complete one.
    fn create(&self, entropy: &dyn Entropy) -> Result<(), StoreFileError> {
        let system = |error| StoreFileError::System { path: self.path.clone(), error };
        let unfinished = with_suffix(&self.path, ".new");
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(system(error)),
            _ => {}
        }
        let file = open_private(&unfinished).map_err(system)?;
        fill(file, entropy).map_err(|failure| self.classify_error(failure))?;
        fs::rename(&unfinished, &self.path).map_err(system)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = File::open(folder.unwrap_or(Path::new("."))).map_err(system)?;
        folder.sync_all().map_err(system)
    }

    /// Opens the file, checks every page and repairs the due time index. Returns the database and its incarnation.
    pub(super) fn open(&self) -> Result<(Database, String), StoreFileError> {
        let database =
            builder().open(&self.path).map_err(|error| self.classify_error(error.into()))?;
        let about = |name| self.about(&database, name);
        let format = about("format")?;
        match format.parse::<u32>() {
            Ok(FORMAT) => {}
            Ok(newer) if newer > FORMAT => {
                return Err(StoreFileError::Newer { path: self.path.clone(), format });
            }
            _ => return Err(self.damaged(format!("its format is {format:?}"))),
        }
        let incarnation = about("incarnation")?;
        tables::repair_due_index(&database).map_err(|failure| self.classify_error(failure))?;
        Ok((database, incarnation))
    }

    /// Returns the bytes that the file takes on its volume: the pages in use, and those that are free again. Its length
    /// is larger, because the file grows before it is written.
    pub(super) fn allocated_bytes(&self) -> io::Result<u64> {
        Ok(fs::metadata(&self.path)?.blocks().saturating_mul(BLOCK_BYTES))
    }

    fn about(&self, database: &Database, name: &str) -> Result<String, StoreFileError> {
        let read = || -> Result<Option<String>, EmbeddedError> {
            let about = database.begin_read()?.open_table(ABOUT)?;
            Ok(about.get(name)?.map(|value| value.value().to_owned()))
        };
        match read() {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Err(self.damaged(format!("it names no {name}"))),
            Err(failure) => Err(self.damaged(failure.to_string())),
        }
    }

    fn damaged(&self, why: impl Into<String>) -> StoreFileError {
        StoreFileError::Damaged { path: self.path.clone(), why: why.into() }
    }

    pub(super) fn classify_error(&self, failure: EmbeddedError) -> StoreFileError {
        let path = self.path.clone();
        let EmbeddedError::File(error) = failure else { return self.damaged(failure.to_string()) };
        match *error {
            redb::Error::DatabaseAlreadyOpen => StoreFileError::InUse(path),
            redb::Error::UpgradeRequired(version) => {
                StoreFileError::Newer { path, format: format!("of redb {version}") }
            }
            // The error that redb returns for a file that does not begin with its magic number.
            redb::Error::Io(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
                ) =>
            {
                StoreFileError::Damaged { path, why: error.to_string() }
            }
            redb::Error::Io(error) => StoreFileError::System { path, error },
            error => StoreFileError::Damaged { path, why: error.to_string() },
        }
    }
}

/// Creates the tables of an empty file and stores its format and incarnation.
fn fill(file: File, entropy: &dyn Entropy) -> Result<(), EmbeddedError> {
    let database = builder().create_with_backend(FileBackend::new(file)?)?;
    let transaction = database.begin_write()?;
    {
        let mut about = transaction.open_table(ABOUT)?;
        about.insert("format", FORMAT.to_string().as_str())?;
        about.insert("incarnation", entropy.id().as_str())?;
    }
    tables::create_tables(&transaction)?;
    transaction.commit()?;
    Ok(database.close()?)
}

fn builder() -> Builder {
    let mut builder = Database::builder();
    // Checking every page at startup takes seconds per gigabyte, but detects a damaged file before
    // any request is answered from it.
    builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
    builder
}

fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(FILE_MODE).open(path)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
