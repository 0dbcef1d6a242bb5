//! The time of a sign-in at one tenant, alone and while wrong passwords are tried at all others.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    convert::Infallible,
    fmt::Write as _,
    fs,
    net::Ipv4Addr,
    path::PathBuf,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tokio::task::{JoinSet, LocalSet};

use super::{PEOPLE, application, person, pin, server::BenchServer, two_cores};
use crate::{
    browser::{Browser, Person},
    form::Form,
    http::{Http, trust},
    target::Target,
    work::{Work, Worker},
};

/// The ratio of the two times from which the measurement fails.
const MAX_RATIO: f64 = 2.0;

/// Flags of the command `flood`.
#[derive(clap::Args)]
pub struct FloodOptions {
    /// Release binary of Lanyard
    #[arg(long, default_value = "target/release/lanyard")]
    lanyard: PathBuf,
    /// Tenants at which wrong passwords are tried
    #[arg(long, default_value_t = 39)]
    tenants: usize,
    /// Callers at each of them
    #[arg(long, default_value_t = 2)]
    callers: usize,
    /// Sign-ins that are measured, one after another, without and with the flood
    #[arg(long, default_value_t = 30)]
    sign_ins: usize,
}

/// Measures, and prints the ratio.
///
/// # Errors
///
/// The server does not start, or refuses a sign-in. Or the flood makes a sign-in take twice its time or longer.
pub fn run(options: &FloodOptions) -> Result<()> {
    let (servers_core, drivers_core) = two_cores()?;
    // Children and threads inherit the core of the thread that starts them.
    pin(servers_core)?;
    let served = TempDir::new_in("target").context("making a folder in target/")?;
    fs::write(served.path().join("flood.yaml"), manifests(options.tenants + 1))?;
    // Each guess comes from another address, so that the throttle of an address refuses none.
    let flags = ["--trusted-proxies", "127.0.0.1/32", "--max-connections-per-address", "0"];
    let server = BenchServer::start(&options.lanyard, served.path(), "", &flags)?;
    pin(drivers_core)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = LocalSet::new().block_on(&runtime, measure(&server, options))?;
    print!("{}", measured.markdown(options, server.version()));
    let ratio = measured.ratio();
    if ratio >= MAX_RATIO {
        bail!(
            "a sign-in takes {ratio:.2} times as long during the flood; it must be less than {MAX_RATIO}"
        );
    }
    Ok(())
}

/// The measured times, and how guesses were answered.
struct Flood {
    /// The median time of a sign-in alone.
    alone: Duration,
    /// The time of the sign-ins during the flood.
    during: Duration,
    /// Answered guesses a second during these sign-ins.
    guesses: f64,
    /// Answers to all guesses by status.
    statuses: BTreeMap<u16, u64>,
}

impl Flood {
    fn ratio(&self) -> f64 {
        self.during.as_secs_f64() / self.alone.as_secs_f64()
    }

    fn markdown(&self, options: &FloodOptions, version: &str) -> String {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        let ratio = self.ratio();
        let statuses = self.statuses.iter().map(|(status, count)| format!("{count} with {status}"));
        format!(
            "{version}: {} callers at each of {} tenants try wrong passwords, {:.0} a second; their guesses were answered {}.\n\n\
             | | median alone, ms | median during the flood, ms | ratio (must be less than 2) |\n|---|---:|---:|---:|\n\
             | {} sign-ins at another tenant | {:.1} | {:.1} | {ratio:.2} |\n",
            options.callers,
            options.tenants,
            self.guesses,
            statuses.collect::<Vec<_>>().join(", "),
            options.sign_ins,
            milliseconds(self.alone),
            milliseconds(self.during),
        )
    }
}

async fn measure(server: &BenchServer, options: &FloodOptions) -> Result<Flood> {
    let names: Vec<String> = (0..=options.tenants).map(tenant).collect();
    server.ready(names.iter().map(String::as_str)).await?;
    let quiet = target(server, options.tenants).await?;
    let mut people = (0..PEOPLE.len())
        .map(|number| Worker::new(Arc::clone(&quiet), number))
        .collect::<Result<Vec<_>>>()?;
    for worker in &mut people {
        worker.once(Work::SignIn).await?;
    }
    let alone = median_sign_in(&mut people, options.sign_ins).await?;

    let flood = Guesses::default();
    let mut callers = JoinSet::new();
    for number in 0..options.tenants * options.callers {
        let at = target(server, number % options.tenants).await?;
        callers.spawn_local(guess(at, number, flood.clone()));
    }
    let enough = u64::try_from(options.tenants * options.callers)?;
    while flood.count.get() < enough {
        if let Some(ended) = callers.try_join_next() {
            ended??;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (before, start) = (flood.count.get(), Instant::now());
    let during = median_sign_in(&mut people, options.sign_ins).await?;
    let answered = u32::try_from(flood.count.get() - before)?;
    let guesses = f64::from(answered) / start.elapsed().as_secs_f64();
    if let Some(ended) = callers.try_join_next() {
        ended??;
    }
    let statuses = flood.statuses.borrow().clone();
    Ok(Flood { alone, during, guesses, statuses })
}

/// The median time of sign-ins that follow each other without a pause, of several people in turn.
async fn median_sign_in(people: &mut [Worker], count: usize) -> Result<Duration> {
    let mut times = Vec::with_capacity(count);
    for number in 0..count {
        let start = Instant::now();
        let person = number % people.len();
        people[person].once(Work::SignIn).await?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    times.get(count / 2).copied().context("no sign-in was measured")
}

/// The guesses that were answered so far.
#[derive(Clone, Default)]
struct Guesses {
    count: Rc<Cell<u64>>,
    statuses: Rc<RefCell<BTreeMap<u16, u64>>>,
}

/// Tries wrong passwords of changing names from changing addresses, as fast as they are answered.
async fn guess(target: Arc<Target>, caller: usize, guesses: Guesses) -> Result<Infallible> {
    let mut browser = Browser::new(Http::new(target.tls.clone()));
    let application = &target.application;
    let mut url = target.authorization.clone();
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &application.client_id)
        .append_pair("redirect_uri", &application.redirect_uri)
        .append_pair("scope", "openid");
    let (url, page) = browser.page(url).await?;
    let form = Form::find(&page, &url)?;
    let caller = u32::try_from(caller)?;
    for number in 0.. {
        // 16 bits of callers and 2^16 guesses of each are addresses of 10.0.0.0/8 and above.
        let address = u32::from(Ipv4Addr::new(10, 0, 0, 0)) + (caller << 16) + number;
        browser.forwarded_for = Some(Ipv4Addr::from(address));
        let person = Person { username: format!("{caller}-{number}"), password: "a guess".into() };
        let status = browser.submit(&form, &person).await?.status.as_u16();
        if !matches!(status, 422 | 429 | 503) {
            bail!("a wrong password was answered with {status}");
        }
        guesses.count.set(guesses.count.get() + 1);
        *guesses.statuses.borrow_mut().entry(status).or_default() += 1;
    }
    bail!("all names are used")
}

async fn target(server: &BenchServer, number: usize) -> Result<Arc<Target>> {
    let issuer = format!("{}/default/{}", server.base(), tenant(number));
    let application = application(&format!("app-{}", tenant(number)), PEOPLE.map(person).into());
    Ok(Arc::new(Target::discover(&issuer, application, trust(None)?).await?))
}

fn tenant(number: usize) -> String {
    format!("flood-{number}")
}

/// The manifests of the tenants, each with a client and the people.
fn manifests(tenants: usize) -> String {
    let mut text = "apiVersion: v1
kind: Secret
metadata: {name: app-secret}
stringData: {client-secret: a-secret-of-at-least-thirty-two-characters}
---
apiVersion: v1
kind: Secret
metadata: {name: password}
stringData: {password: correct horse battery staple}
"
    .to_owned();
    for name in (0..tenants).map(tenant) {
        let _ = write!(
            text,
            "---
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {{name: {name}}}
spec: {{}}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {{name: app-{name}}}
spec:
  tenantRef: {{name: {name}}}
  consent: Implied
  redirectUris: ['http://127.0.0.1:9/callback']
  grantTypes: [authorization_code, refresh_token]
  scopes: [openid, profile, email, offline_access]
  secretRef: {{name: app-secret}}
"
        );
        for username in PEOPLE {
            let _ = write!(
                text,
                "---
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {{name: {username}-{name}}}
spec: {{tenantRef: {{name: {name}}}, username: {username}, passwordSecretRef: {{name: password}}}}
"
            );
        }
    }
    text
}
