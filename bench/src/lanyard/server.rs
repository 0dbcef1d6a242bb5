//! The processes that are measured. They end with the value that started them.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use http::HeaderMap;
use lanyard_bench::{process::Processes, upstream::UPSTREAM};
use tempfile::TempDir;

use super::{accounts, passkeys};
use crate::http::{Http, TargetUrl, trust};

/// The server's log file: it gets an access line for each request, as in production.
const LOG: &str = "target/bench-server.log";

/// Stands for the origin of the server in manifests.
const ORIGIN: &str = "ORIGIN";

/// A process that is killed on drop.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then killing it fails.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `lanyard dev` with the embedded store, in a folder of its own on this disk.
pub struct BenchServer {
    child: Running,
    base: String,
    version: String,
    _folders: [TempDir; 3],
}

impl BenchServer {
    /// Serves manifests, in which [`UPSTREAM`] stands for the issuer of an identity provider, and [`ORIGIN`] for
    /// that of the server itself, with additional flags.
    ///
    /// # Errors
    ///
    /// The binary does not exist.
    pub fn start(binary: &Path, manifests: &Path, upstream: &str, flags: &[&str]) -> Result<Self> {
        let hint = || format!("{}: build it with cargo build --release --locked", binary.display());
        let version = Command::new(binary).arg("--version").output().with_context(hint)?;
        let folder = || TempDir::new_in("target").context("making a folder in target/");
        let (state, store, served) = (folder()?, folder()?, folder()?);
        // Free at this moment. If another program takes it in the meantime, the server reports that and ends.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let base = format!("http://localhost:{port}");
        for file in fs::read_dir(manifests).with_context(|| manifests.display().to_string())? {
            let file = file?;
            let text = fs::read_to_string(file.path())?;
            let text = text.replace(UPSTREAM, upstream).replace(ORIGIN, &base);
            fs::write(served.path().join(file.file_name()), text)?;
        }
        fs::write(served.path().join("accounts.yaml"), accounts::manifests())?;
        fs::write(served.path().join("passkeys.yaml"), passkeys::manifests())?;
        let child = Command::new(binary)
            .arg("dev")
            .arg(served.path())
            .args(["--store", "embedded", "--listen", &format!("127.0.0.1:{port}"), "--state"])
            .arg(state.path())
            // Outside the state folder, which dev watches: in production the file is not watched either.
            .arg("--store-path")
            .arg(store.path().join("store.redb"))
            // As in a cluster; the default of dev is text.
            .args(["--log-format", "json"])
            .args(flags)
            .stdout(Stdio::null())
            .stderr(File::create(LOG).with_context(|| format!("writing {LOG}"))?)
            .spawn()
            .with_context(hint)?;
        Ok(Self {
            child: Running(child),
            base,
            version: String::from_utf8_lossy(&version.stdout).trim().to_owned(),
            _folders: [state, store, served],
        })
    }

    /// The base URL of the server, without a slash at the end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The output of `lanyard --version`.
    pub fn version(&self) -> &str {
        &self.version
    }

    pub fn processes(&self) -> Processes {
        Processes(vec![self.child.0.id()])
    }

    /// Wait until it serves these tenants.
    ///
    /// # Errors
    ///
    /// The server does not respond within 30 s.
    pub async fn ready<'a>(&self, tenants: impl IntoIterator<Item = &'a str>) -> Result<()> {
        let mut http = Http::new(trust(None)?);
        let begun = Instant::now();
        for tenant in tenants {
            let url = format!("{}/default/{tenant}/.well-known/openid-configuration", self.base);
            let endpoint = TargetUrl::parse(&url)?;
            while !http
                .get(&endpoint, HeaderMap::new())
                .await
                .is_ok_and(|answer| answer.status.is_success())
            {
                if begun.elapsed() > Duration::from_secs(30) {
                    bail!("{url} did not answer within 30 s: see {LOG}");
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Ok(())
    }
}

/// A bare server that answers as `url` does.
pub struct Bare {
    child: Running,
    address: String,
}

impl Bare {
    /// # Errors
    ///
    /// This program cannot be started again.
    pub fn start(url: &str) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["bare", url])
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().context("its output is a pipe")?;
        let child = Running(child);
        let mut address = String::new();
        BufReader::new(out).read_line(&mut address)?;
        Ok(Self { child, address: address.trim().to_owned() })
    }

    /// The base URL of the server, without a slash at the end.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn processes(&self) -> Processes {
        Processes(vec![self.child.0.id()])
    }
}
