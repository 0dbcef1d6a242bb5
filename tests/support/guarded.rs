//! Servers that end with the test process, also if it is killed.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

/// A server with a folder of its own.
pub struct GuardedServer {
    folder: PathBuf,
    /// The server ends when this process no longer holds the standard input.
    guard: Child,
}

impl GuardedServer {
    /// Runs a command, which may use the folder and its files.
    pub fn start(
        folder: TempDir,
        command: &[impl AsRef<OsStr>],
        environment: &[(&str, &str)],
    ) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/guarded.sh");
        let folder = folder.keep();
        let guard = Command::new(script)
            .arg(&folder)
            .args(command)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .spawn()
            .expect("it starts");
        Self { folder, guard }
    }

    /// Waits until a URL answers with 200.
    pub async fn answers(&self, url: &str, patience: Duration) {
        let client = reqwest::Client::new();
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let answer = client.get(url).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "no {url}: {}", self.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The end of its output.
    pub fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }

    /// A file of its folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for GuardedServer {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}
