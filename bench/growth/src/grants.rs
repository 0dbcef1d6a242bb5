//! The cost of a store with few and with very many live grants: each operation by itself, and
//! whole requests.

use std::{path::Path, sync::Arc, time::Instant};

use anyhow::{Context as _, Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use lanyard::{
    model::{Clock as _, SystemClock, SystemEntropy},
    store::{EmbeddedStore, PostgresOptions, PostgresStore, RecordKind, SharedStore},
};

use crate::{
    args::Args,
    population::{self, Population},
    postgres::Postgres,
    requests::TokenService,
};

/// Rounds for each kind; the median counts.
const ROUNDS: usize = 9;
/// Operations that run at the same time.
const CONCURRENT: usize = 16;

/// An operation or request to measure.
#[derive(Clone, Copy, Debug)]
enum Operation {
    Read,
    Swap,
    Insert,
    List,
    Take,
    Userinfo { offline: bool },
    Refresh,
}

impl Operation {
    /// All operations, in the order in which they are measured.
    const ALL: [Self; 8] = [
        Self::Read,
        Self::Swap,
        Self::Insert,
        Self::List,
        Self::Take,
        Self::Userinfo { offline: true },
        Self::Userinfo { offline: false },
        Self::Refresh,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Read => "read a grant",
            Self::Swap => "read and swap a grant",
            Self::Insert => "insert a grant",
            Self::List => "list a person's grants",
            Self::Take => "take a grant",
            Self::Userinfo { offline: true } => "**userinfo**, offline access",
            Self::Userinfo { offline: false } => "**userinfo**, with its session",
            Self::Refresh => "**refresh**",
        }
    }

    /// Repetitions in a round. Tokens of a round must fit into the cache of verified tokens, and no
    /// two refreshes of a round may concern the same one of a thousand grants.
    fn count(self) -> usize {
        match self {
            Self::Read => 20_000,
            Self::List => 5000,
            Self::Swap | Self::Insert | Self::Take => 1000,
            Self::Userinfo { .. } => 2000,
            Self::Refresh => 500,
        }
    }
}

/// The figures of one store with a number of grants: operations a second.
#[derive(Debug)]
pub struct GrantFigures {
    /// The name of the store in the tables.
    pub store: &'static str,
    /// The number of live grants in it.
    pub grants: usize,
    /// Operations a second, by kind.
    pub rates: Vec<(&'static str, f64)>,
}

/// Measures each store with each number of grants.
pub async fn figures(args: &Args, data: &Path) -> Result<Vec<GrantFigures>> {
    ensure!(args.grants.iter().all(|grants| *grants >= 1000), "--grants: 1000 at least");
    let now = SystemClock.now();
    let mut all = Vec::new();
    let mut subjects = Vec::new();
    for &grants in &args.grants {
        let population = Population { grants, now };
        let path = data.join(format!("store-{grants}.redb"));
        let filled = path.exists();
        let store = Arc::new(EmbeddedStore::open(&path, &SystemEntropy::new(), || CONCURRENT)?);
        if !filled {
            population.fill(&*store).await?;
        }
        subjects.push((population, store as SharedStore));
    }
    all.extend(compare(args, "embedded", subjects).await?);
    let postgres = Postgres::start(&data.join("postgres")).await?;
    let mut subjects = Vec::new();
    for &grants in &args.grants {
        let population = Population { grants, now };
        let (url, filled) = postgres.database(&format!("grants{grants}")).await?;
        if !filled {
            // Only while it is filled. Measured writes wait for the disk.
            let store = open(&format!("{url}?options=-c%20synchronous_commit%3Doff"))?;
            store.migrate().await?;
            population.fill(&*store).await?;
            postgres.analyze(&url).await?;
        }
        subjects.push((population, open(&url)?));
    }
    all.extend(compare(args, "postgres", subjects).await?);
    Ok(all)
}

fn open(url: &str) -> Result<SharedStore> {
    let options =
        PostgresOptions { url: url.to_owned(), ca: None, connections: u32::try_from(CONCURRENT)? };
    Ok(Arc::new(PostgresStore::new(&options, Arc::new(SystemEntropy::new()))?))
}

/// Measures stores with different content in turns, so that other load on the machine
/// affects all of them.
async fn compare(
    args: &Args,
    name: &'static str,
    stores: Vec<(Population, SharedStore)>,
) -> Result<Vec<GrantFigures>> {
    if args.fill {
        return Ok(Vec::new());
    }
    let mut subjects = Vec::new();
    for (population, store) in stores {
        let service = TokenService::start(Arc::clone(&store), population).await?;
        subjects.push(Subject { population, store, service, rates: Vec::new() });
    }
    for operation in Operation::ALL {
        let mut rates = vec![Vec::new(); subjects.len()];
        for round in 0..ROUNDS {
            for (subject, rates) in subjects.iter().zip(&mut rates) {
                rates.push(subject.rate(operation, round * operation.count()).await?);
            }
        }
        for (subject, mut rates) in subjects.iter_mut().zip(rates) {
            rates.sort_by(f64::total_cmp);
            eprintln!("{name} {} {}: {rates:.0?}", subject.population.grants, operation.name());
            subject.rates.push((operation.name(), rates[ROUNDS / 2]));
        }
    }
    let figures =
        |it: Subject| GrantFigures { store: name, grants: it.population.grants, rates: it.rates };
    Ok(subjects.into_iter().map(figures).collect())
}

/// A store with its grants, and a server over it.
struct Subject {
    population: Population,
    store: SharedStore,
    service: TokenService,
    rates: Vec<(&'static str, f64)>,
}

impl Subject {
    /// Operations a second of one round; the first is this one's turn.
    async fn rate(&self, operation: Operation, first: usize) -> Result<f64> {
        let turns = first..first + operation.count();
        let requests = match operation {
            Operation::Userinfo { offline } => {
                let asked = turns.clone().map(|turn| self.service.userinfo(turn, offline));
                stream::iter(asked).buffered(CONCURRENT).try_collect().await?
            }
            Operation::Refresh => {
                turns.clone().map(|turn| self.service.refresh(turn)).collect::<Result<_>>()?
            }
            _ => Vec::new(),
        };
        let begun = Instant::now();
        if requests.is_empty() {
            run(turns.map(|turn| self.operate(operation, turn))).await?;
        } else {
            run(requests.into_iter().map(|request| self.service.answer(request))).await?;
        }
        let count = u32::try_from(operation.count()).map_or(f64::MAX, f64::from);
        Ok(count / begun.elapsed().as_secs_f64())
    }

    async fn operate(&self, operation: Operation, turn: usize) -> Result<()> {
        let (store, population, now) = (&self.store, &self.population, SystemClock.now());
        // Inserted records are taken again, so the number of records stays the same.
        let (held, new) = (population.any(turn), population.grants + turn);
        match operation {
            Operation::Read => drop(store.get(&population::key(held), now).await?.context("it")?),
            Operation::Swap => {
                let found = store.get(&population::key(held), now).await?.context("the grant")?;
                ensure!(
                    store.compare_and_swap(found.version, found.record, now).await?,
                    "it changed"
                );
            }
            Operation::Insert => {
                ensure!(store.insert(population.grant(new), now).await?, "it was there");
            }
            Operation::Take => drop(store.take(&population::key(new), now).await?.context("it")?),
            Operation::List => {
                let (tenant, owner) = (population::tenant(), population::user(held));
                let found = store.list(RecordKind::Grant, &tenant, &owner, now).await?;
                ensure!(found.len() >= 4, "a person has four grants");
            }
            Operation::Userinfo { .. } | Operation::Refresh => {}
        }
        Ok(())
    }
}

async fn run<F: Future<Output = Result<()>>>(work: impl Iterator<Item = F>) -> Result<()> {
    stream::iter(work).buffer_unordered(CONCURRENT).try_for_each(|()| async { Ok(()) }).await
}
