//! `lanyard dev` and a folder of manifests.

use std::{fmt::Write as _, fs, path::Path, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{
    args::Args,
    live::Writer,
    measure::TenantFigures,
    objects::{self, Group, LIVE},
    server::{GrowthServer, Ports, base_url},
};

/// Timeout for the first statuses.
const WAIT_TIMEOUT: Duration = Duration::from_mins(30);

/// Measures with a number of tenants; `None` if they are only to be created.
pub async fn figures(args: &Args, data: &Path, tenants: usize) -> Result<Option<TenantFigures>> {
    let folder = Folder { dir: data.join(format!("folder-{tenants}x{}", args.clients)) };
    let filled = folder.dir.join("filled");
    if !filled.exists() {
        folder.fill(args, tenants)?;
        let server = folder.serve(args).await?;
        server.settle(WAIT_TIMEOUT).await?;
        server.stop();
        fs::write(&filled, "")?;
    }
    if args.fill {
        return Ok(None);
    }
    folder.clear_live()?;
    let mut ready = Vec::new();
    for _ in 0..2 {
        let server = folder.serve(args).await?;
        ready.push(server.ready);
        server.stop();
    }
    let server = folder.serve(args).await?;
    let figures = TenantFigures::take(args, &server, ready, &folder).await?;
    server.stop();
    Ok(Some(figures))
}

struct Folder {
    dir: PathBuf,
}

impl Folder {
    fn manifests(&self) -> PathBuf {
        self.dir.join("manifests")
    }

    fn state(&self) -> PathBuf {
        self.dir.join("state")
    }

    async fn serve(&self, args: &Args) -> Result<GrowthServer> {
        let ports = Ports::free();
        let text = |path: PathBuf| path.display().to_string();
        let flags = [
            "dev".to_owned(),
            text(self.manifests()),
            format!("--state={}", text(self.state())),
            format!("--listen=127.0.0.1:{}", ports.serve),
            format!("--admin-listen=127.0.0.1:{}", ports.admin),
            format!("--base-url={}", base_url()),
        ];
        GrowthServer::start(&args.binary(), &flags, &[], ports, &self.dir.join("lanyard.log")).await
    }

    /// A file for each tenant with its clients, and the Secrets in the state folder.
    fn fill(&self, args: &Args, tenants: usize) -> Result<()> {
        fs::create_dir_all(self.manifests())?;
        fs::create_dir_all(self.state())?;
        let key = objects::key()?;
        for number in 0..tenants {
            let group = Group::new(number, args.clients);
            let mut text = group.tenant().to_string();
            for name in group.client_names() {
                write!(text, "\n---\n{}", group.client(&name))?;
                self.keep(&group.client_secret(&name, &base_url(), None))?;
            }
            self.keep(&group.key_secret(&key))?;
            fs::write(self.manifests().join(format!("{}.yaml", group.name)), text)?;
        }
        Ok(())
    }

    fn keep(&self, secret: &Value) -> Result<()> {
        let text = |field: &str| secret["metadata"][field].as_str().unwrap_or_default();
        let name = format!("{}.{}.secret.yaml", text("namespace"), text("name"));
        Ok(fs::write(self.state().join(name), secret.to_string())?)
    }

    fn clear_live(&self) -> Result<()> {
        for dir in [self.manifests(), self.state()] {
            for entry in fs::read_dir(dir)? {
                let path = entry?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                if name.starts_with(&format!("{LIVE}.")) {
                    fs::remove_file(&path)?;
                }
            }
        }
        Ok(())
    }

    fn path(&self, object: &Value) -> Result<PathBuf> {
        let name = object["metadata"]["name"].as_str().context("a name")?;
        Ok(self.manifests().join(format!("{LIVE}.{name}.yaml")))
    }
}

impl Writer for Folder {
    async fn apply(&self, object: &Value) -> Result<()> {
        Ok(fs::write(self.path(object)?, object.to_string())?)
    }

    async fn delete(&self, object: &Value) -> Result<()> {
        Ok(fs::remove_file(self.path(object)?)?)
    }
}
