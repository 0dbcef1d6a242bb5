//! Child processes that never outlive the test that started them.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{OnceLock, mpsc},
    thread,
    time::{Duration, Instant},
};

use super::binary;

/// A running process; ended (and waited for) when dropped, and by the kernel when the test's own
/// process ends in any way.
pub struct Process {
    child: Child,
    name: String,
    log: PathBuf,
}

type Request = (Command, mpsc::Sender<std::io::Result<Child>>);

/// Children get a signal when the *thread* that started them ends, so one thread that never ends
/// starts them all.
fn keeper() -> &'static mpsc::Sender<Request> {
    static KEEPER: OnceLock<mpsc::Sender<Request>> = OnceLock::new();
    KEEPER.get_or_init(|| {
        let (sender, receiver) = mpsc::channel::<Request>();
        thread::spawn(move || {
            for (mut command, reply) in receiver {
                let _ = reply.send(command.spawn());
            }
        });
        sender
    })
}

/// A command that the kernel kills when the keeper, and so this process, ends.
fn bound_to_this_process(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

impl Process {
    /// Starts `program` with its output in `log`.
    pub fn start(program: &Path, args: &[String], env: &[(&str, String)], log: &Path) -> Self {
        let mut command = bound_to_this_process(program);
        command.args(args).envs(env.iter().map(|(name, value)| (name, value)));
        Self::spawn(command, program, log)
    }

    /// Starts a binary of the test environment in `dir`, with its output in `NAME.log` there.
    pub fn start_in(dir: &Path, name: &str, flags: &str) -> Self {
        let program = binary(name);
        let mut command = bound_to_this_process(&program);
        command.args(flags.split_whitespace()).current_dir(dir);
        Self::spawn(command, &program, &dir.join(format!("{name}.log")))
    }

    fn spawn(mut command: Command, program: &Path, log: &Path) -> Self {
        let file = File::options().create(true).append(true).open(log).expect("a log file");
        command.stdin(Stdio::null()).stdout(file.try_clone().expect("the same file")).stderr(file);
        let (sender, receiver) = mpsc::channel();
        keeper().send((command, sender)).expect("the keeper lives");
        let child = receiver.recv().expect("an answer").expect("the process starts");
        Self { child, name: program.display().to_string(), log: log.to_owned() }
    }

    /// Panics with the end of the log if the process has ended.
    pub fn must_run(&mut self) {
        if !self.is_running() {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            let lines: Vec<&str> = log.lines().rev().take(8).collect();
            let last = lines.into_iter().rev().collect::<Vec<_>>().join("\n");
            panic!("{} has ended:\n{last}", self.name);
        }
    }

    /// The process id (`setpriv` becomes the program).
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal by name, such as `TERM`.
    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-s", signal, &id]).status();
    }

    /// Sends SIGKILL and waits for the end.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends SIGTERM and waits; kills it if it still runs after `patience`.
    pub fn terminate(&mut self, patience: Duration) -> Option<i32> {
        self.signal("TERM");
        self.wait(patience)
    }

    /// Waits for the end of the process and returns its exit code; kills it if it still runs after `patience`.
    pub fn wait(&mut self, patience: Duration) -> Option<i32> {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                return status.code();
            }
            thread::sleep(Duration::from_millis(20));
        }
        eprintln!("{} did not end within {patience:?}", self.name);
        self.kill();
        None
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.is_running() {
            self.terminate(Duration::from_secs(5));
        }
    }
}

/// Calls `check` until it returns a value; panics with its last error after `patience`.
pub fn eventually<T>(patience: Duration, mut check: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        match check() {
            Ok(value) => return value,
            Err(last) if Instant::now() > deadline => panic!("not within {patience:?}: {last}"),
            Err(_) => thread::sleep(Duration::from_millis(50)),
        }
    }
}
