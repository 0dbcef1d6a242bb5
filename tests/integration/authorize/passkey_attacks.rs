//! Attacks on passkeys: forged, replayed, copied and borrowed answers of authenticators.

use std::time::Duration;

use futures::future::join_all;
use lanyard::{
    model::{Clock as _, TenantId},
    store::{IndexEntry, IndexKind, Record, RecordKind, VersionedRecord},
};
use serde_json::json;

use super::{
    account_page::{account_page, account_url, is_account_page},
    authenticator::{asks_for_code, recover, recovery_codes},
    browser::{Browser, Page},
    passkeys::{OFFERED, alice_passkey, passkey_link, set_up_both, trusted_url, world},
    world::{ALICE, BOB, World, is_sign_in, sign_in},
};
use crate::support::{
    mail::{MailServerMood, MailSink},
    passkeys::{
        confirm_passkey, new_passkey, open_setup, passkey_form, script_bytes, send_answer,
        set_up_passkey, use_passkey,
    },
    soft_authenticator::{SoftPasskey, USER_VERIFIED},
};

/// The sign-in page in a new browser.
async fn sign_in_page(world: &World) -> (Browser, Page) {
    let browser = Browser::new();
    let page = browser.open(&trusted_url(world, &[]).await).await;
    assert!(is_sign_in(&page), "{}", page.body);
    (browser, page)
}

/// Asserts that a page is the sign-in page with the words for every wrong passkey.
fn assert_refused(world: &World, page: &Page, reason: &str) {
    assert_eq!(page.status, 422, "{reason}: {}", page.body);
    assert!(page.body.contains("This passkey cannot be used here."), "{reason}: {}", page.body);
    assert!(is_sign_in(page), "{}", page.body);
    let line = world.app.audit.last("sign_in");
    assert_eq!((&line["outcome"], &line["reason"]), (&json!("failure"), &json!(reason)));
}

/// The passkey records of a person.
async fn stored(world: &World, username: &str) -> Vec<VersionedRecord> {
    let tenant = TenantId::new("default", "shop");
    let owner = IndexEntry::new(IndexKind::User, world.app.subject("shop", username));
    let now = world.app.clock.now();
    world.app.store.list(RecordKind::Passkey, &tenant, &owner, now).await.expect("the store")
}

#[tokio::test]
async fn an_answer_counts_once_also_at_two_replicas() {
    let world = world().await;
    let mut passkey = alice_passkey(&world).await;
    let replica = world.app.start_replica();
    let (mut browser, page) = sign_in_page(&world).await;
    let used = passkey.get(&script_bytes(&page, "challenge"));
    let signed_in = send_answer(&browser, &page, &passkey, &used).await;
    assert!(signed_in.answer().contains_key("code"));
    for port in [world.app.address.port(), replica.address.port()] {
        browser.reach(port);
        let replayed = send_answer(&browser, &page, &passkey, &used).await;
        assert_eq!(replayed.status, 422, "{}", replayed.body);
        assert!(replayed.body.contains("was used with it already"), "{}", replayed.body);
    }
    // At the same moment.
    let (mut browser, page) = sign_in_page(&world).await;
    browser.reach(world.app.address.port());
    let used = passkey.get(&script_bytes(&page, "challenge"));
    let answers = (0..6).map(|_| send_answer(&browser, &page, &passkey, &used));
    let answers = join_all(answers).await;
    assert_eq!(answers.iter().filter(|it| it.left_for.is_some()).count(), 1);
    assert_eq!(replica.audit.last("sign_in")["reason"], "replayed_passkey");
}

#[tokio::test]
async fn a_challenge_is_of_its_page_browser_and_five_minutes() {
    let world = world().await;
    let mut passkey = alice_passkey(&world).await;
    let (victim, page) = sign_in_page(&world).await;
    let used = passkey.get(&script_bytes(&page, "challenge"));
    // A thief has the answer and the challenge, but another browser.
    let (thief, own) = sign_in_page(&world).await;
    let challenge = passkey_form(&page).expect("a form").fields;
    let challenge = challenge.into_iter().find(|(name, _)| name == "challenge").expect("sealed").1;
    let mut form = passkey_form(&own).expect("a form");
    let encoded = |bytes: &[u8]| {
        base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bytes)
    };
    form.fields.retain(|(name, _)| name == "interaction" || name == "action");
    for (name, value) in [
        ("challenge", challenge),
        ("credential_id", encoded(&passkey.id)),
        ("user_handle", encoded(&passkey.user_handle)),
        ("client_data", encoded(&used.client_data)),
        ("authenticator_data", encoded(&used.authenticator_data)),
        ("signature", encoded(&used.signature)),
    ] {
        form.fields.push((name.to_owned(), value));
    }
    let stolen = thief.submit(&form, &[]).await;
    assert_eq!((stolen.status, stolen.left_for), (422, None), "{}", stolen.body);
    // Its own challenge does not fit the answer.
    assert_refused(&world, &send_answer(&thief, &own, &passkey, &used).await, "wrong_passkey");
    world.app.clock.advance(Duration::from_secs(301));
    let late = send_answer(&victim, &page, &passkey, &used).await;
    assert_eq!(late.status, 422);
    assert!(late.body.contains("more than five minutes"), "{}", late.body);
    let page = use_passkey(&victim, &late, &mut passkey).await;
    assert!(page.answer().contains_key("code"), "the page has a new challenge: {}", page.body);
}

#[tokio::test]
async fn a_passkey_of_one_tenant_is_unknown_at_another_on_the_same_host() {
    let world = world().await;
    world.change_all(&[
        OFFERED,
        (
            "metadata: {name: other}\nspec: {}",
            "metadata: {name: other}\nspec: {authenticators: {passkeys: Optional}}",
        ),
    ]);
    let mut passkey = alice_passkey(&world).await;
    let browser = Browser::new();
    let url = format!("{}/account", world.app.issuer("other"));
    let page = browser.open(&url).await;
    assert!(passkey_form(&page).is_some(), "{}", page.body);
    let refused = use_passkey(&browser, &page, &mut passkey).await;
    assert_refused(&world, &refused, "wrong_passkey");
    // The record cannot be copied to the other tenant either.
    let mut record = stored(&world, "alice").await.pop().expect("a passkey").record;
    record.key.tenant = TenantId::new("default", "other");
    let now = world.app.clock.now();
    assert_eq!(world.app.store.insert(record, now).await, Ok(true));
    let refused = use_passkey(&browser, &refused, &mut passkey).await;
    assert_eq!((refused.status, refused.left_for), (500, None), "{}", refused.body);
}

#[tokio::test]
async fn a_clone_is_noticed_by_its_counter() {
    let world = world().await;
    let browser = world.alice().await;
    let page = open_setup(&browser, &account_url(&world)).await;
    let mut passkey = new_passkey(&page);
    (passkey.sign_count, passkey.step) = (41, 1);
    let created = passkey.create(&script_bytes(&page, "challenge"));
    assert_eq!(confirm_passkey(&browser, &page, &created).await.status, 200);
    let (browser, page) = sign_in_page(&world).await;
    let page = use_passkey(&browser, &page, &mut passkey).await;
    assert!(page.answer().contains_key("code"), "{}", page.body);
    (passkey.sign_count, passkey.step) = (39, 1);
    assert_copied(&world, &mut passkey).await;
}

#[tokio::test]
async fn two_answers_in_the_wrong_order_do_not_show_a_copy() {
    let world = world().await;
    let browser = world.alice().await;
    let page = open_setup(&browser, &account_url(&world)).await;
    let mut passkey = new_passkey(&page);
    (passkey.sign_count, passkey.step) = (41, 1);
    let created = passkey.create(&script_bytes(&page, "challenge"));
    assert_eq!(confirm_passkey(&browser, &page, &created).await.status, 200);
    let (one, first) = sign_in_page(&world).await;
    let (other, second) = sign_in_page(&world).await;
    let earlier = passkey.get(&script_bytes(&first, "challenge"));
    let later = passkey.get(&script_bytes(&second, "challenge"));
    world.app.clock.advance(Duration::from_secs(1));
    for (browser, page, used) in [(&other, &second, &later), (&one, &first, &earlier)] {
        let page = send_answer(browser, page, &passkey, used).await;
        assert!(page.answer().contains_key("code"), "{}", page.body);
    }
    // The recorded counter is the higher one, and a page that is opened later shows a copy.
    world.app.clock.advance(Duration::from_secs(1));
    passkey.sign_count = 41;
    assert_copied(&world, &mut passkey).await;
}

/// Asserts that a passkey is refused because a copy of it may exist.
async fn assert_copied(world: &World, passkey: &mut SoftPasskey) {
    let (browser, page) = sign_in_page(world).await;
    let refused = use_passkey(&browser, &page, passkey).await;
    assert_eq!(refused.status, 422, "{}: {}", passkey.sign_count, refused.body);
    assert!(refused.body.contains("a copy of it may exist"), "{}", refused.body);
    let line = world.app.audit.last("sign_in");
    assert_eq!((&line["reason"], &line["username"]), (&json!("cloned_passkey"), &json!("alice")));
}

#[tokio::test]
async fn a_copied_passkey_is_refused_until_it_is_removed() {
    let world = world().await;
    let mut sink = MailSink::start(MailServerMood::Takes).await;
    let (mail, secret) = sink.manifests();
    let offered = OFFERED.1.replacen("  authenticators", &format!("{mail}  authenticators"), 1);
    let passwords = "stringData: {alice: correct horse, bob: battery staple}\n";
    world.change_all(&[(OFFERED.0, &offered), (passwords, &format!("{passwords}{secret}"))]);
    let browser = world.alice().await;
    let page = open_setup(&browser, &account_url(&world)).await;
    let mut passkey = new_passkey(&page);
    (passkey.sign_count, passkey.step) = (40, 1);
    let created = passkey.create(&script_bytes(&page, "challenge"));
    let page = confirm_passkey(&browser, &page, &created).await;
    let codes = recovery_codes(&page);
    for _ in 0..3 {
        let (browser, page) = sign_in_page(&world).await;
        let page = use_passkey(&browser, &page, &mut passkey).await;
        assert!(page.answer().contains_key("code"), "{}", page.body);
    }
    let count = passkey.sign_count;
    // The copy is three uses behind, and each refusal raises its counter.
    passkey.sign_count = count - 3;
    for _ in 0..10 {
        assert_copied(&world, &mut passkey).await;
        world.app.clock.advance(Duration::from_mins(1));
    }
    // The original.
    passkey.sign_count = count + 100;
    assert_copied(&world, &mut passkey).await;

    // The mails about the setup come first.
    let mut notice = sink.next().await;
    while !notice.text().contains("a copy of it may exist") {
        assert!(notice.text().contains("set up") || notice.text().contains("codes"));
        notice = sink.next().await;
    }
    assert!(notice.text().contains("refused from now on"), "{}", notice.text());
    assert!(!notice.text().contains("ignore this e-mail"), "{}", notice.text());

    // It is removed by another way to sign in.
    let browser = Browser::new();
    let page = sign_in(&browser, &browser.open(&account_url(&world)).await, ALICE).await;
    assert!(page.body.contains("Refused since"), "{}", page.body);
    let page = browser.open(&passkey_link(&page)).await;
    assert_eq!(recover(&browser, &page, &codes[0]).await.status, 200);
    let page = account_page(&world, &browser).await;
    let page = browser.open(&passkey_link(&page)).await;
    let page = browser.submit(&page.form("/account"), &[("action", "remove-passkey")]).await;
    assert!(page.body.contains("The passkey was removed"), "{}", page.body);
    assert!(!page.body.contains("Refused since"), "{}", page.body);
    set_up_passkey(&browser, &account_url(&world)).await;
}

/// A name, and the change of an authenticator.
type WrongAnswer = (&'static str, fn(&mut SoftPasskey));

#[tokio::test]
async fn wrong_answers_have_one_text() {
    let world = world().await;
    let mut passkey = alice_passkey(&world).await;
    let origin = passkey.origin.clone();
    let handle = passkey.user_handle.clone();
    let changes: [WrongAnswer; 7] = [
        ("another user", |it| it.user_handle = vec![9; 64]),
        ("no user", |it| it.user_handle.clear()),
        ("no user verification", |it| it.flags &= !USER_VERIFIED),
        ("another site", |it| "https://evil.test".clone_into(&mut it.origin)),
        ("another relying party", |it| "evil.test".clone_into(&mut it.rp_id)),
        ("in a frame", |it| {
            it.client_data.insert("crossOrigin".to_owned(), json!(true));
        }),
        ("another credential", |it| it.id[0] ^= 1),
    ];
    for (what, change) in changes {
        let (id, flags) = (passkey.id.clone(), passkey.flags);
        change(&mut passkey);
        let (browser, page) = sign_in_page(&world).await;
        let refused = use_passkey(&browser, &page, &mut passkey).await;
        assert!(refused.left_for.is_none(), "{what}");
        assert_refused(&world, &refused, "wrong_passkey");
        (passkey.id, passkey.flags) = (id, flags);
        (passkey.user_handle, passkey.origin) = (handle.clone(), origin.clone());
        "localhost".clone_into(&mut passkey.rp_id);
        passkey.client_data.clear();
    }
    let (browser, page) = sign_in_page(&world).await;
    let mut stranger = SoftPasskey::new(&origin, "localhost");
    stranger.id.clone_from(&passkey.id);
    stranger.user_handle.clone_from(&handle);
    let forged = use_passkey(&browser, &page, &mut stranger).await;
    assert_refused(&world, &forged, "wrong_passkey");
    let page = use_passkey(&browser, &page, &mut passkey).await;
    assert!(page.answer().contains_key("code"), "{}", page.body);
}

#[tokio::test]
async fn wrong_passkeys_are_throttled_by_address() {
    let world = world().await;
    let mut passkey = alice_passkey(&world).await;
    let (mut browser, page) = sign_in_page(&world).await;
    let mut stranger = SoftPasskey::new(&passkey.origin, "localhost");
    for _ in 0..10 {
        let refused = use_passkey(&browser, &page, &mut stranger).await;
        assert_eq!(refused.status, 422);
    }
    let refused = use_passkey(&browser, &page, &mut passkey).await;
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(world.app.audit.last("attempt_throttled")["attempt"], "sign_in");
    world.app.clock.advance(Duration::from_secs(2));
    browser.reach(world.app.address.port());
    let page = use_passkey(&browser, &page, &mut passkey).await;
    assert!(page.answer().contains_key("code"), "{}", page.body);
}

#[tokio::test]
async fn the_passkey_of_another_person_is_refused_as_second_factor() {
    let world = world().await;
    let bob = Browser::new();
    let page = sign_in(&bob, &bob.open(&account_url(&world)).await, BOB).await;
    assert!(is_account_page(&page));
    let (mut of_bob, _) = set_up_passkey(&bob, &account_url(&world)).await;
    let alice = world.alice().await;
    let (mut passkey, _) = set_up_both(&world, &alice).await;
    let (browser, page) = sign_in_page(&world).await;
    let page = sign_in(&browser, &page, ALICE).await;
    assert!(asks_for_code(&page), "{}", page.body);
    let refused = use_passkey(&browser, &page, &mut of_bob).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(asks_for_code(&refused), "{}", refused.body);
    let line = world.app.audit.last("sign_in");
    assert_eq!((&line["reason"], &line["username"]), (&json!("wrong_passkey"), &json!("alice")));
    // Her own passkey with the user handle of another person.
    let handle = std::mem::replace(&mut passkey.user_handle, of_bob.user_handle.clone());
    let refused = use_passkey(&browser, &refused, &mut passkey).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    passkey.user_handle = handle;
    let page = use_passkey(&browser, &refused, &mut passkey).await;
    assert!(page.answer().contains_key("code"), "{}", page.body);
}

#[tokio::test]
async fn a_person_who_is_deleted_meanwhile_sets_up_no_passkey() {
    let world = world().await;
    let alice = world.alice().await;
    let page = open_setup(&alice, &account_url(&world)).await;
    let passkey = new_passkey(&page);
    let created = passkey.create(&script_bytes(&page, "challenge"));
    world.change_all(&[OFFERED, ("username: alice\n  name: Alice Rivera", "username: alicia")]);
    let answer = confirm_passkey(&alice, &page, &created).await;
    assert!(is_sign_in(&answer), "{} {}", answer.status, answer.body);
    assert!(world.app.audit.of("authenticator_enrolled").is_empty());
}

#[tokio::test]
async fn a_writer_of_the_database_cannot_give_a_passkey_to_another_person() {
    let world = world().await;
    let mut passkey = alice_passkey(&world).await;
    let of_alice = stored(&world, "alice").await.pop().expect("a passkey");
    let now = world.app.clock.now();
    // Under another owner it stays Alice's.
    let bob = IndexEntry::new(IndexKind::User, world.app.subject("shop", "bob"));
    let moved = Record { owners: vec![bob.clone()], ..of_alice.record.clone() };
    let written = world.app.store.compare_and_swap(of_alice.version, moved, now).await;
    assert_eq!(written, Ok(true));
    let browser = Browser::new();
    let page = sign_in(&browser, &browser.open(&account_url(&world)).await, BOB).await;
    assert!(is_account_page(&page) && !page.body.contains("?passkey="), "{}", page.body);
    let (browser, page) = sign_in_page(&world).await;
    let page = use_passkey(&browser, &page, &mut passkey).await;
    assert!(page.answer().contains_key("code"));
    let page = account_page(&world, &browser).await;
    assert!(page.body.contains("Alice Rivera"), "{}", page.body);
    // Under the id of another credential it opens nowhere.
    let mut record = of_alice.record;
    record.key.id = lanyard::model::sha256_base64url([7_u8; 32]);
    record.owners = vec![bob];
    assert_eq!(world.app.store.insert(record, now).await, Ok(true));
    passkey.id = vec![7; 32];
    let (browser, page) = sign_in_page(&world).await;
    let refused = use_passkey(&browser, &page, &mut passkey).await;
    assert_eq!((refused.status, refused.left_for), (500, None), "{}", refused.body);
}

#[tokio::test]
async fn the_thief_of_a_stale_session_adds_and_removes_no_passkey() {
    let world = world().await;
    let browser = world.alice().await;
    let setup = open_setup(&browser, &account_url(&world)).await;
    let passkey = new_passkey(&setup);
    let created = passkey.create(&script_bytes(&setup, "challenge"));
    world.app.clock.advance(Duration::from_mins(7));
    let page = browser.open(&format!("{}?setup=passkey", account_url(&world))).await;
    assert!(is_sign_in(&page), "it wants a fresh sign-in: {}", page.body);
    let late = confirm_passkey(&browser, &setup, &created).await;
    assert_eq!(late.status, 400, "{}", late.body);
    assert!(late.body.contains("This page has expired"), "{}", late.body);
    // No answer makes the old page a new one, also not with the challenge of a sign-in page.
    let challenge = |page: &Page| {
        let mut fields = passkey_form(page).expect("a form").fields.into_iter();
        fields.find(|(name, _)| name == "challenge").expect("sealed").1
    };
    let (_, sign_in_page) = sign_in_page(&world).await;
    let account = account_page(&world, &browser).await.form("/account");
    for sealed in [challenge(&setup), challenge(&sign_in_page)] {
        let fields = [("action", "confirm-passkey"), ("challenge", sealed.as_str())];
        let page = browser.submit(&account, &fields).await;
        assert_eq!(page.status, 400, "{}", page.body);
        assert!(!page.body.contains("Create the passkey"), "{}", page.body);
    }
    assert_eq!(stored(&world, "alice").await.len(), 0);

    // The person sets one up, which ends the stale session. The person's own becomes stale later.
    let person = world.alice().await;
    let (_, _) = set_up_passkey(&person, &account_url(&world)).await;
    let page = browser.open(&account_url(&world)).await;
    assert!(is_sign_in(&page), "the session has ended: {}", page.body);
    world.app.clock.advance(Duration::from_mins(7));
    let page = account_page(&world, &person).await;
    let link = passkey_link(&page);
    let id = link.split("passkey=").nth(1).expect("an id").to_owned();
    assert!(is_sign_in(&person.open(&link).await));
    for action in ["remove-passkey", "rename-passkey"] {
        let fields = [("passkey", id.as_str()), ("name", "Mine"), ("action", action)];
        let page = person.submit(&page.form("/account"), &fields).await;
        assert!(is_sign_in(&page), "{action}: {}", page.body);
    }
    assert_eq!(stored(&world, "alice").await.len(), 1);
    assert_eq!(world.app.audit.of("authenticator_removed"), Vec::<serde_json::Value>::new());
}

#[tokio::test]
async fn an_enrolment_is_of_its_session_and_counts_once() {
    let world = world().await;
    let (alice, bob) = (world.alice().await, Browser::new());
    let page = sign_in(&bob, &bob.open(&account_url(&world)).await, BOB).await;
    assert!(is_account_page(&page));
    let setup = open_setup(&alice, &account_url(&world)).await;
    let own = open_setup(&bob, &account_url(&world)).await;
    let passkey = new_passkey(&own);
    let created = passkey.create(&script_bytes(&own, "challenge"));
    // Bob's passkey with Alice's page, as a confused browser would send it.
    assert_eq!(confirm_passkey(&alice, &setup, &created).await.status, 422);
    let mut form = passkey_form(&setup).expect("a form");
    let sealed = passkey_form(&own).expect("a form").fields;
    let sealed = sealed.into_iter().find(|(name, _)| name == "challenge").expect("sealed").1;
    let encoded = [&created.client_data, &created.attestation_object].map(|bytes| {
        base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bytes)
    });
    form.fields.retain(|(name, _)| name != "challenge");
    let fields = [
        ("challenge", sealed.as_str()),
        ("client_data", &encoded[0]),
        ("attestation_object", &encoded[1]),
    ];
    let page = alice.submit(&form, &fields).await;
    assert_eq!(page.status, 400, "{}", page.body);
    assert_eq!(stored(&world, "alice").await.len(), 0);
    assert_eq!(confirm_passkey(&bob, &own, &created).await.status, 200);
    let again = confirm_passkey(&bob, &own, &created).await;
    assert_eq!(again.status, 400, "{}", again.body);
    assert_eq!(stored(&world, "bob").await.len(), 1);
    // The challenge of an enrolment is not one of a sign-in.
    let (browser, page) = sign_in_page(&world).await;
    let mut form = passkey_form(&page).expect("a form");
    form.fields.retain(|(name, _)| name != "challenge");
    let page = browser.submit(&form, &[("challenge", &sealed)]).await;
    assert_eq!(page.status, 422, "{}", page.body);
}

#[tokio::test]
async fn other_sites_add_remove_and_use_no_passkey() {
    let world = world().await;
    let browser = world.alice().await;
    let setup = open_setup(&browser, &account_url(&world)).await;
    let evil = "https://evil.test";
    let fields = passkey_form(&setup).expect("a form").fields;
    let refused = browser.post(&account_url(&world), evil, &fields).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    let (mut passkey, _) = set_up_passkey(&browser, &account_url(&world)).await;
    let page = account_page(&world, &browser).await;
    let link = passkey_link(&page);
    let mut fields = page.form("/account").fields;
    fields.push(("passkey".to_owned(), link.split('=').next_back().expect("an id").to_owned()));
    fields.push(("action".to_owned(), "remove-passkey".to_owned()));
    let refused = browser.post(&account_url(&world), evil, &fields).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    let (other, page) = sign_in_page(&world).await;
    let url = page.form("/login").action;
    let fields = passkey_form(&page).expect("a form").fields;
    assert_eq!(other.post(url.as_str(), evil, &fields).await.status, 400);
    let page = use_passkey(&other, &page, &mut passkey).await;
    assert!(page.answer().contains_key("code"), "it is still there: {}", page.body);
}
