//! Invitations, and passwords that people choose.

use serde_json::json;

use super::{browser::Browser, world::World};
use crate::support::invitation::invitation_link;

/// The events of these tests with their outcomes.
pub const REPORTED: &[(&str, &str)] = &[
    ("invitation_redeemed", "success"),
    ("invitation_refused", "failure"),
    ("password_changed", "success"),
];

const GRACE: &str =
    "  acrLevels: [{value: \"urn:two\", amr: [pwd, otp]}, {value: \"urn:one\", amr: [pwd]}]
  authenticators: {passwords: Optional}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {name: grace}
spec:
  tenantRef: {name: main}
  username: grace
  invitation: {id: welcome-1, notAfter: '2999-01-01T00:00:00Z'}
";

#[tokio::test]
async fn invitations_and_passwords_are_reported_without_their_secrets() {
    let world = World::new().await;
    let levels =
        "  acrLevels: [{value: \"urn:two\", amr: [pwd, otp]}, {value: \"urn:one\", amr: [pwd]}]\n";
    world.change(levels, GRACE);
    let link = invitation_link(&world.app, "grace");
    world.hide(link.split_once("token=").expect("a token").1);
    let (browser, password) = (Browser::new(), "lantern gravel trombone");
    world.hide(password);
    let page = browser.open(&link).await;
    let chosen = [("new_password", password), ("new_password_again", password)];
    let page = browser.submit(&page.form("/invitation"), &chosen).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let line = world.app.audit.last("invitation_redeemed");
    let subject = json!(world.app.subject("main", "grace"));
    assert_eq!((&line["invitation"], &line["subject"]), (&json!("welcome-1"), &subject));
    let line = world.app.audit.last("password_changed");
    assert_eq!((&line["by"], &line["subject"]), (&json!("invitation"), &subject));

    assert_eq!(browser.open(&link).await.status, 400);
    let line = world.app.audit.last("invitation_refused");
    assert_eq!((&line["reason"], &line["invitation"]), (&json!("used"), &json!("welcome-1")));
    world.check(REPORTED);
}
