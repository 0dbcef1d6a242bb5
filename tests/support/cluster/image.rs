//! Container images without a registry: a docker-archive tar of one layer.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use aws_lc_rs::digest;

/// The path of the binary in the image, as in the Dockerfile.
pub const BINARY: &str = "/usr/local/bin/lanyard";

/// Writes a docker-archive of `name` to `dir`: the files at their paths, and the entry point.
pub fn write(dir: &Path, name: &str, files: &[(PathBuf, String)], entrypoint: &[&str]) -> PathBuf {
    let root = dir.join("rootfs");
    let _ = fs::remove_dir_all(&root);
    for (source, path) in files {
        let target = root.join(path.trim_start_matches('/'));
        fs::create_dir_all(target.parent().expect("a file in a folder")).expect("a directory");
        fs::copy(source, &target).unwrap_or_else(|error| panic!("{}: {error}", source.display()));
    }
    fs::create_dir_all(root.join("tmp")).expect("a directory");
    let archive = dir.join("archive");
    let _ = fs::remove_dir_all(&archive);
    fs::create_dir_all(&archive).expect("a directory");
    tar(&root, &archive.join("layer.tar"), ".");
    let hash = hex(&fs::read(archive.join("layer.tar")).expect("written"));
    let config = serde_json::json!({
        "architecture": architecture(), "os": "linux",
        "config": { "Entrypoint": entrypoint, "User": "65532:65532" },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{hash}")] },
    });
    fs::write(archive.join("config.json"), config.to_string()).expect("written");
    let manifest = serde_json::json!([
        { "Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"] }
    ]);
    fs::write(archive.join("manifest.json"), manifest.to_string()).expect("written");
    let path = dir.join("image.tar");
    tar(&archive, &path, ".");
    path
}

/// The architecture of this machine, by the name that images use.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// The shared libraries that a binary needs, by `ldd`, and the binary itself at `path`.
pub fn with_libraries(binary: &Path, path: &str) -> Vec<(PathBuf, String)> {
    let output = Command::new("ldd").arg(binary).output().expect("ldd runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let libraries: BTreeSet<String> =
        text.split_whitespace().filter(|word| word.starts_with('/')).map(str::to_owned).collect();
    let mut files = vec![(binary.to_owned(), path.to_owned())];
    files.extend(libraries.into_iter().map(|library| (PathBuf::from(&library), library)));
    files
}

fn tar(root: &Path, target: &Path, what: &str) {
    let status = Command::new("tar")
        .args(["--owner=0", "--group=0", "--numeric-owner", "-C"])
        .arg(root)
        .arg("-cf")
        .arg(target)
        .arg(what)
        .status()
        .expect("tar runs");
    assert!(status.success(), "tar of {}", root.display());
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    digest::digest(&digest::SHA256, bytes).as_ref().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string");
        text
    })
}
