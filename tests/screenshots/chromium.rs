//! The browser: found, installed, and asked for pictures.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// `prefers-color-scheme`.
#[derive(Clone, Copy)]
pub enum Scheme {
    Light,
    Dark,
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Light => "light",
            Self::Dark => "dark",
        })
    }
}

/// A browser that works, or why there is none.
pub fn find_or_install() -> Result<PathBuf, String> {
    if let Some(browser) = find() {
        return Ok(browser);
    }
    if !runs("apt-get", &["--version"]) {
        return Err("Chromium is not installed, and there is no apt-get to install it".into());
    }
    // Without root this fails, and says so.
    let installed = runs("apt-get", &["update", "-qq"])
        && runs("apt-get", &["install", "-qq", "-y", "--no-install-recommends", "chromium"]);
    match find() {
        Some(browser) if installed => Ok(browser),
        _ => Err("Chromium is not installed, and apt-get could not install it".into()),
    }
}

fn find() -> Option<PathBuf> {
    ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| runs(name, &["--version"]))
        .map(PathBuf::from)
}

fn runs(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command.status().is_ok_and(|status| status.success())
}

/// Takes a picture of a page.
pub fn screenshot(browser: &Path, url: &str, scheme: Scheme, picture: &Path) {
    let profile = tempfile::tempdir().expect("a folder for the profile");
    let mut command = Command::new(browser);
    command.arg(format!("--user-data-dir={}", profile.path().display()));
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]);
    command.args(["--window-size=1280,960", "--force-device-scale-factor=1"]);
    // The page under test loads nothing from elsewhere; the browser itself should not either.
    command.args(["--disable-background-networking", "--no-first-run", "--disable-sync"]);
    if matches!(scheme, Scheme::Dark) {
        command.arg("--force-dark-mode");
    }
    command.arg(format!("--screenshot={}", picture.display())).arg(url);
    let output = command.stdin(Stdio::null()).output().expect("Chromium starts");
    assert!(
        output.status.success(),
        "Chromium failed on {url}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
