//! The memory of a server does not grow with the people who have signed in: they are in the store.
//! `LANYARD_PEOPLE` sets how many sign in (600), and `LANYARD_STORED_PEOPLE` how many are written to a store (100,000).

use std::{
    collections::BTreeMap,
    env, fs,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use lanyard::{
    model::{Clock as _, SystemEntropy, TenantId, Timestamp, sha256_base64url},
    store::{EmbeddedStore, IndexEntry, IndexKind, Record, RecordKind, Store as _},
};
use reqwest::{Client, header};
use serde_json::json;
use url::Url;

use super::{
    attacks::{World, manifests},
    upstream::Upstream,
};
use crate::support::dev::Dev;

/// People who sign in before memory is looked at: they fill the page cache of the store, which is 64 MiB.
const WARM: usize = 2000;
/// People who sign in at the same time.
const CONCURRENT: usize = 8;
/// The size of each person's groups in bytes, large enough that a copy in memory would be noticed.
const GROUPS: usize = 26 * 1024;
/// How much memory may be kept for a person, in bytes: the noise of the allocator.
const MAX_EACH: usize = 4 * 1024;
/// The space in bytes that a person may take in a store, with as many claims as most providers send.
const MAX_STORED_EACH: u64 = 8 * 1024;
/// Records that are written to a store at the same time.
const WRITES: usize = 256;
/// The groups of each person in that store.
const USUAL_GROUPS: usize = 10;

/// Resident memory of the server, in KiB.
fn resident(dev: &Dev) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", dev.id())).expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a figure");
    line.split_whitespace().nth(1).and_then(|figure| figure.parse().ok()).expect("a number")
}

fn location(response: &reqwest::Response) -> Url {
    let status = response.status();
    let to = response.headers().get(header::LOCATION);
    let to = to.unwrap_or_else(|| panic!("{status}: no redirect")).to_str().expect("ASCII");
    response.url().join(to).expect("a URL")
}

/// Signs one person in, in a browser of its own, up to the code of the application.
async fn sign_in(client: &Client, issuer: &str, number: usize) {
    let request = [
        ("response_type", "code"),
        ("client_id", "default.app"),
        ("redirect_uri", "https://rp.test/cb"),
        ("scope", "openid profile email"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
        ("identity_provider", "corp"),
    ];
    let url = Url::parse_with_params(&format!("{issuer}/oauth/authorize"), request);
    let response = client.get(url.expect("a URL")).send().await.expect("an answer");
    let cookies = response.headers().get_all(header::SET_COOKIE).iter();
    let cookies = cookies.filter_map(|it| it.to_str().ok()?.split(';').next());
    let cookies = cookies.collect::<Vec<_>>().join("; ");
    let asked: BTreeMap<_, _> = location(&response).query_pairs().into_owned().collect();
    let code = format!("{}.{number}", asked["nonce"]);
    let answer = [("code", &code), ("state", &asked["state"])];
    let url = Url::parse_with_params(&format!("{issuer}/callback/corp"), answer);
    let back = client.get(url.expect("a URL")).header(header::COOKIE, cookies).send();
    let response = back.await.expect("an answer");
    let url = location(&response);
    let is_code = url.host_str() == Some("rp.test") && url.query_pairs().any(|it| it.0 == "code");
    assert!(is_code, "person {number} is not signed in: {url}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement of minutes, described in docs/performance.md"]
async fn memory_does_not_grow_with_people() {
    let people: usize =
        env::var("LANYARD_PEOPLE").map_or(600, |text| text.parse().expect("a number"));
    let upstream = Upstream::start().await;
    let groups: Vec<_> = (0..GROUPS / 64).map(|number| format!("{number:0>61}")).collect();
    upstream.answers(|script| {
        script.people_by_code = true;
        script.id_token = json!({"groups": groups});
    });
    let folder = tempfile::tempdir().expect("a folder");
    let text = manifests(&upstream.issuer, &[]);
    fs::write(folder.path().join("it.yaml"), text).expect("written");
    let store = tempfile::tempdir().expect("a folder");
    let file = store.path().join("store.redb").display().to_string();
    let dev = Dev::start_with(folder.path(), &["--store", "embedded", "--store-path", &file]);
    dev.awaits("Open  ").await;
    let issuer = format!("{}/default/main", dev.base_url);
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build();
    let client = client.expect("a client");
    let sign_all = async |numbers: std::ops::Range<usize>| {
        let all = stream::iter(numbers.map(|number| sign_in(&client, &issuer, number)));
        all.buffer_unordered(CONCURRENT).collect::<Vec<()>>().await;
    };
    let size = || fs::metadata(&file).expect("a store").len() / 1024;
    sign_all(0..WARM).await;
    let (before, stored, begun) = (resident(&dev), size(), Instant::now());
    sign_all(WARM..WARM + people).await;
    let (after, took) = (resident(&dev), begun.elapsed());
    println!(
        "{people} people in {took:.0?}: {before} KiB, then {after} KiB; the store: {stored} KiB, then {} KiB",
        size()
    );
    let each = after.saturating_sub(before) * 1024 / people;
    println!("memory of the replica: {each} bytes for each person");
    assert!(each < MAX_EACH, "{each} bytes for each of {people} people");
}

/// The record of a person who has signed in.
async fn usual_person() -> Record {
    let world = World::new().await;
    let groups: Vec<_> = (0..USUAL_GROUPS).map(|number| format!("department-{number}")).collect();
    let page = world.sign_in("corp", |script| script.id_token = json!({"groups": groups})).await;
    let id_token = world.id_token(&page).await;
    let owner = IndexEntry::new(IndexKind::User, id_token["sub"].as_str().expect("a subject"));
    let (store, tenant) = (&world.app.store, TenantId::new("default", "main"));
    let found = store.list(RecordKind::Person, &tenant, &owner, world.app.clock.now()).await;
    found.expect("the store").remove(0).record
}

/// Writes the record of another person of the same size.
async fn write_person(store: &EmbeddedStore, usual: &Record, number: usize) {
    let now = Timestamp::from_secs(1_900_000_000);
    // As long as a UUID.
    let subject = format!("{number:0>36}");
    let mut record = usual.clone();
    record.key.id = sha256_base64url(&subject);
    record.owners = vec![IndexEntry::new(IndexKind::User, subject)];
    record.expires_at = now.plus(Duration::from_hours(24));
    assert_eq!(store.insert(record, now).await, Ok(true), "person {number}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement of minutes, described in docs/performance.md"]
async fn the_store_grows_with_people_by_their_records() {
    let people: usize =
        env::var("LANYARD_STORED_PEOPLE").map_or(100_000, |text| text.parse().expect("a number"));
    let usual = usual_person().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.redb");
    let store = EmbeddedStore::open(&path, &SystemEntropy::new(), || 0).expect("it opens");
    let size = || fs::metadata(&path).expect("a store").len();
    let (empty, begun) = (size(), Instant::now());
    let all = stream::iter((0..people).map(|number| write_person(&store, &usual, number)));
    all.buffer_unordered(WRITES).collect::<Vec<()>>().await;
    let each = (size() - empty) / u64::try_from(people).expect("a count");
    println!(
        "{people} people in {:.0?}, each with a record of {} bytes: {each} bytes of the store for each, so {} MiB for a million",
        begun.elapsed(),
        usual.value.len(),
        each * 1_000_000 / (1024 * 1024)
    );
    assert!(each < MAX_STORED_EACH, "{each} bytes for each of {people} people");
}
