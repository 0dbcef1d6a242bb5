//! Where the tests find Valkey, or Redis.

use std::path::{Path, PathBuf};

/// The server's program.
pub fn program() -> PathBuf {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/testenv/bin/valkey-server");
    assert!(program.exists(), "no Valkey here: run tests/cluster/build.sh stores");
    program
}
