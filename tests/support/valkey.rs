//! A Valkey or Redis server for tests.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::ports::free_port;

/// Runs the server until standard input ends, then kills it. Removes the folder of the server unless
/// the input is `keep`, because the test process may have died.
const GUARD: &str = r#"
    (exec </dev/null; exec "$0" --port "$2" --dir "$1" --bind 127.0.0.1 --save '' $3) & server=$!
    word=$(cat); kill -KILL $server; wait $server
    [ "$word" = keep ] || rm -rf "$1"
"#;

/// A server on a free port and in its own folder, killed when the value is dropped or the process ends.
pub struct Valkey {
    /// The folder of its data.
    pub folder: tempfile::TempDir,
    port: u16,
    guard: Option<Child>,
}

impl Valkey {
    /// A server with these flags, in which `PORT` stands for its port.
    pub fn start(flags: &str) -> Self {
        let mut it =
            Self { folder: tempfile::tempdir().expect("a folder"), port: free_port(), guard: None };
        it.resume(flags);
        it
    }

    /// The URL of the server's first database.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Starts the server on the same port and folder, and waits until it has loaded its data.
    pub fn resume(&mut self, flags: &str) {
        let program =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("target/testenv/bin/valkey-server");
        assert!(program.exists(), "no Valkey here: run tests/testenv/build.sh stores");
        let port = self.port.to_string();
        let guard = Command::new("sh")
            .args(["-c", GUARD])
            .args([program.as_path(), self.folder.path()])
            .args([&port, &flags.replace("PORT", &port)])
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.guard = Some(guard.expect("it starts"));
        for _ in 0..2400 {
            if self.has_loaded().unwrap_or(false) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("Valkey did not start within two minutes: {flags}");
    }

    /// Whether the server accepts connections and has loaded its journal. Any other error, such as a missing password
    /// or TLS, does not matter.
    fn has_loaded(&self) -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(b"PING\r\n")?;
        let mut said = [0; 8];
        let read = stream.read(&mut said).unwrap_or(0);
        Ok(!said[..read].starts_with(b"-LOADING"))
    }

    /// Kills the server, as a crash would.
    pub fn kill(&mut self) {
        let Some(mut guard) = self.guard.take() else { return };
        let mut word = guard.stdin.take().expect("it was given");
        let _ = word.write_all(b"keep");
        drop(word);
        let _ = guard.wait();
    }
}

impl Drop for Valkey {
    fn drop(&mut self) {
        self.kill();
    }
}
