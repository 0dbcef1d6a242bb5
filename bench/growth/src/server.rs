//! The measured process: started, asked, and read from /proc.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use lanyard_bench::process::Processes;

use crate::harness::{Process, free_port};

/// Time in which a started server must be ready.
const WAIT_TIMEOUT: Duration = Duration::from_secs(240);

/// The host of every issuer. No listener is there: a proxy would terminate TLS.
const HOST: &str = "growth.example.com";

/// The base URL of the installation, without a slash at the end.
pub fn base_url() -> String {
    format!("https://{HOST}")
}

/// A running `lanyard`, whose CPU time and memory are read from /proc.
pub struct GrowthServer {
    process: Process,
    http: reqwest::Client,
    /// `http://127.0.0.1:PORT`, where the server listens.
    pub url: String,
    admin: u16,
    /// The time from its start to being ready.
    pub ready: Duration,
}

/// The ports on 127.0.0.1 that the server listens on.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// The port of the endpoints.
    pub serve: u16,
    /// The port of `/readyz` and `/metrics`.
    pub admin: u16,
}

impl Ports {
    /// Two ports that are free now.
    pub fn free() -> Self {
        Self { serve: free_port(), admin: free_port() }
    }
}

impl GrowthServer {
    /// Starts the binary and waits until it is ready.
    pub async fn start(
        binary: &Path,
        args: &[String],
        env: &[(&str, String)],
        ports: Ports,
        log: &Path,
    ) -> Result<Self> {
        if !binary.exists() {
            bail!("{} is missing: cargo build --release", binary.display());
        }
        let begun = Instant::now();
        let process = Process::start(binary, args, env, log);
        let http =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let url = format!("http://127.0.0.1:{}", ports.serve);
        let mut server = Self { process, http, url, admin: ports.admin, ready: Duration::ZERO };
        let ready = format!("http://127.0.0.1:{}/readyz", ports.admin);
        while server.status(&ready).await != Some(200) {
            server.process.must_run();
            if begun.elapsed() > WAIT_TIMEOUT {
                bail!("not ready within {WAIT_TIMEOUT:?}; its log is {}", log.display());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        server.ready = begun.elapsed();
        Ok(server)
    }

    /// The status of an answer; `None` without one.
    pub async fn status(&self, url: &str) -> Option<u16> {
        let answer = self.http.get(url).header("host", HOST).send().await.ok()?;
        let status = answer.status().as_u16();
        // A connection is reused only if its answer was read.
        answer.bytes().await.ok()?;
        Some(status)
    }

    /// The snapshot's revision and the number of reconciles, which stop changing when the server is
    /// idle.
    pub async fn progress(&self) -> Result<String> {
        let url = format!("http://127.0.0.1:{}/metrics", self.admin);
        let text = self.http.get(url).send().await?.text().await?;
        let counts = |line: &&str| {
            line.starts_with("lanyard_snapshot_revision")
                || line.starts_with("lanyard_reconciles_total")
        };
        Ok(text.lines().filter(counts).collect())
    }

    /// Waits until nothing has changed for a while.
    pub async fn settle(&self, patience: Duration) -> Result<()> {
        let begun = Instant::now();
        let (mut before, mut since) = (String::new(), Instant::now());
        while since.elapsed() < Duration::from_secs(4) {
            let now = self.progress().await?;
            let cpu = self.cpu()?;
            tokio::time::sleep(Duration::from_millis(500)).await;
            // Some work is not counted in these metrics.
            if now != before || (self.cpu()? - cpu) > 0.1 {
                (before, since) = (now, Instant::now());
            }
            if begun.elapsed() > patience {
                bail!("still at work after {patience:?}");
            }
        }
        Ok(())
    }

    /// Seconds of CPU since its start.
    pub fn cpu(&self) -> Result<f64> {
        self.processes().seconds()
    }

    /// Resident memory, in KiB.
    pub fn resident(&self) -> Result<f64> {
        self.processes().resident().map(kib)
    }

    /// Peak resident memory, in KiB.
    pub fn peak(&self) -> Result<f64> {
        self.processes().peak().map(kib)
    }

    fn processes(&self) -> Processes {
        Processes(vec![self.process.id()])
    }

    /// Sends SIGTERM, so that it releases its Lease.
    pub fn stop(mut self) {
        self.process.terminate(Duration::from_secs(30));
    }
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^52 bytes")]
fn kib(bytes: u64) -> f64 {
    bytes as f64 / 1024.0
}
