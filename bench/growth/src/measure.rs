//! Measurements of a server, for either source of objects.

use std::time::Duration;

use anyhow::Result;

use crate::{args::Args, live, server::GrowthServer};

/// The figures of one number of tenants.
#[derive(Debug)]
pub struct TenantFigures {
    /// From start to ready, of three starts.
    pub ready: Vec<Duration>,
    /// Resident memory at rest, in KiB.
    pub resident: f64,
    /// Peak resident memory, in KiB.
    pub peak: f64,
    /// CPU at rest, in percent of a core.
    pub idle: f64,
    /// The times from an apply until the object is served.
    pub live: Vec<live::ChangeFigures>,
}

impl TenantFigures {
    /// Measures a running server, and the starts of others before it.
    pub async fn take(
        args: &Args,
        server: &GrowthServer,
        mut ready: Vec<Duration>,
        source: &impl live::Writer,
    ) -> Result<Self> {
        ready.push(server.ready);
        server.settle(Duration::from_mins(20)).await?;
        let before = server.cpu()?;
        tokio::time::sleep(Duration::from_secs(args.rest)).await;
        let spent = server.cpu()? - before;
        let idle = 100.0 * spent / Duration::from_secs(args.rest).as_secs_f64();
        let (resident, peak) = (server.resident()?, server.peak()?);
        let live = live::measure(args, server, source).await?;
        Ok(Self { ready, resident, peak, idle, live })
    }
}

/// Memory of one parsed key, in KiB, found by parsing many.
pub fn key_size() -> Result<f64> {
    const COUNT: u32 = 2000;
    let record = crate::objects::key()?;
    let cache = lanyard::keys::ParsedKeyCache::default();
    let entries = |number: u32| {
        let named = lanyard::keys::KeyRecord { kid: format!("key-{number}"), ..record.clone() };
        [lanyard::keys::write_key(&named)].into_iter().collect::<lanyard::keys::KeyEntries>()
    };
    let resident = || -> Result<f64> {
        let statm = std::fs::read_to_string("/proc/self/statm")?;
        let pages = statm.split_whitespace().nth(1).unwrap_or("0").parse::<f64>()?;
        Ok(pages * 4.0)
    };
    // The first keys fill memory that the allocator had already.
    let warm: Vec<_> = (COUNT..COUNT + 200).map(|number| cache.ring(&entries(number))).collect();
    let before = resident()?;
    let kept: Vec<_> = (0..COUNT)
        .map(|number| {
            let entries = entries(number);
            (cache.ring(&entries), entries)
        })
        .collect();
    let after = resident()?;
    drop((warm, kept));
    Ok((after - before) / f64::from(COUNT))
}
