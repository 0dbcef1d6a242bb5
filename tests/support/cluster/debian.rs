//! The PostgreSQL package of Debian: the path of its programs, and the user that runs them.

use std::{fs, os::unix::fs::MetadataExt as _, path::PathBuf};

/// The user of the package: PostgreSQL refuses to run as root.
const USER: &str = "postgres";

/// The folder of its programs.
pub fn postgresql() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found = versions.map(|version| version.path().join("bin"));
    found.find(|bin| bin.join("postgres").exists()).expect(
        "PostgreSQL is not installed: run tests/testenv/build.sh stores, which installs the Debian package",
    )
}

/// User and group that run PostgreSQL if the test runs as root.
pub fn other_user() -> Option<(u32, u32)> {
    if fs::metadata("/proc/self").expect("Linux").uid() != 0 {
        return None;
    }
    let passwd = fs::read_to_string("/etc/passwd").expect("readable");
    let line = passwd.lines().find(|line| line.starts_with(&format!("{USER}:")))?;
    let mut ids = line.split(':').skip(2).map_while(|id| id.parse().ok());
    Some((ids.next()?, ids.next()?))
}
