//! Child processes that never outlive the test that started them.

use std::{
    fs::File,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{OnceLock, mpsc},
    thread,
    time::{Duration, Instant},
};

/// A running process; ended (and waited for) when dropped, and by the kernel when the test's own
/// process ends in any way.
pub struct Process {
    child: Child,
    name: String,
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

impl Process {
    /// Starts `program` with its output in `log`.
    pub fn start(program: &Path, args: &[String], env: &[(&str, String)], log: &Path) -> Self {
        let file = File::options().create(true).append(true).open(log).expect("a log file");
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(program).args(args);
        command.envs(env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(file.try_clone().expect("the same file")).stderr(file);
        let (sender, receiver) = mpsc::channel();
        keeper().send((command, sender)).expect("the keeper lives");
        let child = receiver.recv().expect("an answer").expect("the process starts");
        Self { child, name: program.display().to_string() }
    }

    /// The process id (`setpriv` becomes the program).
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal by name, such as `TERM`.
    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-s", signal, &id]).status();
    }

    /// Ends it without warning.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end and waits; ends it if it has not within `patience`.
    pub fn terminate(&mut self, patience: Duration) -> Option<i32> {
        self.signal("TERM");
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

/// Awaits a condition: calls `check` until it gives a value, or panics with what it last said.
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
