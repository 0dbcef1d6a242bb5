//! Keycloak as a provider of people, and as the source of an import.

use std::time::Duration;

use serde_json::json;

use super::{
    admin::{ADMINISTRATOR, RealmAdministrator},
    live::Live,
    *,
};
use crate::support::guarded::GuardedServer;

/// A start takes a minute of one core, and more while other tests run.
const WAIT_TIMEOUT: Duration = Duration::from_mins(6);
const FORM: SignInForm = SignInForm { action: "/authenticate", username: "username" };
const ADA: (&str, &str) = ("ada", "ada-password");
/// A person who is disabled, and one who is deleted.
const BEN: (&str, &str) = ("ben", "ben-password");
const CARA: (&str, &str) = ("cara", "cara-password");
/// The issuer of the example.
const DOCUMENTED: &str = "https://keycloak.example.com/realms/acme";

/// A realm with a person, an application, Lanyard as a client and the tenant `home` as a provider.
fn realm(name: &str, lanyard: &str, home: &str) -> Value {
    let endpoint = |path: &str| format!("{home}/oauth/{path}");
    json!({
        "realm": name, "displayName": "Acme", "enabled": true, "sslRequired": "none",
        "groups": [{"name": "staff", "subGroups": [{"name": "ops"}]}],
        "users": [{
            "username": ADA.0, "enabled": true, "email": "ada@acme.test", "emailVerified": true,
            "firstName": "Ada", "lastName": "Lovelace", "groups": ["/staff/ops"],
            "credentials": [{"type": "password", "value": ADA.1}],
        }],
        "clients": [
            {"clientId": "app", "enabled": true, "secret": SECRET, "redirectUris": [CALLBACK]},
            {
                "clientId": "lanyard", "enabled": true, "secret": SECRET, "redirectUris": [lanyard],
                "protocolMappers": [{
                    "name": "groups", "protocol": "openid-connect",
                    "protocolMapper": "oidc-group-membership-mapper",
                    "config": {"claim.name": "groups", "full.path": "true", "id.token.claim": "true"},
                }],
            },
        ],
        "identityProviders": [{
            "alias": "home", "providerId": "oidc", "enabled": true, "trustEmail": true,
            "firstBrokerLoginFlowAlias": "first broker login",
            "config": {
                "issuer": home, "authorizationUrl": endpoint("authorize"),
                "tokenUrl": endpoint("token"), "jwksUrl": endpoint("jwks"),
                "clientId": "broker", "clientSecret": SECRET, "clientAuthMethod": "client_secret_basic",
                "useJwksUrl": "true", "validateSignature": "true", "defaultScope": "openid profile email",
            },
        }],
    })
}

/// A copy of the installation, which keeps its data.
fn installation(realms: &[Value]) -> TempDir {
    let home = tempfile::tempdir().expect("a folder");
    let source = format!("{}/.", installed("keycloak").display());
    let copied = Command::new("cp").args(["-r", &source]).arg(home.path()).status();
    assert!(copied.expect("cp is there").success(), "{source} is copied");
    let imports = home.path().join("data/import");
    fs::create_dir_all(&imports).expect("a folder");
    for realm in realms {
        let name = realm["realm"].as_str().expect("a name");
        fs::write(imports.join(format!("{name}-realm.json")), realm.to_string()).expect("written");
    }
    home
}

/// The command `kc.sh` of an installation.
fn command(home: &Path, arguments: &[&str]) -> Vec<String> {
    let script = home.join("bin/kc.sh").display().to_string();
    std::iter::once(script).chain(arguments.iter().map(|&it| it.to_owned())).collect()
}

const HEAP: (&str, &str) = ("JAVA_OPTS_KC_HEAP", "-Xms64m -Xmx512m");

async fn serve_keycloak(home: &Path, port: u16) -> GuardedServer {
    let arguments = ["start-dev", "--import-realm", "--http-port", &port.to_string()];
    let log = tempfile::tempdir().expect("a folder");
    let environment = [HEAP, ADMINISTRATOR[0], ADMINISTRATOR[1]];
    let server = GuardedServer::start(log, &command(home, &arguments), &environment);
    let url = format!("http://localhost:{port}/realms/acme/.well-known/openid-configuration");
    server.answers(&url, WAIT_TIMEOUT).await;
    server
}

/// Writes all realms with their users into a folder.
fn export(home: &Path, folder: &Path) {
    let folder = folder.display().to_string();
    let command = command(home, &["export", "--users", "different_files", "--dir", &folder]);
    let output = Command::new(&command[0]).args(&command[1..]).envs([HEAP]).output();
    let output = output.expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// One start of Keycloak serves the whole test: people sign in through it, and then they are imported.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "make upstreams"]
async fn people_of_keycloak_sign_in_through_it_and_after_the_move() {
    let [port, ours] = [(); 2].map(|()| free_port());
    // The realm `old` has the hashes of earlier versions.
    let issuers = ["acme", "old"].map(|name| format!("http://localhost:{port}/realms/{name}"));
    let callbacks = issuers
        .clone()
        .map(|it| [format!("{it}/broker/home/endpoint"), format!("{it}/callback/home")]);
    let [acme_callbacks, old_callbacks] = callbacks;
    let (acme_home, _acme_home) = home(acme_callbacks).await;
    let (old_home, _old_home) = home(old_callbacks).await;
    let lanyard = format!("http://localhost:{ours}/default/keycloak/callback/keycloak");
    let realm_of =
        |name: &str, home: &Dev| realm(name, &lanyard, &format!("{}/default/home", home.base_url));
    let mut old = realm_of("old", &old_home);
    old["passwordPolicy"] = json!("hashAlgorithm(pbkdf2-sha512) and hashIterations(30000)");
    let mut live = Live::start("keycloak", &asking_again(&issuers[0]), FORM).await;
    let mut acme = realm_of("acme", &acme_home);
    add_live(&mut acme, &live.issuer());
    let folder = installation(&[acme, old]);
    let keycloak = serve_keycloak(folder.path(), port).await;

    signs_in_through(&issuers[0], ours).await;
    let administrator = RealmAdministrator::of("acme", port);
    signs_out_both_ways(&live, &administrator).await;
    follows_the_realm(&mut live, &administrator).await;
    let before = subjects(&issuers, FORM, "kc_idp_hint").await;
    drop(keycloak);

    let exported = tempfile::tempdir().expect("a folder");
    export(folder.path(), exported.path());
    let manifests = tempfile::tempdir().expect("a folder");
    for (name, issuer) in ["acme", "old"].iter().zip(&issuers) {
        let files =
            ["realm", "users-0"].map(|part| exported.path().join(format!("{name}-{part}.json")));
        let [realm, users] = files.map(|file| file.display().to_string());
        let arguments = ["keycloak", &realm, &users, "--namespace", name, "--issuer", issuer];
        import(&arguments, &manifests.path().join(name));
    }
    let _lanyard = take_over(port, manifests.path()).await;
    let after = subjects(&issuers, LANYARD, "identity_provider").await;
    assert_eq!(after, before);
}

/// A person of a realm signs in to Lanyard, whose manifests are those of the documentation.
async fn signs_in_through(realm: &str, port: u16) {
    let manifests = example("keycloak", DOCUMENTED, realm);
    let (dev, _folder) = serve(port, &manifests).await;
    let issuer = format!("{}/default/keycloak", dev.base_url);
    let ada = SignIn { issuer: &issuer, hint: &[], form: FORM, who: ADA };
    let token = ada.id_token("openid profile email groups").await;
    let expected = json!({
        "preferred_username": "ada", "email": "ada@acme.test", "email_verified": true,
        "name": "Ada Lovelace", "groups": ["/staff/ops"], "amr": ["fed"],
    });
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(token[name], *value, "{name}: {token}");
    }
    assert_eq!(ada.subject().await, token["sub"], "the same at the next sign-in");
}

/// The subjects of the person with a password and of the person from `home`, at each issuer.
async fn subjects(issuers: &[String], form: SignInForm, hint: &str) -> Vec<String> {
    let mut found = Vec::new();
    for issuer in issuers {
        found.push(SignIn { issuer, hint: &[], form, who: ADA }.subject().await);
        let hint = [(hint, "home")];
        found.push(SignIn { issuer, hint: &hint, form: LANYARD, who: LINUS }.subject().await);
    }
    found
}

/// The example with `refresh` and `logout`. An offline session of Keycloak would outlive a sign-out there, so
/// that its scope is not requested.
fn asking_again(realm: &str) -> String {
    let manifests = example("keycloak", DOCUMENTED, realm);
    let line = "  admit: Everyone\n";
    let more = "  refresh: {mode: Upstream, interval: 1m}\n  logout: Upstream\n";
    let manifests = manifests.replacen(line, &format!("{more}{line}"), 1);
    let line = "    clientId: lanyard\n";
    let client = "    clientId: lanyard-live\n    scopes: [openid, profile, email]\n";
    assert!(manifests.contains(line) && manifests.contains(more), "{manifests}");
    manifests.replacen(line, client, 1)
}

/// Adds the client of a server with this issuer to a realm, and people who leave.
fn add_live(realm: &mut Value, issuer: &str) {
    let mut client = realm["clients"][1].clone();
    client["clientId"] = json!("lanyard-live");
    client["redirectUris"] = json!([format!("{issuer}/callback/keycloak")]);
    client["attributes"] = json!({
        "backchannel.logout.url": format!("{issuer}/callback/keycloak/logout"),
        "backchannel.logout.session.required": "true",
        "post.logout.redirect.uris": format!("{issuer}/logged-out"),
    });
    realm["clients"].as_array_mut().expect("clients").push(client);
    for (name, password) in [BEN, CARA] {
        let mut person = realm["users"][0].clone();
        person["username"] = json!(name);
        person["email"] = json!(format!("{name}@acme.test"));
        person["credentials"][0]["value"] = json!(password);
        realm["users"].as_array_mut().expect("users").push(person);
    }
}

/// A sign-out here goes on in the realm, and one in the realm ends the session here.
async fn signs_out_both_ways(live: &Live, administrator: &RealmAdministrator) {
    let ben = live.sign_in(BEN).await;
    assert!(live.has_session(&ben).await);
    let page = live.sign_out(&ben).await;
    let left_for = page.left_for.unwrap_or_else(|| panic!("{} {}", page.url, page.body));
    assert_eq!(left_for.as_str(), "https://rp.test/bye?state=x", "back to the application");
    let page = live.authorize(&ben, &[]).await;
    assert!(page.left_for.is_none(), "Keycloak asks for the password again: {:?}", page.left_for);
    page.form(FORM.action);

    let (ben, cara) = (live.sign_in(BEN).await, live.sign_in(CARA).await);
    assert!(live.has_session(&ben).await);
    administrator.sign_out(BEN.0).await;
    live.awaits_end(&ben).await;
    let ended = live.app.audit.last("logout");
    assert_eq!(ended["kind"], "upstream", "{ended}");
    assert!(live.has_session(&cara).await, "that of another person goes on");
}

/// Lanyard asks the realm at each refresh, with the refresh token of the realm.
async fn follows_the_realm(live: &mut Live, administrator: &RealmAdministrator) {
    let (mut ben, mut cara) = (live.sign_in(BEN).await, live.sign_in(CARA).await);
    let before = live.refresh(&mut ben).await.expect("refreshed");
    assert_eq!(before["groups"], json!(["/staff/ops"]));
    administrator.move_person(BEN.0, "staff/ops", "staff").await;
    let after = live.refresh(&mut ben).await.expect("refreshed");
    assert_eq!(after["groups"], json!(["/staff"]));
    assert_eq!(after["sub"], before["sub"]);

    let refused = Err((400, json!("invalid_grant")));
    administrator.set_enabled(BEN.0, false).await;
    assert_eq!(live.refresh(&mut ben).await, refused);
    assert!(!live.has_session(&ben).await);
    administrator.set_enabled(BEN.0, true).await;
    assert_eq!(live.refresh(&mut ben).await, refused, "the grant has ended");

    administrator.delete(CARA.0).await;
    assert_eq!(live.refresh(&mut cara).await, refused);
    assert!(!live.has_session(&cara).await);
}
