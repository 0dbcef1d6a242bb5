//! A PostgreSQL server that can be stopped for a while or replicated to a standby, on a free port
//! and in the directory of the run.

use std::{fs, os::unix::fs::chown, path::Path, process::Command, time::Duration};

use super::{
    Process,
    debian::{other_user, postgresql},
    eventually, free_port,
};

/// Timeout of every wait, generous because test machines may be slow.
const WAIT_TIMEOUT: Duration = Duration::from_mins(2);

/// A database server, stopped when the value is dropped.
pub struct Database {
    folder: tempfile::TempDir,
    address: String,
    port: u16,
    process: Option<Process>,
}

impl Database {
    /// Starts a server with an empty database and without a password.
    pub fn start() -> Self {
        Self::start_at("127.0.0.1")
    }

    /// Starts a server that Pods can reach at `address` of this machine.
    pub fn start_at(address: &str) -> Self {
        let mut database = Self::new(address);
        let data = database.data();
        database.run("initdb", &["-D", &data, "-U", "lanyard", "-A", "trust", "-N"]);
        let trusted =
            "host all,replication all 127.0.0.1/32 trust\nhost all all 10.88.0.0/16 trust\n";
        fs::write(format!("{data}/pg_hba.conf"), trusted).expect("written");
        database.resume();
        database
    }

    /// Starts a synchronous standby, which is read-only until it is promoted. From now on every
    /// acknowledged write is also on the standby.
    pub fn standby(&self) -> Self {
        let mut standby = Self::new(&self.address);
        let data = standby.data();
        standby.run("pg_basebackup", &["-D", &data, "-d", &self.url(), "-R", "-c", "fast"]);
        standby.resume();
        eventually(WAIT_TIMEOUT, || {
            match self.ask("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")? {
                streaming if streaming == "1" => Ok(()),
                streaming => Err(format!("{streaming} standbys follow")),
            }
        });
        self.set("synchronous_standby_names", "*");
        standby
    }

    /// Promotes a standby to primary.
    pub fn promote(&self) {
        self.run("pg_ctl", &["promote", "-w", "-D", &self.data()]);
    }

    /// Changes a setting, also for open connections, and waits until it is in effect.
    pub fn set(&self, name: &str, value: &str) {
        let change = format!("ALTER SYSTEM SET {name} = '{value}'");
        let reload = "SELECT pg_reload_conf()";
        self.run("psql", &["-d", &self.url(), "-c", &change, "-c", reload]);
        eventually(WAIT_TIMEOUT, || match self.ask(&format!("SHOW {name}"))? {
            found if found == value => Ok(()),
            found => Err(format!("{name} is {found:?}")),
        });
    }

    /// The result of a query, on a new connection.
    fn ask(&self, question: &str) -> Result<String, String> {
        let answer = self.try_run("psql", &["-d", &self.url(), "-A", "-t", "-c", question])?;
        Ok(answer.trim().to_owned())
    }

    /// The output of `pg_dump`: schema and rows as SQL.
    pub fn dump(&self) -> String {
        self.run("pg_dump", &[&self.url()])
    }

    fn new(address: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        if let Some((user, group)) = other_user() {
            chown(folder.path(), Some(user), Some(group)).expect("it is ours");
        }
        Self { folder, address: address.to_owned(), port: free_port(), process: None }
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    /// Runs one of PostgreSQL's programs to its end; returns its output.
    fn run(&self, program: &str, args: &[&str]) -> String {
        self.try_run(program, args).unwrap_or_else(|said| panic!("{program}: {said}"))
    }

    fn try_run(&self, program: &str, args: &[&str]) -> Result<String, String> {
        let command = as_other_user(&postgresql().join(program));
        let mut child = Command::new(&command[0]);
        let done = child.args(&command[1..]).args(args).current_dir(self.folder.path()).output();
        let done = done.expect("it runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if done.status.success() { Ok(text(&done.stdout)) } else { Err(text(&done.stderr)) }
    }

    /// The URL of the database, without a password.
    pub fn url(&self) -> String {
        format!("postgres://lanyard@{}:{}/postgres", self.address, self.port)
    }

    /// The address and port that it listens on.
    pub fn address(&self) -> (String, u16) {
        (self.address.clone(), self.port)
    }

    /// Stops the server and cuts its connections, as the loss of a node does; committed data is preserved.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // Immediate shutdown, which does not wait for connections.
            process.signal("QUIT");
            process.wait(Duration::from_secs(20));
        }
    }

    /// Starts the server on the same port, and waits until it answers queries: it accepts connections earlier.
    pub fn resume(&mut self) {
        let (data, port) = (self.data(), self.port.to_string());
        let listen = format!("listen_addresses={}", self.address);
        let flags = ["-c", &listen, "-c", "fsync=off", "-c", "max_connections=100"];
        let mut command = as_other_user(&postgresql().join("postgres"));
        command.extend(["-D", &data, "-p", &port, "-k", ""].map(str::to_owned));
        command.extend(flags.map(str::to_owned));
        let log = self.folder.path().join("log");
        let mut process = Process::start(Path::new(&command[0]), &command[1..], &[], &log);
        eventually(WAIT_TIMEOUT, || {
            process.must_run();
            self.ask("SELECT 1")
        });
        self.process = Some(process);
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The command line of a program that is killed when its parent ends, as the package's user if the
/// test runs as root.
pub fn as_other_user(program: &Path) -> Vec<String> {
    let mut command = ["setpriv", "--pdeathsig", "KILL"].map(str::to_owned).to_vec();
    if let Some((user, group)) = other_user() {
        command.extend([format!("--reuid={user}"), format!("--regid={group}")]);
        command.push("--clear-groups".to_owned());
    }
    command.extend(["--".to_owned(), program.display().to_string()]);
    command
}
