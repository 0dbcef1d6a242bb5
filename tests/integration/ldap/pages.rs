//! Sign-in with a directory on the tenant's own page.

use serde_json::{Value, json};

use super::{connections::CountedPort, *};
use crate::support::{
    app::TestApp,
    browser::{Application, Browser, Page, claims},
    directories::{samba, slapd},
};

const LOGOUT: &str = "https://rp.test/logout";
const CALLBACK: &str = "https://rp.test/cb";

/// A tenant with a declared user and a trusted client with every claim.
const TENANT: &str = r#"
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: shop}
spec: {displayName: Harbour Works}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: wiki}
spec:
  tenantRef: {name: shop}
  consent: Implied
  redirectUris: ["https://rp.test/cb"]
  backchannelLogoutUri: https://rp.test/logout
  grantTypes: [authorization_code, refresh_token]
  scopes: [openid, profile, email, groups, offline_access]
  idTokenClaims: Scopes
  secretRef: {name: wiki-secret}
---
apiVersion: v1
kind: Secret
metadata: {name: wiki-secret}
stringData: {client-secret: a secret of at least thirty-two characters}
"#;

const LOCAL_USER: &str = r"
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {name: grace}
spec:
  tenantRef: {name: shop}
  username: grace
  passwordSecretRef: {name: grace-password}
---
apiVersion: v1
kind: Secret
metadata: {name: grace-password}
stringData: {password: the local password}
";

/// The manifests of a directory, with further lines of its spec.
pub(super) fn directory(name: &str, server: &TestDirectory, ldap: &str, more: &str) -> String {
    let ca = server.ca.replace('\n', "\n    ");
    let port = server.secure_port;
    let (user, password) = if ldap.contains("OpenLDAP") {
        ("cn=search,dc=acme,dc=test", "search-password")
    } else {
        ("svc-lanyard@corp.test", "Search-Passw0rd")
    };
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}-account}}\n\
         stringData: {{username: \"{user}\", password: {password}}}\n---\n\
         apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}-ca}}\nstringData:\n  ca.crt: |\n    {ca}\n---\n\
         apiVersion: lanyard.dev/v1alpha1\nkind: IdentityProvider\nmetadata: {{name: {name}}}\nspec:\n\
         \x20 tenantRef: {{name: shop}}\n  type: LDAP\n  displayName: The {name} directory\n  admit: Everyone\n\
         \x20 ldap:\n    url: ldaps://localhost:{port}\n    bindSecretRef: {{name: {name}-account}}\n\
         \x20   caRef: {{name: {name}-ca}}\n{ldap}{more}"
    )
}

pub(super) const ACME: &str = "    schema: OpenLDAP\n    users: {base: 'dc=acme,dc=test'}\n    groups: {base: 'dc=acme,dc=test', nested: Recursive}\n";
const CORP: &str = "    schema: ActiveDirectory\n    users: {base: 'DC=corp,DC=test'}\n    groups: {base: 'DC=corp,DC=test', nested: ActiveDirectory}\n";
/// A second source of people needs these.
const APART: &str = "  emailDomains: [acme.test]\n  claimMappings: {username: {claim: preferred_username, prefix: 'acme:'}, groups: {claim: groups, prefix: 'acme:'}}\n";

/// The server under test, with directories that users sign in from, and an application.
pub(super) struct Shop {
    pub(super) app: TestApp,
    wiki: Application,
}

impl Shop {
    pub(super) async fn with(directories: &[String]) -> Self {
        let app = TestApp::start(&manifests(directories)).await;
        let secret = Some("a secret of at least thirty-two characters");
        let issuer = app.issuer("shop");
        let wiki = Application::discover(&issuer, "default.wiki", secret, CALLBACK).await;
        Self { app, wiki }
    }

    pub(super) async fn typed(&self, username: &str, password: &str) -> Page {
        let browser = Browser::new();
        let scope = "openid profile email groups offline_access";
        let page = browser.open(&self.wiki.authorize_url(scope, &[])).await;
        let fields = [("username", username), ("password", password), ("action", "sign-in")];
        browser.submit(&page.form("/login"), &fields).await
    }

    pub(super) async fn tokens(&self, username: &str, password: &str) -> Value {
        let page = self.typed(username, password).await;
        assert!(page.left_for.is_some(), "{username}: {}", page.body);
        let (status, tokens) = self.wiki.redeem(&page.answer()["code"]).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    /// The response to the refresh token of tokens.
    pub(super) async fn refreshed(&self, tokens: &Value) -> (u16, Value) {
        let token = tokens["refresh_token"].as_str().expect("a refresh token");
        self.wiki.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    async fn id_token(&self, username: &str, password: &str) -> Value {
        claims(self.tokens(username, password).await["id_token"].as_str().expect("an ID token"))
    }
}

fn manifests(directories: &[String]) -> String {
    [&[TENANT.to_owned()], directories].concat().join("\n---\n")
}

#[tokio::test]
async fn a_person_of_openldap_signs_in_on_the_page() {
    let acme = directory("acme", slapd(), ACME, "");
    let shop = Shop::with(&[acme]).await;
    let token = shop.id_token("ADA", "ada-password").await;
    assert_eq!(token["preferred_username"], "ada");
    assert_eq!(token["name"], "Ada Lovelace");
    assert_eq!((&token["given_name"], &token["family_name"]), (&json!("Ada"), &json!("Lovelace")));
    assert_eq!(token["email"], "ada@acme.test");
    assert!(token.get("email_verified").is_none(), "the directory does not say");
    assert_eq!(token["groups"], json!(["employees", "everyone", "staff", "unique"]));
    assert_eq!(token["amr"], json!(["pwd"]));
    let again = shop.id_token("ada", "ada-password").await;
    assert_eq!(again["sub"], token["sub"]);
    let refreshed = shop.tokens("ada", "ada-password").await;
    let refresh = refreshed["refresh_token"].as_str().expect("a refresh token");
    let grant = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let (status, tokens) = shop.wiki.token(&grant).await;
    assert_eq!(status, 200, "{tokens}");
}

#[tokio::test]
async fn a_person_of_a_directory_has_an_account_page() {
    let shop = Shop::with(&[directory("acme", slapd(), ACME, "")]).await;
    let (browser, url) = (Browser::new(), format!("{}/account", shop.app.issuer("shop")));
    let page = browser.open(&url).await;
    let fields = [("username", "ada"), ("password", "ada-password"), ("action", "sign-in")];
    let page = browser.submit(&page.form("/login"), &fields).await;
    assert!(page.body.contains("Your account comes from The acme directory."), "{}", page.body);
    shop.app.clock.advance(std::time::Duration::from_mins(7));
    let page = browser.open(&url).await;
    let everywhere = [("action", "sign-out-everywhere")];
    let page = browser.submit(&page.form("/account"), &everywhere).await;
    assert!(page.body.contains("Please sign in again"), "{}", page.body);
    let page = browser.submit(&page.form("/login"), &fields).await;
    let page = browser.submit(&page.form("/account"), &everywhere).await;
    assert!(page.body.contains("You are signed out"), "{}", page.body);
}

#[tokio::test]
async fn a_person_of_active_directory_signs_in_on_the_page() {
    let Some(samba) = samba() else { return };
    let shop = Shop::with(&[directory("corp", samba, CORP, "")]).await;
    let token = shop.id_token("ada@corp.test", "Ada-Passw0rd").await;
    assert_eq!(token["preferred_username"], "ada");
    let all = ["Domain Users", "Users", "employees", "everyone", "staff"];
    assert_eq!(token["groups"], json!(all));
    let disabled = shop.typed("dora", "Dora-Passw0rd").await;
    assert_eq!(disabled.status, 403);
    assert!(disabled.body.contains("The account is disabled."), "{}", disabled.body);
    let wrong = shop.typed("dora", "wrong").await;
    assert_eq!(wrong.status, 422);
    assert!(!wrong.body.contains("disabled"), "{}", wrong.body);
}

#[tokio::test]
async fn unknown_names_and_wrong_passwords_look_alike() {
    let shop = Shop::with(&[directory("acme", slapd(), ACME, "")]).await;
    let wrong = "The username or password is incorrect.";
    for (username, password) in
        [("ada", "wrong"), ("eve", "wrong"), ("twin", "twin-password"), ("ada", ""), ("*", "x")]
    {
        let page = shop.typed(username, password).await;
        assert_eq!(page.status, 422, "{username}");
        assert!(page.body.contains(wrong), "{username}: {}", page.body);
    }
}

#[tokio::test]
async fn a_declared_name_never_reaches_a_directory() {
    let acme = directory("acme", slapd(), ACME, APART);
    let shop = Shop::with(&[acme, LOCAL_USER.to_owned()]).await;
    let declared = shop.id_token("grace", "the local password").await;
    assert_eq!(declared["sub"], shop.app.subject("shop", "grace"));
    let directorys = shop.typed("grace", "grace-password").await;
    assert_eq!(directorys.status, 422, "the directory has this name with this password");
    let ada = shop.id_token("ada", "ada-password").await;
    assert_eq!(ada["preferred_username"], "acme:ada");
    assert_eq!(ada["groups"][0], "acme:employees");
}

#[tokio::test]
async fn the_name_of_a_refused_user_never_reaches_a_directory() {
    let acme = directory("acme", slapd(), ACME, APART);
    let shop = Shop::with(&[acme.clone(), LOCAL_USER.to_owned()]).await;
    let mistake = "  username: grace\n  email: no address\n";
    let refused = LOCAL_USER.replace("  username: grace\n", mistake);
    shop.app.serve_with_problems(&manifests(&[acme, refused]));
    // The directory has the name with this password.
    let page = shop.typed("grace", "grace-password").await;
    assert_eq!(page.status, 422, "{}", page.body);
    let line = shop.app.audit.last("sign_in");
    assert_eq!(
        (&line["provider"], &line["reason"]),
        (&json!("Local"), &json!("user_not_accepted"))
    );
    let cause = line["cause"].as_str().expect("one");
    assert!(cause.starts_with("the OidcUser \"default/grace\" is not accepted"), "{cause}");
    assert_eq!(shop.id_token("ada", "ada-password").await["preferred_username"], "acme:ada");
}

#[tokio::test]
async fn a_person_of_a_directory_is_declared_by_any_spelling_of_the_identifier() {
    let acme = directory("acme", slapd(), ACME, APART);
    let shop = Shop::with(&[acme.clone(), LOCAL_USER.to_owned()]).await;
    let search = ["cn=search,dc=acme,dc=test", "search-password"];
    let settings = settings(slapd(), LdapSchema::OpenLdap, "dc=acme,dc=test", search);
    let upper = sign_in(&settings, "ada", "ada-password").await.expect("she may").id.to_uppercase();
    for written in [format!("{{{upper}}}"), upper.replace('-', ""), upper] {
        let identity = format!(
            "  username: grace\n  identities: [{{provider: acme, subject: '{written}'}}]\n"
        );
        let declared = LOCAL_USER.replace("  username: grace\n", &identity);
        shop.app.serve(&manifests(&[acme.clone(), declared]));
        let claims = shop.id_token("ada", "ada-password").await;
        assert_eq!(claims["sub"], shop.app.subject("shop", "grace"), "{written}");
    }
}

/// A user without a password has the name of the entry, by the username or the address.
#[tokio::test]
async fn a_declared_user_without_a_password_signs_in_with_the_directory() {
    let settings = settings(
        slapd(),
        LdapSchema::OpenLdap,
        "dc=acme,dc=test",
        ["cn=search,dc=acme,dc=test", "search-password"],
    );
    let entry = sign_in(&settings, "ada", "ada-password").await.expect("she may").id;
    let grace = sign_in(&settings, "grace", "grace-password").await.expect("she may").id;
    let declared = |identity: &str| {
        let user =
            format!("username: ada\n  identities: [{{provider: acme, subject: '{identity}'}}]\n");
        let (without_password, _) = LOCAL_USER.split_once("  passwordSecretRef").expect("a user");
        without_password.replace("username: grace\n", &user)
    };
    let acme = directory("acme", slapd(), ACME, APART);
    let shop = Shop::with(&[acme.clone(), declared(&entry)]).await;
    let claims = shop.id_token("ada", "ada-password").await;
    assert_eq!(claims["sub"], shop.app.subject("shop", "ada"));
    let wrong = shop.typed("ada", "wrong").await;
    assert_eq!(wrong.status, 422, "{}", wrong.body);
    // The entry with the name is not the declared person.
    shop.app.serve(&manifests(&[acme, declared(&grace)]));
    let page = shop.typed("ada", "ada-password").await;
    assert!(page.left_for.is_none() && page.status >= 400, "{} {}", page.status, page.body);
}

#[tokio::test]
async fn a_second_directory_has_the_names_of_its_domains() {
    let Some(samba) = samba() else { return };
    let mail = ACME.replace("users: {", "users: {filter: '(mail={username})', ");
    let by_domain = APART.to_owned() + "  signIn: {domains: [acme.test]}\n";
    let acme = directory("acme", slapd(), &mail, &by_domain);
    let corp = directory("corp", samba, CORP, &APART.replace("acme", "corp"));
    let shop = Shop::with(&[acme, corp]).await;
    let of = async |name: &str, password: &str| shop.id_token(name, password).await;
    let acme = of("ada@acme.test", "ada-password").await;
    assert_eq!(acme["preferred_username"], "acme:ada");
    let corp = of("ada@corp.test", "Ada-Passw0rd").await;
    assert_eq!(corp["preferred_username"], "corp:ada");
    assert_ne!(acme["sub"], corp["sub"]);
}

#[tokio::test]
async fn attempts_are_limited_before_the_directory_is_asked() {
    let port = CountedPort::to(slapd().secure_port).await;
    let acme = directory("acme", slapd(), ACME, "");
    let ldaps = |port: u16| format!("ldaps://localhost:{port}");
    let shop = Shop::with(&[acme.replace(&ldaps(slapd().secure_port), &ldaps(port.port))]).await;
    // The directory finds one entry by all of these, and the page counts each for itself.
    let spellings = ["grace", "g r a c e", "grace  "];
    let mut limited = None;
    for nth in 0..12 {
        let before = port.connections();
        let page = shop.typed(spellings[nth % 3], "wrong").await;
        if page.status == 429 {
            assert_eq!(port.connections(), before, "no password was tried");
            limited = Some(nth);
            break;
        }
    }
    assert!(limited.is_some(), "guesses are limited");
    let before = port.connections();
    let right = shop.typed("grace", "grace-password").await;
    assert_eq!(right.status, 429, "{}", right.body);
    assert_eq!(port.connections(), before, "not even the right one");
    let line = shop.app.audit.last("attempt_throttled");
    assert_eq!((&line["attempt"], &line["provider"]), (&json!("sign_in"), &json!("acme")));
}

#[tokio::test]
async fn a_directory_that_cannot_be_used_refuses_its_own_people_only() {
    let down = directory("acme", slapd(), ACME, APART);
    let port = slapd().secure_port.to_string();
    let down = down.replace(&format!("localhost:{port}"), "localhost:1");
    let shop = Shop::with(&[down, LOCAL_USER.to_owned()]).await;
    let page = shop.typed("ada", "ada-password").await;
    assert_eq!(page.status, 503);
    assert!(page.body.contains("The acme directory does not answer"), "{}", page.body);
    shop.id_token("grace", "the local password").await;
    let missing = ACME.replace("groups: {base: 'dc=acme", "groups: {base: 'ou=missing,dc=acme");
    shop.app.serve(&manifests(&[directory("acme", slapd(), &missing, "")]));
    let page = shop.typed("ada", "ada-password").await;
    assert_eq!(page.status, 503, "no groups are not taken for none: {}", page.body);
}

/// A wrong filter ends no session for good.
#[tokio::test]
async fn people_whom_the_filter_does_not_select_are_refused_while_it_lasts() {
    let refresh = "  refresh: {mode: Upstream, interval: 15m, keepFor: 4h}\n";
    let shop = Shop::with(&[directory("acme", slapd(), ACME, refresh)]).await;
    let mut notifications = shop.app.receive(LOGOUT);
    let tokens = shop.tokens("grace", "grace-password").await;
    let token = tokens["refresh_token"].as_str().expect("a refresh token").to_owned();
    let mut grace = Refresher { shop: &shop, token };
    let typo =
        ACME.replace("users: {", "users: {filter: '(memberOf=cn=missing,dc=acme,dc=test)', ");
    shop.app.serve(&manifests(&[directory("acme", slapd(), &typo, refresh)]));
    for minutes in [20, 1] {
        assert_eq!(grace.after_minutes(minutes).await, Err(json!("invalid_grant")));
        let refused = shop.app.audit.last("person_refused");
        assert_eq!(refused["reason"], "rule", "{refused}");
    }
    shop.app.serve(&manifests(&[directory("acme", slapd(), ACME, refresh)]));
    assert!(grace.after_minutes(1).await.is_ok(), "nothing has ended");
    assert!(notifications.try_recv().is_err());
}

#[tokio::test]
async fn the_audit_log_names_the_person_of_a_failed_attempt() {
    let shop = Shop::with(&[directory("acme", slapd(), ACME, "")]).await;
    let sub = shop.id_token("ada", "ada-password").await["sub"].clone();
    for (username, password, reason, known) in [
        ("ADA", "wrong", "wrong_credentials", Some("ada")),
        ("dora", "dora-password", "restricted", Some("dora")),
        ("eve", "a password typed as a name", "wrong_credentials", None),
    ] {
        shop.typed(username, password).await;
        let line = shop.app.audit.last("sign_in");
        assert_eq!((&line["provider"], &line["reason"]), (&json!("acme"), &json!(reason)));
        assert_eq!(line["username"].as_str(), known, "{line}");
        assert_eq!(line["subject"].is_string(), known.is_some(), "{line}");
        assert!(known != Some("ada") || line["subject"] == sub, "{line}");
    }
}

/// A refresh of tokens after some minutes: the claims of the ID token, or the error.
struct Refresher<'a> {
    shop: &'a Shop,
    token: String,
}

impl Refresher<'_> {
    async fn after_minutes(&mut self, minutes: u64) -> Result<Value, Value> {
        self.shop.app.clock.advance(std::time::Duration::from_mins(minutes));
        let grant = [("grant_type", "refresh_token"), ("refresh_token", &*self.token)];
        let (status, answer) = self.shop.wiki.token(&grant).await;
        if status != 200 {
            return Err(answer["error"].clone());
        }
        if let Some(token) = answer["refresh_token"].as_str() {
            token.clone_into(&mut self.token);
        }
        Ok(claims(answer["id_token"].as_str().expect("an ID token")))
    }
}

fn change(ldif: &'static str) -> tokio::task::JoinHandle<()> {
    tokio::task::spawn_blocking(move || slapd().modify(ldif))
}

#[tokio::test]
async fn a_directory_is_asked_again_about_signed_in_people() {
    change(
        "dn: uid=mover,ou=people,dc=acme,dc=test\nchangetype: add\nobjectClass: inetOrgPerson\n\
         uid: mover\ncn: Mover\nsn: M\nuserPassword: mover-password\n",
    )
    .await
    .expect("added");
    let refresh = "  refresh: {mode: Upstream, interval: 15m, keepFor: 4h}\n";
    let shop = Shop::with(&[directory("acme", slapd(), ACME, refresh)]).await;
    let tokens = shop.tokens("mover", "mover-password").await;
    let token = tokens["refresh_token"].as_str().expect("a refresh token").to_owned();
    let mut mover = Refresher { shop: &shop, token };
    change(
        "dn: cn=unique,ou=groups,dc=acme,dc=test\nchangetype: modify\nadd: uniqueMember\n\
         uniqueMember: uid=mover,ou=people,dc=acme,dc=test\n",
    )
    .await
    .expect("changed");
    let early = mover.after_minutes(10).await.expect("refreshed");
    assert_eq!(early["groups"], json!([]), "the last answer is new enough");
    let later = mover.after_minutes(10).await.expect("refreshed");
    assert_eq!(later["groups"], json!(["unique"]));
    // The directory is away for some time.
    let away = directory("acme", slapd(), ACME, refresh)
        .replace(&format!("localhost:{}", slapd().secure_port), "localhost:1");
    shop.app.serve(&manifests(&[away]));
    let kept = mover.after_minutes(60).await.expect("kept");
    assert_eq!(kept["groups"], json!(["unique"]));
    assert_eq!(mover.after_minutes(240).await, Err(json!("temporarily_unavailable")), "no longer");
    shop.app.serve(&manifests(&[directory("acme", slapd(), ACME, refresh)]));
    assert!(mover.after_minutes(1).await.is_ok(), "nothing has ended");
    // Groups that cannot be read are neither the old ones nor none.
    let missing = ACME.replace("groups: {base: 'dc=acme", "groups: {base: 'ou=missing,dc=acme");
    shop.app.serve(&manifests(&[directory("acme", slapd(), &missing, refresh)]));
    assert_eq!(mover.after_minutes(20).await, Err(json!("invalid_grant")));
    assert_eq!(mover.after_minutes(0).await, Err(json!("invalid_grant")));
    shop.app.serve(&manifests(&[directory("acme", slapd(), ACME, refresh)]));
    assert!(mover.after_minutes(1).await.is_ok());
    let mut notifications = shop.app.receive(LOGOUT);
    // A disabled person has left for good.
    change(
        "dn: uid=mover,ou=people,dc=acme,dc=test\nchangetype: modify\n\
         add: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n",
    )
    .await
    .expect("disabled");
    assert_eq!(mover.after_minutes(20).await, Err(json!("invalid_grant")));
    notifications.recv().await.expect("the application is told");
    let gone = shop.app.audit.last("person_refused");
    assert_eq!(gone["reason"], "gone");
    assert!(gone["cause"].as_str().expect("one").contains("disabled"), "{gone}");
    let again = shop.refreshed(&json!({"refresh_token": mover.token})).await.1;
    let text = again["error_description"].as_str().expect("one");
    assert!(!text.contains("does not say enough"), "the text of the first time: {text}");
    change(
        "dn: uid=mover,ou=people,dc=acme,dc=test\nchangetype: modify\ndelete: pwdAccountLockedTime\n",
    )
    .await
    .expect("enabled");
    assert_eq!(mover.after_minutes(20).await, Err(json!("invalid_grant")));
    shop.tokens("mover", "mover-password").await;
    assert_eq!(mover.after_minutes(1).await, Err(json!("invalid_grant")), "the old grant");
}
