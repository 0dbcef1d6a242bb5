//! The flags of `lanyard-growth`.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Measures how cost grows with tenants, clients and grants.
#[derive(Debug, Parser)]
#[command(name = "lanyard-growth", version)]
pub struct Args {
    /// Kinds of measurement; default: all
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Numbers of tenants
    #[arg(long, value_delimiter = ',', default_value = "1,100,1000,5000")]
    pub tenants: Vec<usize>,
    /// Clients of each tenant
    #[arg(long, default_value_t = 10)]
    pub clients: usize,
    /// Numbers of live grants
    #[arg(long, value_delimiter = ',', default_value = "1000,1000000")]
    pub grants: Vec<usize>,
    /// Objects of each kind that are applied, one after another
    #[arg(long, default_value_t = 100)]
    pub applies: usize,
    /// Seconds over which CPU at rest is measured
    #[arg(long, default_value_t = 30)]
    pub rest: u64,
    /// Create the objects and records, and measure nothing
    #[arg(long)]
    pub fill: bool,
    /// Folder for the objects and records, reused by the next run; default: a temporary one
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The binary to measure; default: target/release/lanyard
    #[arg(long, value_name = "FILE")]
    pub binary: Option<PathBuf>,
    /// Also writes the tables to this file
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
}

/// A kind of measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// `lanyard run` against a real API server
    Cluster,
    /// `lanyard dev` and a folder
    Folder,
    /// The durable stores
    Grants,
}

impl Args {
    /// The kinds of measurement that the flags select.
    pub fn parts(&self) -> Vec<Part> {
        match &self.parts[..] {
            [] => vec![Part::Cluster, Part::Folder, Part::Grants],
            asked => asked.to_vec(),
        }
    }

    /// The path of the binary to measure: `--binary`, or else the release build of this tree.
    pub fn binary(&self) -> PathBuf {
        let built = || crate::repository().join("target/release/lanyard");
        self.binary.clone().unwrap_or_else(built)
    }
}
