//! Mail, and passwords that are chosen by a mailed link.

use super::{browser::Browser, world::World};
use crate::support::{
    invitation::invitation_link,
    mail::{MailServerMood, MailSink},
};

/// The events of these tests with their outcomes.
pub const REPORTED: &[(&str, &str)] = &[
    ("mail_delivery", "success"),
    ("mail_delivery", "failure"),
    ("password_reset", "success"),
    ("password_reset", "failure"),
];

const GRACE: &str =
    "  acrLevels: [{value: \"urn:two\", amr: [pwd, otp]}, {value: \"urn:one\", amr: [pwd]}]
  authenticators: {passwords: Optional}
MAIL---
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {name: grace}
spec:
  tenantRef: {name: main}
  username: grace
  email: grace@harbour.test
  emailVerified: true
  invitation: {id: welcome-1, notAfter: '2999-01-01T00:00:00Z', delivery: Secret}
SECRET";

#[tokio::test]
async fn mail_is_reported_without_addresses_and_links() {
    let world = World::new().await;
    let mut sink = MailSink::start(MailServerMood::RefusesRecipients).await;
    let levels =
        "  acrLevels: [{value: \"urn:two\", amr: [pwd, otp]}, {value: \"urn:one\", amr: [pwd]}]\n";
    let (mail, secret) = sink.manifests();
    world.change(levels, &GRACE.replace("MAIL", &mail).replace("SECRET", &secret));
    let (browser, password) = (Browser::new(), "lantern gravel trombone");
    world.hide(password);
    world.hide("grace@harbour.test");
    let page = browser.open(&invitation_link(&world.app, "grace")).await;
    let chosen = [("new_password", password), ("new_password_again", password)];
    let page = browser.submit(&page.form("/invitation"), &chosen).await;
    assert_eq!(page.status, 200, "{}", page.body);
    while world.app.audit.of("mail_delivery").is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let line = world.app.audit.last("mail_delivery");
    assert_eq!((&line["mail"], &line["will_retry"]), (&"notice".into(), &false.into()));
    sink.becomes(MailServerMood::Takes);
    let page = browser.open(&format!("{}/password-reset", world.app.issuer("main"))).await;
    browser.submit(&page.form("/password-reset"), &[("username", "grace")]).await;
    let link = sink.next().await.link();
    world.hide(link.split_once("token=").expect("a token").1);
    while world.app.audit.last("mail_delivery")["outcome"] != "success" {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(world.app.audit.last("mail_delivery")["mail"], "password_reset");
    world.app.clock.advance(std::time::Duration::from_secs(3601));
    assert_eq!(browser.open(&link).await.status, 400);
    assert_eq!(world.app.audit.last("password_reset")["reason"], "expired");
    world.check(REPORTED);
}
