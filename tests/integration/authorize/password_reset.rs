//! A new password by mail, for people who forgot theirs.

use std::time::Duration;

use lanyard::{
    model::{Clock as _, TenantId},
    store::{IndexEntry, IndexKind, RecordKind},
};
use serde_json::json;

use super::{
    account_page::is_account_page,
    app::TestApp,
    authenticator::{asks_for_code, enter},
    browser::{Browser, Page},
    world::sign_in,
};
use crate::support::{
    authenticator::set_up_app,
    invitation::invitation_link,
    mail::{MailServerMood, MailSink, ReceivedMail},
};

const MANIFESTS: &str = r#"# cluster
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: shop, uid: tenant-1}
spec:
  displayName: Harbour Works
  authenticators: {passwords: Optional, totp: Optional}
MAIL---
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {name: ada, uid: user-1, generation: 1}
spec:
  tenantRef: {name: shop}
  username: ada
  name: Ada Lovelace
  email: ada@harbour.test
  emailVerified: true
  invitation: {id: welcome-1, notAfter: "2999-01-01T00:00:00Z", delivery: Secret}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {name: bob, uid: user-2, generation: 1}
spec:
  tenantRef: {name: shop}
  username: bob
  email: bob@harbour.test
  emailVerified: true
  passwordSecretRef: {name: bob-password}
---
apiVersion: v1
kind: Secret
metadata: {name: bob-password}
stringData: {password: battery staple}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {name: eve, uid: user-3, generation: 1}
spec:
  tenantRef: {name: shop}
  username: eve
  email: eve@harbour.test
  invitation: {id: welcome-1, notAfter: "2999-01-01T00:00:00Z", delivery: Secret}
CA"#;

const FIRST: &str = "lantern gravel trombone";
const SECOND: &str = "seventeen mossy anvils";
const THIRD: &str = "copper meadow whistle";

struct Harbour {
    app: TestApp,
    sink: MailSink,
    manifests: String,
}

impl Harbour {
    /// Ada has chosen a password. The mail about it is taken.
    async fn new() -> (Self, Browser) {
        let sink = MailSink::start(MailServerMood::Takes).await;
        let (mail, secret) = sink.manifests();
        let manifests = MANIFESTS.replace("MAIL", &mail).replace("CA", &secret);
        let app = TestApp::start(&manifests).await;
        let mut harbour = Self { app, sink, manifests };
        let browser = harbour.accept("ada").await;
        (harbour, browser)
    }

    async fn accept(&mut self, user: &str) -> Browser {
        let browser = Browser::new();
        let page = browser.open(&invitation_link(&self.app, user)).await;
        let fields = [("new_password", FIRST), ("new_password_again", FIRST)];
        let page = browser.submit(&page.form("/invitation"), &fields).await;
        assert!(is_account_page(&page), "{} {}", page.status, page.body);
        let notice = self.sink.next().await;
        assert!(notice.text().contains("a password was chosen"), "{}", notice.text());
        browser
    }

    fn change(&self, from: &str, to: &str) {
        assert!(self.manifests.contains(from), "{from}");
        self.app.serve(&self.manifests.replace(from, to));
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.app.issuer("shop"))
    }

    /// The answer to someone who asks for a new password.
    async fn ask(&self, name: &str) -> Page {
        let browser = Browser::new();
        let page = browser.open(&self.url("password-reset")).await;
        browser.submit(&page.form("/password-reset"), &[("username", name)]).await
    }

    /// The mail after someone has asked for Ada.
    async fn asked(&mut self) -> ReceivedMail {
        self.ask("ada").await;
        self.sink.next().await
    }

    async fn enter(&self, password: &str) -> (Browser, Page) {
        let browser = Browser::new();
        let page = browser.open(&self.url("account")).await;
        let page = sign_in(&browser, &page, ("ada", password)).await;
        (browser, page)
    }

    async fn refusal(&self, link: &str) -> String {
        let page = Browser::new().open(link).await;
        assert_eq!(page.status, 400, "{}", page.body);
        assert!(!page.body.contains("new_password"), "{}", page.body);
        page.body
    }

    async fn records(&self) -> usize {
        let (tenant, now) = (TenantId::new("default", "shop"), self.app.clock.now());
        let owner = IndexEntry::new(IndexKind::User, self.app.subject("shop", "ada"));
        let found = self.app.store.list(RecordKind::PasswordReset, &tenant, &owner, now).await;
        found.expect("the store").len()
    }
}

async fn choose(browser: &Browser, page: &Page, password: &str) -> Page {
    let fields = [("new_password", password), ("new_password_again", password)];
    browser.submit(&page.form("/password-reset"), &fields).await
}

#[tokio::test]
async fn a_person_who_forgot_the_password_chooses_another_one_and_is_signed_out_elsewhere() {
    let (mut harbour, other) = Harbour::new().await;
    harbour.app.clock.advance(Duration::from_secs(60));
    let sign_in_page = Browser::new().open(&harbour.url("account")).await;
    assert!(sign_in_page.body.contains("Forgot your password?"), "{}", sign_in_page.body);
    let mail = harbour.asked().await;
    assert_eq!(mail.to, ["ada@harbour.test"]);
    assert_eq!(mail.header("Subject"), Some("New password for Harbour Works"));
    assert!(mail.text().contains("your account ada at Harbour Works"), "{}", mail.text());
    let subject = json!(harbour.app.subject("shop", "ada"));
    assert_eq!(harbour.app.audit.last("password_reset")["subject"], subject);
    let browser = Browser::new();
    let page = browser.open(&mail.link()).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let page = choose(&browser, &page, SECOND).await;
    assert!(is_account_page(&page), "{} {}", page.status, page.body);
    assert_eq!(harbour.app.audit.last("password_changed")["by"], "reset");
    let notice = harbour.sink.next().await;
    assert_eq!(notice.header("Subject"), Some("Harbour Works: a password was chosen"));
    assert!(!is_account_page(&other.open(&harbour.url("account")).await), "the session has ended");
    assert_eq!(harbour.enter(FIRST).await.1.status, 422);
    assert!(is_account_page(&harbour.enter(SECOND).await.1));
}

#[tokio::test]
async fn a_link_survives_being_opened_and_works_once() {
    let (mut harbour, _) = Harbour::new().await;
    let link = harbour.asked().await.link();
    let client = reqwest::Client::new();
    for _ in 0..3 {
        assert_eq!(client.head(&link).send().await.expect("an answer").status(), 200);
        assert_eq!(client.get(&link).send().await.expect("an answer").status(), 200);
    }
    // A person needs a second to open the mail, so the password after it is a later one.
    harbour.app.clock.advance(Duration::from_secs(1));
    let replica = harbour.app.start_replica();
    let (first, mut second) = (Browser::new(), Browser::new());
    second.reach(replica.address.port());
    let (one, other) = (first.open(&link).await, second.open(&link).await);
    let (one, other) = tokio::join!(choose(&first, &one, SECOND), choose(&second, &other, THIRD));
    let done = [&one, &other].map(is_account_page);
    assert_eq!(done.iter().filter(|done| **done).count(), 1, "{} {}", one.status, other.status);
    assert!(harbour.refusal(&link).await.contains("is no longer valid"));
    assert_eq!(harbour.app.audit.last("password_reset")["reason"], "used");
}

#[tokio::test]
async fn the_answer_is_the_same_for_every_name_and_only_some_get_a_mail() {
    let (mut harbour, _) = Harbour::new().await;
    let known = harbour.ask("ADA@harbour.test").await;
    assert_eq!(known.status, 200);
    for name in ["zoe", "zoe@harbour.test", "bob", "eve", "eve@harbour.test", "ada\u{131}", ""] {
        let answer = harbour.ask(name).await;
        assert_eq!((answer.status, &answer.body), (known.status, &known.body), "{name}");
    }
    assert_eq!(harbour.sink.next().await.to, ["ada@harbour.test"]);
    assert_eq!(
        harbour.sink.arrived(),
        None,
        "a password in a Secret, or an address that is not verified"
    );
    assert_eq!(harbour.app.audit.of("password_reset").len(), 1);
}

#[tokio::test]
async fn a_flood_of_requests_is_one_mail_a_person_and_limited_for_an_address() {
    let (mut harbour, _) = Harbour::new().await;
    let mut answers = Vec::new();
    for _ in 0..14 {
        answers.push(harbour.ask("ada").await.status);
    }
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 10, "{answers:?}");
    assert!(answers[10..].iter().all(|status| *status == 429), "{answers:?}");
    assert_eq!(harbour.app.audit.last("attempt_throttled")["attempt"], "password_reset");
    let first = harbour.sink.next().await;
    harbour.app.clock.advance(Duration::from_secs(301));
    let second = harbour.asked().await;
    assert_eq!(harbour.sink.arrived(), None);
    // A stranger who asks for another mail does not void the link that the person is about to use.
    assert_eq!(Browser::new().open(&first.link()).await.status, 200);
    let browser = Browser::new();
    let page = browser.open(&second.link()).await;
    assert!(is_account_page(&choose(&browser, &page, SECOND).await));
    for link in [first.link(), second.link()] {
        assert!(harbour.refusal(&link).await.contains("is no longer valid"));
    }
}

#[tokio::test]
async fn a_flood_at_two_replicas_is_one_mail_a_person() {
    let (mut harbour, _) = Harbour::new().await;
    let replica = harbour.app.start_replica();
    let ask = async |port: u16| {
        let mut browser = Browser::new();
        browser.reach(port);
        let page = browser.open(&harbour.url("password-reset")).await;
        let fields = [("username", "ada")];
        let page = browser.submit(&page.form("/password-reset"), &fields).await;
        assert_eq!(page.status, 200, "{}", page.body);
    };
    for _ in 0..5 {
        tokio::join!(ask(harbour.app.address.port()), ask(replica.address.port()));
    }
    let mail = harbour.sink.next().await;
    assert_eq!(mail.to, ["ada@harbour.test"]);
    // The next mail is a later one, so none was on the way.
    harbour.app.clock.advance(Duration::from_secs(301));
    let later = harbour.asked().await;
    assert_eq!(later.header("Subject"), mail.header("Subject"));
    assert_eq!(harbour.sink.arrived(), None);
}

#[tokio::test]
async fn a_person_who_is_deleted_on_the_page_of_a_link_gets_no_password() {
    let (mut harbour, _) = Harbour::new().await;
    let link = harbour.asked().await.link();
    let browser = Browser::new();
    let page = browser.open(&link).await;
    let manifests = harbour.manifests.replace("name: ada, uid: user-1", "name: zoe, uid: user-9");
    harbour.app.serve(&manifests.replace("username: ada\n", "username: zoe\n"));
    let refused = choose(&browser, &page, SECOND).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(refused.body.contains("at the moment"), "{}", refused.body);
    assert_eq!(harbour.app.audit.last("password_reset")["reason"], "withdrawn");
    harbour.app.serve(&harbour.manifests);
    assert_eq!(harbour.enter(SECOND).await.1.status, 422, "the password is the first one");
}

#[tokio::test]
async fn links_that_do_not_work_say_why() {
    let (mut harbour, _) = Harbour::new().await;
    let link = harbour.asked().await.link();
    let base = harbour.url("password-reset?token=");
    for damaged in [format!("{base}x"), format!("{link}x"), link[..link.len() - 9].to_owned()] {
        assert!(harbour.refusal(&damaged).await.contains("This link is not valid"), "{damaged}");
    }
    let invitation = invitation_link(&harbour.app, "eve");
    let token = invitation.split_once("token=").expect("a token").1;
    assert!(harbour.refusal(&format!("{base}{token}")).await.contains("is not valid"));
    let user = "  username: ada\n";
    for (from, to) in [
        ("uid: user-1", "uid: user-9"),
        (user, "  username: ada\n  disabled: true\n"),
        (user, "  username: ada\n  passwordSecretRef: {name: bob-password}\n"),
        // An attacker may read the mailbox.
        ("email: ada@harbour.test", "email: ada@other.test"),
        ("email: ada@harbour.test\n  emailVerified: true", "email: ada@harbour.test"),
    ] {
        harbour.change(from, to);
        assert!(harbour.refusal(&link).await.contains("at the moment"), "{to}");
        assert_eq!(harbour.app.audit.last("password_reset")["reason"], "withdrawn");
    }
    harbour.change(user, user);
    assert_eq!(Browser::new().open(&link).await.status, 200);
    harbour.app.clock.advance(Duration::from_secs(3601));
    assert!(harbour.refusal(&link).await.contains("This link has expired"));
    assert_eq!(harbour.records().await, 0);
}

#[tokio::test]
async fn another_password_voids_a_link() {
    let (mut harbour, browser) = Harbour::new().await;
    let link = harbour.asked().await.link();
    harbour.app.clock.advance(Duration::from_secs(5));
    let page = browser.open(&harbour.url("account?setup=password")).await;
    let page = change_password(&browser, &page, SECOND).await;
    assert!(is_account_page(&page), "{}", page.body);
    assert!(harbour.refusal(&link).await.contains("is no longer valid"));
}

/// Changes the password on the account page that asks for it.
async fn change_password(browser: &Browser, page: &Page, password: &str) -> Page {
    let fields = [
        ("new_password", password),
        ("new_password_again", password),
        ("action", "change-password"),
    ];
    browser.submit(&page.form("/account"), &fields).await
}

#[tokio::test]
async fn a_sign_in_with_a_password_that_is_replaced_meanwhile_does_not_count() {
    let (mut harbour, browser) = Harbour::new().await;
    let app = set_up_app(&browser, &harbour.url("account"), &harbour.app.clock).await;
    harbour.sink.next().await;
    harbour.sink.next().await;
    let asked = browser.open(&harbour.url("account?setup=password")).await;
    let form = enter(&browser, &asked, &app.next_code(&harbour.app.clock)).await;
    let (thief, page) = harbour.enter(FIRST).await;
    assert!(asks_for_code(&page), "{}", page.body);
    // Within the same second, so that times do not decide.
    let changed = change_password(&browser, &form, SECOND).await;
    assert!(is_account_page(&changed), "{}", changed.body);
    let page = enter(&thief, &page, &app.next_code(&harbour.app.clock)).await;
    assert!(!is_account_page(&page), "{}", page.body);
    assert!(!is_account_page(&thief.open(&harbour.url("account")).await));
    let account = browser.open(&harbour.url("account")).await;
    assert!(is_account_page(&account), "the session that changed it goes on: {}", account.body);
    let (owner, page) = harbour.enter(SECOND).await;
    let page = enter(&owner, &page, &app.next_code(&harbour.app.clock)).await;
    assert!(is_account_page(&page), "{}", page.body);
}

#[tokio::test]
async fn a_link_does_not_replace_the_second_factor() {
    let (mut harbour, browser) = Harbour::new().await;
    let app = set_up_app(&browser, &harbour.url("account"), &harbour.app.clock).await;
    // They are sent at the same time.
    let notices = [harbour.sink.next().await.text(), harbour.sink.next().await.text()].concat();
    for change in ["recovery codes were made", "authenticator app was set up"] {
        assert!(notices.contains(change), "{notices}");
    }
    let link = harbour.asked().await.link();
    let thief = Browser::new();
    let page = thief.open(&link).await;
    let page = choose(&thief, &page, SECOND).await;
    assert!(asks_for_code(&page), "{}", page.body);
    assert!(!is_account_page(&thief.open(&harbour.url("account")).await), "no session yet");
    let page = enter(&thief, &page, &app.next_code(&harbour.app.clock)).await;
    assert!(is_account_page(&page), "{}", page.body);
}

#[tokio::test]
async fn the_form_counts_in_its_browser_and_from_its_own_site() {
    let (mut harbour, _) = Harbour::new().await;
    let link = harbour.asked().await.link();
    let browser = Browser::new();
    let form = browser.open(&link).await.form("/password-reset");
    let fields = || {
        let own = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        own.chain([("new_password", SECOND), ("new_password_again", SECOND)]).collect::<Vec<_>>()
    };
    let foreign = browser.post(form.action.as_str(), "https://evil.test", fields()).await;
    assert_eq!(foreign.status, 400);
    let thief = Browser::new();
    thief.open(&link).await;
    let stolen = thief.submit(&form, &fields()).await;
    assert!(stolen.body.contains("This page has expired"), "{}", stolen.body);
    let asking = Browser::new()
        .post(&harbour.url("password-reset"), "https://evil.test", vec![("username", "ada")])
        .await;
    assert_eq!(asking.status, 400, "no other site asks for mails");
    assert_eq!(harbour.enter(FIRST).await.1.status, 200);
}

#[tokio::test]
async fn a_tenant_without_mail_offers_no_reset() {
    let (harbour, _) = Harbour::new().await;
    let mail = harbour.sink.manifests().0;
    harbour.change(&mail, "");
    let page = Browser::new().open(&harbour.url("password-reset")).await;
    assert_eq!(page.status, 404, "{}", page.body);
    let page = Browser::new().open(&harbour.url("account")).await;
    assert!(!page.body.contains("Forgot your password?"), "{}", page.body);
}

#[tokio::test]
async fn a_name_that_looks_like_lines_stays_on_its_line() {
    let (mut harbour, _) = Harbour::new().await;
    let evil = "name: \"Ada\\r\\nhttp://evil.test/\"";
    harbour.app.serve_with_problems(&harbour.manifests.replace("name: Ada Lovelace", evil));
    let mail = harbour.asked().await;
    assert!(mail.link().starts_with(&harbour.app.issuer("shop")), "{}", mail.text());
}
