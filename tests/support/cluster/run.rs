//! The directories, ports and command lines of one run of a test binary.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

/// `target/testenv` of the repository, which another package of the workspace may be built in.
pub fn testenv() -> PathBuf {
    let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let root = folders.find(|folder| folder.join("tests/testenv/build.sh").exists());
    root.expect("it is built in the repository").join("target/testenv")
}

/// A binary of the test environment; panics with how to install it if it is missing.
pub fn binary(name: &str) -> PathBuf {
    let path = testenv().join("bin").join(name);
    assert!(
        path.exists(),
        "{} is missing: run tests/testenv/build.sh (make testenv)",
        path.display()
    );
    path
}

/// kubectl or helm for a cluster. Their caches are in the directory of the run, because a cluster of
/// another run may have had the same address.
pub fn tool(name: &str, kubeconfig: &Path) -> Command {
    let cache = runs().join(format!("{}-cache", std::process::id()));
    let mut command = Command::new(binary(name));
    command.arg("--kubeconfig").arg(kubeconfig);
    command.env("KUBECACHEDIR", cache.join("kubectl"));
    for kind in ["CACHE", "CONFIG", "DATA"] {
        command.env(format!("HELM_{kind}_HOME"), cache.join("helm").join(kind));
    }
    command
}

/// Runs a command to its end; returns its output or its standard error.
pub fn output(mut command: Command, input: &str) -> Result<String, String> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("piped");
    // A command that rejects its arguments does not read its input.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// The words of a command line in which no word has a space.
pub fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// The directory of this run. Removes the directories of runs that have ended.
pub fn directory() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    for entry in fs::read_dir(runs()).expect("readable").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.split('-').next().unwrap_or_default();
        if !Path::new("/proc").join(owner).exists() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let dir = runs().join(format!("{}-{count}", std::process::id()));
    fs::create_dir_all(&dir).expect("a directory");
    dir
}

fn runs() -> PathBuf {
    let runs = testenv().join("runs");
    fs::create_dir_all(&runs).expect("a directory");
    runs
}
