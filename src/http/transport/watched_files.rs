//! Files that are polled for changes, as those of a mounted Secret.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::model::sha256;

/// Interval at which the files are checked. The kubelet updates a mounted Secret within about a
/// minute.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// Files with the digests of their known content, which are `None` for a file that cannot be read.
#[derive(Clone, Debug)]
pub(super) struct WatchedFiles<const N: usize> {
    paths: [PathBuf; N],
    known: [Option<[u8; 32]>; N],
}

impl<const N: usize> WatchedFiles<N> {
    /// Reads the known content of files. The owner loads the files after that, so a change in between is detected.
    pub(super) fn new(paths: [&Path; N]) -> Self {
        let known = paths.map(|path| std::fs::read(path).ok().map(sha256));
        Self { paths: paths.map(Path::to_owned), known }
    }

    /// Waits until the content of a file differs from the known content, and remembers the new content.
    pub(super) async fn changed(&mut self) {
        loop {
            tokio::time::sleep(POLL_INTERVAL).await;
            let mut content: [Option<[u8; 32]>; N] = [None; N];
            for (digest, path) in content.iter_mut().zip(&self.paths) {
                *digest = tokio::fs::read(path).await.ok().map(sha256);
            }
            if content != self.known {
                self.known = content;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_change_of_a_file_is_noticed_once() {
        let folder = tempfile::tempdir().unwrap();
        let [certificate, key] = ["tls.crt", "tls.key"].map(|name| folder.path().join(name));
        std::fs::write(&certificate, "one").unwrap();
        let mut files = WatchedFiles::new([certificate.as_path(), key.as_path()]);
        std::fs::write(&certificate, "two").unwrap();
        files.changed().await;
        let again = timeout(2 * POLL_INTERVAL, files.changed()).await;
        assert!(again.is_err(), "the change was noticed before");
        std::fs::write(&key, "new").unwrap();
        files.changed().await;
    }
}
