//! Servers for the tests of stores: started once a test binary on a free port, in a folder of their
//! own, and stopped with it, however it ends.

use std::{
    net::{TcpListener, TcpStream},
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

#[path = "../../tests/common/cluster/debian.rs"]
mod debian;
#[path = "../../tests/common/valkey.rs"]
mod program;

/// A running server.
pub(super) struct Server {
    port: u16,
    made: AtomicUsize,
    /// Its standard input: the server is stopped when this process no longer holds it.
    child: Child,
}

/// PostgreSQL without a password, and without `fsync`.
pub(super) fn postgres() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let bin = debian::postgresql();
        let make = format!(
            "{0}/initdb -D \"$1\" -U lanyard -A trust -N >/dev/null && \
             exec {0}/postgres -D \"$1\" -p \"$2\" -k \"$1\" -c listen_addresses=127.0.0.1 \
             -c fsync=off -c max_connections=400",
            bin.display()
        );
        let guarded = format!(
            "(exec </dev/null; {make}) & server=$!; cat >/dev/null; \
             kill -INT $server; wait $server; rm -rf \"$1\""
        );
        let folder = tempfile::tempdir().unwrap().keep();
        Server::run(&guarded, &folder, free_port(), true)
    })
}

/// Valkey, or Redis, with a journal and databases for all tests.
pub(super) fn valkey() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap().keep();
        let flags = "--appendonly yes --databases 1000";
        Server::run(
            &format!("{}; rm -rf \"$1\"", valkey_script(flags)),
            &folder,
            free_port(),
            false,
        )
    })
}

/// Valkey, or Redis, that can be killed and started again with what it kept.
pub(super) struct Restarted {
    folder: tempfile::TempDir,
    port: u16,
    server: Option<Server>,
}

impl Restarted {
    /// One that runs with these flags.
    pub(super) fn valkey(flags: &str) -> Self {
        let mut it = Self { folder: tempfile::tempdir().unwrap(), port: free_port(), server: None };
        it.start(flags);
        it
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Starts it on the same port and folder.
    pub(super) fn start(&mut self, flags: &str) {
        let script = valkey_script(flags);
        self.server = Some(Server::run(&script, self.folder.path(), self.port, false));
    }

    /// Ends it as a crash does.
    pub(super) fn kill(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        drop(server.child.stdin.take());
        server.child.wait().unwrap();
    }
}

impl Drop for Restarted {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs the server until standard input ends, and kills it then.
fn valkey_script(flags: &str) -> String {
    format!(
        "(exec </dev/null; exec {} --port \"$2\" --dir \"$1\" --bind 127.0.0.1 --save '' {flags}) & \
         server=$!; cat >/dev/null; kill -KILL $server; wait $server",
        program::program().display()
    )
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Server {
    /// Runs a script with a folder and a port until the server that it starts takes connections;
    /// as another user where this is root and the server does not want that.
    fn run(script: &str, folder: &Path, port: u16, as_other_user: bool) -> Self {
        let mut command = Command::new("sh");
        if let Some((user, group)) = debian::other_user().filter(|_| as_other_user) {
            chown(folder, Some(user), Some(group)).unwrap();
            command.uid(user).gid(group);
        }
        let mut child = command
            .args(["-c", script, "sh", &folder.display().to_string(), &port.to_string()])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..600 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Self { port, made: AtomicUsize::new(0), child };
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = (child.kill(), child.wait());
        panic!("the server did not start within 30 s: {script}");
    }

    /// The URL of a numbered database of its own.
    pub(super) fn numbered(&self) -> String {
        format!("redis://127.0.0.1:{}/{}", self.port, self.made.fetch_add(1, Ordering::SeqCst))
    }

    /// The URL of a database of its own.
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

/// A connection, once the server takes them.
async fn connected(url: &str) -> sqlx::PgConnection {
    for _ in 0..200 {
        if let Ok(connection) = sqlx::PgConnection::connect(url).await {
            return connection;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("PostgreSQL takes no connections");
}
