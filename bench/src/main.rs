//! A load driver that treats a provider as plain OpenID Connect: an issuer, a client, a user.
//! `load` measures any provider; `lanyard` makes the table of Lanyard's own figures.

mod bare;
mod browser;
mod device;
mod dpop;
mod federated;
mod form;
mod http;
mod lanyard;
mod load;
mod passkey;
mod raw;
mod report;
mod target;
mod work;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand, ValueEnum};
use lanyard_bench::{machine::Machine, process::Processes};
use tokio::runtime::Builder;

use self::{
    browser::Person,
    load::Load,
    raw::{RawCore, RawWork},
    target::{Application, Target},
    work::Work,
};

/// Measure an OpenID Connect provider
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Load any provider, one kind of work after the other
    Load(LoadOptions),
    /// Make the table of Lanyard's figures: server on one core, driver on another
    Lanyard(lanyard::Options),
    /// Compare sign-ins at one tenant alone and while wrong passwords are tried at others
    Flood(lanyard::flood::FloodOptions),
    /// Print what this core can sign, verify and hash
    Raw,
    /// Answer every request as URL does, from a bare hyper server
    #[command(hide = true)]
    Bare { url: String },
}

#[derive(clap::Args)]
struct LoadOptions {
    /// Issuer; its endpoints are found by discovery
    #[arg(long)]
    issuer: String,
    #[arg(long)]
    client_id: String,
    #[arg(long, env = "BENCH_CLIENT_SECRET", hide_env_values = true)]
    client_secret: String,
    /// A registered redirect URI; nothing needs to listen there
    #[arg(long)]
    redirect_uri: String,
    #[arg(long, default_value = "openid profile email offline_access")]
    scope: String,
    /// Usernames, separated by commas; callers take them in turn
    #[arg(long, value_delimiter = ',', required = true)]
    username: Vec<String>,
    /// The password of these users
    #[arg(long, env = "BENCH_PASSWORD", hide_env_values = true)]
    password: String,
    /// Kinds of work, in this order; default: all
    #[arg(long, value_delimiter = ',')]
    work: Vec<Work>,
    /// Seconds for each kind of work
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Callers at once
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Requests a second; latency then counts from the moment each was due. Default: as fast as it answers
    #[arg(long)]
    rate: Option<f64>,
    /// Processes of the server on this machine, whose CPU time and memory are measured
    #[arg(long, value_delimiter = ',')]
    pid: Vec<u32>,
    /// Certificates (PEM) to trust in addition to the system's
    #[arg(long)]
    ca: Option<PathBuf>,
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Load(options) => {
            Builder::new_current_thread().enable_all().build()?.block_on(load(options))
        }
        Command::Lanyard(options) => lanyard::run(&options),
        Command::Flood(options) => lanyard::flood::run(&options),
        Command::Raw => {
            let mut core = RawCore::new()?;
            for work in RawWork::ALL {
                core.measure(work, Duration::from_secs(2));
            }
            print!("{core}");
            Ok(())
        }
        Command::Bare { url } => {
            Builder::new_current_thread().enable_all().build()?.block_on(bare::serve(&url))
        }
    }
}

async fn load(options: LoadOptions) -> Result<()> {
    let ca = options
        .ca
        .as_ref()
        .map(|file| std::fs::read(file).with_context(|| format!("reading {}", file.display())));
    let password = &options.password;
    let people = options
        .username
        .into_iter()
        .map(|username| Person { username, password: password.clone() });
    let application = Application {
        client_id: options.client_id,
        client_secret: options.client_secret,
        redirect_uri: options.redirect_uri,
        scope: options.scope,
        people: people.collect(),
    };
    let target =
        Target::discover(&options.issuer, application, http::trust(ca.transpose()?.as_deref())?)
            .await?;
    let (target, server) = (Arc::new(target), Processes(options.pid));
    let load = Load {
        connections: options.connections,
        duration: Duration::from_secs(options.seconds),
        rate: options.rate,
    };
    let all = if options.work.is_empty() { Work::value_variants() } else { &options.work };
    println!("{}\n\n{}", Machine::here(), report::HEAD.trim_end());
    for work in all {
        // A kind that the provider does not offer is reported, and the others continue.
        match measured(&target, *work, load, &server).await {
            Ok(figures) => print!("{}", report::row(&format!("{work:?}"), &figures)),
            Err(error) => println!("| {work:?} | {error:#} |"),
        }
    }
    Ok(())
}

async fn measured(
    target: &Arc<Target>,
    work: Work,
    load: Load,
    server: &Processes,
) -> Result<load::LoadFigures> {
    let workers = load::ready(target, work, load.connections).await?;
    let (_, figures) = load::run(workers, work, load, server).await?;
    if let Some(error) = &figures.error {
        eprintln!("{work:?}: {} errors, the first: {error}", figures.errors);
    }
    Ok(figures)
}
