//! Finds or installs Chromium, starts it once for all tests, and controls it through its debugging
//! pipe (JSON messages that end with a NUL), so that no driver program is needed.

use std::{
    collections::HashMap,
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::tab::Tab;

/// Timeout of every wait, generous because two busy cores are slow.
pub const WAIT_TIMEOUT: Duration = Duration::from_mins(2);

/// Runs the browser on the pipe and removes its profile when it ends. It ends with the test process,
/// which closes its end of the pipe.
const RUN: &str = r#""$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1; rm -rf "$PROFILE""#;

/// Preferences that allow cookies in frames from other sites, and preferences that block them (the
/// default of private windows, which all tests use).
const LENIENT: &str = r#"{"profile": {"cookie_controls_mode": 0}}"#;
const STRICT: &str = r#"{"profile": {"cookie_controls_mode": 1}}"#;

static PROGRAM: LazyLock<Result<PathBuf, String>> = LazyLock::new(find_or_install);
static SHARED: LazyLock<Chromium> = LazyLock::new(|| Chromium::start("lenient", LENIENT));
static DROPPING: LazyLock<Chromium> = LazyLock::new(|| Chromium::start("strict", STRICT));

/// A running Chromium with its debugging pipe.
pub struct Chromium {
    input: Mutex<ChildStdin>,
    next: AtomicU64,
    heard: Arc<Heard>,
    _child: Child,
}

/// Answers and events received from the browser.
#[derive(Default)]
struct Heard {
    waiting: Mutex<HashMap<u64, oneshot::Sender<Value>>>,
    events: Mutex<Vec<Value>>,
}

impl Chromium {
    /// The browser that all tests share. Prints SKIPPED and the reason if Chromium is not available.
    pub fn shared() -> Option<&'static Self> {
        Self::is_there().then(|| &*SHARED)
    }

    /// A browser that blocks the cookies of frames from other sites.
    pub fn dropping() -> Option<&'static Self> {
        Self::is_there().then(|| &*DROPPING)
    }

    fn is_there() -> bool {
        if let Err(reason) = &*PROGRAM {
            println!("SKIPPED in a browser: {reason}");
        }
        PROGRAM.is_ok()
    }

    fn start(name: &str, preferences: &str) -> Self {
        let program = PROGRAM.as_ref().expect("it was asked for");
        let profile = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("chromium-{name}-{}", std::process::id()));
        fs::create_dir_all(profile.join("Default")).expect("target can be written");
        fs::write(profile.join("Default/Preferences"), preferences).expect("target can be written");
        let mut command = Command::new("sh");
        command.args(["-c", RUN]).arg(program).env("PROFILE", &profile);
        command.arg(format!("--user-data-dir={}", profile.display()));
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]);
        command.args(["--remote-debugging-pipe", "--disable-dev-shm-usage"]);
        // The pages under test load nothing from other hosts; the browser itself should not either.
        command.args(["--disable-background-networking", "--no-first-run", "--disable-sync"]);
        command.args(["--host-resolver-rules=MAP *.test 127.0.0.1", "--ignore-certificate-errors"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("there is a shell");
        let heard = Arc::new(Heard::default());
        let output = child.stdout.take().expect("piped");
        let listener = Arc::clone(&heard);
        std::thread::spawn(move || {
            for message in BufReader::new(output).split(0).map_while(Result::ok) {
                listener.hear(serde_json::from_slice(&message).expect("JSON"));
            }
            // Dropping the senders ends every request that still waits.
            listener.waiting.lock().expect("not poisoned").clear();
        });
        let input = Mutex::new(child.stdin.take().expect("piped"));
        Self { input, next: AtomicU64::new(1), heard, _child: child }
    }

    /// A tab in a new browser context, without cookies of other tests.
    pub async fn person(&'static self) -> Tab {
        let context = self.ask(None, "Target.createBrowserContext", json!({})).await;
        Tab::open(self, text(&context, "browserContextId")).await
    }

    /// Calls a method of the browser or of one of its tabs.
    pub async fn ask(&self, session: Option<&str>, method: &str, params: Value) -> Value {
        let answer = self.try_ask(session, method, params).await;
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Like `ask`, but returns the browser's error.
    pub async fn try_ask(
        &self,
        session: Option<&str>,
        method: &str,
        params: Value,
    ) -> Result<Value, String> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut message = json!({"id": id, "method": method, "params": params});
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let (sender, answer) = oneshot::channel();
        self.heard.waiting.lock().expect("not poisoned").insert(id, sender);
        let mut bytes = serde_json::to_vec(&message).expect("JSON");
        bytes.push(0);
        self.input.lock().expect("not poisoned").write_all(&bytes).expect("the browser runs");
        let answer = tokio::time::timeout(WAIT_TIMEOUT, answer).await;
        let answer = answer.map_err(|_| "no answer")?.map_err(|_| "the browser has ended")?;
        match answer.get("error") {
            Some(error) => Err(error.to_string()),
            None => Ok(answer["result"].clone()),
        }
    }

    /// The events of one kind that a tab has sent so far.
    pub fn events(&self, session: &str, method: &str) -> Vec<Value> {
        let events = self.heard.events.lock().expect("not poisoned");
        let of_tab = |event: &&Value| event["sessionId"] == session && event["method"] == method;
        events.iter().filter(of_tab).map(|event| event["params"].clone()).collect()
    }
}

impl Heard {
    fn hear(&self, message: Value) {
        match message["id"].as_u64() {
            Some(id) => {
                let waiting = self.waiting.lock().expect("not poisoned").remove(&id);
                // The caller may have timed out.
                let _ = waiting.map(|waiting| waiting.send(message));
            }
            None => self.events.lock().expect("not poisoned").push(message),
        }
    }
}

/// A member of a JSON object, which must be a string.
pub fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
}

/// The path of a Chromium that starts, or the reason why there is no such browser.
fn find_or_install() -> Result<PathBuf, String> {
    if let Some(browser) = find() {
        return Ok(browser);
    }
    if !runs("apt-get", &["--version"]) {
        return Err("Chromium is not installed, and there is no apt-get to install it".into());
    }
    // This fails without root, and the reason is reported.
    let installed = runs("apt-get", &["update", "-qq"])
        && runs("apt-get", &["install", "-qq", "-y", "--no-install-recommends", "chromium"]);
    match find() {
        Some(browser) if installed => Ok(browser),
        _ => Err("Chromium is not installed, and apt-get could not install it".into()),
    }
}

fn find() -> Option<PathBuf> {
    ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| runs(name, &["--version"]))
        .map(PathBuf::from)
}

fn runs(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command.status().is_ok_and(|status| status.success())
}
