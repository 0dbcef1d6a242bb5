//! Sign-in at GitHub, whose responses are published in the test.

use serde_json::{Value, json};
use url::Url;

use super::{
    app::TestApp,
    browser::{Browser, Page},
    world::{application, id_token, with_application},
};

pub(super) const GITHUB: &str = r"
apiVersion: lanyard.dev/v1alpha1
kind: IdentityProvider
metadata: {name: github}
spec:
  tenantRef: {name: main}
  type: GitHub
  displayName: GitHub
  github:
    # HOST
    clientId: app
    clientSecretRef: {name: secret}
    organizations: {names: [Acme]}
    groups: {parents: true}
  # REFRESH
  admit: ByRules
";

/// The groups of the person in [`publish`].
pub(super) const GROUPS: [&str; 4] = ["acme:core", "acme:staff", "acme:europe", "acme:everyone"];

/// Publishes the answers of GitHub at a host and its API.
pub(super) fn publish(app: &TestApp, (host, api): (&str, &str), organizations: &[&str]) {
    let token = json!({"access_token": "gho_x", "token_type": "bearer", "scope": "read:org"});
    app.publish(&format!("https://{host}/login/oauth/access_token"), &token.to_string());
    let user =
        json!({"id": 583_231, "login": "octocat", "name": null, "avatar_url": "https://a.test/1"});
    let emails = json!([
        {"email": "other@x.test", "primary": false, "verified": true},
        {"email": "octo@acme.test", "primary": true, "verified": true},
    ]);
    let of = |name: &str| json!({"login": name});
    let memberships: Vec<Value> =
        organizations.iter().map(|name| json!({"organization": of(name)})).collect();
    let teams = json!([
        {"slug": "core", "name": "Core", "organization": of("Acme"), "parent": {"slug": "staff", "name": "Staff"}},
        {"slug": "admins", "name": "Admins", "organization": of("Evil"), "parent": null},
    ]);
    let parent = |slug: &str, parent: Value| json!({"slug": slug, "name": slug, "parent": parent});
    for (path, answer) in [
        ("/orgs/acme/teams/staff", parent("staff", json!({"slug": "europe", "name": "Europe"}))),
        ("/orgs/acme/teams/europe", parent("europe", json!({"slug": "everyone", "name": "All"}))),
        ("/orgs/acme/teams/everyone", parent("everyone", json!(null))),
        ("/user", user),
        ("/user/emails?per_page=100", emails),
        ("/user/memberships/orgs?state=active&per_page=100", json!(memberships)),
        ("/user/teams?per_page=100", teams),
    ] {
        app.publish(&format!("{api}{path}"), &answer.to_string());
    }
}

/// A sign-in at GitHub, up to the response.
async fn sign_in(app: &TestApp, host: &str) -> Page {
    sign_in_with(&Browser::new(), app, (host, "openid profile email groups")).await
}

/// A sign-in with a browser, for scopes.
pub(super) async fn sign_in_with(
    browser: &Browser,
    app: &TestApp,
    (host, scopes): (&str, &str),
) -> Page {
    let application = application(app).await;
    let page = browser.open(&application.authorize_url(scopes, &[])).await;
    let url = page.left_for.unwrap_or_else(|| panic!("{} {}", page.status, page.body));
    assert_eq!((url.host_str(), url.path()), (Some(host), "/login/oauth/authorize"));
    let state =
        url.query_pairs().find(|(name, _)| name == "state").expect("a state").1.into_owned();
    let callback = format!("{}/callback/github", app.issuer("main"));
    let parameters = [("code", "a-code"), ("state", state.as_str())];
    let url = Url::parse_with_params(&callback, parameters).expect("a URL");
    browser.open(url.as_str()).await
}

#[tokio::test]
async fn a_member_of_the_organization_signs_in_with_its_teams() {
    for (host, api, line) in [
        ("github.com", "https://api.github.com", "# HOST"),
        ("git.acme.test", "https://git.acme.test/api/v3", "host: git.acme.test"),
    ] {
        let app = TestApp::start(&with_application(&GITHUB.replace("# HOST", line))).await;
        publish(&app, (host, api), &["acme"]);
        let page = sign_in(&app, host).await;
        let claims = id_token(&app, &page).await;
        assert_eq!(claims["preferred_username"], "octocat");
        assert_eq!(claims["email"], "octo@acme.test");
        assert_eq!(claims["email_verified"], true);
        assert_eq!(claims["groups"], json!(GROUPS), "{host}");
    }
}

#[tokio::test]
async fn a_person_outside_the_organizations_is_refused() {
    let app = TestApp::start(&with_application(GITHUB)).await;
    publish(&app, ("github.com", "https://api.github.com"), &["Evil"]);
    let page = sign_in(&app, "github.com").await;
    assert_eq!(page.status, 403, "{}", page.body);
    assert!(page.body.contains("none of the organizations"), "{}", page.body);
    // An error of the API refuses the person, too: unknown teams are not the same as no teams.
    publish(&app, ("github.com", "https://api.github.com"), &["Acme"]);
    app.publish("https://api.github.com/user/teams?per_page=100", "{\"message\":\"Forbidden\"}");
    assert_eq!(sign_in(&app, "github.com").await.status, 502);
}

/// GitHub leaves out organizations to which the person has not signed in by SAML.
#[tokio::test]
async fn a_part_of_a_list_is_not_the_list() {
    const API: &str = "https://api.github.com";
    let app = TestApp::start(&with_application(GITHUB)).await;
    for path in ["/user/memberships/orgs?state=active&per_page=100", "/user/teams?per_page=100"] {
        publish(&app, ("github.com", API), &["acme"]);
        let of = json!({"login": "acme"});
        let entry = json!([{"organization": of, "slug": "core", "name": "Core"}]);
        app.publish(&format!("{API}{path}"), &format!("partial:{entry}"));
        let page = sign_in(&app, "github.com").await;
        assert_eq!(page.status, 502, "{path}: {}", page.body);
        let line = app.audit.last("sign_in");
        let cause = line["cause"].as_str().expect("one");
        assert!(cause.contains("X-GitHub-SSO: partial-results"), "{cause}");
    }
    publish(&app, ("github.com", API), &["acme"]);
    assert_eq!(sign_in(&app, "github.com").await.status, 303);
}

#[tokio::test]
async fn teams_that_contain_each_other_or_cannot_be_read_do_not_hang() {
    const API: &str = "https://api.github.com";
    let app = TestApp::start(&with_application(GITHUB)).await;
    let staff = format!("{API}/orgs/acme/teams/staff");
    for (parent, status) in [
        // A team above itself.
        (json!({"slug": "staff", "parent": {"slug": "core"}}), 303),
        // A name that would lead elsewhere.
        (json!({"slug": "staff", "parent": {"slug": "../../user"}}), 502),
        (json!({"slug": "staff", "parent": {}}), 502),
    ] {
        publish(&app, ("github.com", API), &["acme"]);
        app.publish(&staff, &parent.to_string());
        assert_eq!(sign_in(&app, "github.com").await.status, status, "{parent}");
    }
    // A parent team that cannot be read is not the same as a team without a parent.
    publish(&app, ("github.com", API), &["acme"]);
    app.publish_with_status(&staff, 404, "{\"message\":\"Not Found\"}");
    assert_eq!(sign_in(&app, "github.com").await.status, 502);
    // A chain without an end.
    publish(&app, ("github.com", API), &["acme"]);
    for number in 0..60 {
        let parent =
            json!({"slug": format!("t{number}"), "parent": {"slug": format!("t{}", number + 1)}});
        app.publish(&format!("{API}/orgs/acme/teams/t{number}"), &parent.to_string());
    }
    app.publish(&staff, &json!({"slug": "staff", "parent": {"slug": "t0"}}).to_string());
    assert_eq!(sign_in(&app, "github.com").await.status, 502);
    assert_eq!(app.calls(&format!("{API}/orgs/acme/teams/t48")).len(), 1);
    assert!(app.calls(&format!("{API}/orgs/acme/teams/t49")).is_empty());
}
