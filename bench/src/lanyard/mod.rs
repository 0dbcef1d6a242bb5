//! Lanyard's own figures: a server on one core, this driver on the other, and each kind of work
//! compared with the rates of that core without a provider.

mod accounts;
pub mod flood;
mod guides;
mod passkeys;
mod providers;
mod server;

use std::{cell::RefCell, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use lanyard_bench::{process::Processes, upstream::UpstreamProvider};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use self::{
    guides::{ComparedFigures, Table, compared_with},
    server::{Bare, BenchServer},
};
use crate::{
    browser::Person,
    http::trust,
    load::{self, Load, LoadFigures},
    raw::{RawCore, RawWork},
    target::{Application, Target},
    work::{Work, Worker},
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

/// Usernames of bench/tenants: several, because password attempts for one user are limited.
const PEOPLE: [&str; 8] =
    ["ada", "alan", "barbara", "edsger", "grace", "john", "katherine", "margaret"];

fn person(username: &str) -> Person {
    Person { username: username.into(), password: "correct horse battery staple".into() }
}

/// A client of the manifests, and the people who sign in there.
fn application(client: &str, people: Vec<Person>) -> Application {
    Application {
        client_id: format!("default.{client}"),
        client_secret: "a-secret-of-at-least-thirty-two-characters".into(),
        redirect_uri: "http://127.0.0.1:9/callback".into(),
        scope: "openid profile email offline_access".into(),
        people,
    }
}

/// Other requests a second while users sign in.
const OTHERS: f64 = 100.0;

/// The time after which the core's own rates are measured again. A machine that is shared with others
/// can do half as much a second later.
const SLICE: Duration = Duration::from_millis(500);
/// The part of a slice for which each of these rates is measured.
const RAW_PART: u32 = 4;

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
    let core = RawCore::new()?;
    let many = providers::write()?;
    let validated = providers::validated_in(&options.lanyard, many.path())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let upstream = runtime.block_on(UpstreamProvider::start())?;
    let server = BenchServer::start(&options.lanyard, &options.manifests, &upstream.issuer, &[])?;
    pin(drivers_core)?;
    let bench = Bench {
        server,
        duration,
        connections: options.connections,
        core: RefCell::new(core),
        servers_core,
        drivers_core,
    };
    let mut table = runtime.block_on(bench.measure())?;
    table.validation(providers::PROVIDERS, validated.as_secs_f64());
    let text = table.markdown(&bench.core.borrow());
    print!("{text}");
    if let Some(out) = &options.out {
        std::fs::write(out, text).with_context(|| format!("writing {}", out.display()))?;
    }
    Ok(())
}

/// Devices of each caller. So many do not come to the end of their interval within [`POLL_SLICE`].
const DEVICES_OF_CALLER: usize = 160;
/// A slice of polls: at 25,000 a second, fewer devices are polled than 32 callers have.
const POLL_SLICE: Duration = Duration::from_millis(200);
/// The interval of Lanyard between the polls of a device.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

struct Bench {
    server: BenchServer,
    duration: Duration,
    connections: usize,
    core: RefCell<RawCore>,
    servers_core: usize,
    drivers_core: usize,
}

impl Bench {
    async fn measure(&self) -> Result<Table> {
        self.server.ready(["rs256", "es256", "upstream", "accounts", "passkeys"]).await?;
        let rs256 = self.target("rs256", "app-rs256").await?;
        let es256 = self.target("es256", "app-es256").await?;
        let mut table = Table::new(self.server.version());
        for work in [Work::Discovery, Work::Jwks] {
            let url = if work == Work::Jwks { &rs256.jwks } else { &rs256.discovery };
            pin(self.servers_core)?;
            let bare = Bare::start(&url.to_string())?;
            pin(self.drivers_core)?;
            let (bare, figures) = self.plain(&bare, work, &rs256).await?;
            table.plain(work, &bare, &figures);
        }
        for (algorithm, target) in [("RS256", &rs256), ("ES256", &es256)] {
            for work in [
                Work::ClientCredentials,
                Work::Session,
                Work::Refresh,
                Work::Userinfo,
                Work::Introspection,
            ] {
                table.signed(algorithm, work, &self.compared(algorithm, target, work).await?);
            }
        }
        self.bound_and_pushed(&es256, &mut table).await?;
        self.federated(&es256, &mut table).await?;
        let (refresh, exchange) =
            self.by_turns((&es256, Work::Refresh), (&es256, Work::Exchange)).await?;
        table.exchange(&exchange, &refresh);
        self.device_polls(&mut table).await?;
        self.upstream(&mut table).await?;
        self.account_page(&mut table).await?;
        self.passkeys(&mut table).await?;
        let (people, others) = self.busy(&rs256).await?;
        for error in
            [&people.figures, &others].into_iter().filter_map(|figures| figures.error.as_ref())
        {
            eprintln!("while people sign in: {error}");
        }
        table.busy(&people, &others);
        Ok(table)
    }

    /// Sign-ins at the identity provider, and access decisions about those people.
    async fn upstream(&self, table: &mut Table) -> Result<()> {
        let plain = self.target("upstream", "app-upstream").await?;
        let ruled = self.target("upstream", "app-upstream-rule").await?;
        table.upstream(&self.compared("ES256", &plain, Work::UpstreamSignIn).await?);
        let work = Work::Userinfo;
        let (without, with) = self.by_turns((&plain, work), (&ruled, work)).await?;
        table.access_rule(&with, &without);
        Ok(())
    }

    /// Tokens bound to a key, and sessions by a pushed request, by turns with the plain ones.
    async fn bound_and_pushed(&self, target: &Arc<Target>, table: &mut Table) -> Result<()> {
        let works = [Work::ClientCredentials, Work::DpopClientCredentials];
        let verify = compared_with("ES256", works[1]);
        let mut rates = vec![0.0; verify.len()];
        self.raw_slice(&verify, SLICE, &mut rates)?;
        let (plain, figures) = self.by_turns((target, works[0]), (target, works[1])).await?;
        self.raw_slice(&verify, SLICE, &mut rates)?;
        for rate in &mut rates {
            *rate /= 2.0;
        }
        table.bound(&ComparedFigures { figures, rates }, &plain);
        // The used requests of a person are bounded, so each caller is another person.
        let target = self.target_with_many_people().await?;
        let (plain, pushed) =
            self.by_turns((&target, Work::Session), (&target, Work::PushedSession)).await?;
        table.pushed(&pushed, &plain);
        Ok(())
    }

    /// Tokens for a client that authenticates by an assertion of another issuer, by turns with one that has a secret.
    async fn federated(&self, target: &Arc<Target>, table: &mut Table) -> Result<()> {
        let of_issuer = Arc::new(target.with_client("default.app-federated".to_owned()));
        let works = [Work::ClientCredentials, Work::FederatedClientCredentials];
        let (plain, federated) = self.by_turns((target, works[0]), (&of_issuer, works[1])).await?;
        table.federated(&federated, &plain);
        Ok(())
    }

    /// Polls of devices, in short slices with the interval of devices between them. A client has a quota of
    /// devices, so each caller polls for another client.
    async fn device_polls(&self, table: &mut Table) -> Result<()> {
        eprintln!("{:?} ..", Work::DevicePoll);
        let any = self.target("accounts", &accounts::client(0)).await?;
        let mut workers = Vec::new();
        for number in 0..self.connections {
            let client = accounts::client(number % accounts::APPLICATIONS);
            let target = Arc::new(any.with_client(format!("default.{client}")));
            for mut worker in load::ready(&target, Work::DevicePoll, 1).await? {
                worker.start_devices(DEVICES_OF_CALLER).await?;
                workers.push(worker);
            }
        }
        let load = Load { connections: self.connections, duration: POLL_SLICE, rate: None };
        let mut figures: Option<LoadFigures> = None;
        for _ in 0..self.slices() {
            tokio::time::sleep(POLL_INTERVAL).await;
            let server = self.server.processes();
            let (next, later) = load::run(workers, Work::DevicePoll, load, &server).await?;
            workers = next;
            match &mut figures {
                None => figures = Some(later),
                Some(figures) => figures.add(later)?,
            }
        }
        if let Some(figures) = figures {
            table.device_poll(&figures);
        }
        Ok(())
    }

    /// Slices of two kinds of work by turns.
    async fn by_turns(
        &self,
        (first, first_work): (&Arc<Target>, Work),
        (second, second_work): (&Arc<Target>, Work),
    ) -> Result<(LoadFigures, LoadFigures)> {
        let mut of_first = self.workers(first, first_work).await?;
        let mut of_second = self.workers(second, second_work).await?;
        let (mut first_figures, mut second_figures) = (None, None);
        for _ in 0..self.slices() {
            of_first = self.slice(of_first, first_work, &mut first_figures).await?;
            of_second = self.slice(of_second, second_work, &mut second_figures).await?;
        }
        first_figures.zip(second_figures).context("no slice was measured")
    }

    /// The account page of one person, who signs in more often than sessions are kept, and uses very many
    /// applications.
    async fn account_page(&self, table: &mut Table) -> Result<()> {
        let mut target = (*self.target("accounts", &accounts::client(0)).await?).clone();
        target.application.people.truncate(1);
        accounts::fill(&Arc::new(target.clone())).await?;
        let mut workers = self.workers(&Arc::new(target), Work::AccountPage).await?;
        let mut figures = None;
        for _ in 0..self.slices() {
            workers = self.slice(workers, Work::AccountPage, &mut figures).await?;
        }
        if let Some(figures) = figures {
            table.account_page(accounts::APPLICATIONS, &figures);
        }
        Ok(())
    }

    /// Measures sign-ins with passkeys at the tenant `passkeys`.
    async fn passkeys(&self, table: &mut Table) -> Result<()> {
        let target = self.target_with_many_people().await?;
        table.passkey(&self.compared("ES256", &target, Work::PasskeySignIn).await?);
        Ok(())
    }

    /// The tenant `passkeys`, which has a person for each caller.
    async fn target_with_many_people(&self) -> Result<Arc<Target>> {
        let mut target = (*self.target("passkeys", "app-passkeys").await?).clone();
        target.application.people = passkeys::people().map(|name| person(&name)).collect();
        Ok(Arc::new(target))
    }

    async fn target(&self, tenant: &str, client: &str) -> Result<Arc<Target>> {
        let application = application(client, PEOPLE.map(person).into());
        let issuer = format!("{}/default/{tenant}", self.server.base());
        Ok(Arc::new(Target::discover(&issuer, application, trust(None)?).await?))
    }

    /// The number of slices of each kind of work.
    fn slices(&self) -> u32 {
        u32::try_from(self.duration.as_millis() / SLICE.as_millis()).unwrap_or(u32::MAX).max(1)
    }

    async fn workers(&self, target: &Arc<Target>, work: Work) -> Result<Vec<Worker>> {
        eprintln!("{work:?} ..");
        load::ready(target, work, self.connections).await
    }

    /// Runs the workers for a slice; adds the results to `figures`.
    async fn slice(
        &self,
        workers: Vec<Worker>,
        work: Work,
        figures: &mut Option<LoadFigures>,
    ) -> Result<Vec<Worker>> {
        let server = self.server.processes();
        self.slice_of(workers, work, figures, &server).await
    }

    async fn slice_of(
        &self,
        workers: Vec<Worker>,
        work: Work,
        figures: &mut Option<LoadFigures>,
        server: &Processes,
    ) -> Result<Vec<Worker>> {
        let load = Load { connections: self.connections, duration: SLICE, rate: None };
        let (workers, later) = load::run(workers, work, load, server).await?;
        match figures {
            None => *figures = Some(later),
            Some(figures) => figures.add(later)?,
        }
        Ok(workers)
    }

    /// Adds the core's own rates, measured for `duration` each, to `sums`.
    fn raw_slice(&self, compared: &[RawWork], duration: Duration, sums: &mut [f64]) -> Result<()> {
        pin(self.servers_core)?;
        for (work, sum) in compared.iter().zip(sums) {
            *sum += self.core.borrow_mut().measure(*work, duration);
        }
        pin(self.drivers_core)
    }

    /// Slices of work, and of the operations that it consists of, by turns.
    async fn compared(
        &self,
        algorithm: &str,
        target: &Arc<Target>,
        work: Work,
    ) -> Result<ComparedFigures> {
        let operations = compared_with(algorithm, work);
        let mut workers = self.workers(target, work).await?;
        let (mut figures, mut rates) = (None, vec![0.0; operations.len()]);
        self.raw_slice(&operations, SLICE / RAW_PART, &mut rates)?;
        for _ in 0..self.slices() {
            workers = self.slice(workers, work, &mut figures).await?;
            self.raw_slice(&operations, SLICE / RAW_PART, &mut rates)?;
        }
        for rate in &mut rates {
            *rate /= f64::from(self.slices() + 1);
        }
        Ok(ComparedFigures { figures: figures.context("no slice was measured")?, rates })
    }

    /// Slices of a bare server and of Lanyard by turns.
    async fn plain(
        &self,
        bare: &Bare,
        work: Work,
        target: &Arc<Target>,
    ) -> Result<(LoadFigures, LoadFigures)> {
        let like = Arc::new(target.read_from(&bare.base())?);
        let mut of_bare = load::ready(&like, work, self.connections).await?;
        let mut of_server = self.workers(target, work).await?;
        let (mut bare_figures, mut figures) = (None, None);
        for _ in 0..self.slices() {
            of_bare = self.slice_of(of_bare, work, &mut bare_figures, &bare.processes()).await?;
            of_server = self.slice(of_server, work, &mut figures).await?;
        }
        bare_figures.zip(figures).context("no slice was measured")
    }

    /// Sign-ins as fast as passwords can be checked, and other requests at the same time.
    async fn busy(&self, target: &Arc<Target>) -> Result<(ComparedFigures, LoadFigures)> {
        eprintln!("SignIn, with other requests ..");
        let server = self.server.processes();
        let people = Load { connections: self.connections, duration: self.duration, rate: None };
        let others = Load { rate: Some(OTHERS), ..people };
        let signing_in = load::ready(target, Work::SignIn, people.connections).await?;
        let reading = load::ready(target, Work::Userinfo, others.connections).await?;
        let operations = compared_with("RS256", Work::SignIn);
        let mut rates = vec![0.0; operations.len()];
        self.raw_slice(&operations, 2 * SLICE, &mut rates)?;
        let (people, others) = tokio::join!(
            load::run(signing_in, Work::SignIn, people, &server),
            load::run(reading, Work::Userinfo, others, &server),
        );
        self.raw_slice(&operations, 2 * SLICE, &mut rates)?;
        for rate in &mut rates {
            *rate /= 2.0;
        }
        let ((_, figures), (_, others)) = (people?, others?);
        Ok((ComparedFigures { figures, rates }, others))
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
