//! The `lanyard` binary as a process.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use tempfile::TempDir;

use super::ports::free_port;

/// Timeout of every wait, generous because test machines may be slow.
const WAIT_TIMEOUT: Duration = Duration::from_mins(2);

/// A running `lanyard dev`, killed when the value is dropped.
pub struct Dev {
    child: Child,
    command: Command,
    /// The base URL that it serves.
    pub base_url: String,
    /// The base URL of the redirect URIs in the served manifests.
    pub registered_base_url: String,
    state: TempDir,
    _manifests: TempDir,
    output: Arc<Mutex<String>>,
}

/// A temporary copy of a folder of manifests.
pub fn copy_of(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).expect("readable")
    {
        let path = entry.expect("an entry").path();
        fs::copy(&path, copy.path().join(path.file_name().expect("a name"))).expect("copied");
    }
    copy
}

impl Dev {
    /// Serves a folder (a copy, if its path is relative) on a free port, after it has replaced
    /// `http://localhost:8080` in the manifests.
    pub fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[])
    }

    /// Serves a folder as [`Self::start`] does, with additional flags.
    pub fn start_with(folder: &Path, flags: &[&str]) -> Self {
        Self::start_at(free_port(), folder, flags)
    }

    /// Serves a folder as [`Self::start_with`] does, on a given port.
    pub fn start_at(port: u16, folder: &Path, flags: &[&str]) -> Self {
        let base_url = format!("http://localhost:{port}");
        let (manifests, served) = if folder.is_absolute() {
            (tempfile::tempdir().expect("a folder"), folder.to_owned())
        } else {
            let copy = copy_of(folder);
            let path = copy.path().to_owned();
            (copy, path)
        };
        for entry in fs::read_dir(&served).expect("readable") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                continue;
            }
            let text = fs::read_to_string(&path).expect("text");
            fs::write(&path, text.replace("http://localhost:8080", &base_url)).expect("written");
        }
        let state = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_lanyard"));
        command
            .args(["dev", &served.display().to_string()])
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .args(["--state", &state.path().display().to_string()])
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let output = Arc::new(Mutex::new(String::new()));
        let child = spawn(&mut command, &output);
        Self {
            child,
            command,
            registered_base_url: base_url.clone(),
            base_url,
            state,
            _manifests: manifests,
            output,
        }
    }

    /// Kills the process (SIGKILL) and starts it again with the same flags and state.
    pub fn restart(&mut self) {
        self.kill();
        self.start_again();
    }

    /// Kills the process (SIGKILL) and preserves its state.
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Starts the process again with the same flags and state.
    pub fn start_again(&mut self) {
        self.output.lock().expect("not poisoned").clear();
        self.child = spawn(&mut self.command, &self.output);
    }

    /// Asks it to stop (SIGTERM).
    pub fn terminate(&self) {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-s", "TERM", &id]).status();
        assert!(asked.expect("kill is there").success(), "it has ended");
    }

    /// Waits until it exits and returns the exit status.
    pub async fn ended(&mut self) -> Option<i32> {
        let deadline = tokio::time::Instant::now() + WAIT_TIMEOUT;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code();
            }
            assert!(tokio::time::Instant::now() < deadline, "it does not exit:\n{}", self.output());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The id of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The state directory of the process, deleted when it is dropped.
    pub fn state(&self) -> &Path {
        self.state.path()
    }

    /// Waits until the output contains a text; returns the output so far.
    pub async fn awaits(&self, text: &str) -> String {
        let deadline = tokio::time::Instant::now() + WAIT_TIMEOUT;
        loop {
            let output = self.output.lock().expect("not poisoned").clone();
            if output.contains(text) {
                return output;
            }
            assert!(tokio::time::Instant::now() < deadline, "no {text:?} in:\n{output}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The output so far.
    pub fn output(&self) -> String {
        self.output.lock().expect("not poisoned").clone()
    }

    /// The path of a file in the state directory.
    pub fn state_file(&self, name: &str) -> PathBuf {
        self.state.path().join(name)
    }

    /// The path of a generated Secret of namespace `default`.
    pub fn secret_file(&self, name: &str) -> PathBuf {
        self.state.path().join(format!("default.{name}.secret.yaml"))
    }

    /// The client secret that was generated for a client.
    pub fn client_secret(&self, client: &str) -> String {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let text = fs::read_to_string(self.secret_file(&format!("{client}-oidc"))).expect("there");
        let line = text.lines().find(|line| line.trim().starts_with("client-secret:"));
        let value = line.expect("an entry").split_once(':').expect("a value").1.trim().to_owned();
        String::from_utf8(STANDARD.decode(value).expect("base64")).expect("text")
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(command: &mut Command, output: &Arc<Mutex<String>>) -> Child {
    let mut child = command.spawn().expect("it starts");
    follow(child.stdout.take().expect("piped"), output);
    follow(child.stderr.take().expect("piped"), output);
    child
}

fn follow(stream: impl std::io::Read + Send + 'static, output: &Arc<Mutex<String>>) {
    let output = Arc::clone(output);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut output = output.lock().expect("not poisoned");
            output.push_str(&line);
            output.push('\n');
        }
    });
}
