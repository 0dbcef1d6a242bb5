//! Dex as a provider of people, and as the source of an import.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{live::Live, *};
use crate::support::{
    directories::{TestDirectory, own_slapd, slapd},
    guarded::GuardedServer,
};

const FORM: SignInForm = SignInForm { action: "/login", username: "login" };
const GRACE: (&str, &str) = ("grace@acme.test", "password");
const ADA: (&str, &str) = ("ada", "ada-password");

/// The part that each configuration has.
fn base(port: u16) -> Value {
    json!({
        "issuer": format!("http://localhost:{port}/dex"),
        "storage": {"type": "memory"},
        "web": {"http": format!("127.0.0.1:{port}")},
        "oauth2": {"skipApprovalScreen": true},
        "enablePasswordDB": true,
        "staticPasswords": [{
            "email": GRACE.0, "username": "grace", "userID": "08a8684b-db88-4b73-90a9-3cd1661f5466",
            "hash": "$2a$10$2b2cU8CPhOTaGrs1HRQuAueS7JTT5ZHsHSzYiFPm1leZck7Mc8T4W",
            "groups": ["authors"],
        }],
    })
}

/// etcd, in which Dex keeps its state. In memory it hangs at the second refresh of a session.
async fn serve_etcd() -> (GuardedServer, Value) {
    let [port, peers] = [(); 2].map(|()| free_port());
    let (clients, peers) =
        (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{peers}"));
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut command = vec![installed("bin/etcd"), "--data-dir".into(), data];
    command.extend(
        ["--listen-client-urls", &clients, "--advertise-client-urls", &clients].map(PathBuf::from),
    );
    command.extend(["--listen-peer-urls", &peers, "--log-level", "error"].map(PathBuf::from));
    let server = GuardedServer::start(folder, &command, &[]);
    server.answers(&format!("{clients}/health"), Duration::from_mins(1)).await;
    (server, json!({"type": "etcd", "config": {"endpoints": [clients]}}))
}

async fn serve_dex(config: &Value) -> GuardedServer {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("dex.yaml");
    fs::write(&file, serde_yaml::to_string(config).expect("YAML")).expect("written");
    let command = [installed("bin/dex"), "serve".into(), file];
    let server = GuardedServer::start(folder, &command, &[]);
    let issuer = config["issuer"].as_str().expect("an issuer");
    let url = format!("{issuer}/.well-known/openid-configuration");
    server.answers(&url, Duration::from_mins(1)).await;
    server
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "make upstreams"]
async fn a_person_of_dex_signs_in() {
    let [port, ours] = [(); 2].map(|()| free_port());
    let mut config = base(port);
    config["staticClients"] = json!([{
        "id": "lanyard", "name": "Lanyard", "secret": SECRET,
        "redirectURIs": [format!("http://localhost:{ours}/default/dex/callback/dex")],
    }]);
    let _dex = serve_dex(&config).await;
    let issuer = format!("http://localhost:{port}/dex");
    let manifests = example("dex", "https://dex.example.com/dex", &issuer);
    let (dev, _folder) = serve(ours, &manifests).await;
    let issuer = format!("{}/default/dex", dev.base_url);
    let grace = SignIn { issuer: &issuer, hint: &[], form: FORM, who: GRACE };
    let token = grace.id_token("openid profile email groups").await;
    let expected = json!({
        "preferred_username": GRACE.0, "email": GRACE.0, "email_verified": true, "name": "grace",
        "groups": ["authors"], "amr": ["fed"],
    });
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(token[name], *value, "{name}: {token}");
    }
    assert_eq!(grace.subject().await, token["sub"], "the same at the next sign-in");
}

/// The example with `refresh` and `logout`.
fn asking_again(issuer: &str) -> String {
    let manifests = example("dex", "https://dex.example.com/dex", issuer);
    let line = "  admit: Everyone\n";
    let more =
        "  refresh: {mode: Upstream, interval: 1m, unavailable: Refuse}\n  logout: Upstream\n";
    let manifests = manifests.replacen(line, &format!("{more}{line}"), 1);
    let scopes = "scopes: [openid, profile, email, groups]";
    assert!(manifests.contains(scopes) && manifests.contains(more), "{manifests}");
    manifests.replacen(scopes, "scopes: [openid, profile, email, groups, offline_access]", 1)
}

const ADD: &str = "dn: uid=zoe,ou=people,dc=acme,dc=test\nchangetype: add\n\
    objectClass: inetOrgPerson\nuid: zoe\ncn: Zoe\nsn: Z\nmail: zoe@acme.test\n\
    userPassword: zoe-password\n";
const DELETE: &str = "dn: uid=zoe,ou=people,dc=acme,dc=test\nchangetype: delete\n";

/// Dex asks the directory at each refresh. A person who is gone there is an error of Dex
/// (`server_error`), and not a refusal of its refresh token: tokens are refused while that lasts. Dex has no
/// sign-out, and sends no logout tokens.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "make upstreams"]
async fn people_of_dex_are_asked_about_again() {
    let directory = own_slapd();
    directory.modify(ADD);
    let port = free_port();
    let issuer = format!("http://localhost:{port}/dex");
    let mut live = Live::start("dex", &asking_again(&issuer), FORM).await;
    let mut config = base(port);
    config["enablePasswordDB"] = json!(false);
    config["staticPasswords"] = json!([]);
    config["staticClients"] = json!([{
        "id": "lanyard", "name": "Lanyard", "secret": SECRET,
        "redirectURIs": [format!("{}/callback/dex", live.issuer())],
    }]);
    let connectors =
        sources(port, &directory, "entryUUID", "http://localhost:1")["connectors"].take();
    config["connectors"] = json!([connectors[0]]);
    let (_etcd, storage) = serve_etcd().await;
    config["storage"] = storage;
    let _dex = serve_dex(&config).await;

    let mut zoe = live.sign_in(("zoe", "zoe-password")).await;
    let before = live.refresh(&mut zoe).await.expect("refreshed");
    assert_eq!(before["groups"], json!([]));
    directory.modify(
        "dn: cn=staff,ou=groups,dc=acme,dc=test\nchangetype: modify\nadd: member\n\
         member: uid=zoe,ou=people,dc=acme,dc=test\n",
    );
    // Each refresh token is used once.
    for _ in 0..2 {
        let after = live.refresh(&mut zoe).await.expect("refreshed");
        assert_eq!((&after["groups"], &after["sub"]), (&json!(["staff"]), &before["sub"]));
    }
    directory.modify(DELETE);
    let refused = live.refresh(&mut zoe).await;
    assert_eq!(refused, Err((503, json!("temporarily_unavailable"))));
    assert!(!live.has_session(&zoe).await);

    let ada = live.sign_in(ADA).await;
    let page = live.sign_out(&ada).await;
    assert!(page.left_for.is_none(), "{:?}", page.left_for);
    assert!(page.body.contains("https://rp.test/bye"), "a link back: {}", page.body);
    assert!(!live.has_session(&ada).await);
}

/// Static passwords, a directory and an OpenID provider as sources of Dex.
fn sources(port: u16, directory: &TestDirectory, id: &str, home: &str) -> Value {
    let mut config = base(port);
    config["staticClients"] =
        json!([{"id": "app", "name": "App", "secret": SECRET, "redirectURIs": [CALLBACK]}]);
    config["connectors"] = json!([{
        "type": "ldap", "id": "acme-ldap", "name": "Directory of Acme",
        "config": {
            "host": format!("localhost:{}", directory.secure_port),
            "rootCAData": STANDARD.encode(&directory.ca),
            "bindDN": "cn=search,dc=acme,dc=test", "bindPW": "search-password",
            "userSearch": {
                "baseDN": "ou=people,dc=acme,dc=test", "filter": "(objectClass=inetOrgPerson)",
                "username": "uid", "idAttr": id, "emailAttr": "mail", "nameAttr": "cn",
            },
            "groupSearch": {
                "baseDN": "ou=groups,dc=acme,dc=test", "filter": "(objectClass=groupOfNames)",
                "userMatchers": [{"userAttr": "DN", "groupAttr": "member"}], "nameAttr": "cn",
            },
        },
    }, {
        "type": "oidc", "id": "home", "name": "Home",
        "config": {
            "issuer": home, "clientID": "broker", "clientSecret": SECRET,
            "redirectURI": format!("http://localhost:{port}/dex/callback"),
            "scopes": ["profile", "email"],
        },
    }]);
    config
}

/// The identities that Dex and Lanyard know in common, by the attribute that Dex identifies people of
/// the directory by.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "make upstreams"]
async fn people_of_dex_keep_their_subjects() {
    let directory = slapd();
    for id in ["DN", "uid", "entryUUID"] {
        let port = free_port();
        let issuer = format!("http://localhost:{port}/dex");
        let callbacks = ["callback", "callback/home"].map(|path| format!("{issuer}/{path}"));
        let (other, _other) = home(callbacks).await;
        let other = format!("{}/default/home", other.base_url);
        let config = sources(port, directory, id, &other);

        let dex = serve_dex(&config).await;
        let mut before = Vec::new();
        for (connector, form, who) in
            [("local", FORM, GRACE), ("acme-ldap", FORM, ADA), ("home", LANYARD, LINUS)]
        {
            let hint = [("connector_id", connector)];
            let person = SignIn { issuer: &issuer, hint: &hint, form, who };
            before.push(person.subject().await);
        }
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("manifests");
        import(&["dex", &dex.file("dex.yaml").display().to_string()], &out);
        drop(dex);

        let _lanyard = take_over(port, &out).await;
        let at_home: &[(&str, &str)] = &[("identity_provider", "home")];
        let mut after = Vec::new();
        for (hint, who) in [(&[][..], GRACE), (&[], ADA), (at_home, LINUS)] {
            after.push(SignIn { issuer: &issuer, hint, form: LANYARD, who }.subject().await);
        }
        assert_eq!(after, before, "{id}");
    }
}
