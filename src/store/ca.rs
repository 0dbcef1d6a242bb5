//! Reads the CA certificates that a store's server is verified against.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The CA file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UnusableCa {
    /// The file cannot be read.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// The file does not contain a PEM certificate.
    #[error("{0} does not contain a PEM certificate")]
    Empty(PathBuf),
}

/// Reads a PEM file that contains at least one certificate.
pub(super) fn read_ca_file(path: &Path) -> Result<Vec<u8>, UnusableCa> {
    let text = fs::read(path).map_err(|error| UnusableCa::File(path.to_owned(), error))?;
    if !pem::parse_many(&text).is_ok_and(|found| found.iter().any(|it| it.tag() == "CERTIFICATE")) {
        return Err(UnusableCa::Empty(path.to_owned()));
    }
    Ok(text)
}
