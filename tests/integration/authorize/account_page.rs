//! The account page: how people reach it, what it shows, and that its forms are its own.

use std::time::Duration;

use lanyard::{
    model::{Clock as _, TenantId},
    store::{IndexEntry, IndexKind, RecordKind},
};

use super::{
    browser::{Browser, Form, Page, agree},
    world::{ALICE, BOB, World, is_sign_in, sign_in},
};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

pub fn account_url(world: &World) -> String {
    format!("{}/account", world.app.issuer("shop"))
}

/// The account page of a browser that is signed in.
pub async fn account_page(world: &World, browser: &Browser) -> Page {
    let page = browser.open(&account_url(world)).await;
    assert!(is_account_page(&page), "{}: {}", page.status, page.body);
    page
}

pub fn is_account_page(page: &Page) -> bool {
    page.status == 200 && page.url.path().ends_with("/account") && page.body.contains("My appl")
}

/// Presses a button of the account page.
pub async fn press(browser: &Browser, page: &Page, button: (&str, &str)) -> Page {
    let (name, value) = button;
    assert!(page.body.contains(&format!("name=\"{name}\" value=\"{value}\"")), "{}", page.body);
    browser.submit(&page.form("/account"), &[button]).await
}

#[tokio::test]
async fn the_root_of_the_issuer_leads_there_after_a_sign_in() {
    let world = World::new().await;
    let mut browser = Browser::new();
    browser.send("user-agent", FIREFOX);
    let page = browser.open(&world.app.issuer("shop")).await;
    assert!(is_sign_in(&page), "{}", page.body);
    assert!(page.body.contains("to continue to <strong>your account</strong>"), "{}", page.body);
    let page = sign_in(&browser, &page, (ALICE.0, "wrong")).await;
    assert_eq!(page.status, 422);
    let page = sign_in(&browser, &page, ALICE).await;
    assert!(is_account_page(&page), "{} {}", page.url, page.body);
    for expected in [
        "Alice Rivera",
        "(alice)",
        "Your account is managed here.",
        "Firefox on Linux",
        "This browser",
        "from 127.0.0.1",
        "Used just now",
    ] {
        assert!(page.body.contains(expected), "{expected}: {}", page.body);
    }
    assert_eq!(page.headers["cache-control"], "no-store");
    let line = world.app.audit.last("sign_in");
    assert_eq!(
        (&line["client"], &line["outcome"]),
        (&"default/_account".into(), &"success".into())
    );
    let again = browser.open(&world.app.issuer("shop")).await;
    assert!(is_account_page(&again), "the session suffices");
}

#[tokio::test]
async fn an_unauthenticated_visit_writes_nothing_and_can_be_cancelled() {
    let world = World::new().await;
    let browser = Browser::new();
    let page = browser.open(&account_url(&world)).await;
    let page = browser.submit(&page.form("/login"), &[("action", "cancel")]).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("You are not signed in"), "{}", page.body);
    assert!(page.body.contains("href=\"/default/shop/account\""), "{}", page.body);
    assert!(world.app.audit.lines().is_empty());
}

#[tokio::test]
async fn applications_cannot_use_the_client_of_the_account_page() {
    // The client of the account page's own sign-in is known nowhere else.
    let world = World::new().await;
    let browser = world.alice().await;
    let issuer = world.app.issuer("shop");
    let callback: String =
        form_urlencoded::byte_serialize(account_url(&world).as_bytes()).collect();
    let query = format!(
        "client_id=_account&redirect_uri={callback}&response_type=code&scope=openid&prompt=none"
    );
    let page = browser.open(&format!("{issuer}/oauth/authorize?{query}")).await;
    assert_eq!((page.status, page.left_for), (400, None));
}

#[tokio::test]
async fn tiles_are_the_applications_that_let_the_person_in() {
    let world = World::new().await;
    let browser = world.alice().await;
    let page = account_page(&world, &browser).await;
    let issuer: String =
        form_urlencoded::byte_serialize(world.app.issuer("shop").as_bytes()).collect();
    let notes = format!("href=\"https://notes.test/login?iss={issuer}\"");
    assert!(page.body.contains(&notes), "{}", page.body);
    let policy = page.headers["content-security-policy"].to_str().expect("ASCII");
    assert!(policy.contains("img-src 'self' https://cdn.notes.test;"), "{policy}");
    for absent in ["Payroll", "Elsewhere", "https://elsewhere.test"] {
        assert!(!page.body.contains(absent), "{absent}: {}", page.body);
    }
    world.change("  name: Alice Rivera\n", "  name: Alice Rivera\n  groups: [finance]\n");
    let page = account_page(&world, &browser).await;
    assert!(page.body.contains("href=\"https://payroll.test\""), "{}", page.body);
}

#[tokio::test]
async fn a_person_who_may_use_no_application_reaches_the_page() {
    let world = World::new().await;
    let browser = world.alice().await;
    let refusing = "displayName: Harbour Works\n  access: {groups: [board]}";
    world.change("displayName: Harbour Works", refusing);
    let page = account_page(&world, &browser).await;
    assert!(page.body.contains("There is no application here"), "{}", page.body);
}

#[tokio::test]
async fn applications_with_access_are_listed_with_what_they_may_do() {
    let world = World::new().await;
    let (browser, wiki) = (world.alice().await, world.application("wiki").await);
    let page = account_page(&world, &browser).await;
    assert!(page.body.contains("No application has access"), "{}", page.body);
    let scope = "openid email offline_access";
    let page = agree(&browser, browser.open(&wiki.authorize_url(scope, &[])).await).await;
    assert!(page.answer().contains_key("code"));
    let page = account_page(&world, &browser).await;
    for expected in [
        "Team Wiki",
        "Know who you are. See your email address. Keep access while you are away. Since",
    ] {
        assert!(page.body.contains(expected), "{expected}: {}", page.body);
    }
    // Bob, and Alice's namesake of another tenant, see nothing of it.
    let other = Browser::new();
    let page = other.open(&account_url(&world)).await;
    let page = sign_in(&other, &page, BOB).await;
    assert!(is_account_page(&page) && !page.body.contains("Team Wiki"), "{}", page.body);
    let page = other.open(&format!("{}/account", world.app.issuer("other"))).await;
    let page = sign_in(&other, &page, ALICE).await;
    assert!(is_account_page(&page) && !page.body.contains("Team Wiki"), "{}", page.body);
    assert_eq!(page.body.matches("name=\"session\"").count(), 1, "{}", page.body);
}

#[tokio::test]
async fn a_changed_text_of_the_query_is_harmless() {
    let world = World::new().await;
    let browser = world.alice().await;
    for query in ["?done=<script>", "?tiles=999999999999999999999", "?sessions=-1", "?sessions=7"] {
        let page = browser.open(&format!("{}{query}", account_url(&world))).await;
        assert!(is_account_page(&page) && !page.body.contains("<script>"), "{}", page.body);
    }
}

/// The fields of a form with a change that ends the session.
fn leaving(form: &Form) -> Vec<(String, String)> {
    let action = [("action".to_owned(), "sign-out".to_owned())];
    form.fields.iter().cloned().chain(action).collect()
}

#[tokio::test]
async fn posts_of_other_sites_are_refused() {
    let world = World::new().await;
    let browser = world.alice().await;
    let form = account_page(&world, &browser).await.form("/account");
    for origin in ["https://evil.test", "null"] {
        let page = browser.post(&account_url(&world), origin, leaving(&form)).await;
        assert_eq!(page.status, 400, "{origin}");
        assert!(page.body.contains("sent from another site"), "{}", page.body);
    }
    account_page(&world, &browser).await;
}

#[tokio::test]
async fn forms_count_in_their_session_only() {
    let world = World::new().await;
    let (alice, second) = (world.alice().await, world.alice().await);
    let own = account_page(&world, &alice).await.form("/account");
    let foreign = account_page(&world, &second).await.form("/account");
    let origin = &world.app.origin;
    // Forms with the state of another session, of another purpose, without a state, and with a damaged one.
    let question = alice.open(&format!("{}/oauth/logout", world.app.issuer("shop"))).await;
    let question = question.form("/oauth/logout");
    let damaged = vec![("interaction".to_owned(), own.fields[0].1.replace('a', "b"))];
    for fields in [leaving(&foreign), leaving(&question), damaged, Vec::new()] {
        let page = alice.post(&account_url(&world), origin, &fields).await;
        assert_eq!(page.status, 400, "{fields:?}: {}", page.body);
        account_page(&world, &alice).await;
    }
    // A form of the account page confirms nothing elsewhere.
    let logout = format!("{}/oauth/logout", world.app.issuer("shop"));
    let fields = [own.fields[0].clone(), ("action".to_owned(), "logout".to_owned())];
    assert_eq!(alice.post(&logout, origin, fields).await.status, 400);
    // The form of another tenant.
    let other = Browser::new();
    let page = other.open(&format!("{}/account", world.app.issuer("other"))).await;
    let page = sign_in(&other, &page, ALICE).await;
    let elsewhere = leaving(&page.form("/account"));
    assert_eq!(alice.post(&account_url(&world), origin, elsewhere).await.status, 400);
    account_page(&world, &alice).await;
}

#[tokio::test]
async fn a_form_that_was_open_for_long_or_names_no_change_changes_nothing() {
    let world = World::new().await;
    let browser = world.alice().await;
    let page = account_page(&world, &browser).await;
    let unknown = browser.submit(&page.form("/account"), &[("action", "dance")]).await;
    assert_eq!(unknown.status, 400);
    world.app.clock.advance(Duration::from_mins(17));
    let late = press(&browser, &page, ("action", "sign-out-everywhere")).await;
    assert_eq!(late.status, 400);
    assert!(late.body.contains("This page has expired"), "{}", late.body);
    assert!(late.body.contains("href=\"/default/shop/account\""), "{}", late.body);
    account_page(&world, &browser).await;
}

#[tokio::test]
async fn two_hundred_sessions_and_five_hundred_applications_have_pages() {
    let world = World::new().await;
    let client = |number: usize| {
        format!(
            "---\napiVersion: lanyard.dev/v1alpha1\nkind: OidcClient\nmetadata: {{name: app-{number:03}}}\n\
             spec:\n  tenantRef: {{name: shop}}\n  clientName: Application {number:03}\n  consent: Implied\n\
             \x20 clientUri: https://app-{number}.test\n  logoUri: https://app-{number}.test/logo.png\n\
             \x20 redirectUris: [\"https://rp.test/cb\"]\n  secretRef: {{name: wiki-secret}}\n"
        )
    };
    let clients: String = (0..500).map(client).collect();
    let manifests = include_str!("manifests.yaml").trim_end();
    world.app.serve(&format!("{manifests}\n{clients}"));
    let browser = world.alice().await;
    let tenant = TenantId::new("default", "shop");
    let subject = world.app.subject("shop", "alice");
    let owner = IndexEntry::new(IndexKind::User, &*subject);
    let (store, now) = (&world.app.store, world.app.clock.now());
    let list = store.list(RecordKind::Session, &tenant, &owner, now).await.expect("the store");
    for number in 0..199 {
        let mut copy = list[0].record.clone();
        copy.key.id = format!("copy-{number}");
        assert!(store.insert(copy, now).await.expect("the store"));
    }
    let page = account_page(&world, &browser).await;
    assert!(page.body.contains("Page 1 of 21") && page.body.contains("Page 1 of 20"));
    assert_eq!(page.body.matches("class=\"tile\"").count(), 24);
    assert_eq!(page.body.matches("name=\"session\"").count(), 10);
    assert!(page.body.len() < 40_000, "{}", page.body.len());
    let headers: usize =
        page.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    assert!(headers < 3_000, "{headers} bytes of headers");
    let last = browser.open(&format!("{}?tiles=21", account_url(&world))).await;
    assert!(last.body.contains("Application 499") && last.body.contains("rel=\"prev\""));
}
