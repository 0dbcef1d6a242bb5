//! Exchanges that succeed: what the new token is.

use std::time::Duration;

use serde_json::json;

use super::{
    browser::{Browser, claims, verified},
    world::{
        ACCESS_TOKEN, ALICE, BOB, GATEWAY, GRANT_TYPE, ID_TOKEN, JWT, ORDERS, SCOPE, TICKETS,
        VAULT, World, assert_error, exchange, form, granted, text,
    },
};
use crate::support::dpop::DpopKey;

#[tokio::test]
async fn an_api_exchanges_a_received_token_for_a_token_of_another_api() {
    // RFC 8693 §2.1, §2.2
    let world = World::new().await;
    let tokens = world.tokens_of(ALICE).await;
    let before = claims(text(&tokens, "access_token"));
    assert_eq!((text(&before, "aud"), text(&before, "client_id")), (GATEWAY, "default.web"));
    world.app.audit.clear();
    let answer = world.for_orders(&tokens).await;
    assert_eq!(text(&answer, "issued_token_type"), ACCESS_TOKEN);
    assert_eq!((text(&answer, "token_type"), text(&answer, "scope")), ("Bearer", "shared"));
    assert_eq!((answer.get("refresh_token"), answer.get("id_token")), (None, None), "{answer}");
    let token = text(&answer, "access_token");
    let after = verified(token, &world.gateway.jwks().await, ORDERS);
    assert_eq!(after["act"], json!({ "sub": "default.gateway" }));
    assert_eq!((text(&after, "client_id"), text(&after, "scope")), ("default.gateway", "shared"));
    for same in ["sub", "grant_id", "iss"] {
        assert_eq!(before[same], after[same], "{same}");
    }
    assert_eq!((after.get("groups"), after.get("email")), (None, None), "the API declares none");
    // Introspection shows it to the API that it is for, and to no other client (RFC 8693 §4.1).
    let told = world.introspect(&world.orders, token).await;
    assert_eq!((&told["active"], &told["act"]), (&json!(true), &after["act"]), "{told}");
    assert_eq!(world.introspect(&world.web, token).await, json!({ "active": false }));
    let line = world.app.audit.last("token_issued");
    assert_eq!(
        (&line["grant_type"], &line["client"]),
        (&json!(GRANT_TYPE), &json!("default/gateway"))
    );
    assert_eq!((&line["resource"], &line["exchanged_from"]), (&json!(ORDERS), &json!(GATEWAY)));
    assert_eq!(
        (&line["actors"], &line["grant_id"]),
        (&json!(["default.gateway"]), &before["grant_id"])
    );
    assert_eq!(line["subject"], json!(world.app.subject("shop", "alice")), "{line}");
    // The token before is not used up.
    world.for_orders(&tokens).await;
    // Userinfo is another audience (RFC 9068 §4).
    assert_eq!(world.web.userinfo(token).await.0, 401);
}

#[tokio::test]
async fn each_delegation_adds_an_actor_and_impersonation_hides_none() {
    // RFC 8693 §4.1
    let world = World::new().await;
    let tokens = world.tokens_of(ALICE).await;
    let orders = world.for_orders(&tokens).await;
    let more = [("resource", "urn:tickets"), ("requested_token_type", JWT)];
    let answer = granted(exchange(&world.orders, text(&orders, "access_token"), &more).await);
    assert_eq!(text(&answer, "issued_token_type"), JWT);
    let chained = claims(text(&answer, "access_token"));
    let expected = json!({ "sub": "default.orders", "act": { "sub": "default.gateway" } });
    assert_eq!((&chained["act"], text(&chained, "aud")), (&expected, TICKETS));
    assert_eq!(chained.get("groups"), None, "the token for orders did not have them");
    let line = world.app.audit.last("token_issued");
    assert_eq!(line["actors"], json!(["default.orders", "default.gateway"]));
    let token = text(&tokens, "access_token");
    let answer = granted(exchange(&world.gateway, token, &[("resource", TICKETS)]).await);
    let impersonating = claims(text(&answer, "access_token"));
    assert_eq!(
        (impersonating.get("act"), text(&impersonating, "client_id")),
        (None, "default.gateway")
    );
    assert_eq!(text(&answer, "scope"), "shared tickets.read");
    assert_eq!(impersonating["groups"], json!(["staff"]), "the token for the gateway had them");
    assert_eq!(impersonating.get("badge"), None, "the token for the gateway had none");
    // With an actor token the client asks for delegation, which this rule does not give.
    let (_, own) = world.gateway.token(&[("grant_type", "client_credentials")]).await;
    let actor = [("actor_token", text(&own, "access_token")), ("actor_token_type", ACCESS_TOKEN)];
    let with_actor = [&[("resource", TICKETS)][..], &actor].concat();
    let refused = exchange(&world.gateway, token, &with_actor).await;
    assert_error(&refused, "invalid_target", "with an actor token");
    let with_actor = [&[("resource", ORDERS)][..], &actor].concat();
    let answer = granted(exchange(&world.gateway, token, &with_actor).await);
    assert_eq!(claims(text(&answer, "access_token"))["act"], json!({ "sub": "default.gateway" }));
    // The impersonation of a delegated token keeps its actors.
    world.change(
        r#"{client: {namespace: default, name: orders}, from: "https://orders.test"}"#,
        r#"{client: {name: orders}, from: "https://orders.test", mode: Impersonation}"#,
    );
    let answer = exchange(&world.orders, text(&orders, "access_token"), &[("resource", TICKETS)]);
    let kept = claims(text(&granted(answer.await), "access_token"));
    assert_eq!(kept["act"], json!({ "sub": "default.gateway" }));
}

#[tokio::test]
async fn the_new_token_is_narrower_and_ends_no_later() {
    let world = World::new().await;
    let tokens = world.tokens_of(ALICE).await;
    let before = claims(text(&tokens, "access_token"));
    world.wait(Duration::from_secs(400));
    let answer = world.for_orders(&tokens).await;
    let after = claims(text(&answer, "access_token"));
    assert_eq!(after["exp"], before["exp"], "it does not outlive the token before");
    assert_eq!(answer["expires_in"], json!(200));
    let token = text(&tokens, "access_token");
    let tickets = [("resource", TICKETS)];
    let narrowed = [&tickets[..], &[("scope", "tickets.read orders.read")]].concat();
    let answer = granted(exchange(&world.gateway, token, &narrowed).await);
    assert_eq!(text(&answer, "scope"), "tickets.read");
    for wider in ["tickets.write", "gateway.use", "openid"] {
        let wider = [&tickets[..], &[("scope", wider)]].concat();
        assert_error(&exchange(&world.gateway, token, &wider).await, "invalid_scope", wider[1].1);
    }
    // The person granted more than this token has.
    let narrow = world.tokens_in(&Browser::new(), ALICE, "openid offline_access gateway.use").await;
    let narrow = text(&narrow, "access_token").to_owned();
    let answer = granted(exchange(&world.gateway, &narrow, &tickets).await);
    assert_eq!(answer.get("scope"), None, "{answer}");
    assert_eq!(claims(text(&answer, "access_token"))["scopes"], json!([]));
    // A shorter lifetime of the target counts.
    world.change("accessToken: {claims: [groups, badge]}", "accessToken: {lifetime: 30s}");
    assert_eq!(granted(exchange(&world.gateway, &narrow, &tickets).await)["expires_in"], 30);
}

#[tokio::test]
async fn authorization_details_are_only_narrowed() {
    // RFC 9396 §6
    let world = World::new().await;
    let types = "  authorizationDetailsTypes: [{type: enter, schema: {}}]\n";
    let allow = "  exchange: {allow: [{client: {name: gateway}, from: 'https://gateway.test'}]}\n";
    world.change(types, &format!("{types}{allow}"));
    let both = json!([{ "type": "enter", "door": 1 }, { "type": "enter", "door": 2 }]);
    let one = json!([{ "type": "enter", "door": 1 }]);
    let sent = both.to_string();
    let url = world.web.authorize_url("openid", &[("authorization_details", &sent)]);
    let answer = world.web.sign_in(&Browser::new(), &url, ALICE).await;
    let tokens = granted(world.web.redeem(&answer["code"]).await);
    assert_eq!(tokens["authorization_details"], both);
    let (token, narrower) = (text(&tokens, "access_token"), one.to_string());
    let at_gateway = ("resource", GATEWAY);
    let same = granted(exchange(&world.gateway, token, &[at_gateway]).await);
    assert_eq!(claims(text(&same, "access_token"))["authorization_details"], both);
    let narrowed = ("authorization_details", &*narrower);
    let less = granted(exchange(&world.gateway, token, &[narrowed]).await);
    let less_token = text(&less, "access_token");
    assert_eq!(claims(less_token)["authorization_details"], one);
    let wider = exchange(&world.gateway, less_token, &[("authorization_details", &sent)]).await;
    assert_error(&wider, "invalid_authorization_details", "granted");
    // Another API has no such type.
    let orders = granted(exchange(&world.gateway, token, &[("resource", ORDERS)]).await);
    assert_eq!(claims(text(&orders, "access_token")).get("authorization_details"), None);
}

#[tokio::test]
async fn an_id_token_is_exchanged_while_its_session_lives() {
    let world = World::new().await;
    let browser = Browser::new();
    let tokens = world.tokens_in(&browser, ALICE, SCOPE).await;
    let id_token = text(&tokens, "id_token");
    let more = [("subject_token_type", ID_TOKEN), ("audience", TICKETS)];
    let answer = granted(exchange(&world.web, id_token, &more).await);
    assert_eq!(text(&answer, "scope"), "shared tickets.read", "those of the grant");
    let (after, before) =
        (claims(text(&answer, "access_token")), claims(text(&tokens, "access_token")));
    assert_eq!((&after["grant_id"], &after["sub"]), (&before["grant_id"], &before["sub"]));
    assert_eq!(
        (&after["act"], &after["groups"]),
        (&json!({ "sub": "default.web" }), &json!(["staff"]))
    );
    let audience = [("subject_token_type", ID_TOKEN), ("audience", ORDERS)];
    assert_error(&exchange(&world.web, id_token, &audience).await, "invalid_target", "default.web");
    // The grant outlives the session, and the ID token does not.
    let end = format!("{}?id_token_hint={id_token}", world.web.endpoint("end_session_endpoint"));
    browser.open(&end).await;
    let refused = exchange(&world.web, id_token, &more).await;
    assert_error(&refused, "invalid_request", "the session has ended");
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", text(&tokens, "refresh_token")),
        ("resource", GATEWAY),
    ];
    let tokens = granted(world.web.token(&refresh).await);
    world.for_orders(&tokens).await;
}

#[tokio::test]
async fn an_id_token_gives_its_own_grant_and_no_wider_one_of_the_session() {
    let world = World::new().await;
    let browser = Browser::new();
    let narrow = world.tokens_in(&browser, ALICE, "openid gateway.use").await;
    let url = world.web.authorize_url(SCOPE, &[("resource", GATEWAY)]);
    let code = browser.open(&url).await.answer()["code"].clone();
    let wide = granted(world.web.redeem(&code).await);
    let (one, two) = (claims(text(&narrow, "id_token")), claims(text(&wide, "id_token")));
    assert_eq!(one["sid"], two["sid"], "one session");
    assert_ne!(one["grant_id"], two["grant_id"]);
    let more = [("subject_token_type", ID_TOKEN), ("audience", TICKETS)];
    for (tokens, scope) in [(&narrow, None), (&wide, Some(&json!("shared tickets.read")))] {
        let answer = granted(exchange(&world.web, text(tokens, "id_token"), &more).await);
        assert_eq!(answer.get("scope"), scope, "{answer}");
        let before = claims(text(tokens, "access_token"));
        let after = claims(text(&answer, "access_token"));
        assert_eq!(after["grant_id"], before["grant_id"]);
    }
    // Without its grant, the ID token does not get another one.
    let revoked = [("token", text(&narrow, "access_token"))];
    assert_eq!(world.web.post("revocation_endpoint", &revoked).await.status(), 200);
    let refused = exchange(&world.web, text(&narrow, "id_token"), &more).await;
    assert_error(&refused, "invalid_request", "has been revoked");
    granted(exchange(&world.web, text(&wide, "id_token"), &more).await);
}

#[tokio::test]
async fn a_token_for_the_issuer_is_exchanged_by_its_own_client() {
    let world = World::new().await;
    let tokens = world.tokens_of(ALICE).await;
    let issuer = world.app.issuer("shop");
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", text(&tokens, "refresh_token")),
        ("resource", &issuer),
    ];
    let own = granted(world.web.token(&refresh).await);
    assert_eq!(claims(text(&own, "access_token"))["aud"], json!(issuer));
    let answer = exchange(&world.web, text(&own, "access_token"), &[("resource", ORDERS)]).await;
    let token = claims(text(&granted(answer), "access_token"));
    assert_eq!((text(&token, "aud"), &token["scopes"]), (ORDERS, &json!([])));
    let refused = exchange(&world.gateway, text(&own, "access_token"), &[("resource", ORDERS)]);
    assert_error(&refused.await, "invalid_request", "issued to another client");
}

#[tokio::test]
async fn a_rule_decides_about_the_person() {
    let world = World::new().await;
    let tokens = world.tokens_of(BOB).await;
    let token = text(&tokens, "access_token");
    let refused = exchange(&world.gateway, token, &[("audience", ORDERS)]).await;
    assert_error(&refused, "invalid_target", "for the person");
    granted(exchange(&world.gateway, token, &[("audience", TICKETS)]).await);
    // The first rule that fits counts, and one that fails admits no user.
    let rule = "rule: \"'staff' in user.groups\"";
    world.change(rule, "rule: \"user.email.endsWith('@example.com')\"");
    let refused = exchange(&world.gateway, token, &[("audience", ORDERS)]).await;
    assert_error(&refused, "invalid_target", "for the person");
    let second = "rule: \"user.username == 'ada'\"}\n    - {client: {name: gateway}, from: \"urn:gateway\", mode: Impersonation, rule: \"client.namespace == 'default'\"";
    world.change(rule, second);
    let answer = granted(exchange(&world.gateway, token, &[("audience", ORDERS)]).await);
    assert_eq!(claims(text(&answer, "access_token")).get("act"), None, "by the second rule");
}

#[tokio::test]
async fn bound_tokens_stay_bound_to_their_key() {
    // RFC 9449 §7
    let world = World::new().await;
    let (key, other) = (DpopKey::new(), DpopKey::new());
    world.change(
        "client: {name: gateway}, from: \"https://gateway.test\", rule",
        "client: {name: web}, from: \"https://gateway.test\", rule",
    );
    let tokens = world.bound_tokens(&key).await;
    let (token, target) = (text(&tokens, "access_token"), [("resource", ORDERS)]);
    let refused = exchange(&world.web, token, &target).await;
    assert_error(&refused, "invalid_dpop_proof", "is bound to a key");
    let refused = world.prove(&world.web, &form(token, &target), &other).await;
    assert_error(&refused, "invalid_request", "made with a different key");
    let answer = granted(world.prove(&world.web, &form(token, &target), &key).await);
    assert_eq!(text(&answer, "token_type"), "DPoP");
    let bound = claims(text(&answer, "access_token"));
    assert_eq!(bound["cnf"], json!({ "jkt": key.thumbprint() }));
    // The API has received the token, but does not have the key.
    let refused = exchange(&world.orders, text(&answer, "access_token"), &[("resource", TICKETS)]);
    assert_error(&refused.await, "invalid_dpop_proof", "is bound to a key");
    // An ID token of the same grant does not avoid the proof of the key either.
    let more = [("subject_token_type", ID_TOKEN), ("resource", TICKETS)];
    let refused = exchange(&world.web, text(&tokens, "id_token"), &more).await;
    assert_error(&refused, "invalid_dpop_proof", "is bound to a key");
    let answer = world.prove(&world.web, &form(text(&tokens, "id_token"), &more), &key).await;
    let bound = claims(text(&granted(answer), "access_token"));
    assert_eq!(bound["cnf"], json!({ "jkt": key.thumbprint() }));
}

#[tokio::test]
async fn tokens_that_must_be_bound_now_are_not_exchanged() {
    let world = World::new().await;
    let tokens = world.tokens_of(ALICE).await;
    let token = text(&tokens, "access_token");
    let (_, own) = world.gateway.token(&[("grant_type", "client_credentials")]).await;
    world.for_orders(&tokens).await;
    let (scopes, claims) = ("offline_access]\n", "accessToken: {claims: [groups, email]}\n");
    for (from, added) in [
        // The client of the token.
        (scopes, "  dpopBoundAccessTokens: true\n"),
        // The resource server of the token.
        (claims, "  tokenBinding: DPoP\n"),
    ] {
        world.change(from, &format!("{from}{added}"));
        let refused = exchange(&world.gateway, token, &[("resource", ORDERS)]).await;
        assert_error(&refused, "invalid_request", "The subject token must be bound");
        assert_eq!(world.introspect(&world.gateway, token).await, json!({ "active": false }));
    }
    // The actor token.
    let grants =
        r#"grantTypes: [client_credentials, "urn:ietf:params:oauth:grant-type:token-exchange"]"#;
    world.change(grants, &format!("{grants}\n  dpopBoundAccessTokens: true"));
    let actor = [("actor_token", text(&own, "access_token")), ("actor_token_type", ACCESS_TOKEN)];
    let with_actor = [&[("resource", ORDERS)][..], &actor].concat();
    let refused = exchange(&world.gateway, token, &with_actor).await;
    assert_error(&refused, "invalid_request", "The actor token must be bound");
    // Any client may still revoke its own.
    let revoked = world.web.post("revocation_endpoint", &[("token", token)]).await;
    assert_eq!(revoked.status(), 200);
}

#[tokio::test]
async fn a_bearer_token_becomes_a_bound_one_where_the_target_wants_that() {
    let world = World::new().await;
    let tokens = world.tokens_of(ALICE).await;
    let (token, key) = (text(&tokens, "access_token"), DpopKey::new());
    let refused = exchange(&world.gateway, token, &[("resource", VAULT)]).await;
    assert_error(&refused, "invalid_dpop_proof", "Tokens for this resource");
    let sent = form(token, &[("resource", VAULT)]);
    let answer = granted(world.prove(&world.gateway, &sent, &key).await);
    assert_eq!(text(&answer, "token_type"), "DPoP");
    let bound = claims(text(&answer, "access_token"));
    assert_eq!(bound["cnf"], json!({ "jkt": key.thumbprint() }));
}

#[tokio::test]
async fn metadata_lists_the_grant_type_where_a_client_has_it() {
    let world = World::new().await;
    let has = |application: &super::browser::Application| {
        let all = application.metadata["grant_types_supported"].as_array().expect("a list");
        all.contains(&json!(GRANT_TYPE))
    };
    assert!(has(&world.web));
    assert!(!has(&world.application("web-elsewhere").await));
}
