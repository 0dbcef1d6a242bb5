//! Tests against servers that lie, are slow or send too much. Real servers are in
//! `tests/integration/ldap`.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use super::{
    ber::{
        ENUMERATED, INTEGER, OCTET_STRING, SEQUENCE, SET, encode_element, encode_elements,
        encode_number,
    },
    connection_pool::ConnectionPool,
    *,
};
use crate::{
    fetch::{EgressPolicy, FetchOwner},
    model::{
        LdapAccount, LdapAddress, LdapFilter, LdapGroups, LdapIdAttribute, LdapPeople, LdapSchema,
        LdapServer, LdapSettings, Secret, Timestamp,
    },
};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const ID: &str = "00112233-4455-6677-8899-aabbccddeeff";

/// The answer of a script after which the server sends nothing more, and stays connected.
const NO_ANSWER: &[u8] = b"silence";

/// Answers a request by its number on the connection (from 1) and its message number. An empty answer
/// closes the connection.
type Script = dyn Fn(u32, u32) -> Vec<u8> + Send + Sync;

/// A server with TLS that follows a script and records the requests, by connection.
struct ScriptedServer {
    address: SocketAddr,
    ca: String,
    requests: Arc<Mutex<Vec<Vec<u8>>>>,
}

struct ServerCertificate {
    ca: String,
    acceptor: TlsAcceptor,
}

fn certificate_for(name: &str, expired: bool) -> ServerCertificate {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let [root_key, leaf_key] = [(); 2].map(|()| rcgen::KeyPair::generate().unwrap());
    let mut root = rcgen::CertificateParams::new(["root".to_owned()]).unwrap();
    root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = root.self_signed(&root_key).unwrap().pem();
    let mut leaf = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
    if expired {
        leaf.not_after = rcgen::date_time_ymd(2020, 1, 1);
    }
    let leaf = leaf.signed_by(&leaf_key, &rcgen::Issuer::new(root, root_key)).unwrap();
    let key = PrivateKeyDer::from_pem_slice(leaf_key.serialize_pem().as_bytes()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![leaf.der().clone()], key).unwrap();
    ServerCertificate { ca, acceptor: TlsAcceptor::from(Arc::new(config)) }
}

impl ScriptedServer {
    async fn start(script: impl Fn(u32, u32) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::with(certificate_for("localhost", false), &[], script).await
    }

    /// With `plain`, which it answers to a first request before TLS.
    async fn with(
        certificate: ServerCertificate,
        plain: &'static [u8],
        script: impl Fn(u32, u32) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        Self::recording(certificate, plain, script, Arc::default()).await
    }

    async fn recording(
        certificate: ServerCertificate,
        plain: &'static [u8],
        script: impl Fn(u32, u32) -> Vec<u8> + Send + Sync + 'static,
        requests: Arc<Mutex<Vec<Vec<u8>>>>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (script, kept): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&requests));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = certificate.acceptor.clone();
                let (script, kept) = (Arc::clone(&script), Arc::clone(&kept));
                tokio::spawn(async move {
                    let _ = serve(stream, acceptor, plain, &*script, &kept).await;
                });
            }
        });
        Self { address, ca: certificate.ca, requests }
    }

    /// Answers binds by their password, and the search of people with Ada.
    async fn with_binds(bind: impl Fn(&str, u32) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let requests: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let seen = Arc::clone(&requests);
        let script = move |_: u32, id: u32| {
            let last = seen.lock().unwrap().last().cloned().unwrap_or_default();
            let text = String::from_utf8_lossy(&last).into_owned();
            match number_and_tag(&last).1 {
                0x60 if text.contains("search-password") => bind("search-password", id),
                0x60 => bind("", id),
                _ => ada(id),
            }
        };
        Self::recording(certificate_for("localhost", false), &[], script, requests).await
    }

    /// The number of connections on which the search account has signed in.
    fn search_connections(&self) -> usize {
        let shows = |bytes: &&Vec<u8>| String::from_utf8_lossy(bytes).contains("search-password");
        self.requests.lock().unwrap().iter().filter(shows).count()
    }

    fn seen(&self) -> Vec<Vec<u8>> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    acceptor: TlsAcceptor,
    plain: &[u8],
    script: &Script,
    kept: &Mutex<Vec<Vec<u8>>>,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 65_536];
    if !plain.is_empty() {
        let _ = stream.read(&mut buffer).await?;
        stream.write_all(plain).await?;
    }
    let mut stream = acceptor.accept(stream).await?;
    for nth in 1.. {
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            break;
        }
        kept.lock().unwrap().push(buffer[..read].to_vec());
        let (id, _) = number_and_tag(&buffer);
        let answer = script(nth, id);
        if answer == NO_ANSWER {
            std::future::pending::<()>().await;
        }
        if answer.is_empty() {
            break;
        }
        stream.write_all(&answer).await?;
    }
    stream.shutdown().await
}

/// The message number of a request, which is below 128 in tests, and the tag of its operation.
fn number_and_tag(request: &[u8]) -> (u32, u8) {
    let start = if request[1] < 0x80 { 2 } else { 2 + usize::from(request[1] & 0x7f) };
    (u32::from(request[start + 2]), request[start + 3])
}

fn answer(id: u32, operation: Vec<u8>) -> Vec<u8> {
    encode_elements(SEQUENCE, &[encode_number(INTEGER, id), operation])
}

fn result(tag: u8, code: u32) -> Vec<u8> {
    let text = encode_element(OCTET_STRING, b"");
    encode_elements(tag, &[encode_number(ENUMERATED, code), text.clone(), text])
}

fn bound(id: u32) -> Vec<u8> {
    answer(id, result(0x61, 0))
}

fn done(id: u32, code: u32) -> Vec<u8> {
    answer(id, result(0x65, code))
}

fn entry(id: u32, dn: &str, attributes: &[(&str, &str)]) -> Vec<u8> {
    let attributes: Vec<_> = attributes
        .iter()
        .map(|(name, value)| {
            let set = encode_elements(SET, &[encode_element(OCTET_STRING, value.as_bytes())]);
            encode_elements(SEQUENCE, &[encode_element(OCTET_STRING, name.as_bytes()), set])
        })
        .collect();
    let parts =
        [encode_element(OCTET_STRING, dn.as_bytes()), encode_elements(SEQUENCE, &attributes)];
    answer(id, encode_elements(0x64, &parts))
}

fn ada(id: u32) -> Vec<u8> {
    let attributes = [("uid", "ada"), ("entryUUID", ID)];
    [entry(id, "uid=ada,ou=people", &attributes), done(id, 0)].concat()
}

/// The settings of a server on this machine.
fn settings(server: &ScriptedServer) -> LdapSettings {
    let filter = |text| LdapFilter::parse(text).unwrap();
    LdapSettings {
        schema: LdapSchema::OpenLdap,
        server: LdapServer {
            address: LdapAddress {
                host: "localhost".into(),
                port: server.address.port(),
                start_tls: false,
            },
            certificates: Some(server.ca.as_str().into()),
            inside_network: true,
        },
        account: LdapAccount {
            name: "cn=search".into(),
            password: Secret::new("search-password".to_owned()),
        },
        people: LdapPeople {
            base: "ou=people".into(),
            filter: filter("(uid={username})"),
            name: "uid".into(),
            id: LdapIdAttribute::EntryUuid,
            attributes: vec!["mail".into()],
        },
        groups: Some(LdapGroups {
            base: "ou=groups".into(),
            filter: filter("(member={dn})"),
            name: "cn".into(),
            depth: 3,
        }),
    }
}

async fn sign_in(settings: &LdapSettings) -> Result<DirectoryPerson, LdapError> {
    attempt(settings, "ada", "ada-password", &|_| true).await
}

async fn attempt(
    settings: &LdapSettings,
    username: &str,
    password: &str,
    may_try: &(dyn Fn(LdapUserEntry<'_>) -> bool + Sync),
) -> Result<DirectoryPerson, LdapError> {
    attempt_at(&directories(), settings, (username, password), may_try).await
}

fn directories() -> LdapDirectories {
    LdapDirectories::new(this_machine(), RootCertStore::empty())
}

/// A policy that allows this machine.
fn this_machine() -> EgressPolicy {
    EgressPolicy::new(["127.0.0.0/8", "::1/128"].map(|net| net.parse().unwrap()).to_vec())
}

/// A caller of a tenant, from an address.
fn caller_of(tenant: &str, address: u8) -> DirectoryCaller {
    let address = Some([192, 0, 2, address].into());
    DirectoryCaller { owner: FetchOwner { tenant: tenant.into(), address }, now: NOW }
}

/// The claims of an earlier sign-in of Ada.
fn ada_before() -> serde_json::Map<String, serde_json::Value> {
    let claims = serde_json::json!({"sub": ID, "dn": "uid=ada,ou=people"});
    claims.as_object().unwrap().clone()
}

/// A sign-in of Ada with directories that other sign-ins use too.
async fn sign_in_at(
    directories: &LdapDirectories,
    settings: &LdapSettings,
) -> Result<DirectoryPerson, LdapError> {
    attempt_at(directories, settings, ("ada", "ada-password"), &|_| true).await
}

async fn attempt_at(
    directories: &LdapDirectories,
    settings: &LdapSettings,
    (username, password): (&str, &str),
    may_try: &(dyn Fn(LdapUserEntry<'_>) -> bool + Sync),
) -> Result<DirectoryPerson, LdapError> {
    let password = Secret::new(password.to_owned());
    let credentials = LdapCredentials { username, password: &password, may_try };
    directories.authenticate(settings, credentials, &caller_of("team/main", 1)).await
}

/// The fault of a sign-in, in which a server answers the search of people in this way.
async fn fault_at_search(
    search: impl Fn(u32) -> Vec<u8> + Send + Sync + 'static,
) -> DirectoryFault {
    let server =
        ScriptedServer::start(move |nth, id| if nth == 1 { bound(id) } else { search(id) });
    match sign_in(&settings(&server.await)).await {
        Err(LdapError::Directory(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

/// The outcome of a sign-in, in which a server answers the search of groups in this way.
async fn groups_answered(
    groups: impl Fn(u32, u32) -> Vec<u8> + Send + Sync + 'static,
) -> Result<DirectoryPerson, LdapError> {
    let server = ScriptedServer::start(move |nth, id| match nth {
        1 => bound(id),
        2 => ada(id),
        _ => groups(nth, id),
    });
    sign_in(&settings(&server.await)).await
}

#[tokio::test]
async fn a_person_signs_in() {
    let person = groups_answered(|nth, id| match nth {
        3 => [entry(id, "cn=a,ou=groups", &[("cn", "a")]), done(id, 0)].concat(),
        _ => done(id, 0),
    });
    let person = person.await.unwrap();
    assert_eq!((person.id.as_str(), person.username.as_str()), (ID, "ada"));
    let expected = serde_json::json!({
        "dn": "uid=ada,ou=people", "uid": "ada", "entryUUID": ID, "groups": ["a"],
        "sub": ID, "preferred_username": "ada",
    });
    assert_eq!(serde_json::Value::Object(person.claims), expected);
}

#[tokio::test]
async fn a_server_that_stops_between_bind_and_search_is_a_fault() {
    let fault = fault_at_search(|_| Vec::new()).await;
    let host = "localhost".to_owned();
    assert_eq!(fault, DirectoryFault::Closed { host, step: "search of people" });
    assert!(fault.is_transient());
}

#[tokio::test]
async fn a_silent_server_is_given_up_at_the_time_limit() {
    let fault = fault_at_search(|_| NO_ANSWER.to_vec());
    let started = tokio::time::Instant::now();
    let host = "localhost".to_owned();
    assert_eq!(fault.await, DirectoryFault::Late { host, step: "search of people" });
    assert!(started.elapsed() < std::time::Duration::from_secs(10));
}

#[tokio::test]
async fn hostile_bytes_are_faults() {
    let nested = [&[0x30, 0x82, 0x10, 0x00][..], &[0x30, 0x80].repeat(2048)].concat();
    for bytes in [
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        vec![0x30, 0x80, 0, 0],
        vec![0x30, 0x02, 0x02, 0x00],
        nested,
        answer(9, result(0x65, 0)),
        answer(3, result(0x61, 0)),
        answer(3, encode_elements(0x64, &[encode_element(OCTET_STRING, &[0xff])])),
        answer(3, encode_element(0x7f, b"")),
    ] {
        let sent = bytes.clone();
        let fault = fault_at_search(move |_| sent.clone()).await;
        assert!(matches!(fault, DirectoryFault::Malformed { .. }), "{bytes:02x?}: {fault:?}");
    }
}

#[tokio::test]
async fn large_answers_are_not_read() {
    let fault = fault_at_search(|_| vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff]).await;
    assert!(matches!(fault, DirectoryFault::TooLarge { .. }), "{fault:?}");
    let notice = fault_at_search(|_| answer(0, result(0x78, 52))).await;
    assert!(matches!(notice, DirectoryFault::Closed { .. }), "{notice:?}");
    let endless = groups_answered(|_, id| {
        let value = "x".repeat(900_000);
        (0..6).flat_map(|n| entry(id, &format!("cn={n}"), &[("cn", &value)])).collect()
    });
    let error = endless.await.unwrap_err();
    assert!(matches!(error, LdapError::Directory(DirectoryFault::TooLarge { .. })), "{error:?}");
}

#[tokio::test]
async fn several_entries_are_refused() {
    let server = ScriptedServer::start(|nth, id| match nth {
        1 => bound(id),
        // More than were asked for, without an end.
        _ => (0..5).flat_map(|n| entry(id, &format!("uid=ada,ou={n}"), &[])).collect(),
    });
    let error = sign_in(&settings(&server.await)).await.unwrap_err();
    assert_eq!(error, LdapError::Refused(LdapRefusal::SeveralPeople));
}

#[tokio::test]
async fn an_entry_without_a_name_is_never_bound_as() {
    let server = ScriptedServer::start(|nth, id| match nth {
        1 => bound(id),
        _ => [entry(id, "", &[("uid", "ada"), ("entryUUID", ID)]), done(id, 0)].concat(),
    });
    let server = server.await;
    let error = sign_in(&settings(&server)).await.unwrap_err();
    assert_eq!(error, LdapError::Directory(DirectoryFault::NoDistinguishedName));
    let shown = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).contains("ada-password");
    assert!(!server.seen().iter().any(shown));
}

#[tokio::test]
async fn referrals_are_not_followed() {
    let referral = |id| {
        let uri = encode_elements(0xa3, &[encode_element(OCTET_STRING, b"ldap://127.0.0.1:9/")]);
        let text = encode_element(OCTET_STRING, b"");
        answer(id, encode_elements(0x65, &[encode_number(ENUMERATED, 10), text.clone(), text, uri]))
    };
    let fault = fault_at_search(referral).await;
    assert!(fault.to_string().contains("referral to another server (10)"), "{fault}");
}

#[tokio::test]
async fn groups_that_cannot_be_read_are_not_no_groups() {
    for code in [1, 3, 4, 11, 32, 50, 51] {
        let outcome = groups_answered(move |_, id| done(id, code)).await;
        let error = outcome.expect_err("no person without groups");
        assert!(matches!(error, LdapError::Directory(DirectoryFault::Refuses { .. })), "{error:?}");
    }
    let closed = groups_answered(|_, _| Vec::new()).await.unwrap_err();
    assert!(matches!(closed, LdapError::Directory(DirectoryFault::Closed { .. })), "{closed:?}");
    let unnamed = groups_answered(|_, id| [entry(id, "cn=a", &[]), done(id, 0)].concat());
    let fault = DirectoryFault::NoName { attribute: "cn".to_owned() };
    assert_eq!(unnamed.await, Err(LdapError::Directory(fault)));
}

#[tokio::test]
async fn too_many_groups_are_an_error_and_not_cut() {
    let groups = |count: u32| {
        groups_answered(move |nth, id| {
            let some = |n: u32| entry(id, &format!("cn={n}"), &[("cn", &n.to_string())]);
            let entries = if nth == 3 { (0..count).flat_map(some).collect() } else { Vec::new() };
            [entries, done(id, 0)].concat()
        })
    };
    let person = groups(2000).await.unwrap();
    assert_eq!(person.claims["groups"].as_array().map(Vec::len), Some(2000));
    let fault = DirectoryFault::TooManyGroups { limit: 2000 };
    assert_eq!(groups(2001).await, Err(LdapError::Directory(fault)));
}

#[tokio::test]
async fn groups_of_groups_end() {
    // Every group is in a group that was not seen before.
    let endless = groups_answered(|nth, id| {
        [entry(id, &format!("cn={nth}"), &[("cn", &nth.to_string())]), done(id, 0)].concat()
    });
    let person = endless.await.unwrap();
    assert_eq!(person.claims["groups"], serde_json::json!(["3", "4", "5", "6"]), "depth 3");
    // Pages that have another page after them.
    let cookie = |id| {
        let value = [encode_number(INTEGER, 0), encode_element(OCTET_STRING, b"more")];
        let value = encode_element(OCTET_STRING, &encode_elements(SEQUENCE, &value));
        let oid = encode_element(OCTET_STRING, b"1.2.840.113556.1.4.319");
        let controls = encode_elements(0xa0, &[encode_elements(SEQUENCE, &[oid, value])]);
        encode_elements(SEQUENCE, &[encode_number(INTEGER, id), result(0x65, 0), controls])
    };
    let error = groups_answered(move |_, id| cookie(id)).await.unwrap_err();
    let LdapError::Directory(fault) = error else { panic!("a refusal") };
    assert!(matches!(fault, DirectoryFault::TooManyPages { .. }), "{fault:?}");
    assert!(fault.leaves_claims_incomplete() && !fault.is_transient());
    assert!(fault.to_string().contains("more than 50 pages of entries"), "{fault}");
    // The pages count together.
    let value = "x".repeat(900_000);
    let large = groups_answered(move |nth, id| {
        [entry(id, &format!("cn={nth}"), &[("cn", &value)]), cookie(id)].concat()
    });
    let error = large.await.unwrap_err();
    assert!(matches!(error, LdapError::Directory(DirectoryFault::TooLarge { .. })), "{error:?}");
}

#[tokio::test]
async fn a_part_of_an_attribute_is_a_fault() {
    let fault = fault_at_search(|id| {
        let attributes = [("uid", "ada"), ("entryUUID", ID), ("mail;range=0-1", "a")];
        [entry(id, "uid=ada", &attributes), done(id, 0)].concat()
    });
    let attribute = "mail;range=0-1".to_owned();
    assert_eq!(fault.await, DirectoryFault::CutAttribute { attribute });
}

#[tokio::test]
async fn an_empty_password_does_not_reach_the_server() {
    let server = ScriptedServer::start(|_, id| bound(id)).await;
    let settings = settings(&server);
    let refused = async |username: &str, password: &str| {
        attempt(&settings, username, password, &|_| true).await.unwrap_err()
    };
    assert_eq!(refused("ada", "").await, LdapError::Refused(LdapRefusal::EmptyPassword));
    for username in ["", " ", "a\0da", "a\nda", &"a".repeat(257)] {
        let impossible = LdapError::Refused(LdapRefusal::ImpossibleUsername);
        assert_eq!(refused(username, "x").await, impossible, "{username:?}");
    }
    let mut anonymous = settings.clone();
    anonymous.account.password = Secret::new(String::new());
    let error = sign_in(&anonymous).await.unwrap_err();
    assert!(matches!(error, LdapError::Directory(DirectoryFault::RefusesAccount { .. })));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_password_is_tried_only_if_the_entry_may_be() {
    let server = ScriptedServer::start(|nth, id| if nth == 1 { bound(id) } else { ada(id) }).await;
    let (settings, asked) = (settings(&server), Mutex::new(Vec::new()));
    let may_try = |found: LdapUserEntry<'_>| {
        asked.lock().unwrap().push(found.id.to_owned());
        assert_eq!(found.person.unwrap().username, "ada");
        false
    };
    let refused = attempt(&settings, "Ada", "ada-password", &may_try).await;
    assert_eq!(refused, Err(LdapError::Refused(LdapRefusal::TooManyAttempts)));
    assert_eq!(*asked.lock().unwrap(), [ID]);
    let shown = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).contains("ada-password");
    assert!(!server.seen().iter().any(shown));
}

#[tokio::test]
async fn an_unknown_name_costs_a_bind_too() {
    let server = ScriptedServer::start(|nth, id| match nth {
        1 => bound(id),
        _ => done(id, 0),
    });
    let server = server.await;
    let error = sign_in(&settings(&server)).await.unwrap_err();
    assert_eq!(error, LdapError::Refused(LdapRefusal::UnknownPerson));
    let binds = server.seen().iter().filter(|it| number_and_tag(it).1 == 0x60).count();
    assert_eq!(binds, 2);
    let shown = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).contains("ada-password");
    assert!(!server.seen().iter().any(shown), "the password is not sent");
}

#[tokio::test]
async fn a_server_is_verified_before_it_gets_a_password() {
    let script = |_: u32, id: u32| bound(id);
    let other_ca = certificate_for("localhost", false).ca;
    for (certificate, ca) in [
        (certificate_for("other.test", false), None),
        (certificate_for("localhost", true), None),
        (certificate_for("localhost", false), Some(other_ca)),
    ] {
        let server = ScriptedServer::with(certificate, &[], script).await;
        let mut settings = settings(&server);
        if let Some(ca) = ca {
            settings.server.certificates = Some(ca.into());
        }
        let error = sign_in(&settings).await.unwrap_err();
        assert!(matches!(error, LdapError::Directory(DirectoryFault::Tls(..))), "{error:?}");
        assert!(server.seen().is_empty());
    }
    let server = ScriptedServer::start(script).await;
    for pem in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let mut settings = settings(&server);
        settings.server.certificates = Some(pem.into());
        let error = sign_in(&settings).await.unwrap_err();
        assert!(matches!(error, LdapError::Directory(DirectoryFault::Certificates(..))));
    }
}

#[tokio::test]
async fn bytes_before_tls_are_not_an_answer() {
    // The answer to StartTLS, with an answer to the bind that will follow.
    const AGREED: &[u8] = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00";
    const INJECTED: &[u8] =
        b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00\x30\x0c\x02\x01\x02\x61\x07\x0a\x01\x00\x04\x00\x04\x00";
    const REFUSED: &[u8] = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00";
    for (plain, works) in [(AGREED, true), (INJECTED, false), (REFUSED, false)] {
        let script = |nth, id| if nth == 1 { bound(id) } else { Vec::new() };
        let server = ScriptedServer::with(certificate_for("localhost", false), plain, script).await;
        let mut settings = settings(&server);
        settings.server.address.start_tls = true;
        let checked = directories().check_account(&settings).await;
        assert_eq!(checked.is_ok(), works, "{checked:?}");
        assert_eq!(server.seen().is_empty(), !works);
    }
}

/// A listed host has private addresses; this machine and its metadata are never among them.
#[tokio::test]
async fn addresses_inside_the_network_need_permission() {
    let server = ScriptedServer::start(|_, id| bound(id)).await;
    let mut settings = settings(&server);
    let guarded = || LdapDirectories::new(EgressPolicy::default(), RootCertStore::empty());
    for inside_network in [false, true] {
        settings.server.inside_network = inside_network;
        for host in ["localhost", "127.0.0.1", "169.254.169.254"] {
            settings.server.address.host = host.into();
            let error = sign_in_at(&guarded(), &settings).await.unwrap_err();
            let forbidden = DirectoryFault::ForbiddenAddress(host.to_owned());
            assert_eq!(error, LdapError::Directory(forbidden), "{inside_network}");
        }
    }
    settings.server.address.host = "unknown.invalid".into();
    let error = sign_in_at(&guarded(), &settings).await.unwrap_err();
    assert!(matches!(error, LdapError::Directory(DirectoryFault::UnknownHost(_))), "{error:?}");
    assert!(server.seen().is_empty());
}

/// Other servers than Active Directory answer so to any password of a locked or disabled account.
#[tokio::test]
async fn refused_binds_of_a_person_are_wrong_passwords_and_faults_of_the_server_are_not() {
    for (code, is_wrong) in [
        (19, true),
        (48, true),
        (49, true),
        (50, true),
        (53, true),
        (1, false),
        (2, false),
        (8, false),
        (13, false),
        (51, false),
        (52, false),
        (80, false),
    ] {
        let server = ScriptedServer::with_binds(move |password, id| match password {
            "search-password" => bound(id),
            _ => answer(id, result(0x61, code)),
        });
        match sign_in(&settings(&server.await)).await.unwrap_err() {
            LdapError::Refused(LdapRefusal::WrongPassword(_)) => assert!(is_wrong, "{code}"),
            LdapError::Directory(DirectoryFault::Refuses { .. }) => assert!(!is_wrong, "{code}"),
            other => panic!("{code}: {other:?}"),
        }
    }
}

/// The bytes of an answer to a message with an id.
type ScriptedAnswer = fn(u32) -> Vec<u8>;

/// The outcome of a look-up whose searches are answered one after the other, without entries in the end.
async fn looked_up(answers: &'static [ScriptedAnswer]) -> LdapError {
    let server = ScriptedServer::start(move |nth, id| match nth {
        1 => bound(id),
        nth => answers.get(nth as usize - 2).map_or_else(|| done(id, 0), |answer| answer(id)),
    });
    let (server, caller) = (server.await, caller_of("team/main", 1));
    directories().look_up(&settings(&server), &ada_before(), &caller).await.unwrap_err()
}

/// The server's own entry, with the root of its tree.
fn own_entry(id: u32) -> Vec<u8> {
    [entry(id, "", &[("namingContexts", "ou=people")]), done(id, 0)].concat()
}

/// A person is gone only if the server has the tree, the search account sees others, and no entry has the
/// identifier.
#[tokio::test]
async fn a_missing_entry_is_deleted_or_hidden() {
    const NOTHING: ScriptedAnswer = |id| done(id, 0);
    const OTHER: ScriptedAnswer = |id| [entry(id, "uid=eve", &[]), done(id, 4)].concat();
    const HIMSELF: ScriptedAnswer = |id| [entry(id, "uid=ada", &[]), done(id, 0)].concat();
    const DISABLED: ScriptedAnswer =
        |id| [entry(id, "uid=ada", &[("nsAccountLock", "true")]), done(id, 0)].concat();
    const REFUSED: ScriptedAnswer = |id| done(id, 50);
    const ELSEWHERE: ScriptedAnswer =
        |id| [entry(id, "", &[("namingContexts", "dc=other")]), done(id, 0)].concat();
    let gone = looked_up(&[NOTHING, own_entry, NOTHING, OTHER]).await;
    assert_eq!(gone, LdapRefusal::UnknownPerson.into());
    let disabled = LdapRefusal::Restricted(AccountRestriction::Disabled);
    assert_eq!(looked_up(&[NOTHING, own_entry, DISABLED]).await, disabled.into());
    let not_selected: [&'static [ScriptedAnswer]; 4] = [
        &[NOTHING, own_entry, HIMSELF],
        // A server that does not have the tree.
        &[NOTHING, ELSEWHERE, NOTHING, OTHER],
        // The search account sees no people, but the base.
        &[NOTHING, own_entry, NOTHING, NOTHING, OTHER],
        &[NOTHING, own_entry, NOTHING, REFUSED, OTHER],
    ];
    for answers in not_selected {
        assert_eq!(looked_up(answers).await, LdapRefusal::NotSelected.into());
    }
    let hidden = DirectoryFault::NothingVisible { host: "localhost".to_owned() };
    assert_eq!(looked_up(&[NOTHING, own_entry, NOTHING, NOTHING, NOTHING]).await, hidden.into());
    // The search account may search the tree of the people only.
    let gone: [&'static [ScriptedAnswer]; 2] =
        [&[NOTHING, REFUSED, NOTHING, OTHER], &[NOTHING, own_entry, REFUSED, NOTHING, OTHER]];
    for answers in gone {
        assert_eq!(looked_up(answers).await, LdapRefusal::UnknownPerson.into());
    }
    let refused = looked_up(&[NOTHING, own_entry, REFUSED, REFUSED]).await;
    assert!(matches!(refused, LdapError::Directory(DirectoryFault::Refuses { .. })), "{refused:?}");
}

/// A team whose directories hang leaves connections to others.
#[tokio::test]
async fn directories_of_one_tenant_and_address_have_a_bounded_number_of_attempts() {
    let server = ScriptedServer::start(|_, _| NO_ANSWER.to_vec()).await;
    let healthy = ScriptedServer::start(|nth, id| if nth == 1 { bound(id) } else { ada(id) }).await;
    let directories = directories();
    let password = Secret::new("ada-password".to_owned());
    let credentials = LdapCredentials { username: "ada", password: &password, may_try: &|_| false };
    // Each hostile provider has a search account of its own, and so a separate pool.
    let hostile = |number: u16| {
        let mut settings = settings(&server);
        settings.account.name = format!("cn={number}").into();
        settings
    };
    let (accounts, caller) = ((0..200).map(hostile).collect::<Vec<_>>(), caller_of("evil/main", 1));
    let floods = accounts.iter().map(|it| directories.authenticate(it, credentials, &caller));
    let flood = futures::future::join_all(floods);
    let others = async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let opened = server.search_connections();
        let own = caller_of("team/main", 2);
        let asked = directories.authenticate(&settings(&healthy), credentials, &own).await;
        assert_eq!(asked, Err(LdapRefusal::TooManyAttempts.into()), "it was asked at once");
        opened
    };
    let (ended, opened) = futures::future::join(flood, others).await;
    assert!((1..=16).contains(&opened), "{opened} of one tenant at a host");
    let busy = DirectoryFault::Busy("localhost".to_owned());
    assert!(ended.iter().filter(|it| **it == Err(busy.clone().into())).count() >= 150);
}

/// A server whose search account's connections answer the first search of people, and the others like
/// this. Groups are not read.
async fn server_of_searches(
    later: impl Fn(u32, u32) -> Vec<u8> + Send + Sync + 'static,
) -> (ScriptedServer, LdapSettings) {
    let server = ScriptedServer::start(move |nth, id| match nth {
        1 => bound(id),
        2 => ada(id),
        nth => later(nth, id),
    });
    let server = server.await;
    let settings = LdapSettings { groups: None, ..settings(&server) };
    (server, settings)
}

#[tokio::test]
async fn sign_ins_use_the_connection_of_the_search_account_again() {
    let (server, settings) = server_of_searches(|_, id| ada(id)).await;
    let directories = directories();
    for _ in 0..3 {
        sign_in_at(&directories, &settings).await.unwrap();
    }
    directories.look_up(&settings, &ada_before(), &caller_of("team/main", 1)).await.unwrap();
    assert_eq!((server.search_connections(), directories.pool().size()), (1, (1, 1)));
    let mut other = settings.clone();
    other.account.password = Secret::new("another search-password".to_owned());
    sign_in_at(&directories, &other).await.unwrap();
    assert_eq!(server.search_connections(), 2, "a different password has a separate connection");
    directories.check_account(&settings).await.unwrap();
    assert_eq!(server.search_connections(), 3, "the check signs the account in");
}

#[tokio::test]
async fn a_connection_that_cannot_be_used_any_more_is_replaced() {
    let answers: [ScriptedAnswer; 4] = [
        |_| Vec::new(),
        |_| answer(0, result(0x78, 52)),
        // The account is not signed in any more.
        |id| done(id, 1),
        |id| done(id, 50),
    ];
    for (index, answer) in answers.into_iter().enumerate() {
        let (server, settings) = server_of_searches(move |_, id| answer(id)).await;
        let directories = directories();
        for _ in 0..3 {
            sign_in_at(&directories, &settings).await.unwrap();
        }
        assert_eq!(server.search_connections(), 3, "{index}");
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_timeout() {
    let (server, settings) = server_of_searches(|_, id| ada(id)).await;
    let pool = ConnectionPool::with_idle_timeout(std::time::Duration::from_millis(50));
    let directories = LdapDirectories::with_pool(this_machine(), pool);
    sign_in_at(&directories, &settings).await.unwrap();
    for _ in 0..200 {
        if directories.pool().size() == (0, 0) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(directories.pool().size(), (0, 0));
    sign_in_at(&directories, &settings).await.unwrap();
    assert_eq!(server.search_connections(), 2);
}

#[tokio::test]
async fn a_search_that_was_not_read_to_its_end_ends_the_connection() {
    let endless = |nth: u32, id: u32| match nth {
        1 => bound(id),
        _ => (0..5).flat_map(|n| entry(id, &format!("uid=ada,ou={n}"), &[])).collect(),
    };
    let server = ScriptedServer::start(endless).await;
    let (settings, directories) = (settings(&server), directories());
    for _ in 0..2 {
        let refused = sign_in_at(&directories, &settings).await;
        assert_eq!(refused, Err(LdapRefusal::SeveralPeople.into()));
    }
    assert_eq!((server.search_connections(), directories.pool().size()), (2, (0, 0)));
}

#[tokio::test]
async fn a_server_that_hangs_has_a_bounded_number_of_connections() {
    let hanging = |nth: u32, id: u32| if nth == 1 { bound(id) } else { NO_ANSWER.to_vec() };
    let server = ScriptedServer::start(hanging).await;
    let (settings, directories) = (settings(&server), directories());
    let started = tokio::time::Instant::now();
    let attempts = (0..20).map(|_| sign_in_at(&directories, &settings));
    let ended = futures::future::join_all(attempts).await;
    assert!(started.elapsed() < std::time::Duration::from_secs(12));
    let host = || "localhost".to_owned();
    let count =
        |fault: DirectoryFault| ended.iter().filter(|it| **it == Err(fault.clone().into())).count();
    let late = count(DirectoryFault::Late { host: host(), step: "search of people" });
    assert_eq!((late, count(DirectoryFault::Busy(host()))), (16, 4));
    assert_eq!((server.search_connections(), directories.pool().size()), (16, (0, 0)));
}

#[tokio::test]
async fn connections_of_a_server_that_does_not_answer_on_one_are_not_used_again() {
    let (server, settings) = server_of_searches(|_, _| NO_ANSWER.to_vec()).await;
    let directories = directories();
    let first = (0..3).map(|_| sign_in_at(&directories, &settings));
    assert!(futures::future::join_all(first).await.iter().all(Result::is_ok));
    assert_eq!(directories.pool().size(), (1, 3));
    let late = sign_in_at(&directories, &settings).await.unwrap_err();
    assert!(matches!(late, LdapError::Directory(DirectoryFault::Late { .. })), "{late:?}");
    assert_eq!(directories.pool().size(), (0, 0));
    sign_in_at(&directories, &settings).await.unwrap();
    assert_eq!(server.search_connections(), 4);
}
