//! What a store costs with few and with very many live grants.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use lanyard::{
    model::{Clock as _, SystemClock, SystemEntropy, TenantId},
    store::{
        EmbeddedStore, Key, Owner, OwnerKind, PostgresOptions, PostgresStore, Record, RecordKind,
        Store,
    },
};

use crate::{args::Args, postgres::Postgres};

/// Operations of each kind that are measured.
const OPERATIONS: usize = 6000;
/// Operations that are under way at once.
const CONCURRENT: usize = 16;
/// Records that are under way at once while a store is filled.
const FILLING: usize = 256;
/// Grants of one person.
const PER_USER: usize = 4;
/// Bytes of a grant: those of one with three scopes, a nonce and a session.
const SIZE: usize = 230;

/// The figures of one store with so many grants: operations a second.
#[derive(Debug)]
pub struct Figures {
    /// Which store.
    pub store: &'static str,
    /// How many grants live in it.
    pub grants: usize,
    /// Operations a second, by what they are.
    pub rates: Vec<(&'static str, f64)>,
}

/// Measures each store with each number of grants.
pub async fn figures(args: &Args, data: &Path) -> Result<Vec<Figures>> {
    let mut all = Vec::new();
    for &grants in &args.grants {
        let path = data.join(format!("store-{grants}.redb"));
        let filled = path.exists();
        let store = Arc::new(EmbeddedStore::open(&path, &SystemEntropy::new())?);
        if !filled {
            fill(&*store, grants).await?;
        }
        if !args.fill {
            all.push(measure("embedded", store, grants).await?);
        }
    }
    let postgres = Postgres::start(&data.join("postgres")).await?;
    for &grants in &args.grants {
        let (url, filled) = postgres.database(&format!("grants{grants}")).await?;
        if !filled {
            // Only while it is filled: what is measured waits for the disk.
            let store = open(&format!("{url}?options=-c%20synchronous_commit%3Doff"))?;
            store.prepare().await?;
            fill(&*store, grants).await?;
            postgres.analyze(&url).await?;
        }
        if !args.fill {
            all.push(measure("postgres", open(&url)?, grants).await?);
        }
    }
    Ok(all)
}

fn open(url: &str) -> Result<Arc<PostgresStore>> {
    let options =
        PostgresOptions { url: url.to_owned(), ca: None, connections: u32::try_from(CONCURRENT)? };
    Ok(Arc::new(PostgresStore::new(&options, Arc::new(SystemEntropy::new()))?))
}

fn tenant() -> TenantId {
    TenantId::new("team", "main")
}

/// The id of a grant: as random as real ones, and known without a list.
fn id(number: usize) -> String {
    let mut state = u64::try_from(number).unwrap_or_default().wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut half = || {
        state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        state ^= state >> 31;
        state
    };
    format!("{:016x}{:016x}", half(), half())
}

fn user(number: usize) -> Owner {
    Owner::new(OwnerKind::User, format!("{}-person", id(number / PER_USER)))
}

fn record(number: usize) -> Record {
    let client = Owner::new(OwnerKind::Client, format!("team.app-{}", number % 5000));
    let session = Owner::new(OwnerKind::Session, format!("{}-session", id(number)));
    Record {
        key: Key::new(RecordKind::Grant, &tenant(), id(number)),
        value: Bytes::from(vec![b'v'; SIZE]),
        expires_at: SystemClock.now().plus(Duration::from_hours(24 * 365)),
        owners: vec![user(number), client, session],
    }
}

async fn fill(store: &impl Store, grants: usize) -> Result<()> {
    let begun = Instant::now();
    stream::iter(0..grants)
        .map(|number| store.insert(record(number), SystemClock.now()))
        .buffer_unordered(FILLING)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    eprintln!("{grants} grants made in {:?}", begun.elapsed());
    Ok(())
}

async fn measure<S: Store>(name: &'static str, store: Arc<S>, grants: usize) -> Result<Figures> {
    let chosen = |turn: usize| {
        // Every grant is as likely as any other: the worst case for caches.
        let spread = usize::from_str_radix(&id(turn)[..12], 16).unwrap_or(turn);
        spread % grants
    };
    let mut rates = Vec::new();
    let rate = rate("userinfo (read)", |turn| {
        let store = &store;
        async move {
            let key = record(chosen(turn)).key;
            store.get(&key, SystemClock.now()).await?.context("the grant")?;
            Ok(())
        }
    });
    rates.push(rate.await?);
    let rate = self::rate("refresh (read and swap)", |turn| {
        let store = &store;
        async move {
            let key = record(chosen(turn)).key;
            let found = store.get(&key, SystemClock.now()).await?.context("the grant")?;
            store.swap(found.version, found.record, SystemClock.now()).await?;
            Ok(())
        }
    });
    rates.push(rate.await?);
    let rate = self::rate("redeem a code (insert)", |turn| {
        let store = &store;
        async move {
            let made = record(grants + turn);
            store.insert(made, SystemClock.now()).await?;
            Ok(())
        }
    });
    rates.push(rate.await?);
    let rate = self::rate("a person's grants (list)", |turn| {
        let store = &store;
        async move {
            let owner = user(chosen(turn));
            store.list(RecordKind::Grant, &tenant(), &owner, SystemClock.now()).await?;
            Ok(())
        }
    });
    rates.push(rate.await?);
    // Leaves as many as there were.
    let rate = self::rate("removal (take)", |turn| {
        let store = &store;
        async move {
            let key = record(grants + turn).key;
            store.take(&key, SystemClock.now()).await?;
            Ok(())
        }
    });
    rates.push(rate.await?);
    Ok(Figures { store: name, grants, rates })
}

/// Operations a second.
async fn rate<F>(what: &'static str, operation: impl Fn(usize) -> F) -> Result<(&'static str, f64)>
where
    F: Future<Output = Result<()>>,
{
    let begun = Instant::now();
    stream::iter(0..OPERATIONS)
        .map(&operation)
        .buffer_unordered(CONCURRENT)
        .try_for_each(|()| async { Ok(()) })
        .await?;
    let operations = u32::try_from(OPERATIONS).map_or(f64::MAX, f64::from);
    Ok((what, operations / begun.elapsed().as_secs_f64()))
}
