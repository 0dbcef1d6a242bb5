//! Lanyard's own figures: a server on one core, this driver on the other, and each kind of work
//! compared with the rates of that core without a provider.

mod guides;
mod providers;
mod server;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use lanyard_bench::upstream::UpstreamProvider;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use self::{
    guides::Table,
    server::{Bare, BenchServer},
};
use crate::{
    browser::Person,
    http::trust,
    load::{self, Load, LoadFigures},
    raw::{self, Raw},
    target::{Application, Target},
    work::Work,
};

/// Flags of the command `lanyard`.
#[derive(clap::Args)]
pub struct Options {
    /// Release binary of Lanyard
    #[arg(long, default_value = "target/release/lanyard")]
    lanyard: PathBuf,
    /// Manifests of the tenants rs256, es256 and upstream, as in bench/tenants
    #[arg(long, default_value = "bench/tenants")]
    manifests: PathBuf,
    /// Seconds for each kind of work
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Callers at once
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Write the tables to this file as well
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Usernames of bench/tenants: several, since password attempts for one user are limited.
const PEOPLE: [&str; 8] =
    ["ada", "alan", "barbara", "edsger", "grace", "john", "katherine", "margaret"];

fn person(username: &str) -> Person {
    Person { username: username.into(), password: "correct horse battery staple".into() }
}

/// Other requests a second while users sign in.
const OTHERS: f64 = 100.0;

/// Measure everything, and print the tables.
///
/// # Errors
///
/// The server does not start, or refuses something.
pub fn run(options: &Options) -> Result<()> {
    let duration = Duration::from_secs(options.seconds);
    let (servers_core, drivers_core) = two_cores()?;
    // Children and threads inherit the core of the thread that starts them.
    pin(servers_core)?;
    let raw = raw::measure(duration.min(Duration::from_secs(2)))?;
    let many = providers::write()?;
    let validated = providers::validated_in(&options.lanyard, many.path())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let upstream = runtime.block_on(UpstreamProvider::start())?;
    let server = BenchServer::start(&options.lanyard, &options.manifests, &upstream.issuer)?;
    pin(drivers_core)?;
    let bench = Bench { server, duration, connections: options.connections };
    let measured = bench.measure(raw, || pin(servers_core), || pin(drivers_core));
    let mut table = runtime.block_on(measured)?;
    table.validation(providers::PROVIDERS, validated.as_secs_f64());
    let text = table.to_string();
    print!("{text}");
    if let Some(out) = &options.out {
        std::fs::write(out, text).with_context(|| format!("writing {}", out.display()))?;
    }
    Ok(())
}

struct Bench {
    server: BenchServer,
    duration: Duration,
    connections: usize,
}

impl Bench {
    async fn measure(
        &self,
        raw: Raw,
        server_side: impl Fn() -> Result<()>,
        driver_side: impl Fn() -> Result<()>,
    ) -> Result<Table> {
        self.server.ready().await?;
        let rs256 = self.target("rs256", "app-rs256").await?;
        let es256 = self.target("es256", "app-es256").await?;
        let mut table = Table::new(raw, self.server.version());
        for work in [Work::Discovery, Work::Jwks] {
            let url = if work == Work::Jwks { &rs256.jwks } else { &rs256.discovery };
            server_side()?;
            let bare = Bare::start(&url.to_string())?;
            driver_side()?;
            let bare = self.bare(&bare, work, &rs256).await?;
            table.plain(work, &bare, &self.load(&rs256, work).await?);
        }
        for (algorithm, target) in [("RS256", &rs256), ("ES256", &es256)] {
            for work in [
                Work::ClientCredentials,
                Work::Session,
                Work::Refresh,
                Work::Userinfo,
                Work::Introspection,
            ] {
                table.signed(algorithm, work, &self.load(target, work).await?);
            }
        }
        self.upstream(&mut table).await?;
        let (people, others) = self.busy(&rs256).await?;
        for error in [&people, &others].into_iter().filter_map(|figures| figures.error.as_ref()) {
            eprintln!("while people sign in: {error}");
        }
        table.busy(&people, &others);
        Ok(table)
    }

    /// Sign-ins at the identity provider, and access decisions about those people.
    async fn upstream(&self, table: &mut Table) -> Result<()> {
        let plain = self.target("upstream", "app-upstream").await?;
        let ruled = self.target("upstream", "app-upstream-rule").await?;
        table.upstream(&self.load(&plain, Work::UpstreamSignIn).await?);
        let without = self.load(&plain, Work::Userinfo).await?;
        table.access_rule(&self.load(&ruled, Work::Userinfo).await?, &without);
        Ok(())
    }

    async fn target(&self, tenant: &str, client: &str) -> Result<Arc<Target>> {
        let application = Application {
            client_id: format!("default.{client}"),
            client_secret: "a-secret-of-at-least-thirty-two-characters".into(),
            redirect_uri: "http://127.0.0.1:9/callback".into(),
            scope: "openid profile email offline_access".into(),
            people: PEOPLE.map(person).into(),
        };
        let issuer = format!("{}/default/{tenant}", self.server.base());
        Ok(Arc::new(Target::discover(&issuer, application, trust(None)?).await?))
    }

    async fn load(&self, target: &Arc<Target>, work: Work) -> Result<LoadFigures> {
        let load = Load { connections: self.connections, duration: self.duration, rate: None };
        eprintln!("{work:?} ..");
        let workers = load::ready(target, work, load.connections).await?;
        load::run(workers, work, load, &self.server.processes()).await
    }

    async fn bare(&self, bare: &Bare, work: Work, like: &Target) -> Result<LoadFigures> {
        let load = Load { connections: self.connections, duration: self.duration, rate: None };
        let target = Arc::new(like.read_from(&bare.base())?);
        load::run(
            load::ready(&target, work, load.connections).await?,
            work,
            load,
            &bare.processes(),
        )
        .await
    }

    /// Sign-ins as fast as passwords can be checked, and other requests at the same time.
    async fn busy(&self, target: &Arc<Target>) -> Result<(LoadFigures, LoadFigures)> {
        eprintln!("SignIn, with other requests ..");
        let server = self.server.processes();
        let people = Load { connections: self.connections, duration: self.duration, rate: None };
        let others = Load { rate: Some(OTHERS), ..people };
        let signing_in = load::ready(target, Work::SignIn, people.connections).await?;
        let reading = load::ready(target, Work::Userinfo, others.connections).await?;
        let (people, others) = tokio::join!(
            load::run(signing_in, Work::SignIn, people, &server),
            load::run(reading, Work::Userinfo, others, &server),
        );
        Ok((people?, others?))
    }
}

fn two_cores() -> Result<(usize, usize)> {
    let may = sched_getaffinity(None)?;
    let mut cores = (0..CpuSet::MAX_CPU).filter(|core| may.is_set(*core));
    let first = cores.next().context("no core to run on")?;
    let second =
        cores.next().context("two cores are needed: one for the server, one for the driver")?;
    Ok((first, second))
}

fn pin(core: usize) -> Result<()> {
    let mut only = CpuSet::new();
    only.set(core);
    sched_setaffinity(None, &only).context("choosing a core")
}
