//! PostgreSQL that can be stopped for a while or followed by a standby, on a free port and in a
//! folder of the run's own.

use std::{fs, os::unix::fs::chown, path::Path, process::Command, time::Duration};

use super::{
    Process,
    debian::{other_user, postgresql},
    eventually, free_port,
};

/// With slow machines.
const PATIENCE: Duration = Duration::from_mins(2);

/// A database server; ends with the value.
pub struct Database {
    folder: tempfile::TempDir,
    address: String,
    port: u16,
    process: Option<Process>,
}

impl Database {
    /// One with an empty database, reached without a password.
    pub fn start() -> Self {
        Self::start_at("127.0.0.1")
    }

    /// One that Pods can reach at `address` of this machine.
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

    /// A standby that follows it and takes no writes until it is promoted. From now on what is
    /// acknowledged is there as well.
    pub fn standby(&self) -> Self {
        let mut standby = Self::new(&self.address);
        let data = standby.data();
        standby.run("pg_basebackup", &["-D", &data, "-d", &self.url(), "-R", "-c", "fast"]);
        standby.resume();
        eventually(PATIENCE, || {
            match self.ask("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")? {
                streaming if streaming == "1" => Ok(()),
                streaming => Err(format!("{streaming} standbys follow")),
            }
        });
        self.set("synchronous_standby_names", "*");
        standby
    }

    /// Makes a standby the primary.
    pub fn promote(&self) {
        self.run("pg_ctl", &["promote", "-w", "-D", &self.data()]);
    }

    /// Changes a setting, also for connections that are open, and awaits that it is in force.
    pub fn set(&self, name: &str, value: &str) {
        let change = format!("ALTER SYSTEM SET {name} = '{value}'");
        let reload = "SELECT pg_reload_conf()";
        self.run("psql", &["-d", &self.url(), "-c", &change, "-c", reload]);
        eventually(PATIENCE, || match self.ask(&format!("SHOW {name}"))? {
            found if found == value => Ok(()),
            found => Err(format!("{name} is {found:?}")),
        });
    }

    /// The answer to a question, by a connection of its own.
    fn ask(&self, question: &str) -> Result<String, String> {
        let answer = self.try_run("psql", &["-d", &self.url(), "-A", "-t", "-c", question])?;
        Ok(answer.trim().to_owned())
    }

    /// What `pg_dump` gives.
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

    /// Runs one of PostgreSQL's programs to its end; its output.
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

    /// Its URL.
    pub fn url(&self) -> String {
        format!("postgres://lanyard@{}:{}/postgres", self.address, self.port)
    }

    /// Where it listens.
    pub fn address(&self) -> (String, u16) {
        (self.address.clone(), self.port)
    }

    /// Ends it, connections and all, as a node does that goes away; what was committed stays.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // Immediate shutdown: no connection is waited for.
            process.signal("QUIT");
            process.wait(Duration::from_secs(20));
        }
    }

    /// Starts it on the same port, until it answers: it takes connections before.
    pub fn resume(&mut self) {
        let (data, port) = (self.data(), self.port.to_string());
        let listen = format!("listen_addresses={}", self.address);
        let flags = ["-c", &listen, "-c", "fsync=off", "-c", "max_connections=100"];
        let mut command = as_other_user(&postgresql().join("postgres"));
        command.extend(["-D", &data, "-p", &port, "-k", ""].map(str::to_owned));
        command.extend(flags.map(str::to_owned));
        let log = self.folder.path().join("log");
        let mut process = Process::start(Path::new(&command[0]), &command[1..], &[], &log);
        eventually(PATIENCE, || {
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

/// A program and its arguments, as the package's user where this is root; it ends with whoever
/// started it.
pub fn as_other_user(program: &Path) -> Vec<String> {
    let mut command = ["setpriv", "--pdeathsig", "KILL"].map(str::to_owned).to_vec();
    if let Some((user, group)) = other_user() {
        command.extend([format!("--reuid={user}"), format!("--regid={group}")]);
        command.push("--clear-groups".to_owned());
    }
    command.extend(["--".to_owned(), program.display().to_string()]);
    command
}
