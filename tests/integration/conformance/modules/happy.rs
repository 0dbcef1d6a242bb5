//! Requests that succeed, and the contents of their responses.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::conformance::{
    browser::VERIFIER,
    checks::{self, id_token, left_half, text},
    op::Op,
    person::{Person, Response},
    rp::{Auth, Rp, Variant},
};

/// The responses and tokens of a flow.
pub struct Flow {
    pub response: Response,
    /// The ID token of the authorization endpoint.
    pub front: Option<Value>,
    /// The answer of the token endpoint.
    pub tokens: Option<Value>,
    /// The ID token of the token endpoint.
    pub back: Option<Value>,
}

impl Flow {
    /// The claims of the ID token, preferably of the token endpoint.
    pub fn id_token(&self) -> &Value {
        self.back.as_ref().or(self.front.as_ref()).expect("every flow returns one")
    }

    /// The ID token as a JWT.
    pub fn jwt(&self) -> &str {
        match &self.tokens {
            Some(tokens) => text(tokens, "id_token"),
            None => &self.response["id_token"],
        }
    }

    /// The access token, preferably of the token endpoint.
    pub fn access_token(&self) -> Option<&str> {
        let tokens = self.tokens.as_ref().map(|tokens| text(tokens, "access_token"));
        tokens.or(self.response.get("access_token").map(String::as_str))
    }
}

/// Runs a whole flow with changes to the request, which is how every module begins.
pub async fn flow(rp: &Rp<'_>, person: &Person, changes: &[(&'static str, &str)]) -> Flow {
    let visit = rp.send(person, changes).await;
    let nonce = rp.request_with(changes).remove("nonce");
    complete(rp, visit.response(rp), nonce.as_deref()).await
}

/// Checks a response, redeems its code and returns the tokens.
pub async fn complete(rp: &Rp<'_>, response: Response, nonce: Option<&str>) -> Flow {
    assert!(!response.contains_key("error"), "{response:?}");
    let variant = rp.variant;
    for (word, name) in [("code", "code"), ("token", "access_token"), ("id_token", "id_token")] {
        assert_eq!(response.contains_key(name), variant.has(word), "{name} in {response:?}");
    }
    let mut flow = Flow { response, front: None, tokens: None, back: None };
    if let Some(jwt) = flow.response.get("id_token") {
        flow.front = Some(id_token(rp, jwt, nonce).await);
    }
    if let Some(token) = flow.response.get("access_token") {
        assert_eq!(flow.response["token_type"].to_lowercase(), "bearer");
        assert_eq!(rp.userinfo(token).await.status(), 200);
    }
    if let Some(code) = flow.response.get("code") {
        let tokens = rp.redeem(code).await;
        let back = id_token(rp, text(&tokens, "id_token"), nonce).await;
        if let Some(front) = &flow.front {
            assert_eq!((&front["sub"], &front["iss"]), (&back["sub"], &back["iss"]), "§3.3.3.6");
        }
        assert_eq!(rp.userinfo(text(&tokens, "access_token")).await.status(), 200);
        (flow.tokens, flow.back) = (Some(tokens), Some(back));
    }
    flow
}

/// Asserts only that a flow with changes to the request succeeds.
async fn succeeds(op: &Op, variant: Variant, changes: &[(&'static str, &str)]) {
    let rp = op.register(variant).await;
    let flow = flow(&rp, &Person::default(), changes).await;
    assert_eq!(flow.response["state"], rp.request()["state"]);
    rp.unregister().await;
}

pub async fn oidcc_server(op: &Op, variant: Variant) {
    checks::keys(&op.jwks().await);
    assert!(op.supports("token_endpoint_auth_methods_supported", variant.auth.method()));
    let rp = op.register(variant).await;
    let flow = flow(&rp, &Person::default(), &[]).await;
    assert_eq!(flow.response["state"], rp.request()["state"]);
    if let Some(code) = flow.response.get("code") {
        checks::unguessable(code);
    }
    if let Some(front) = &flow.front {
        // OIDC Core §3.2.2.10, §3.3.2.11
        let hash =
            |name: &str| flow.response.get(name).map_or(Value::Null, |it| left_half(it).into());
        assert_eq!(front["at_hash"], hash("access_token"));
        assert_eq!(front["c_hash"], hash("code"));
    }
    if let (Some(back), Some(tokens)) = (&flow.back, &flow.tokens) {
        let hash = back.get("at_hash").and_then(Value::as_str);
        assert!(hash.is_none_or(|hash| hash == left_half(text(tokens, "access_token"))));
    }
    for id_token in [&flow.front, &flow.back].into_iter().flatten() {
        assert!(id_token.get("name").is_none(), "the scope was not requested: {id_token}");
    }
    rp.unregister().await;
}

pub async fn oidcc_server_client_secret_post(op: &Op, variant: Variant) {
    oidcc_server(op, variant.by(Auth::Post)).await;
}

pub async fn oidcc_idtoken_signature(op: &Op, variant: Variant) {
    let rp = op.register(variant).await;
    let flow = flow(&rp, &Person::default(), &[]).await;
    let header = jsonwebtoken::decode_header(flow.jwt()).expect("a JWT");
    assert_eq!(header.alg, jsonwebtoken::Algorithm::RS256);
    assert!(header.kid.is_some());
    rp.unregister().await;
}

pub async fn oidcc_idtoken_unsigned(op: &Op, variant: Variant) {
    // The suite skips this module because `none` is not advertised by default.
    assert!(!op.supports("id_token_signing_alg_values_supported", "none"));
    let none = json!("none");
    let rp = op.register_with(variant, |it| it["id_token_signed_response_alg"] = none).await;
    let visit = rp.send(&Person::default(), &[]).await;
    let tokens = rp.redeem(&visit.response(&rp)["code"]).await;
    let jwt = text(&tokens, "id_token");
    assert!(jwt.ends_with('.'), "without a signature: {jwt}");
    rp.unregister().await;
}

pub async fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow(op: &Op, variant: Variant) {
    succeeds(op, variant, &[("nonce", "")]).await;
}

pub async fn oidcc_display_page(op: &Op, variant: Variant) {
    succeeds(op, variant, &[("display", "page")]).await;
}

pub async fn oidcc_display_popup(op: &Op, variant: Variant) {
    succeeds(op, variant, &[("display", "popup")]).await;
}

pub async fn oidcc_ensure_request_with_unknown_parameter_succeeds(op: &Op, variant: Variant) {
    succeeds(op, variant, &[("extra", "foobar")]).await;
}

pub async fn oidcc_ui_locales(op: &Op, variant: Variant) {
    succeeds(op, variant, &[("ui_locales", "se fr en")]).await;
}

pub async fn oidcc_claims_locales(op: &Op, variant: Variant) {
    succeeds(op, variant, &[("claims_locales", "se fr en")]).await;
}

pub async fn oidcc_ensure_request_with_valid_pkce_succeeds(op: &Op, variant: Variant) {
    let rp = op.register(variant).await;
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()));
    let changes = [("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")];
    let visit = rp.send(&Person::default(), &changes).await;
    let response = visit.response(&rp);
    let mut form = Rp::code_form(&response["code"]).to_vec();
    form.push(("code_verifier", VERIFIER));
    checks::tokens(rp.token(&form).await).await;
    rp.unregister().await;
}

pub async fn oidcc_ensure_post_request_succeeds(op: &Op, variant: Variant) {
    let (rp, ada) = (op.register(variant).await, Person::default());
    let endpoint = op.endpoint("authorization_endpoint");
    let page = ada.browser.post(endpoint, "https://rp.test", rp.request()).await;
    let response = ada.goes_on(page).await.response(&rp);
    complete(&rp, response, Some("a-nonce")).await;
    rp.unregister().await;
}
