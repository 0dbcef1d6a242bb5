//! Modules of pushed requests and of the authorization endpoint.

use serde_json::json;

use crate::fapi2::{
    browser::{Browser, Page},
    suite::{PAR, VariantClient},
    world::{assert_error, pairs, text},
};

fn assert_page(page: &Page, words: &str) {
    assert_eq!((page.status, &page.left_for), (400, &None), "{}", page.body);
    assert!(page.body.contains(words), "{words}: {}", page.body);
}

pub async fn ensure_unsigned_authorization_request_without_using_par_fails(
    client: &VariantClient<'_>,
) {
    // Security Profile §5.3.2.2, 3
    let party = &client.party;
    let parameters = client.parameters(&[]);
    let endpoint = party.application.endpoint("authorization_endpoint");
    let url = url::Url::parse_with_params(endpoint, pairs(&parameters)).expect("a URL");
    let response = client.read_response(&Browser::new().open(url.as_str()).await).await;
    assert_eq!(text(&response, "error"), "invalid_request", "{response}");
    assert!(response.get("code").is_none(), "{response}");
    // A signed object does not replace the pushed request either.
    let object = party.object_of(&parameters, "PS256", |_| {});
    let all = [pairs(&parameters), vec![("request", object.as_str())]].concat();
    let url = url::Url::parse_with_params(endpoint, all).expect("a URL");
    let response = client.read_response(&Browser::new().open(url.as_str()).await).await;
    assert_eq!(text(&response, "error"), "invalid_request", "{response}");
}

pub async fn ensure_registered_redirect_uri(client: &VariantClient<'_>) {
    for uri in ["https://rp.test/other", "https://rp.test/cb?x=1", "http://rp.test/cb"] {
        assert_error(&client.push(&[("redirect_uri", uri)]).await, 400, "invalid_request");
    }
}

pub async fn ensure_redirect_uri_in_authorization_request(client: &VariantClient<'_>) {
    // §5.3.2.2, 6
    assert_error(&client.push(&[("redirect_uri", "")]).await, 400, "invalid_request");
}

pub async fn ensure_response_type_code_idtoken_fails(client: &VariantClient<'_>) {
    // §5.3.2.2, 1
    for response_type in ["code id_token", "id_token"] {
        let answer = client.push(&[("response_type", response_type)]).await;
        assert_error(&answer, 400, "unauthorized_client");
    }
}

pub async fn ensure_response_type_token_fails(client: &VariantClient<'_>) {
    // §5.3.2.2, 1
    let answer = client.push(&[("response_type", "token")]).await;
    assert_error(&answer, 400, "unsupported_response_type");
}

pub async fn par_ensure_pkce_required(client: &VariantClient<'_>) {
    // §5.3.2.2, 5
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    assert_error(&client.push(&without).await, 400, "invalid_request");
}

pub async fn par_plain_pkce_rejected(client: &VariantClient<'_>) {
    // Without the parameter, the method is `plain` (RFC 7636 §4.3).
    for method in ["plain", ""] {
        let answer = client.push(&[("code_challenge_method", method)]).await;
        assert_error(&answer, 400, "invalid_request");
    }
}

pub async fn par_ensure_reused_request_uri_prior_to_auth_completion_succeeds(
    client: &VariantClient<'_>,
) {
    let (url, browser) = (client.pushed_url(&[]).await, Browser::new());
    let page = browser.open(&url).await;
    assert_eq!((page.status, &page.left_for), (200, &None), "{}", page.body);
    let response = client.read_response(&client.party.sign_in(&browser, &url).await).await;
    let (status, tokens) = client.redeem(text(&response, "code")).await;
    assert_eq!(status, 200, "{tokens}");
}

pub async fn par_attempt_reuse_request_uri(client: &VariantClient<'_>) {
    let url = client.pushed_url(&[]).await;
    assert!(client.response(&url).await.get("code").is_some());
    assert_page(&client.browser().open(&url).await, "was used already");
}

pub async fn par_attempt_to_use_expired_request_uri(client: &VariantClient<'_>) {
    // §5.3.2.2, 12
    let url = client.pushed_url(&[]).await;
    client.suite.world.wait(91);
    assert_page(&Browser::new().open(&url).await, "has expired");
}

pub async fn par_attempt_to_use_request_uri_for_different_client(client: &VariantClient<'_>) {
    let (pushed, other) = (client.push(&[]).await, client.other().await);
    assert_page(
        &Browser::new().open(&other.url_of(&pushed)).await,
        "issued to another application",
    );
}

pub async fn par_authorization_request_containing_request_uri_form_param(
    client: &VariantClient<'_>,
) {
    // RFC 9126 §2.1
    let (_, answer) = client.push(&[]).await;
    let again = ("request_uri", text(&answer, "request_uri"));
    let parameters = client.parameters(&[]);
    let form = [pairs(&parameters), vec![again]].concat();
    assert_error(&client.send(PAR, &form, None).await, 400, "invalid_request");
    let object = client.party.object_of(&parameters, "PS256", |_| {});
    assert_error(&client.push_object(&object, &[again]).await, 400, "invalid_request");
}

pub async fn par_without_duplicate_parameters(client: &VariantClient<'_>) {
    let url = client.pushed_url(&[("state", "")]).await;
    let url = format!("{url}&state=other&scope=openid+email&response_type=token&nonce=other");
    let response = client.response(&url).await;
    assert!(response.get("state").is_none(), "{response}");
    let (status, tokens) = client.redeem(text(&response, "code")).await;
    assert_eq!(status, 200, "{tokens}");
    let scope = if client.variant.is_openid() { "openid" } else { "profile" };
    assert_eq!(tokens["scope"], json!(format!("offline_access {scope}")));
}

pub async fn par_attempt_invalid_http_method(client: &VariantClient<'_>) {
    let url = client.party.application.endpoint(PAR);
    for method in [reqwest::Method::PUT, reqwest::Method::GET] {
        let answer = client.party.http.request(method, url).send().await.expect("an answer");
        assert_eq!(answer.status(), 405);
    }
}
