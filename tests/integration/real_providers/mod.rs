//! The real Dex and the real Keycloak: as providers of people, and as the sources of a move
//! (`make upstreams`).

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    browser::{Application, Browser, Page, claims},
    dev::Dev,
    ports::free_port,
};

mod admin;
mod dex;
mod keycloak;
mod live;

const CALLBACK: &str = "https://rp.test/cb";
const SECRET: &str = "a-secret-of-at-least-thirty-two-characters";
/// The person of the tenant `home`.
const LINUS: (&str, &str) = ("linus", "correct horse");

/// An installed server or program.
fn installed(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/testenv").join(name);
    assert!(path.exists(), "{} is missing: run make upstreams", path.display());
    path
}

/// Serves manifests at a port.
async fn serve(port: u16, manifests: &str) -> (Dev, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("it.yaml"), manifests).expect("written");
    let dev = Dev::start_at(port, folder.path(), &[]);
    dev.awaits("Open  ").await;
    (dev, folder)
}

/// Serves imported manifests at the issuer of the old server, whose host the base URL must not have.
async fn take_over(port: u16, manifests: &Path) -> Dev {
    let dev = Dev::start_at(port, manifests, &["--base-url", &format!("http://127.0.0.1:{port}")]);
    dev.awaits("Open  ").await;
    dev
}

/// The tenant `home` with a person, for an old server that has it as a provider and for Lanyard in its
/// place.
async fn home(redirect_uris: [String; 2]) -> (Dev, TempDir) {
    let [old, new] = redirect_uris;
    let manifests = include_str!("home.yaml").replace("OLD", &old).replace("NEW", &new);
    serve(free_port(), &manifests).await
}

/// The manifests of an example of the documentation with the issuer of a running server, and an
/// application.
fn example(provider: &str, documented: &str, issuer: &str) -> String {
    let path = format!("examples/identity-providers/{provider}.yaml");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let manifests = fs::read_to_string(path).expect("an example");
    assert!(manifests.contains(documented), "{documented} in {provider}.yaml");
    manifests.replace(documented, issuer)
        + &include_str!("application.yaml").replace("TENANT", provider)
}

/// Runs `lanyard import`, and `lanyard check` on the manifests, which are in the folder.
fn import(arguments: &[&str], folder: &Path) {
    let folder = folder.display().to_string();
    let out = ["--out", &folder];
    let import = [&["import"], arguments, &out].concat();
    for command in [import, vec!["check", &folder]] {
        let output = Command::new(env!("CARGO_BIN_EXE_lanyard"))
            .args(&command)
            .stdin(Stdio::null())
            .output()
            .expect("it runs");
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{command:?}: {text}");
        println!("{command:?}\n{text}");
    }
}

/// Follows redirects among the servers of this machine.
async fn follow(browser: &Browser, mut page: Page) -> Page {
    for _ in 0..20 {
        let next = page.left_for.take();
        match next {
            Some(next) if matches!(next.host_str(), Some("localhost" | "127.0.0.1")) => {
                page = browser.open(next.as_str()).await;
            }
            left_for => return Page { left_for, ..page },
        }
    }
    panic!("more than twenty redirects, at {}", page.url);
}

/// The form of a server, by the end of its action and the name of its first field.
#[derive(Clone, Copy)]
struct SignInForm {
    action: &'static str,
    username: &'static str,
}

const LANYARD: SignInForm = SignInForm { action: "/login", username: "username" };

/// A person who signs in at an application of an issuer.
struct SignIn<'a> {
    issuer: &'a str,
    /// Parameters of the authorization request, which choose the source of people.
    hint: &'a [(&'a str, &'a str)],
    /// The form of the server that has the password.
    form: SignInForm,
    who: (&'a str, &'a str),
}

impl SignIn<'_> {
    async fn application(&self) -> Application {
        Application::discover(self.issuer, "app", Some(SECRET), CALLBACK).await
    }

    /// The tokens of the application after the sign-in in a browser.
    async fn tokens(&self, browser: &Browser, scope: &str) -> Value {
        let application = self.application().await;
        let page = browser.open(&application.authorize_url(scope, self.hint)).await;
        let page = follow(browser, page).await;
        let SignInForm { action, username } = self.form;
        let fields = [(username, self.who.0), ("password", self.who.1), ("action", "sign-in")];
        let page = browser.submit(&page.form(action), &fields).await;
        let page = follow(browser, page).await;
        let (status, tokens) = application.redeem(&page.answer()["code"]).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    /// The claims of the ID token.
    async fn id_token(&self, scope: &str) -> Value {
        let tokens = self.tokens(&Browser::new(), scope).await;
        claims(tokens["id_token"].as_str().expect("an ID token"))
    }

    async fn subject(&self) -> String {
        let token = self.id_token("openid profile email").await;
        token["sub"].as_str().expect("a subject").to_owned()
    }
}
