//! The `lanyard` binary as a process.

#![allow(dead_code, reason = "each test binary uses a part of it")]

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

/// With slow machines.
const PATIENCE: Duration = Duration::from_mins(2);

/// A running `lanyard dev`; ends with the value.
pub struct Dev {
    child: Child,
    command: Command,
    /// Where it serves.
    pub base_url: String,
    /// What the manifests of the quickstart were written for.
    pub registered_base_url: String,
    state: TempDir,
    _manifests: TempDir,
    output: Arc<Mutex<String>>,
}

/// A copy of a folder of manifests, to be edited.
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
    /// Serves a folder on a free port; in it `http://localhost:8080` stands for that.
    pub fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[])
    }

    /// The same with further flags.
    pub fn start_with(folder: &Path, flags: &[&str]) -> Self {
        let port = free_port();
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

    /// Kills it (SIGKILL) and starts it anew with the same flags and state.
    pub fn restart(&mut self) {
        self.kill();
        self.start_again();
    }

    /// Kills it (SIGKILL); its state stays.
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Starts it anew with the same flags and state.
    pub fn start_again(&mut self) {
        self.output.lock().expect("not poisoned").clear();
        self.child = spawn(&mut self.command, &self.output);
    }

    /// Asks it to end (SIGTERM).
    pub fn terminate(&self) {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-s", "TERM", &id]).status();
        assert!(asked.expect("kill is there").success(), "it has ended");
    }

    /// Awaits its end by itself; its exit status.
    pub async fn ended(&mut self) -> Option<i32> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code();
            }
            assert!(tokio::time::Instant::now() < deadline, "it does not end:\n{}", self.output());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The folder of its state.
    pub fn state(&self) -> &Path {
        self.state.path()
    }

    /// Waits until the output has a text; the output so far.
    pub async fn awaits(&self, text: &str) -> String {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let output = self.output.lock().expect("not poisoned").clone();
            if output.contains(text) {
                return output;
            }
            assert!(tokio::time::Instant::now() < deadline, "no {text:?} in:\n{output}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Everything that was printed so far.
    pub fn output(&self) -> String {
        self.output.lock().expect("not poisoned").clone()
    }

    /// A file of the state.
    pub fn state_file(&self, name: &str) -> PathBuf {
        self.state.path().join(name)
    }

    /// Where a generated Secret of namespace `default` is.
    pub fn secret_file(&self, name: &str) -> PathBuf {
        self.state.path().join(format!("default.{name}.secret.yaml"))
    }

    /// The client secret that was made for a client.
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
