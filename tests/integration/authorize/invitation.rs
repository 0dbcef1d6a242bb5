//! Invitations: choosing a password by a link, signing in with it, changing it.

use std::time::Duration;

use lanyard::{
    model::{Clock as _, InvitationLedger as _, TenantId, sha256_base64url},
    store::{IndexEntry, IndexKind, RecordKind, VersionedRecord},
};
use serde_json::json;

use super::{
    account_page::is_account_page,
    app::TestApp,
    authenticator::{asks_for_code, enter},
    browser::{Application, Browser, Page},
    world::{CALLBACK, is_sign_in, sign_in},
};
use crate::support::{
    authenticator::set_up_app,
    invitation::{invitation_link, invited_user, ledger},
};

const MANIFESTS: &str = r#"# cluster
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: shop, uid: tenant-1}
spec:
  displayName: Harbour Works
  authenticators: {passwords: Optional, totp: Optional}
---
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: other, uid: tenant-2}
spec: {authenticators: {passwords: Optional}}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: wiki, uid: client-1}
spec:
  tenantRef: {name: shop}
  consent: Implied
  redirectUris: ["https://rp.test/cb"]
  grantTypes: [authorization_code, refresh_token]
  scopes: [openid, offline_access]
  secretRef: {name: wiki-secret}
---
apiVersion: v1
kind: Secret
metadata: {name: wiki-secret}
stringData: {client-secret: "a secret of at least thirty-two characters"}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {name: ada, uid: user-1, generation: 1}
spec:
  tenantRef: {name: shop}
  username: ada
  name: Ada Lovelace
  email: ada@harbour.test
  invitation: {id: welcome-1, notAfter: "2999-01-01T00:00:00Z"}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {name: bob, uid: user-2, generation: 1}
spec:
  tenantRef: {name: shop}
  username: bob
  passwordSecretRef: {name: bob-password}
---
apiVersion: v1
kind: Secret
metadata: {name: bob-password}
stringData: {password: battery staple}
"#;

const CHOSEN: &str = "lantern gravel trombone";
const OTHER: &str = "seventeen mossy anvils";

struct Harbour {
    app: TestApp,
}

impl Harbour {
    async fn new() -> Self {
        Self { app: TestApp::start(MANIFESTS).await }
    }

    /// Serves the manifests with replacements.
    fn change(&self, changes: &[(&str, &str)]) {
        let mut manifests = MANIFESTS.to_owned();
        for (from, to) in changes {
            assert!(manifests.contains(from), "{from}");
            manifests = manifests.replace(from, to);
        }
        self.app.serve(&manifests);
    }

    /// Returns true if Ada has used her invitation, as the controller asks.
    async fn is_redeemed(&self) -> bool {
        let invited = invited_user(&self.app, "ada");
        ledger(&self.app).is_redeemed(&invited).await.expect("the store")
    }

    /// A new link of Ada's invitation, as in its Secret.
    fn link(&self) -> String {
        invitation_link(&self.app, "ada")
    }

    fn account_url(&self) -> String {
        format!("{}/account", self.app.issuer("shop"))
    }

    async fn wiki(&self) -> Application {
        let secret = Some("a secret of at least thirty-two characters");
        Application::discover(&self.app.issuer("shop"), "default.wiki", secret, CALLBACK).await
    }

    /// A browser in which Ada has chosen a password by the link.
    async fn accept(&self, link: &str, password: &str) -> Browser {
        let browser = Browser::new();
        let page = browser.open(link).await;
        let page = choose(&browser, &page, password).await;
        assert!(is_account_page(&page), "{} {}", page.status, page.body);
        browser
    }

    /// The page after the sign-in page, in a new browser.
    async fn enter(&self, password: &str) -> (Browser, Page) {
        let browser = Browser::new();
        let page = browser.open(&self.account_url()).await;
        let page = sign_in(&browser, &page, ("ada", password)).await;
        (browser, page)
    }

    async fn stored(&self, kind: RecordKind) -> Vec<VersionedRecord> {
        let tenant = TenantId::new("default", "shop");
        let owner = IndexEntry::new(IndexKind::User, self.app.subject("shop", "ada"));
        self.app.store.list(kind, &tenant, &owner, self.app.clock.now()).await.expect("the store")
    }

    /// The texts of the page for a link that does not work.
    async fn refusal(&self, link: &str) -> String {
        let page = Browser::new().open(link).await;
        assert_eq!(page.status, 400, "{}", page.body);
        assert!(!page.body.contains("new_password"), "{}", page.body);
        page.body
    }
}

/// Sends the form of the page of an invitation.
async fn choose(browser: &Browser, page: &Page, password: &str) -> Page {
    let fields = [("new_password", password), ("new_password_again", password)];
    browser.submit(&page.form("/invitation"), &fields).await
}

/// Sends the form for a new password on the account page.
async fn change(browser: &Browser, page: &Page, password: &str) -> Page {
    let fields = [
        ("new_password", password),
        ("new_password_again", password),
        ("action", "change-password"),
    ];
    browser.submit(&page.form("/account"), &fields).await
}

#[tokio::test]
async fn an_invited_person_chooses_a_password_and_signs_in_with_it() {
    let harbour = Harbour::new().await;
    let (_, page) = harbour.enter(CHOSEN).await;
    assert_eq!(page.status, 422, "there is no password yet");
    let link = harbour.link();
    assert!(link.starts_with(&format!("{}/invitation?token=", harbour.app.issuer("shop"))));
    let browser = Browser::new();
    let page = browser.open(&link).await;
    assert_eq!(
        (page.status, &page.headers["referrer-policy"]),
        (200, &"same-origin".parse().expect("text"))
    );
    assert!(page.body.contains("You were invited to Harbour Works."), "{}", page.body);
    assert!(page.body.contains("autocomplete=\"new-password\""), "{}", page.body);
    assert!(!harbour.is_redeemed().await);
    let page = choose(&browser, &page, CHOSEN).await;
    assert!(is_account_page(&page), "she is signed in: {} {}", page.status, page.body);
    assert!(page.body.contains("You chose it on"), "{}", page.body);
    assert!(harbour.is_redeemed().await);
    let line = harbour.app.audit.last("invitation_redeemed");
    assert_eq!(line["invitation"], "welcome-1");
    assert_eq!(harbour.app.audit.last("password_changed")["by"], "invitation");
    let line = harbour.app.audit.last("sign_in");
    assert_eq!((&line["outcome"], &line["amr"]), (&json!("success"), &json!(["pwd"])));

    let wiki = harbour.wiki().await;
    let url = wiki.authorize_url("openid", &[]);
    let other = Browser::new();
    let page = sign_in(&other, &other.open(&url).await, ("Ada", CHOSEN)).await;
    let (status, tokens) = wiki.redeem(&page.answer()["code"]).await;
    assert_eq!(status, 200, "{tokens}");
    let (_, page) = harbour.enter("something else entirely").await;
    assert_eq!(page.status, 422);
    assert_eq!(harbour.app.audit.last("sign_in")["reason"], "wrong_password");
}

#[tokio::test]
async fn a_link_survives_being_opened() {
    let harbour = Harbour::new().await;
    let link = harbour.link();
    let _ = Browser::new();
    let client = reqwest::Client::new();
    for _ in 0..3 {
        assert_eq!(client.head(&link).send().await.expect("an answer").status(), 200);
        assert_eq!(client.get(&link).send().await.expect("an answer").status(), 200);
    }
    assert!(harbour.stored(RecordKind::Invitation).await.is_empty());
    assert!(harbour.stored(RecordKind::Session).await.is_empty());
    harbour.accept(&link, CHOSEN).await;
}

#[tokio::test]
async fn all_links_of_an_invitation_work_once_and_a_new_id_is_another_one() {
    let harbour = Harbour::new().await;
    let (first, second) = (harbour.link(), harbour.link());
    assert_ne!(first, second, "the Secret was made again");
    harbour.accept(&second, CHOSEN).await;
    for link in [&first, &second, &harbour.link()] {
        assert!(harbour.refusal(link).await.contains("This invitation was used"));
    }
    assert_eq!(harbour.app.audit.last("invitation_refused")["reason"], "used");
    harbour.change(&[("id: welcome-1", "id: welcome-2")]);
    assert!(harbour.refusal(&first).await.contains("is no longer valid"));
    harbour.accept(&harbour.link(), OTHER).await;
    assert_eq!(harbour.enter(CHOSEN).await.1.status, 422, "the earlier password is gone");
    assert_eq!(harbour.enter(OTHER).await.1.status, 200);
}

#[tokio::test]
async fn one_of_two_tabs_redeems_an_invitation() {
    let harbour = Harbour::new().await;
    let replica = harbour.app.start_replica();
    let link = harbour.link();
    let (first, mut second) = (Browser::new(), Browser::new());
    second.reach(replica.address.port());
    let (one, other) = (first.open(&link).await, second.open(&link).await);
    let (one, other) = tokio::join!(choose(&first, &one, CHOSEN), choose(&second, &other, OTHER));
    let done = [&one, &other].map(is_account_page);
    assert_eq!(done.iter().filter(|done| **done).count(), 1, "{} {}", one.status, other.status);
    let (kept, lost) = if done[0] { (CHOSEN, OTHER) } else { (OTHER, CHOSEN) };
    assert_eq!(harbour.enter(kept).await.1.status, 200);
    assert_eq!(harbour.enter(lost).await.1.status, 422);
}

/// Replacements in the manifests, the text of the page, and the reason of the audit line.
type RefusedCase<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);

#[tokio::test]
async fn links_that_do_not_work_say_why() {
    let harbour = Harbour::new().await;
    let link = harbour.link();
    let here = format!("{}/invitation", harbour.app.issuer("shop"));
    for damaged in [
        here.clone(),
        format!("{here}?token="),
        format!("{here}?token=x"),
        format!("{link}x"),
        link[..link.len() - 9].to_owned(),
    ] {
        let page = harbour.refusal(&damaged).await;
        assert!(page.contains("This link is not valid"), "{damaged}: {page}");
    }
    let elsewhere = link.replace("/shop/invitation", "/other/invitation");
    assert!(harbour.refusal(&elsewhere).await.contains("This link is not valid"));
    let (invitation, user) = ("  invitation: {id: welcome-1", "uid: user-1");
    let cases: [RefusedCase<'_>; 6] = [
        (
            &[(invitation, "  disabled: true\n  invitation: {id: welcome-1")],
            "This account is blocked",
            "disabled",
        ),
        (&[(invitation, "  invitation: {id: welcome-9")], "is no longer valid", "withdrawn"),
        (&[(user, "uid: user-9")], "is no longer valid", "withdrawn"),
        (&[("2999-01-01", "2020-01-01")], "This invitation has expired", "expired"),
        (&[("passwords: Optional, ", "")], "There is nothing to set up", "not_offered"),
        (
            &[(
                invitation,
                "  passwordSecretRef: {name: bob-password}\n  invitation: {id: welcome-1",
            )],
            "There is nothing to set up",
            "not_offered",
        ),
    ];
    for (changes, text, reason) in cases {
        harbour.change(changes);
        let page = harbour.refusal(&link).await;
        assert!(page.contains(text), "{changes:?}: {page}");
        assert_eq!(harbour.app.audit.last("invitation_refused")["reason"], reason);
    }
    harbour.app.stage.keep_no_authenticators();
    harbour.change(&[]);
    assert!(harbour.refusal(&link).await.contains("Your invitation was not used up"));
}

#[tokio::test]
async fn a_link_that_expires_while_the_page_is_open_is_refused() {
    let harbour = Harbour::new().await;
    let soon = harbour.app.clock.now().plus(Duration::from_secs(600)).to_string();
    harbour.change(&[("2999-01-01T00:00:00Z", soon.as_str())]);
    let browser = Browser::new();
    let page = browser.open(&harbour.link()).await;
    harbour.app.clock.advance(Duration::from_secs(601));
    let answer = choose(&browser, &page, CHOSEN).await;
    assert!(answer.body.contains("This invitation has expired"), "{}", answer.body);
    assert!(harbour.stored(RecordKind::Password).await.is_empty());
}

#[tokio::test]
async fn weak_passwords_are_refused_with_a_reason_and_the_link_survives() {
    let harbour = Harbour::new().await;
    let browser = Browser::new();
    let mut page = browser.open(&harbour.link()).await;
    for (weak, text) in [
        ("", "too short"),
        ("short", "too short"),
        ("password1234", "easy to guess"),
        ("adalovelace12", "easy to guess"),
        ("harbourworks1", "easy to guess"),
    ] {
        page = choose(&browser, &page, weak).await;
        assert_eq!(page.status, 422, "{weak}");
        assert!(page.body.contains(text), "{weak}: {}", page.body);
        assert!(weak.is_empty() || !page.body.contains(&format!("value=\"{weak}\"")));
    }
    let fields = [("new_password", CHOSEN), ("new_password_again", OTHER)];
    page = browser.submit(&page.form("/invitation"), &fields).await;
    assert!(page.body.contains("The two passwords differ"), "{}", page.body);
    assert!(harbour.stored(RecordKind::Invitation).await.is_empty());
    assert!(is_account_page(&choose(&browser, &page, CHOSEN).await));
}

#[tokio::test]
async fn the_form_counts_in_its_browser_and_from_its_own_site() {
    let harbour = Harbour::new().await;
    let browser = Browser::new();
    let page = browser.open(&harbour.link()).await;
    let form = page.form("/invitation");
    let fields = || {
        let own = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        own.chain([("new_password", CHOSEN), ("new_password_again", CHOSEN)]).collect::<Vec<_>>()
    };
    let foreign = browser.post(form.action.as_str(), "https://evil.test", fields()).await;
    assert_eq!(foreign.status, 400);
    assert!(foreign.body.contains("another site"), "{}", foreign.body);
    let thief = Browser::new();
    thief.open(&harbour.link()).await;
    let stolen = thief.submit(&form, &fields()).await;
    assert!(stolen.body.contains("This page has expired"), "{}", stolen.body);
    harbour.app.clock.advance(Duration::from_mins(32));
    let late = choose(&browser, &page, CHOSEN).await;
    assert!(late.body.contains("This page has expired"), "{}", late.body);
    assert!(harbour.stored(RecordKind::Password).await.is_empty());
}

#[tokio::test]
async fn a_host_header_does_not_change_a_link() {
    let harbour = Harbour::new().await;
    let _ = Browser::new();
    let client = reqwest::Client::new();
    let answer = client.get(harbour.link()).header("x-forwarded-host", "evil.test").send().await;
    let body = answer.expect("an answer").text().await.expect("text");
    assert!(!body.contains("evil.test"), "{body}");
    assert!(harbour.link().starts_with(&harbour.app.origin));
}

#[tokio::test]
async fn another_password_ends_every_other_session_and_grant() {
    let harbour = Harbour::new().await;
    let browser = harbour.accept(&harbour.link(), CHOSEN).await;
    harbour.app.clock.advance(Duration::from_mins(10));
    let wiki = harbour.wiki().await;
    let (other, page) = harbour.enter(CHOSEN).await;
    assert!(is_account_page(&page));
    let url = wiki.authorize_url("openid offline_access", &[]);
    let code = other.open(&url).await.answer()["code"].clone();
    let (_, tokens) = wiki.redeem(&code).await;
    let refresh = tokens["refresh_token"].as_str().expect("a token").to_owned();
    let unredeemed = other.open(&url).await.answer()["code"].clone();

    let setup = format!("{}?setup=password", harbour.account_url());
    let page = browser.open(&setup).await;
    assert!(is_sign_in(&page), "it wants a fresh sign-in: {}", page.body);
    let page = sign_in(&browser, &page, ("ada", CHOSEN)).await;
    assert!(is_account_page(&page), "{}", page.body);
    let page = browser.open(&setup).await;
    let weak = change(&browser, &page, "password1234").await;
    assert_eq!(weak.status, 422, "{}", weak.body);
    harbour.app.clock.advance(Duration::from_secs(1));
    let page = change(&browser, &weak, OTHER).await;
    assert!(page.body.contains("Your password was changed"), "{}", page.body);
    let line = harbour.app.audit.last("password_changed");
    assert_eq!(line["by"], "account_page");
    assert_eq!(harbour.app.audit.last("logout")["kind"], "password_changed");

    assert!(is_account_page(&browser.open(&harbour.account_url()).await), "this session goes on");
    assert!(is_sign_in(&other.open(&harbour.account_url()).await), "the other has ended");
    let (status, _) =
        wiki.token(&[("grant_type", "refresh_token"), ("refresh_token", &refresh)]).await;
    assert_eq!(status, 400, "the grant too");
    assert_eq!(wiki.redeem(&unredeemed).await.0, 400, "and a code of before");
    assert_eq!(harbour.enter(CHOSEN).await.1.status, 422);
    assert!(is_account_page(&harbour.enter(OTHER).await.1));
}

#[tokio::test]
async fn a_change_wants_a_fresh_sign_in_even_with_the_form_of_another_page() {
    let harbour = Harbour::new().await;
    let browser = harbour.accept(&harbour.link(), CHOSEN).await;
    harbour.app.clock.advance(Duration::from_mins(10));
    let page = browser.open(&harbour.account_url()).await;
    let page = change(&browser, &page, OTHER).await;
    assert!(is_sign_in(&page), "{}", page.body);
    assert!(is_account_page(&harbour.enter(CHOSEN).await.1));
}

#[tokio::test]
async fn people_without_a_chosen_password_cannot_change_one() {
    let harbour = Harbour::new().await;
    let browser = Browser::new();
    let page = browser.open(&harbour.account_url()).await;
    let page = sign_in(&browser, &page, ("bob", "battery staple")).await;
    assert!(!page.body.contains("setup=password"), "{}", page.body);
    let page = browser.open(&format!("{}?setup=password", harbour.account_url())).await;
    assert!(!page.body.contains("new_password"), "{}", page.body);
    let answer = change(&browser, &page, OTHER).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
}

#[tokio::test]
async fn an_invitation_does_not_skip_the_second_factor() {
    let harbour = Harbour::new().await;
    let browser = harbour.accept(&harbour.link(), CHOSEN).await;
    let app = set_up_app(&browser, &harbour.account_url(), &harbour.app.clock).await;
    harbour.change(&[("id: welcome-1", "id: welcome-2")]);
    let thief = Browser::new();
    let page = thief.open(&harbour.link()).await;
    let page = choose(&thief, &page, OTHER).await;
    assert!(asks_for_code(&page), "{}", page.body);
    assert!(is_sign_in(&thief.open(&harbour.account_url()).await), "no session yet");
    let page = enter(&thief, &page, &app.next_code(&harbour.app.clock)).await;
    assert!(is_account_page(&page), "{}", page.body);
}

#[tokio::test]
async fn a_sign_in_that_waits_for_its_code_ends_with_the_password() {
    let harbour = Harbour::new().await;
    let browser = harbour.accept(&harbour.link(), CHOSEN).await;
    let app = set_up_app(&browser, &harbour.account_url(), &harbour.app.clock).await;
    let (thief, page) = harbour.enter(CHOSEN).await;
    assert!(asks_for_code(&page));
    harbour.app.clock.advance(Duration::from_secs(30));
    harbour.change(&[("id: welcome-1", "id: welcome-2")]);
    let other = Browser::new();
    let chosen = other.open(&harbour.link()).await;
    choose(&other, &chosen, OTHER).await;
    let page = enter(&thief, &page, &app.next_code(&harbour.app.clock)).await;
    assert!(!is_account_page(&page), "{}", page.body);
}

#[tokio::test]
async fn a_reset_or_another_person_with_the_name_voids_the_password() {
    let harbour = Harbour::new().await;
    harbour.accept(&harbour.link(), CHOSEN).await;
    harbour.app.clock.advance(Duration::from_secs(60));
    let now = harbour.app.clock.now().to_string();
    let reset = format!("  resetAuthenticatorsBefore: \"{now}\"\n  invitation:");
    harbour.change(&[("  invitation:", reset.as_str())]);
    assert_eq!(harbour.enter(CHOSEN).await.1.status, 422);
    assert!(harbour.refusal(&harbour.link()).await.contains("was used"), "a reset does not invite");
    harbour.change(&[]);
    assert!(is_account_page(&harbour.enter(CHOSEN).await.1));
    harbour.change(&[("uid: user-1", "uid: user-9")]);
    assert_eq!(harbour.enter(CHOSEN).await.1.status, 422, "she was created again");
    harbour.accept(&harbour.link(), OTHER).await;
    assert!(is_account_page(&harbour.enter(OTHER).await.1));
}

#[tokio::test]
async fn a_password_that_was_restored_with_its_tenant_counts() {
    let harbour = Harbour::new().await;
    harbour.accept(&harbour.link(), CHOSEN).await;
    harbour.change(&[("uid: user-1", "uid: user-9"), ("uid: tenant-1", "uid: tenant-9")]);
    assert!(is_account_page(&harbour.enter(CHOSEN).await.1));
    assert!(harbour.refusal(&harbour.link()).await.contains("was used"));
}

#[tokio::test]
async fn a_password_secret_replaces_a_chosen_password_and_passwords_can_be_disabled() {
    let harbour = Harbour::new().await;
    harbour.accept(&harbour.link(), CHOSEN).await;
    harbour
        .change(&[("  invitation:", "  passwordSecretRef: {name: bob-password}\n  invitation:")]);
    assert_eq!(harbour.enter(CHOSEN).await.1.status, 422);
    assert!(is_account_page(&harbour.enter("battery staple").await.1));
    harbour.change(&[("passwords: Optional, ", "")]);
    assert_eq!(harbour.enter(CHOSEN).await.1.status, 422);
    harbour.change(&[]);
    assert!(is_account_page(&harbour.enter(CHOSEN).await.1), "nothing was lost");
}

#[tokio::test]
async fn without_its_record_a_password_does_not_count_and_a_thief_cannot_choose_another() {
    let harbour = Harbour::new().await;
    let old = harbour.link();
    harbour.accept(&old, CHOSEN).await;
    // The store is lost; the manifest has no invitation any more.
    for kind in [RecordKind::Password, RecordKind::Invitation] {
        for stored in harbour.stored(kind).await {
            let now = harbour.app.clock.now();
            harbour.app.store.take(&stored.record.key, now).await.expect("the store");
        }
    }
    harbour.change(&[("  invitation: {id: welcome-1, notAfter: \"2999-01-01T00:00:00Z\"}\n", "")]);
    assert_eq!(harbour.enter(CHOSEN).await.1.status, 422);
    assert!(harbour.refusal(&old).await.contains("is no longer valid"));
}

#[tokio::test]
async fn a_writer_of_the_database_cannot_give_a_password_to_another_person() {
    let harbour = Harbour::new().await;
    harbour.accept(&harbour.link(), CHOSEN).await;
    let stored = harbour.stored(RecordKind::Password).await.pop().expect("a password");
    harbour.change(&[("  username: ada\n", "  username: ada\n  subject: other\n")]);
    let subject = harbour.app.subject("shop", "ada");
    assert_eq!(subject, "other");
    let mut moved = stored.record;
    moved.key.id = sha256_base64url("other");
    moved.owners = vec![IndexEntry::new(IndexKind::User, "other")];
    let now = harbour.app.clock.now();
    assert_eq!(harbour.app.store.insert(moved, now).await, Ok(true));
    assert_eq!(harbour.enter(CHOSEN).await.1.status, 500);
}

#[tokio::test]
async fn the_sign_in_page_has_the_same_words_whether_a_password_was_chosen_or_not() {
    let harbour = Harbour::new().await;
    let before = harbour.enter("whatever it may be").await.1;
    harbour.accept(&harbour.link(), CHOSEN).await;
    let after = harbour.enter("whatever it may be").await.1;
    let browser = Browser::new();
    let page = browser.open(&harbour.account_url()).await;
    let unknown = sign_in(&browser, &page, ("nobody", "whatever it may be")).await;
    for page in [&before, &after, &unknown] {
        assert_eq!(page.status, 422);
        assert!(page.body.contains("The username or password is incorrect."), "{}", page.body);
    }
}
