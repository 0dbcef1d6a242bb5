//! Servers for the tests of stores. Each is started once per test binary, on a free port and in a
//! temporary folder, and stops when the test process ends for any reason.

use std::{
    net::TcpStream,
    os::unix::{fs::chown, process::CommandExt as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sqlx::{Connection as _, Executor as _};

#[path = "../../tests/support/cluster/debian.rs"]
mod debian;
#[path = "../../tests/support/ports.rs"]
mod ports;
#[path = "../../tests/support/stalls.rs"]
mod stalls;
#[path = "../../tests/support/valkey.rs"]
mod valkey;

pub(super) use stalls::Stopwatch;
pub(super) use valkey::Valkey;

/// A running server of a database for tests, shared by all tests of the process.
pub(super) struct TestServer {
    port: u16,
    made: AtomicUsize,
    /// The server's standard input. The server stops when this process no longer holds it.
    _child: Child,
}

/// A PostgreSQL server without a password and without `fsync`.
pub(super) fn postgres() -> &'static TestServer {
    static SERVER: OnceLock<TestServer> = OnceLock::new();
    SERVER.get_or_init(|| TestServer::start(&postgresql("true", "")))
}

/// A PostgreSQL server that accepts only TLS, with a certificate and its key from the test's files.
pub(super) fn postgres_with_tls(certificate: &Path, key: &Path) -> TestServer {
    let prepare = format!(
        "install -m 600 {} \"$1/server.crt\" && install -m 600 {} \"$1/server.key\" && \
         echo 'hostssl all all 127.0.0.1/32 trust' >\"$1/pg_hba.conf\"",
        certificate.display(),
        key.display()
    );
    TestServer::start(&postgresql(&prepare, "-c ssl=on"))
}

/// A script that creates a database cluster, prepares its folder, and executes its server.
fn postgresql(prepare: &str, flags: &str) -> String {
    format!(
        "{0}/initdb -D \"$1\" -U lanyard -A trust -N >/dev/null && {prepare} && \
         exec {0}/postgres -D \"$1\" -p \"$2\" -k \"$1\" -c listen_addresses=127.0.0.1 \
         -c fsync=off -c max_connections=400 {flags}",
        debian::postgresql().display()
    )
}

/// The URL of a separate database on a Valkey server with an append-only file.
pub(super) fn valkey_database() -> String {
    static SERVER: OnceLock<Valkey> = OnceLock::new();
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let server = SERVER.get_or_init(|| Valkey::start("--appendonly yes --databases 1000"));
    format!("{}/{}", server.url(), MADE.fetch_add(1, Ordering::SeqCst))
}

impl TestServer {
    /// Runs a script with a folder and a port. The script executes the server.
    fn start(script: &str) -> Self {
        let port = ports::free_port();
        let folder = tempfile::tempdir().unwrap().keep();
        let mut command = Command::new("sh");
        if let Some((user, group)) = debian::other_user() {
            chown(&folder, Some(user), Some(group)).unwrap();
            command.uid(user).gid(group);
        }
        let guard = format!(
            "(exec </dev/null; {script}) & server=$!; cat >/dev/null; \
             kill -INT $server; wait $server; rm -rf \"$1\""
        );
        let mut child = command
            .args(["-c", &guard, "sh", &folder.display().to_string(), &port.to_string()])
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..2400 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Self { port, made: AtomicUsize::new(0), _child: child };
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = (child.kill(), child.wait());
        panic!("the server did not start within two minutes: {script}");
    }

    /// The URL of a new database on this server.
    pub(super) async fn database(&self) -> String {
        let name = format!("test{}", self.made.fetch_add(1, Ordering::SeqCst));
        let url = format!("postgres://lanyard@127.0.0.1:{}", self.port);
        let mut connection = connected(&format!("{url}/postgres")).await;
        let create = format!("CREATE DATABASE {name} TEMPLATE template0");
        connection.execute(sqlx::AssertSqlSafe(create)).await.unwrap();
        connection.close().await.unwrap();
        format!("{url}/{name}")
    }
}

/// Connects, once the server accepts connections.
async fn connected(url: &str) -> sqlx::PgConnection {
    for _ in 0..2400 {
        if let Ok(connection) = sqlx::PgConnection::connect(url).await {
            return connection;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("PostgreSQL does not accept connections");
}
