//! The connections to a directory: used again, replaced where the server has ended, and bounded where
//! it hangs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::net::{TcpListener, TcpStream};

use super::{
    pages::{ACME, Shop, directory},
    *,
};
use crate::support::directories::{own_slapd, slapd};

const ADA: (&str, &str) = ("ada", "ada-password");
const REFRESH: &str = "  refresh: {mode: Upstream, interval: 15m, keepFor: 4h}\n";

/// A port that leads to a directory, and counts the connections.
pub(super) struct CountedPort {
    pub(super) port: u16,
    connections: Arc<AtomicUsize>,
}

impl CountedPort {
    pub(super) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let own = listener.local_addr().expect("bound").port();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else {
                        return;
                    };
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        Self { port: own, connections }
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn acme(port: u16, server: &TestDirectory) -> LdapSettings {
    let account = ["cn=search,dc=acme,dc=test", "search-password"];
    let mut settings = settings(server, LdapSchema::OpenLdap, "dc=acme,dc=test", account);
    settings.server.address.port = port;
    settings
}

#[tokio::test]
async fn sign_ins_share_the_connection_of_the_search_account() {
    let port = CountedPort::to(slapd().secure_port).await;
    let (settings, directories) = (acme(port.port, slapd()), directories());
    let mut ada = None;
    for _ in 0..5 {
        ada = Some(sign_in_at(&directories, &settings, ADA).await.expect("she may"));
    }
    assert_eq!(port.connections(), 6, "one for searches, and one for each password");
    let ada = ada.expect("signed in");
    for _ in 0..5 {
        directories.look_up(&settings, &ada.claims, &caller()).await.expect("found");
    }
    assert_eq!(port.connections(), 6, "a look-up needs no password");
    sign_in_at(&directories, &settings, ("eve", "x")).await.expect_err("nobody");
    assert_eq!(port.connections(), 7, "an unknown name costs the same");
}

#[tokio::test]
async fn a_restart_of_the_directory_between_two_sign_ins_loses_nothing() {
    let server = Arc::new(own_slapd());
    let (settings, directories) = (acme(server.secure_port, &server), directories());
    let before = sign_in_at(&directories, &settings, ADA).await.expect("she may");
    for _ in 0..2 {
        let server = Arc::clone(&server);
        tokio::task::spawn_blocking(move || server.restart()).await.expect("restarted");
        assert_eq!(sign_in_at(&directories, &settings, ADA).await, Ok(before.clone()));
        assert_eq!(
            directories.look_up(&settings, &before.claims, &caller()).await,
            Ok(before.clone())
        );
    }
}

/// This test has one thread for the server, the browsers and the connections to the directory.
#[tokio::test]
async fn a_directory_that_hangs_delays_only_its_own_people_and_holds_no_thread() {
    let server = own_slapd();
    let port = CountedPort::to(server.secure_port).await;
    let manifest = directory("acme", &server, ACME, REFRESH);
    let ldaps = format!("ldaps://localhost:{}", server.secure_port);
    let shop =
        Shop::with(&[manifest.replace(&ldaps, &format!("ldaps://localhost:{}", port.port))]).await;
    let mut people = Vec::new();
    for name in ["ada", "grace", "leaver", "many"] {
        people.push(shop.tokens(name, &format!("{name}-password")).await);
    }
    let before = port.connections();
    server.signal("STOP");
    shop.app.clock.advance(Duration::from_mins(20));
    let started = Instant::now();
    let refreshes = futures::future::join_all(people.iter().map(|tokens| shop.refreshed(tokens)));
    let sign_ins = futures::future::join_all((0..24).map(|number| {
        let shop = &shop;
        async move { shop.typed(&format!("person-{number}"), "a password").await }
    }));
    let client = reqwest::Client::new();
    let others = async {
        let mut longest = Duration::ZERO;
        let discovery = format!("{}/.well-known/openid-configuration", shop.app.issuer("shop"));
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let asked = Instant::now();
            let answer = client.get(&discovery).send().await.expect("an answer");
            assert!(answer.status().is_success(), "{answer:?}");
            longest = longest.max(asked.elapsed());
        }
        longest
    };
    let (refreshes, sign_ins, longest) = tokio::join!(refreshes, sign_ins, others);
    assert!(longest < Duration::from_secs(2), "another request took {longest:?}");
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    for (status, tokens) in refreshes {
        assert_eq!(status, 200, "the claims of a moment ago count: {tokens}");
    }
    let mut busy = 0;
    for page in sign_ins {
        assert_eq!(page.status, 503, "{}", page.body);
        let is_busy =
            page.body.contains("Too many people sign in with The acme directory at the moment.");
        let hangs = page.body.contains("The acme directory does not answer at the moment.");
        assert!(is_busy || hangs, "{}", page.body);
        busy += usize::from(is_busy);
    }
    assert!(busy >= 8, "{busy} of 24 found no place");
    assert!(port.connections() - before <= 32, "{}", port.connections() - before);
    server.signal("CONT");
    shop.tokens("ada", "ada-password").await;
}
