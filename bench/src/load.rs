//! Load: a number of workers for a time, as fast as they can or at a fixed rate.
//!
//! At a fixed rate, latency counts from the moment a request was due, not from the moment a worker
//! had time for it, so a server that stalls is charged for every request that waited (coordinated
//! omission).

use std::{
    cell::RefCell,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use hdrhistogram::Histogram;
use lanyard_bench::process::Processes;
use tokio::task::{JoinSet, LocalSet};

use crate::{
    target::Target,
    work::{Work, Worker},
};

/// Microseconds. A longer latency is counted as this.
const MAX_RECORDED_MICROS: u64 = 600_000_000;

/// The load on the server: how many callers, for how long, and how fast.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub connections: usize,
    pub duration: Duration,
    /// Requests a second. Absent: as fast as the server answers.
    pub rate: Option<f64>,
}

/// The results of one kind of work.
#[derive(Debug)]
pub struct LoadFigures {
    pub elapsed: Duration,
    pub errors: u64,
    /// The first error, for the report.
    pub error: Option<String>,
    /// Latencies of successes, in microseconds.
    pub latency: Histogram<u64>,
    /// CPU seconds that the server used in the meantime.
    pub processor: f64,
    /// Bytes of memory that the server held at the end.
    pub resident: u64,
}

impl LoadFigures {
    pub fn done(&self) -> u64 {
        self.latency.len()
    }

    /// Successes a second, over the whole measured time.
    pub fn rate(&self) -> f64 {
        count(self.done()) / self.elapsed.as_secs_f64()
    }

    /// Adds the results of another time.
    ///
    /// # Errors
    ///
    /// The histograms have different bounds.
    pub fn add(&mut self, later: Self) -> Result<()> {
        self.elapsed += later.elapsed;
        self.errors += later.errors;
        self.error = self.error.take().or(later.error);
        self.latency.add(later.latency)?;
        self.processor += later.processor;
        self.resident = later.resident;
        Ok(())
    }

    /// CPU microseconds for each success.
    pub fn cost(&self) -> f64 {
        self.processor * 1e6 / count(self.done().max(1))
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
fn count(of: u64) -> f64 {
    of as f64
}

struct Seen {
    due: u64,
    errors: u64,
    error: Option<String>,
    latency: Histogram<u64>,
}

/// Workers that are ready for `work`, and signed in if it needs that.
///
/// # Errors
///
/// The provider refuses a preparatory request.
pub async fn ready(target: &Arc<Target>, work: Work, connections: usize) -> Result<Vec<Worker>> {
    let mut workers = Vec::with_capacity(connections);
    for number in 0..connections {
        let mut worker = Worker::new(Arc::clone(target), number)?;
        worker.prepare(work).await?;
        // Once before the clock starts, so that connections are open and caches are warm.
        worker.once(work).await?;
        workers.push(worker);
    }
    Ok(workers)
}

/// Runs `workers` on this thread, and returns them for the next time.
///
/// # Errors
///
/// Nothing succeeded, or the server has ended.
pub async fn run(
    workers: Vec<Worker>,
    work: Work,
    load: Load,
    server: &Processes,
) -> Result<(Vec<Worker>, LoadFigures)> {
    let seen = Rc::new(RefCell::new(Seen {
        due: 0,
        errors: 0,
        error: None,
        latency: Histogram::new_with_bounds(1, MAX_RECORDED_MICROS, 3)?,
    }));
    let (before, start) = (server.seconds()?, Instant::now());
    let local = LocalSet::new();
    let mut tasks = JoinSet::new();
    for worker in workers {
        tasks.spawn_local_on(one(worker, work, load, start, Rc::clone(&seen)), &local);
    }
    let mut workers = Vec::new();
    let all_done = async {
        while let Some(worker) = tasks.join_next().await {
            workers.push(worker?);
        }
        Ok::<_, tokio::task::JoinError>(())
    };
    local
        .run_until(async {
            tokio::select! {
                ended = all_done => ended,
                never = stay_awake() => never,
            }
        })
        .await?;
    let (elapsed, processor, resident) =
        (start.elapsed(), server.seconds()? - before, server.resident()?);
    let seen = seen.borrow();
    let figures = LoadFigures {
        elapsed,
        errors: seen.errors,
        error: seen.error.clone(),
        latency: seen.latency.clone(),
        processor,
        resident,
    };
    if figures.done() == 0 {
        bail!("nothing succeeded: {}", figures.error.unwrap_or_default());
    }
    Ok((workers, figures))
}

/// Spins for ever. On loopback the sender pays for waking a receiver that sleeps: up to a fifth of
/// the server's core. A client on another machine does not cause this cost.
async fn stay_awake<T>() -> T {
    loop {
        tokio::task::yield_now().await;
    }
}

async fn one(
    mut worker: Worker,
    work: Work,
    load: Load,
    start: Instant,
    seen: Rc<RefCell<Seen>>,
) -> Worker {
    loop {
        let due = match load.rate {
            None => Instant::now(),
            Some(rate) => {
                let mut seen = seen.borrow_mut();
                seen.due += 1;
                start + Duration::from_secs_f64(count(seen.due - 1) / rate)
            }
        };
        if due.duration_since(start) >= load.duration {
            return worker;
        }
        if load.rate.is_some() {
            tokio::time::sleep_until(due.into()).await;
        }
        let outcome = worker.once(work).await;
        let mut seen = seen.borrow_mut();
        match outcome {
            Ok(()) => seen
                .latency
                .saturating_record(u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX)),
            Err(error) => {
                seen.errors += 1;
                seen.error.get_or_insert_with(|| format!("{error:#}"));
            }
        }
    }
}
