//! A tenant with a thousand bad providers: invalid, unreachable and hostile ones. Other tenants do not notice them, and
//! their cost is bounded in calls and bytes.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use lanyard::{model::ManagedKind, registry::Verdict};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::watch,
};

use super::{
    attacks::{World, manifests},
    browser::{Application, Browser},
    upstream::{Upstream, read_request},
    world::{application, refresh_at},
};
use crate::support::{app::TestApp, ports::free_port};

/// Providers of each sort.
const EACH: usize = 200;
/// Sign-ins at bad providers at the same time.
const AT_ONCE: usize = 100;
/// Largest discovery document, as `remote` limits it.
const MAX_DOCUMENT: usize = 64 * 1024;

const TENANT: &str = r"
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {namespace: evil, name: main}
spec: {}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {namespace: evil, name: app}
spec:
  tenantRef: {name: main}
  redirectUris: [https://evil.test/cb]
  tokenEndpointAuthMethod: none
";

/// The sorts of bad providers, by the first letters of their names.
const SORTS: [&str; 5] = ["invalid", "closed", "silent", "endless", "nested"];

/// A server whose answers are hostile, a different one at each path.
struct Hostile {
    port: u16,
    /// The requests that it has received.
    requests: Arc<AtomicUsize>,
    /// The connections that are open, and the most that were.
    open: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    /// Whether connections without an answer end.
    released: watch::Sender<bool>,
}

impl Hostile {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (requests, open, most) =
            <(Arc<AtomicUsize>, Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let counts = (Arc::clone(&requests), Arc::clone(&open), Arc::clone(&most));
        let released = watch::Sender::new(false);
        let release = released.subscribe();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let ((requests, open, most), release) = (counts.clone(), release.clone());
                tokio::spawn(async move {
                    let now = open.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(now, Ordering::SeqCst);
                    if let Some((path, _)) = read_request(&mut stream).await {
                        requests.fetch_add(1, Ordering::SeqCst);
                        answer(&mut stream, &path, release).await;
                    }
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { port, requests, open, most, released }
    }

    /// Waits until connections are open, or until none is.
    async fn until_open(&self, is_open: bool) {
        for _ in 0..3000 {
            if (self.open.load(Ordering::SeqCst) > 0) == is_open {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} connections are open", self.open.load(Ordering::SeqCst));
    }
}

async fn answer(stream: &mut TcpStream, path: &str, mut released: watch::Receiver<bool>) {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";
    if path.starts_with("/silent") {
        let _ = released.wait_for(|released| *released).await;
    } else if path.starts_with("/endless") {
        let _ = stream.write_all(head).await;
        while stream.write_all(&[b' '; 4096]).await.is_ok() {}
    } else {
        let _ = stream.write_all(head).await;
        let _ = stream.write_all("[".repeat(MAX_DOCUMENT - 1).as_bytes()).await;
    }
}

/// The bad providers. `closed`: a port without a server.
fn bad_providers(hostile: u16, closed: u16) -> String {
    let mut objects = TENANT.to_owned();
    for sort in SORTS {
        let port = if sort == "closed" { closed } else { hostile };
        // Without a rule every person would be admitted.
        let admit = if sort == "invalid" { "ByRules" } else { "Everyone" };
        for number in 0..EACH {
            let name = format!("{sort}{number:03}");
            let _ = write!(
                objects,
                "---
apiVersion: lanyard.dev/v1alpha1
kind: IdentityProvider
metadata: {{namespace: evil, name: {name}}}
spec:
  tenantRef: {{name: main}}
  type: OIDC
  oidc: {{issuer: 'http://127.0.0.1:{port}/{name}', clientId: lanyard}}
  claimMappings:
    email: {{claim: ''}}
    username: {{claim: preferred_username, prefix: '{name}:'}}
    groups: {{claim: groups, prefix: '{name}:'}}
  admit: {admit}
"
            );
        }
    }
    objects
}

/// Sends a browser to a bad provider; returns the status of the page.
async fn try_bad(evil: &Application, name: String) -> (String, u16) {
    let url = evil.authorize_url("openid", &[("identity_provider", &name)]);
    let page = Browser::new().open(&url).await;
    assert!(page.left_for.is_none(), "{name}: {:?}", page.left_for);
    (name, page.status)
}

/// Exactly the invalid ones are refused, without a request to a server.
fn each_is_judged_alone(world: &World, hostile: &Hostile) {
    let snapshot = world.app.app.registry.snapshot();
    let of_providers = |it: &&Arc<Verdict>| it.object.is(ManagedKind::IdentityProvider);
    let providers = snapshot.verdicts().iter().filter(of_providers);
    let refused = providers.filter(|verdict| !verdict.served());
    let names: Vec<String> = refused.map(|verdict| verdict.object.key.name.to_string()).collect();
    assert_eq!(names.len(), EACH, "{names:?}");
    assert!(names.iter().all(|name| name.starts_with("invalid")), "{names:?}");
    assert_eq!(hostile.requests.load(Ordering::SeqCst), 0);
}

/// The names of providers of some sorts.
fn names_of(sorts: &[&str], count: usize) -> Vec<String> {
    let name = |n: usize| format!("{}{:03}", sorts[n % sorts.len()], n / sorts.len());
    (0..count).map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_bad_providers_do_not_harm_other_tenants() {
    let (upstream, hostile, closed) =
        (Upstream::start().await, Hostile::start().await, free_port());
    let good = manifests(&upstream.issuer, &[]);
    let app = TestApp::start(&format!("{good}---\n{TENANT}")).await;
    app.serve_with_problems(&format!("{good}---\n{}", bad_providers(hostile.port, closed)));
    let world = World { app, upstream };

    each_is_judged_alone(&world, &hostile);
    let evil = format!("{}/evil/main", world.app.origin);
    let evil = Application::discover(&evil, "evil.app", None, "https://evil.test/cb").await;
    let page = Browser::new().open(&evil.authorize_url("openid", &[])).await;
    assert_eq!((page.status, page.body.contains("closed199")), (200, true));

    // People flood the bad providers, some of which hang.
    let hanging = names_of(&["silent"], AT_ONCE).into_iter().map(|name| {
        let evil = evil.clone();
        tokio::spawn(async move { try_bad(&evil, name).await })
    });
    let hanging: Vec<_> = hanging.collect();
    hostile.until_open(true).await;
    // People of another tenant sign in, and their tokens are refreshed.
    for _ in 0..5 {
        let page = world.sign_in("corp", |_| {}).await;
        let tokens = world.tokens(&page).await;
        let refresh_token = tokens["refresh_token"].as_str().expect("one");
        let (status, tokens) = refresh_at(&application(&world.app).await, refresh_token).await;
        assert_eq!(status, 200, "{tokens}");
    }
    assert!(hostile.open.load(Ordering::SeqCst) > 0, "the others still hang");
    // The limit of concurrent calls of a tenant is below that of all, and the limit of a host below that of a tenant.
    let most = hostile.most.load(Ordering::SeqCst);
    assert!((1..=8).contains(&most), "{most} at once");
    hostile.released.send_replace(true);
    let answered = join_all(hanging).await;
    // A person for whom no call is free gets the error page at once.
    assert!(answered.into_iter().all(|attempt| attempt.expect("no panic").1 == 503));
    hostile.until_open(false).await;

    // The others fail at once, with a page. A document is asked for four times a minute, whatever people do.
    let asked = hostile.requests.load(Ordering::SeqCst);
    for _ in 0..6 {
        let failing = names_of(&["closed", "endless", "nested"], 30);
        let pages = join_all(failing.into_iter().map(|name| try_bad(&evil, name))).await;
        for (name, status) in pages {
            let expected = if name.starts_with("closed") { 503 } else { 502 };
            assert_eq!(status, expected, "{name}");
        }
    }
    let asked = hostile.requests.load(Ordering::SeqCst) - asked;
    assert!((20..=4 * 20).contains(&asked), "{asked} requests");
    let page = world.sign_in("corp", |_| {}).await;
    assert!(world.id_token(&page).await["sub"].is_string());
}
