//! Clients that authenticate with certificates (RFC 8705 §2), and certificates that do not authenticate them.

use serde_json::{Value, json};

use super::{
    browser::{Browser, claims},
    certificates::{Identity, NamedAuthority, params},
    world::{Caller, World, assert_error},
};

#[tokio::test]
async fn a_certificate_of_the_named_authority_authenticates_its_client() {
    // RFC 8705 §2.1
    let world = World::new().await;
    for name in ["ledger", "plain"] {
        let identity = world.issue(&format!("{name}.acme.test"));
        let caller = world.caller(("shop", name), Some(&identity)).await;
        let (status, tokens) = caller.client_credentials(&[]).await;
        assert_eq!(status, 200, "{name}: {tokens}");
        assert_eq!(tokens["token_type"], "Bearer");
    }
}

#[tokio::test]
async fn other_certificates_do_not_authenticate_a_client() {
    // RFC 8705 §2.1, §7.1
    let world = World::new().await;
    let elsewhere = NamedAuthority::new("Acme").issue("ledger.acme.test");
    let mut expired = params("ledger.acme.test");
    expired.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let mut of_server = params("ledger.acme.test");
    of_server.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let wrong = [
        ("another authority of the same name", Some(elsewhere)),
        ("expired", Some(world.authority.issue_with(&expired))),
        ("for servers only", Some(world.authority.issue_with(&of_server))),
        ("of another client", Some(world.issue("plain.acme.test"))),
        ("self-signed", Some(Identity::self_signed("ledger.acme.test"))),
        ("none", None),
    ];
    for (what, identity) in wrong {
        let caller = world.caller(("shop", "ledger"), identity.as_ref()).await;
        let answer = caller.client_credentials(&[]).await;
        assert_error(&answer, 401, "invalid_client");
        let told = answer.1["error_description"].as_str().expect("a description");
        assert!(told.starts_with("Client authentication failed"), "{what}: {told}");
        // The response does not show whether the client exists.
        let unknown = world.caller(("shop", "nobody"), identity.as_ref()).await;
        assert_eq!(unknown.client_credentials(&[]).await, answer, "{what}");
    }
}

#[tokio::test]
async fn the_audit_line_says_what_is_wrong_with_a_certificate() {
    let world = World::new().await;
    let identity = world.issue("plain.acme.test");
    let caller = world.caller(("shop", "ledger"), Some(&identity)).await;
    caller.client_credentials(&[]).await;
    let line = world.app.audit.last("client_authentication_failed");
    let cause = line["cause"].as_str().expect("a cause");
    assert!(cause.contains("does not match spec.tlsClientAuth"), "{cause}");
}

#[tokio::test]
async fn a_registered_key_authenticates_a_client_with_a_certificate_of_its_own() {
    // RFC 8705 §2.2
    let world = World::new().await;
    let caller = world.caller(("shop", "own"), Some(&world.own)).await;
    assert_eq!(caller.client_credentials(&[]).await.0, 200);
    let other = Identity::self_signed("own.acme.test");
    for identity in [&other, &world.issue("own.acme.test")] {
        let caller = world.caller(("shop", "own"), Some(identity)).await;
        assert_error(&caller.client_credentials(&[]).await, 401, "invalid_client");
    }
    let set = json!({ "keys": [other.jwk] }).to_string();
    world.app.publish("https://keys.test/jwks", &set);
    let remote = world.caller(("shop", "remote"), Some(&other)).await;
    assert_eq!(remote.client_credentials(&[]).await.0, 200);
    let mismatch = world.caller(("shop", "remote"), Some(&world.own)).await;
    assert_error(&mismatch.client_credentials(&[]).await, 401, "invalid_client");
}

#[tokio::test]
async fn each_method_with_a_certificate_authenticates_at_every_endpoint() {
    // RFC 8705 §2, RFC 7662 §2.1, RFC 7009 §2.1
    let world = World::new().await;
    let (issued, wrong) = (world.issue("plain.acme.test"), Identity::self_signed("wrong"));
    for (name, method, identity) in
        [("plain", "tls_client_auth", &issued), ("own", "self_signed_tls_client_auth", &world.own)]
    {
        let caller = world.caller(("shop", name), Some(identity)).await;
        let thief = world.caller(("shop", name), Some(&wrong)).await;
        for endpoint in ["token", "introspection", "revocation"] {
            let methods = &caller.document[format!("{endpoint}_endpoint_auth_methods_supported")];
            let mut advertised = methods.as_array().expect("a list").iter().map(Value::as_str);
            assert!(advertised.any(|it| it == Some(method)), "{method} at {endpoint}: {methods}");
            let endpoint = format!("{endpoint}_endpoint");
            let form = [("grant_type", "client_credentials"), ("token", "nonsense")];
            assert_error(&thief.post(&endpoint, &form).await, 401, "invalid_client");
            let (status, answer) = caller.post(&endpoint, &form).await;
            assert_eq!(status, 200, "{method} at {endpoint}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_client_with_a_certificate_uses_no_other_credentials() {
    let world = World::new().await;
    let identity = world.issue("plain.acme.test");
    let caller = world.caller(("shop", "plain"), Some(&identity)).await;
    let answer = caller.client_credentials(&[("client_secret", "a secret")]).await;
    assert_error(&answer, 401, "invalid_client");
    // A certificate does not stand for the secret of a client that has one.
    let secret = world.caller(("shop", "secretive"), Some(&identity)).await;
    assert_error(&secret.client_credentials(&[]).await, 401, "invalid_client");
}

#[tokio::test]
async fn a_change_of_the_authorities_counts_at_once() {
    let world = World::new().await;
    let identity = world.issue("ledger.acme.test");
    let caller = world.caller(("shop", "ledger"), Some(&identity)).await;
    assert_eq!(caller.client_credentials(&[]).await.0, 200);
    let (old, new) = (json!(world.authority.pem()), json!(NamedAuthority::new("New").pem()));
    world.change(&old.to_string(), &new.to_string());
    assert_error(&caller.client_credentials(&[]).await, 401, "invalid_client");
}

#[tokio::test]
async fn a_client_under_a_profile_authenticates_and_binds_with_its_certificate() {
    // FAPI 2.0 Security Profile §5.3.2.1
    let world = World::new().await;
    let identity = world.issue("teller.acme.test");
    let teller = world.caller(("bank", "teller"), Some(&identity)).await;
    let methods = json!(["private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"]);
    assert_eq!(teller.document["token_endpoint_auth_methods_supported"], methods);
    let (status, tokens) = teller.client_credentials(&[]).await;
    assert_eq!(status, 200, "{tokens}");
    let token = claims(tokens["access_token"].as_str().expect("a token"));
    assert_eq!(token["cnf"], json!({ "x5t#S256": identity.thumbprint() }));
    let code = pushed_code(&teller, "openid offline_access").await;
    let (status, tokens) = teller.redeem(&code).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(teller.userinfo(&tokens).await.0, 200);
    // A certificate that replaces it refreshes the grant of a confidential client (RFC 8705 §7.1).
    let renewed = world.issue("teller.acme.test");
    let teller = world.caller(("bank", "teller"), Some(&renewed)).await;
    let (status, next) = teller.refresh(&tokens).await;
    assert_eq!(status, 200, "{next}");
    let token = claims(next["access_token"].as_str().expect("a token"));
    assert_eq!(token["cnf"], json!({ "x5t#S256": renewed.thumbprint() }));
    assert_error(&teller.userinfo(&tokens).await, 401, "invalid_token");
}

/// The code of a pushed request, which the profile requires.
async fn pushed_code(caller: &Caller, scope: &str) -> String {
    let query = url::Url::parse(&caller.application.authorize_url(scope, &[])).expect("a URL");
    let form: Vec<(String, String)> = query.query_pairs().into_owned().collect();
    // The client ID is sent in any case.
    let form: Vec<_> = form
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| *name != "client_id")
        .collect();
    let (status, pushed) = caller.post("pushed_authorization_request_endpoint", &form).await;
    assert_eq!(status, 201, "{pushed}");
    let endpoint = caller.application.endpoint("authorization_endpoint");
    let request_uri = pushed["request_uri"].as_str().expect("a URI");
    let query = [("client_id", &*caller.application.client_id), ("request_uri", request_uri)];
    let url = url::Url::parse_with_params(endpoint, query).expect("a URL");
    caller.code_at(&Browser::new(), url.as_str()).await
}

#[tokio::test]
async fn under_a_profile_only_the_certificate_of_the_client_counts() {
    // FAPI 2.0 Security Profile §5.3.2.1; the suite's modules about the holder of the key, with sender_constrain=mtls
    let world = World::new().await;
    let identity = world.issue("teller.acme.test");
    let teller = world.caller(("bank", "teller"), Some(&identity)).await;
    let code = pushed_code(&teller, "openid offline_access").await;
    let wrong = [
        ("none", None),
        ("of another client", Some(world.issue("plain.acme.test"))),
        ("of another authority", Some(NamedAuthority::new("Acme").issue("teller.acme.test"))),
        ("self-signed", Some(Identity::self_signed("teller.acme.test"))),
    ];
    let mut thieves = Vec::new();
    for (what, identity) in &wrong {
        thieves.push((*what, world.caller(("bank", "teller"), identity.as_ref()).await));
    }
    let endpoint = "pushed_authorization_request_endpoint";
    for (what, thief) in &thieves {
        for answer in [thief.post(endpoint, &[]).await, thief.redeem(&code).await] {
            assert_eq!((answer.0, &answer.1["error"]), (401, &json!("invalid_client")), "{what}");
        }
    }
    let (status, tokens) = teller.redeem(&code).await;
    assert_eq!(status, 200, "nothing was spent: {tokens}");
    for (what, thief) in &thieves {
        let answer = thief.userinfo(&tokens).await;
        assert_eq!((answer.0, &answer.1["error"]), (401, &json!("invalid_token")), "{what}");
        let answer = thief.refresh(&tokens).await;
        assert_eq!((answer.0, &answer.1["error"]), (401, &json!("invalid_client")), "{what}");
    }
    // A token is of one certificate, even if the client has another one.
    let renewed = world.issue("teller.acme.test");
    let renewed = world.caller(("bank", "teller"), Some(&renewed)).await;
    assert_error(&renewed.userinfo(&tokens).await, 401, "invalid_token");
    assert_eq!(teller.userinfo(&tokens).await.0, 200);
    assert_eq!(teller.refresh(&tokens).await.0, 200, "nothing was spent");
}

#[tokio::test]
async fn certificates_authenticate_clients_that_ask_for_an_answer_on_another_device() {
    // RFC 8705 §5, RFC 8628 §3.1, CIBA Core §7.1
    let world = World::new().await;
    let (device, ciba) =
        ("urn:ietf:params:oauth:grant-type:device_code", "urn:openid:params:grant-type:ciba");
    let grants = "grantTypes: [client_credentials]\n  tokenEndpointAuthMethod: tls_client_auth\n  introspection";
    world.change(
        grants,
        &grants.replace(
            "[client_credentials]",
            &format!("['{device}', '{ciba}']\n  scopes: [openid]"),
        ),
    );
    let identity = world.issue("plain.acme.test");
    let plain = world.caller(("shop", "plain"), Some(&identity)).await;
    let other = world.issue("ledger.acme.test");
    for (endpoint, grant_type, id, hint) in [
        ("device_authorization_endpoint", device, "device_code", None),
        ("backchannel_authentication_endpoint", ciba, "auth_req_id", Some(("login_hint", "alice"))),
    ] {
        let mut form = vec![("scope", "openid")];
        form.extend(hint);
        for identity in [None, Some(&other)] {
            let thief = world.caller(("shop", "plain"), identity).await;
            assert_error(&thief.post(endpoint, &form).await, 401, "invalid_client");
        }
        let (status, asked) = plain.post(endpoint, &form).await;
        assert_eq!(status, 200, "{endpoint}: {asked}");
        // The field of the token request has the name of that of the response.
        let form = [("grant_type", grant_type), (id, asked[id].as_str().expect("an ID"))];
        assert_error(&plain.post("token_endpoint", &form).await, 400, "authorization_pending");
    }
}
