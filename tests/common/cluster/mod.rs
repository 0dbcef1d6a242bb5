//! A real Kubernetes for tests: kube-apiserver, etcd and kube-controller-manager (`ApiServer`),
//! and a node that runs Pods (`Node`). Everything lives on free ports and in a directory of the
//! run's own, and each process is ended by its own id.
//!
//! `tests/cluster/build.sh` builds the binaries.

#![allow(dead_code, reason = "each test binary uses a part of the harness")]

mod apiserver;
mod image;
mod node;
mod process;

use std::path::{Path, PathBuf};

pub use apiserver::{ApiServer, client, free_port};
pub use node::{Node, unavailable};
pub use process::{Process, eventually};

/// A binary of the test environment, or a panic that says how to get it.
pub fn binary(name: &str) -> PathBuf {
    let path = testenv().join("bin").join(name);
    assert!(
        path.exists(),
        "{} is missing: run tests/cluster/build.sh (make testenv)",
        path.display()
    );
    path
}

/// `target/testenv`.
pub fn testenv() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/testenv")
}
