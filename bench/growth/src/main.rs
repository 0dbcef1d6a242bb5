//! How cost grows: with tenants and clients (memory, start, time from apply to live, CPU at rest),
//! against a cluster and against a folder; and with grants, in each durable store.
//!
//! Runs the `lanyard` binary from outside. It uses Lanyard's library only to write the
//! objects and records that a long-running installation would have.

#[path = "../../../tests/support/app.rs"]
#[expect(dead_code, reason = "a part of the tests' server is used")]
mod app;
mod args;
mod cluster;
mod folder;
mod grants;
mod harness;
mod live;
mod measure;
mod objects;
mod population;
mod postgres;
mod report;
mod requests;
mod server;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Parser as _;

use args::{Args, Part};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let args = Args::parse();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    // `--data` lets repeated runs reuse the objects and records.
    let scratch = tempfile::tempdir()?;
    let data = args.data.clone().unwrap_or_else(|| scratch.path().to_owned());
    std::fs::create_dir_all(&data)?;
    let data = data.canonicalize()?;
    let mut report = report::Report::begin(&args)?;
    for part in args.parts() {
        match part {
            Part::Cluster => {
                for &tenants in &args.tenants {
                    if let Some(figures) = cluster::figures(&args, &data, tenants).await? {
                        report.tenants("lanyard run", tenants, &figures);
                    }
                }
            }
            Part::Folder => {
                for &tenants in &args.tenants {
                    if let Some(figures) = folder::figures(&args, &data, tenants).await? {
                        report.tenants("lanyard dev", tenants, &figures);
                    }
                }
            }
            Part::Grants => report.grants(&grants::figures(&args, &data).await?),
        }
    }
    report.end(args.write.as_deref())
}

/// The repository, where charts and tests are.
fn repository() -> PathBuf {
    let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let root = folders.find(|folder| folder.join("charts/lanyard").exists());
    root.expect("it is built in the repository").to_owned()
}
