//! A store that was lost, that is an earlier one, or whose records a writer of the database has moved: a thief of a password
//! sets nothing up, and an authenticator stays that of its person.

use std::time::Duration;

use lanyard::{
    model::{Clock as _, InvitationLedger as _, UserInvitation, sha256_base64url},
    store::{IndexEntry, IndexKind, Record, RecordKind},
};

use super::{
    account_page::{is_account_page, press},
    authenticator::{App, asks_for_code, enter, recover, recovery_codes},
    browser::{Browser, Page},
    passkeys::passkey_link,
    required_factors::{
        BOB, CHOSEN, Harbour, INVITES_BOB, MANIFESTS, OPTIONAL, PASSKEYS, asks_for_invitation,
        choose, confirm_app,
    },
    world::sign_in,
};
use crate::support::{
    invitation::{invitation_link, invited_user, ledger},
    passkeys::{confirm_passkey, new_passkey, script_bytes},
    soft_authenticator::SoftPasskey,
};

const ADA: (&str, &str) = ("ada", CHOSEN);
const KINDS: [RecordKind; 5] = [
    RecordKind::Totp,
    RecordKind::RecoveryCodes,
    RecordKind::Password,
    RecordKind::Invitation,
    RecordKind::Session,
];

/// The records of a person, as in a backup.
async fn snapshot(harbour: &Harbour, user: &str) -> Vec<Record> {
    let mut records = Vec::new();
    for kind in KINDS {
        let stored = harbour.stored(kind, user).await;
        records.extend(stored.into_iter().map(|stored| stored.record));
    }
    records
}

/// Puts a snapshot in place of the person's records.
async fn restore(harbour: &Harbour, user: &str, records: Vec<Record>) {
    let (store, now) = (&harbour.app.store, harbour.app.clock.now());
    for present in snapshot(harbour, user).await {
        store.take(&present.key, now).await.expect("the store");
    }
    for record in records {
        assert_eq!(store.insert(record, now).await, Ok(true));
    }
}

/// Bob's app, which he sets up by his invitation.
async fn bob_with_app(harbour: &Harbour) -> App {
    let browser = Browser::new();
    let page = browser.open(&invitation_link(&harbour.app, "bob")).await;
    let mut app = App::with_key(&page);
    let page = confirm_app(&browser, &page, &app.code(&harbour.app.clock)).await;
    app.codes = recovery_codes(&page);
    app
}

#[tokio::test]
async fn an_invitation_of_the_manifest_works_again_after_the_store_was_lost() {
    let harbour = Harbour::new().await;
    harbour.accept_with_app().await;
    let link = invitation_link(&harbour.app, "ada");
    assert!(Browser::new().open(&link).await.body.contains("This invitation was used"));
    restore(&harbour, "ada", Vec::new()).await;
    let (_, page) = harbour.enter(ADA).await;
    assert_eq!(page.status, 422, "the password is lost too: {}", page.body);
    let browser = Browser::new();
    let page = choose(&browser, &browser.open(&link).await).await;
    let app = App::with_key(&page);
    let page = confirm_app(&browser, &page, &app.code(&harbour.app.clock)).await;
    assert_eq!(recovery_codes(&page).len(), 10);
    assert!(Browser::new().open(&link).await.body.contains("This invitation was used"));
}

#[tokio::test]
async fn a_password_thief_cannot_enrol_at_a_store_from_before_the_enrolment() {
    let harbour = Harbour::with(&[INVITES_BOB]).await;
    let backup = snapshot(&harbour, "bob").await;
    bob_with_app(&harbour).await;
    restore(&harbour, "bob", backup).await;
    // The manifest has no invitation any more.
    harbour.change(&[]);
    for step in ["", "?setup=authenticator-app", "?setup=passkey", "?confirm=1"] {
        let thief = Browser::new();
        let page = thief.open(&format!("{}{step}", harbour.account_url())).await;
        let page = sign_in(&thief, &page, BOB).await;
        assert!(asks_for_invitation(&page, "You need an authenticator app"), "{}", page.body);
    }
    assert!(harbour.has_nothing("bob").await);
}

#[tokio::test]
async fn a_password_thief_cannot_enrol_at_a_store_with_an_earlier_app() {
    let harbour = Harbour::new().await;
    let (browser, first) = harbour.accept_with_app().await;
    let backup = snapshot(&harbour, "ada").await;
    let page = browser.open(&format!("{}?setup=authenticator-app", harbour.account_url())).await;
    let second = App::with_key(&page);
    let code = second.code(&harbour.app.clock);
    let fields = [("code", &*code), ("action", "confirm-authenticator-app")];
    assert!(is_account_page(&browser.submit(&page.form("/account"), &fields).await));
    harbour.app.clock.advance(Duration::from_secs(30));
    restore(&harbour, "ada", backup).await;

    let (thief, page) = harbour.enter(ADA).await;
    assert!(asks_for_code(&page), "{} {}", page.status, page.body);
    let refused = enter(&thief, &page, &second.code(&harbour.app.clock)).await;
    assert_eq!(refused.status, 422, "the later app is not known");
    let page = thief.open(&format!("{}?setup=authenticator-app", harbour.account_url())).await;
    assert!(page.body.contains("name=\"password\""), "no session: {}", page.body);
    let asked = sign_in(&thief, &page, ADA).await;
    assert!(asks_for_code(&asked), "{}", asked.body);
    let page = enter(&thief, &asked, &first.next_code(&harbour.app.clock)).await;
    assert!(is_account_page(&page), "the earlier app is hers: {} {}", page.status, page.body);
}

#[tokio::test]
async fn a_used_invitation_stays_used_without_its_record() {
    let harbour = Harbour::new().await;
    harbour.accept_with_app().await;
    let link = invitation_link(&harbour.app, "ada");
    for stored in harbour.stored(RecordKind::Invitation, "ada").await {
        let now = harbour.app.clock.now();
        harbour.app.store.take(&stored.record.key, now).await.expect("the store");
    }
    let page = Browser::new().open(&link).await;
    assert!(page.body.contains("This invitation was used"), "{}", page.body);
    assert!(harbour.is_redeemed("ada").await, "the controller deletes the Secret with the link");
}

#[tokio::test]
async fn a_used_invitation_is_known_while_its_tenant_is_not_served() {
    let harbour = Harbour::with(&[INVITES_BOB]).await;
    harbour.accept_with_app().await;
    let [ada, bob] = ["ada", "bob"].map(|name| invited_user(&harbour.app, name));
    let record = harbour.stored(RecordKind::Invitation, "ada").await.remove(0);
    harbour.app.serve_with_problems(&MANIFESTS.replace("{name: shop, uid", "{name: shops, uid"));
    let is_used = async |invited: &UserInvitation| ledger(&harbour.app).is_redeemed(invited).await;
    assert_eq!((is_used(&ada).await, is_used(&bob).await), (Ok(true), Ok(false)), "by its record");
    let (store, now) = (&harbour.app.store, harbour.app.clock.now());
    assert!(store.take(&record.record.key, now).await.expect("the store").is_some());
    assert_eq!(is_used(&ada).await, Ok(true), "by what it set up");
}

#[tokio::test]
async fn a_used_invitation_without_its_record_gets_it_before_what_it_set_up_is_removed() {
    let harbour = Harbour::new().await;
    harbour.accept_with_app().await;
    let link = invitation_link(&harbour.app, "ada");
    let remove = async |kinds: &[RecordKind]| {
        for kind in kinds {
            for stored in harbour.stored(*kind, "ada").await {
                let now = harbour.app.clock.now();
                harbour.app.store.take(&stored.record.key, now).await.expect("the store");
            }
        }
    };
    remove(&[RecordKind::Invitation]).await;
    assert!(harbour.is_redeemed("ada").await, "the controller looks every 15 seconds");
    remove(&[RecordKind::Totp, RecordKind::RecoveryCodes, RecordKind::Password]).await;
    let page = Browser::new().open(&link).await;
    assert!(page.body.contains("This invitation was used"), "{}", page.body);
    assert!(harbour.is_redeemed("ada").await);
}

/// Ada removes what she set up with her invitation, before the holder of the Lease has looked.
async fn remove_own_authenticator(browser: &Browser, page: &Page, is_passkey: bool) -> Page {
    if !is_passkey {
        return press(browser, page, ("action", "remove-authenticator-app")).await;
    }
    let form = browser.open(&passkey_link(page)).await.form("/account");
    browser.submit(&form, &[("action", "remove-passkey")]).await
}

#[tokio::test]
async fn an_authenticator_that_its_owner_removes_leaves_its_invitation_used() {
    for is_passkey in [false, true] {
        let harbour = Harbour::new().await;
        let browser = if is_passkey {
            harbour.change(&[PASSKEYS]);
            harbour.accept_with_passkey("ada", true).await.0
        } else {
            harbour.accept_with_app().await.0
        };
        harbour.change(&[OPTIONAL]);
        let link = invitation_link(&harbour.app, "ada");
        let record = harbour.stored(RecordKind::Invitation, "ada").await.remove(0).record;
        let now = harbour.app.clock.now();
        assert!(harbour.app.store.take(&record.key, now).await.expect("the store").is_some());
        let page = browser.open(&harbour.account_url()).await;
        let page = remove_own_authenticator(&browser, &page, is_passkey).await;
        assert!(page.body.contains("was removed"), "{} {}", page.status, page.body);
        let page = Browser::new().open(&link).await;
        assert!(page.body.contains("This invitation was used"), "{is_passkey}: {}", page.body);
        assert!(harbour.is_redeemed("ada").await);
    }
}

/// Bob sets up a passkey by his invitation: this one, or a new one.
async fn bob_with_passkey(harbour: &Harbour, known: Option<SoftPasskey>) -> SoftPasskey {
    let browser = Browser::new();
    let page = browser.open(&invitation_link(&harbour.app, "bob")).await;
    let passkey = known.unwrap_or_else(|| new_passkey(&page));
    let created = passkey.create(&script_bytes(&page, "challenge"));
    let page = confirm_passkey(&browser, &page, &created).await;
    assert_eq!(recovery_codes(&page).len(), 10);
    passkey
}

#[tokio::test]
async fn an_authenticator_in_place_of_a_reset_one_leaves_its_invitation_used() {
    for is_passkey in [false, true] {
        let harbour = Harbour::new().await;
        let serve = |reset: &str, id: &str| {
            let invitation = format!("{{id: {id}, notAfter: \"2999-01-01T00:00:00Z\"}}");
            let bob = format!("{}{reset}  invitation: {invitation}\n", INVITES_BOB.0);
            let changes = [(INVITES_BOB.0, bob.as_str()), PASSKEYS];
            harbour.change(&changes[..=usize::from(is_passkey)]);
        };
        let set_up = async |known: Option<SoftPasskey>| {
            if is_passkey {
                return Some(bob_with_passkey(&harbour, known).await);
            }
            bob_with_app(&harbour).await;
            None
        };
        serve("", "b-1");
        let passkey = set_up(None).await;
        let record = harbour.stored(RecordKind::Invitation, "bob").await.remove(0).record;
        let now = harbour.app.clock.now();
        assert!(harbour.app.store.take(&record.key, now).await.expect("the store").is_some());
        harbour.app.clock.advance(Duration::from_mins(1));
        let reset = format!("  resetAuthenticatorsBefore: \"{}\"\n", harbour.app.clock.now());
        serve(&reset, "b-2");
        set_up(passkey).await;
        serve(&reset, "b-1");
        let page = Browser::new().open(&invitation_link(&harbour.app, "bob")).await;
        assert!(page.body.contains("This invitation was used"), "{is_passkey}: {}", page.body);
        assert!(harbour.is_redeemed("bob").await);
    }
}

#[tokio::test]
async fn a_writer_of_the_database_cannot_give_recovery_codes_to_another_person() {
    let harbour = Harbour::with(&[INVITES_BOB]).await;
    let (_, ada) = harbour.accept_with_app().await;
    bob_with_app(&harbour).await;
    let (store, now) = (&harbour.app.store, harbour.app.clock.now());
    let of_ada = harbour.stored(RecordKind::RecoveryCodes, "ada").await.remove(0).record;
    let of_bob = harbour.stored(RecordKind::RecoveryCodes, "bob").await.remove(0);
    let moved = Record { value: of_ada.value, ..of_bob.record.clone() };
    assert_eq!(store.compare_and_swap(of_bob.version, moved, now).await, Ok(true));
    let (browser, page) = harbour.enter(BOB).await;
    let refused = recover(&browser, &page, &ada.codes[0]).await;
    assert_eq!((refused.status, refused.left_for), (500, None), "{}", refused.body);
    assert!(harbour.stored(RecordKind::Session, "bob").await.is_empty());
    let (browser, page) = harbour.enter(ADA).await;
    let page = recover(&browser, &page, &ada.codes[0]).await;
    assert!(page.answer().contains_key("code"), "her own are still accepted: {}", page.body);
}

#[tokio::test]
async fn a_writer_of_the_database_cannot_use_up_the_invitation_of_another_person() {
    let harbour = Harbour::with(&[INVITES_BOB]).await;
    bob_with_app(&harbour).await;
    let of_bob = harbour.stored(RecordKind::Invitation, "bob").await.remove(0).record;
    let ada = harbour.app.subject("shop", "ada");
    let mut moved = of_bob;
    moved.key.id = sha256_base64url(format!("{ada}\0welcome-1"));
    moved.owners = vec![IndexEntry::new(IndexKind::User, ada)];
    let (store, now) = (&harbour.app.store, harbour.app.clock.now());
    let key = moved.key.clone();
    assert_eq!(store.insert(moved, now).await, Ok(true));
    let link = invitation_link(&harbour.app, "ada");
    let page = Browser::new().open(&link).await;
    assert_eq!((page.status, page.left_for), (500, None), "it opens nowhere else: {}", page.body);
    store.take(&key, now).await.expect("the store");
    assert_eq!(Browser::new().open(&link).await.status, 200);
}

#[tokio::test]
async fn a_person_deleted_during_an_invitation_cannot_finish_it() {
    let deleted = [
        ("{name: ada, uid: user-1", "{name: grace, uid: user-7"),
        ("  username: ada\n", "  username: grace\n"),
    ];
    let harbour = Harbour::new().await;
    let link = invitation_link(&harbour.app, "ada");
    let (browser, other) = (Browser::new(), Browser::new());
    let first_page = browser.open(&link).await;
    let factor_page = choose(&other, &other.open(&link).await).await;
    let app = App::with_key(&factor_page);
    harbour.change(&deleted);
    let code = app.code(&harbour.app.clock);
    for page in
        [choose(&browser, &first_page).await, confirm_app(&other, &factor_page, &code).await]
    {
        assert_eq!(page.status, 400, "{}", page.body);
        assert!(page.body.contains("is no longer valid"), "{}", page.body);
    }
    // The same person, if the object was not gone.
    harbour.change(&[]);
    assert!(harbour.has_nothing("ada").await);
}
