//! PostgreSQL that can be stopped for a while, on a free port and in a folder of the run's own.

use std::{fs, net::TcpStream, os::unix::fs::chown, path::Path, process::Command, time::Duration};

use super::{
    Process,
    debian::{other_user, postgresql},
    eventually, free_port,
};

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
        let folder = tempfile::tempdir().expect("a folder");
        if let Some((user, group)) = other_user() {
            chown(folder.path(), Some(user), Some(group)).expect("it is ours");
        }
        let data = folder.path().join("data").display().to_string();
        let mut init = as_other_user(&postgresql().join("initdb"));
        init.extend(["-D", &data, "-U", "lanyard", "-A", "trust", "-N"].map(str::to_owned));
        let made = Command::new(&init[0]).args(&init[1..]).current_dir(folder.path()).output();
        let made = made.expect("initdb runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let pods = "host all all 127.0.0.1/32 trust\nhost all all 10.88.0.0/16 trust\n";
        fs::write(folder.path().join("data/pg_hba.conf"), pods).expect("written");
        let address = address.to_owned();
        let mut database = Self { folder, address, port: free_port(), process: None };
        database.resume();
        database
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("postgres://lanyard@{}:{}/postgres", self.address, self.port)
    }

    /// Ends it, connections and all, as a node does that goes away; what was committed stays.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // Immediate shutdown: no connection is waited for.
            process.signal("QUIT");
            process.wait(Duration::from_secs(20));
        }
    }

    /// Starts it on the same port.
    pub fn resume(&mut self) {
        let (data, port) = (self.folder.path().join("data"), self.port.to_string());
        let listen = format!("listen_addresses={}", self.address);
        let flags = ["-c", &listen, "-c", "fsync=off", "-c", "max_connections=100"];
        let mut command = as_other_user(&postgresql().join("postgres"));
        command
            .extend(["-D", &data.display().to_string(), "-p", &port, "-k", ""].map(str::to_owned));
        command.extend(flags.map(str::to_owned));
        let log = self.folder.path().join("log");
        let mut process = Process::start(Path::new(&command[0]), &command[1..], &[], &log);
        eventually(Duration::from_secs(30), || {
            process.must_run();
            TcpStream::connect((self.address.as_str(), self.port))
                .map(drop)
                .map_err(|it| it.to_string())
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
