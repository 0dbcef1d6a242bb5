//! PostgreSQL from the system's package, on a folder and a free port, with its default durability.

use std::{fs, os::unix::fs::chown, path::Path, process::Command, time::Duration};

use anyhow::{Result, bail};
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};

use crate::harness::{Process, as_other_user, free_port, other_user, postgresql};

/// A running server, which ends when this value is dropped.
pub struct Postgres {
    port: u16,
    _process: Process,
}

impl Postgres {
    /// Starts a server on a folder, which is created if it does not exist.
    pub async fn start(dir: &Path) -> Result<Self> {
        let bin = postgresql();
        if !dir.exists() {
            fs::create_dir_all(dir)?;
            if let Some((user, group)) = other_user() {
                chown(dir, Some(user), Some(group))?;
            }
            let dir = dir.display().to_string();
            let mut initdb = as_other_user(&bin.join("initdb"));
            initdb.extend(["-D", &dir, "-U", "lanyard", "-A", "trust"].map(str::to_owned));
            let done = Command::new(&initdb[0]).args(&initdb[1..]).current_dir("/").output()?;
            if !done.status.success() {
                bail!("initdb: {}", String::from_utf8_lossy(&done.stderr));
            }
        }
        let port = free_port();
        let mut command = as_other_user(&bin.join("postgres"));
        let (folder, port_text) = (dir.display().to_string(), port.to_string());
        command.extend(["-D", &folder, "-p", &port_text, "-k", &folder].map(str::to_owned));
        command.extend(["-c", "shared_buffers=1GB", "-c", "max_wal_size=4GB"].map(str::to_owned));
        let log = dir.with_extension("log");
        let process = Process::start(Path::new(&command[0]), &command[1..], &[], &log);
        let server = Self { port, _process: process };
        server.connect("postgres").await?;
        Ok(server)
    }

    async fn connect(&self, database: &str) -> Result<PgConnection> {
        let url = self.url(database);
        for _ in 0..200 {
            if let Ok(connection) = PgConnection::connect(&url).await {
                return Ok(connection);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("PostgreSQL takes no connections")
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://lanyard@127.0.0.1:{}/{database}", self.port)
    }

    /// The URL of a database, and whether it existed.
    pub async fn database(&self, name: &str) -> Result<(String, bool)> {
        let mut connection = self.connect("postgres").await?;
        let found = sqlx::query("SELECT count(*) FROM pg_database WHERE datname = $1")
            .bind(name)
            .fetch_one(&mut connection)
            .await?;
        let there = found.try_get::<i64, _>(0)? > 0;
        if !there {
            let create = format!("CREATE DATABASE {name} TEMPLATE template0");
            connection.execute(sqlx::AssertSqlSafe(create)).await?;
        }
        connection.close().await?;
        Ok((self.url(name), there))
    }

    /// Does the work that autovacuum would have done in an older database.
    pub async fn analyze(&self, url: &str) -> Result<()> {
        let mut connection = PgConnection::connect(url).await?;
        connection.execute("VACUUM ANALYZE").await?;
        Ok(connection.execute("CHECKPOINT").await.map(drop)?)
    }
}
