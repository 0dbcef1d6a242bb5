//! Certificates to believe of a store's server.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// They cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UnusableCa {
    /// They cannot be read.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// They are none.
    #[error("{0} holds no certificates in PEM")]
    Empty(PathBuf),
}

/// The file's text, which has one certificate at least.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, UnusableCa> {
    let text = fs::read(path).map_err(|error| UnusableCa::File(path.to_owned(), error))?;
    if !pem::parse_many(&text).is_ok_and(|found| found.iter().any(|it| it.tag() == "CERTIFICATE")) {
        return Err(UnusableCa::Empty(path.to_owned()));
    }
    Ok(text)
}
