//! Invitations by mail: who gets a link, how often, and what a failing mail server changes.

use std::time::Duration;

use lanyard::{
    model::{Clock as _, InvitationLedger as _, InvitationMail, TenantId},
    store::{IndexEntry, IndexKind, RecordKind},
};

use super::{
    account_page::is_account_page,
    app::TestApp,
    browser::{Browser, Page},
};
use crate::support::{
    invitation::{invited_user, ledger},
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
  name: "Ada Lovelace"
  email: ada@harbour.test
  invitation: {id: welcome-1, notAfter: "2999-01-01T00:00:00Z"}
CA"#;

const CHOSEN: &str = "lantern gravel trombone";

struct Harbour {
    app: TestApp,
    sink: MailSink,
    manifests: String,
}

impl Harbour {
    async fn new(mood: MailServerMood) -> Self {
        let sink = MailSink::start(mood).await;
        let (mail, secret) = sink.manifests();
        let manifests = MANIFESTS.replace("MAIL", &mail).replace("CA", &secret);
        Self { app: TestApp::start(&manifests).await, sink, manifests }
    }

    fn change(&self, from: &str, to: &str) {
        assert!(self.manifests.contains(from), "{from}");
        self.app.serve(&self.manifests.replace(from, to));
    }

    /// The answer to the controller, which looks at Ada's invitation. The first look mails it.
    async fn look(&self) -> InvitationMail {
        ledger(&self.app).mail_link(&invited_user(&self.app, "ada")).await.expect("the store")
    }

    /// Looks until the mail has come to an end.
    async fn settled(&self) -> InvitationMail {
        for _ in 0..3000 {
            let found = self.look().await;
            if found != InvitationMail::Queued {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the mail is still queued");
    }

    async fn mail(&mut self) -> ReceivedMail {
        self.look().await;
        self.sink.next().await
    }
}

async fn choose(browser: &Browser, page: &Page) -> Page {
    let fields = [("new_password", CHOSEN), ("new_password_again", CHOSEN)];
    browser.submit(&page.form("/invitation"), &fields).await
}

#[tokio::test]
async fn an_invited_person_gets_the_link_by_mail_once() {
    let mut harbour = Harbour::new(MailServerMood::Takes).await;
    let mail = harbour.mail().await;
    assert_eq!(mail.to, ["ada@harbour.test"]);
    assert_eq!(mail.header("Subject"), Some("Your invitation to Harbour Works"));
    assert_eq!(mail.header("From"), Some("\"Harbour Works\" <id@harbour.test>"));
    assert!(mail.text().starts_with("Hello Ada Lovelace,"), "{}", mail.text());
    assert_eq!(harbour.settled().await, InvitationMail::Sent);
    let line = harbour.app.audit.last("mail_delivery");
    let subject = harbour.app.subject("shop", "ada");
    assert_eq!((&line["mail"], &line["subject"]), (&"invitation".into(), &subject.into()));
    let replica = harbour.app.start_replica();
    let again = ledger(&replica).mail_link(&invited_user(&replica, "ada")).await;
    assert_eq!(again, Ok(InvitationMail::Sent), "another leader knows it");
    let browser = Browser::new();
    let page = browser.open(&mail.link()).await;
    let page = choose(&browser, &page).await;
    assert!(is_account_page(&page), "{} {}", page.status, page.body);
    assert_eq!(harbour.sink.arrived(), None);
}

#[tokio::test]
async fn another_id_time_or_address_is_another_mail() {
    let mut harbour = Harbour::new(MailServerMood::Takes).await;
    let first = harbour.mail().await;
    for (from, to) in [
        ("id: welcome-1", "id: welcome-2"),
        ("2999-01-01", "2999-02-01"),
        ("ada@harbour.test", "lovelace@harbour.test"),
    ] {
        assert_eq!(harbour.settled().await, InvitationMail::Sent);
        harbour.change(from, to);
        let mail = harbour.mail().await;
        assert_ne!(mail.link(), first.link());
    }
}

#[tokio::test]
async fn names_of_people_and_tenants_add_no_header_and_no_recipient() {
    let mut harbour = Harbour::new(MailServerMood::Takes).await;
    let evil = r#"name: "Ada\r\nBcc: eve@evil.test\r\n\r\nhttp://evil.test""#;
    harbour.app.serve_with_problems(&harbour.manifests.replace("name: \"Ada Lovelace\"", evil));
    let mail = harbour.mail().await;
    assert_eq!(mail.to, ["ada@harbour.test"]);
    assert_eq!(mail.header("Bcc"), None);
    assert!(mail.link().starts_with(&harbour.app.issuer("shop")), "{}", mail.text());
}

#[tokio::test]
async fn a_mail_that_a_server_does_not_take_is_tried_again_and_no_request_waits() {
    let mut harbour = Harbour::new(MailServerMood::IsBusy).await;
    assert_eq!(harbour.settled().await, InvitationMail::Failing);
    let line = harbour.app.audit.last("mail_delivery");
    assert_eq!((&line["will_retry"], &line["outcome"]), (&true.into(), &"failure".into()));
    assert_eq!(line["cause"], "the mail server refuses the sender: 451");
    harbour.sink.becomes(MailServerMood::Takes);
    harbour.app.clock.advance(Duration::from_secs(61));
    let mail = harbour.sink.next().await;
    assert_eq!(mail.to, ["ada@harbour.test"]);
}

#[tokio::test]
async fn a_server_that_hangs_is_left_and_the_pages_answer() {
    let harbour = Harbour::new(MailServerMood::Hangs).await;
    harbour.look().await;
    let page = Browser::new().open(&format!("{}/account", harbour.app.issuer("shop"))).await;
    assert_eq!(page.status, 200);
    assert_eq!(harbour.settled().await, InvitationMail::Failing);
    assert_eq!(
        harbour.app.audit.last("mail_delivery")["cause"],
        "the mail server took longer than 3 seconds"
    );
}

#[tokio::test]
async fn an_address_that_the_server_refuses_is_not_tried_again() {
    let harbour = Harbour::new(MailServerMood::RefusesRecipients).await;
    assert_eq!(harbour.settled().await, InvitationMail::Refused);
    let line = harbour.app.audit.last("mail_delivery");
    assert_eq!((&line["will_retry"], &line["mail"]), (&false.into(), &"invitation".into()));
}

#[tokio::test]
async fn a_mail_is_not_sent_once_its_person_is_deleted() {
    let mut harbour = Harbour::new(MailServerMood::IsBusy).await;
    assert_eq!(harbour.settled().await, InvitationMail::Failing);
    harbour.sink.becomes(MailServerMood::Takes);
    let failures = harbour.sink.connections();
    harbour.change("uid: user-1", "uid: user-9");
    harbour.app.clock.advance(Duration::from_secs(61));
    // The new person has an invitation of her own, which is the only mail.
    let mail = harbour.mail().await;
    assert_eq!(Browser::new().open(&mail.link()).await.status, 200);
    assert_eq!(harbour.sink.arrived(), None);
    assert!(harbour.sink.connections() > failures);
}

#[tokio::test]
async fn the_stored_message_is_sealed() {
    let harbour = Harbour::new(MailServerMood::IsBusy).await;
    assert_eq!(harbour.settled().await, InvitationMail::Failing);
    let now = harbour.app.clock.now();
    let tenant = TenantId::new("default", "shop");
    let owner = IndexEntry::new(IndexKind::User, harbour.app.subject("shop", "ada"));
    let stored =
        harbour.app.store.list(RecordKind::Mail, &tenant, &owner, now).await.expect("the store");
    assert_eq!(stored.len(), 1);
    let value = String::from_utf8_lossy(&stored[0].record.value).into_owned();
    assert!(!value.contains("harbour.test") && !value.contains("welcome-1"), "{value}");
}
