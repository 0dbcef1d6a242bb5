//! Authorization requests that are refused, and the responses of each response type.

use super::{
    browser::{Browser, VERIFIER, agree, claims, verified},
    world::{ALICE, CALLBACK, World, is_sign_in, sign_in},
};

#[tokio::test]
async fn shows_a_page_while_client_or_redirect_uri_is_unproven() {
    // RFC 6749 §4.1.2.1
    let world = World::new().await;
    let trusted = world.application("trusted").await;
    for (changes, status, expected) in [
        (("client_id", "nobody"), 400, "Unknown application"),
        (("redirect_uri", "https://evil.test/cb"), 400, "Invalid request"),
        (("redirect_uri", ""), 400, "Invalid request"),
    ] {
        let page = Browser::new().open(&trusted.authorize_url("openid", &[changes])).await;
        assert!(page.left_for.is_none(), "{changes:?}");
        assert_eq!(page.status, status, "{changes:?}: {}", page.body);
        assert!(page.body.contains(expected), "{changes:?}: {}", page.body);
    }
}

#[tokio::test]
async fn the_page_names_the_nearest_registered_redirect_uri() {
    let world = World::new().await;
    let trusted = world.application("trusted").await;
    let sent = format!("{CALLBACK}/");
    let url = trusted.authorize_url("openid", &[("redirect_uri", &sent)]);
    let page = Browser::new().open(&url).await;
    assert!(page.body.contains("differs in the slash at the end"), "{}", page.body);
    assert!(page.body.contains(&format!("{CALLBACK}&#39;")), "{}", page.body);
    assert!(!page.body.contains(&sent), "a link must not put text into the page");
}

#[tokio::test]
async fn the_roots_say_what_they_are_and_show_no_error() {
    let world = World::new().await;
    let issuer = world.app.issuer("shop");
    for path in ["", "/"] {
        let page = Browser::new().open(&format!("{issuer}{path}")).await;
        assert_eq!(page.status, 200);
        // The root of an issuer leads to the account page, which asks for a sign-in.
        assert!(page.body.contains("Harbour Works"), "{}", page.body);
        assert!(
            page.body.contains("to continue to <strong>your account</strong>"),
            "{}",
            page.body
        );
        assert!(!page.body.contains("Error"), "{}", page.body);
    }
    let base = world.app.origin.clone();
    let page = Browser::new().open(&format!("{base}/")).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("<h1>Sign-in service</h1>"), "{}", page.body);
    assert!(page.body.contains("href=\"/_lanyard/demo\""), "it leads on: {}", page.body);
    let request = reqwest::Client::new().get(format!("{base}/nowhere"));
    let response = request.header("accept", "text/html").send().await.expect("answers");
    assert_eq!(response.status().as_u16(), 404);
    let body = response.text().await.expect("text");
    let (shown, folded) = body.split_once("<details").expect("folded details");
    assert!(!shown.contains("kubectl") && folded.contains("kubectl"), "{body}");
}

#[tokio::test]
async fn errors_for_the_client_say_what_came_and_what_was_expected() {
    let world = World::new().await;
    let trusted = world.application("trusted").await;
    for (changes, received, expected) in [
        (("response_type", "token"), "'token'", "may use: code."),
        (("response_type", "id_token"), "'id_token'", "it may use: code."),
        (("code_challenge_method", "plain"), "'plain'", "must be 'S256'"),
    ] {
        let page = Browser::new().open(&trusted.authorize_url("openid", &[changes])).await;
        let said = page.answer()["error_description"].clone();
        assert!(said.contains(received) && said.contains(expected), "{said}");
    }
}

#[tokio::test]
async fn pkce_is_required_of_a_confidential_client_where_the_manifest_says_so() {
    let world = World::new().await;
    let trusted = world.application("trusted").await;
    let absent = [("code_challenge", ""), ("code_challenge_method", "")];
    let browser = Browser::new();
    let page = browser.open(&trusted.authorize_url("openid", &absent)).await;
    assert!(is_sign_in(&page), "{}", page.body);
    world.change(
        "metadata: {name: shop}\nspec:",
        "metadata: {name: shop}\nspec:\n  requirePkce: true",
    );
    let page = browser.open(&trusted.authorize_url("openid", &absent)).await;
    let answer = page.answer();
    assert_eq!(answer["error"], "invalid_request");
    assert!(answer["error_description"].contains("must use PKCE"), "{answer:?}");
    let page = browser.open(&trusted.authorize_url("openid", &[])).await;
    assert!(is_sign_in(&page), "{}", page.body);

    // The client's own setting stands, either way.
    let strict =
        ("metadata: {name: shop}\nspec:", "metadata: {name: shop}\nspec:\n  requirePkce: true");
    let its = "tosUri: https://rp.test/terms";
    let exempt = format!("{its}\n  requirePkce: false");
    world.change_all(&[strict, (its, &exempt)]);
    let page = browser.open(&trusted.authorize_url("openid", &absent)).await;
    assert!(is_sign_in(&page), "{}", page.body);
    let wiki = world.application("wiki").await;
    let answer = browser.open(&wiki.authorize_url("openid", &absent)).await.answer();
    assert!(answer["error_description"].contains("must use PKCE"), "another client: {answer:?}");
    world.change(its, &format!("{its}\n  requirePkce: true"));
    let answer = browser.open(&trusted.authorize_url("openid", &absent)).await.answer();
    assert!(answer["error_description"].contains("must use PKCE"), "{answer:?}");
    let page = browser.open(&wiki.authorize_url("openid", &absent)).await;
    assert!(is_sign_in(&page), "another client: {}", page.body);
}

#[tokio::test]
async fn other_errors_are_returned_to_the_client_with_the_issuer() {
    // RFC 6749 §4.1.2.1, RFC 9207 §2
    let world = World::new().await;
    let trusted = world.application("trusted").await;
    for (changes, code) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", "id_token"), "unauthorized_client"),
        (("response_mode", "web_message"), "invalid_request"),
        (("scope", "tenant frobnicate"), "invalid_scope"),
        (("resource", "https://api.test"), "invalid_target"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("prompt", "none login"), "invalid_request"),
        (("prompt", "none"), "login_required"),
        (("max_age", "soon"), "invalid_request"),
        (("id_token_hint", "x.y.z"), "invalid_request"),
        (("request", "x.y.z"), "invalid_request_object"),
        (("request_uri", "https://rp.test/r"), "invalid_request_uri"),
        (("registration", "{}"), "registration_not_supported"),
    ] {
        let page = Browser::new().open(&trusted.authorize_url("openid", &[changes])).await;
        let answer = page.answer();
        assert_eq!(answer["error"], code, "{changes:?}");
        assert_eq!(answer["iss"], world.app.issuer("shop"), "{changes:?}");
        assert_eq!(answer["state"], "a-state", "{changes:?}");
        assert!(!answer["error_description"].is_empty());
        assert_eq!(page.status, 303);
    }
}

#[tokio::test]
async fn leaves_out_scopes_that_the_client_may_not_use() {
    // RFC 6749 §3.3
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, world.alice().await);
    for (asked, given) in [
        ("openid email address frobnicate offline_access", "email openid"),
        ("", "email groups profile"),
    ] {
        let answer = browser.open(&trusted.authorize_url(asked, &[])).await.answer();
        let (status, tokens) = trusted.redeem(&answer["code"]).await;
        assert_eq!((status, tokens["scope"].as_str()), (200, Some(given)), "{asked}: {tokens}");
        assert_eq!(tokens["id_token"].is_string(), asked.contains("openid"), "{asked}");
    }
    // A scope that is removed from the client while its code is on the way.
    let answer = browser.open(&trusted.authorize_url("openid email", &[])).await.answer();
    world.change("  logoUri:", "  scopes: [openid]\n  logoUri:");
    let (status, tokens) = trusted.redeem(&answer["code"]).await;
    assert_eq!((status, tokens["scope"].as_str()), (200, Some("openid")), "{tokens}");
}

#[tokio::test]
async fn a_scope_that_a_tenant_adds_breaks_no_client_that_asked_for_it_before() {
    let world = World::new().await;
    let (wiki, browser) = (world.application("wiki").await, world.alice().await);
    let given = async || {
        let page = browser.open(&wiki.authorize_url("openid badges", &[])).await;
        let page = if page.left_for.is_none() { agree(&browser, page).await } else { page };
        wiki.redeem(&page.answer()["code"]).await.1["scope"].clone()
    };
    assert_eq!(given().await, "openid");
    world.change("  displayName: Harbour Works", "  scopes: {badges: {description: Badges}}");
    assert_eq!(given().await, "openid");
}

#[tokio::test]
async fn a_resource_is_judged_before_the_user_signs_in() {
    // RFC 8707 §2.1, §2.2
    let world = World::new().await;
    let (trusted, issuer) = (world.application("trusted").await, world.app.issuer("shop"));
    let browser = Browser::new();
    let url = trusted.authorize_url("openid", &[("resource", &issuer)]);
    let unknown = "&resource=https%3A%2F%2Fmcp.test%2F";
    let refused = browser.open(&format!("{url}{unknown}")).await;
    assert_eq!((refused.status, &*refused.answer()["error"]), (303, "invalid_target"));
    let page = browser.open(&url).await;
    assert!(is_sign_in(&page), "{}", page.body);
    let answer = sign_in(&browser, &page, ALICE).await.answer();
    let redeem = async |resource: &str| {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", answer["code"].as_str()),
            ("redirect_uri", &trusted.redirect_uri),
            ("code_verifier", VERIFIER),
            ("resource", resource),
        ];
        trusted.token(&form).await
    };
    assert_eq!(redeem("https://mcp.test/").await.1["error"], "invalid_target");
    assert_eq!(redeem(&issuer).await.0, 200, "the code was not used up");
}

#[tokio::test]
async fn refuses_duplicate_parameters() {
    // RFC 6749 §3.1
    let world = World::new().await;
    let trusted = world.application("trusted").await;
    let url = format!("{}&nonce=another", trusted.authorize_url("openid", &[]));
    assert_eq!(Browser::new().open(&url).await.answer()["error"], "invalid_request");
}

#[tokio::test]
async fn accepts_the_request_as_a_form() {
    // OIDC Core §3.1.2.1
    let world = World::new().await;
    let trusted = world.application("trusted").await;
    let url = trusted.authorize_url("openid", &[]);
    let (endpoint, query) = url.split_once('?').expect("has a query");
    let client = reqwest::Client::new();
    let request = client.post(endpoint).header("origin", "https://rp.test");
    let form = "application/x-www-form-urlencoded";
    let response =
        request.header("content-type", form).body(query.to_owned()).send().await.expect("answers");
    assert_eq!(response.status().as_u16(), 200);
    assert!(response.text().await.expect("text").contains("name=\"password\""));
}

#[tokio::test]
async fn returns_a_long_state_untouched() {
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, world.alice().await);
    let state: String = ('!'..='~').cycle().take(6000).collect();
    let page = browser.open(&trusted.authorize_url("openid", &[("state", &state)])).await;
    assert_eq!(page.answer()["state"], state);
}

#[tokio::test]
async fn carries_a_long_request_through_sign_in_and_consent() {
    let world = World::new().await;
    let (wiki, browser) = (world.application("wiki").await, Browser::new());
    let state = "s".repeat(20_000);
    let page = browser.open(&wiki.authorize_url("openid", &[("state", &state)])).await;
    let page = sign_in(&browser, &page, ALICE).await;
    let page = browser.submit(&page.form("/consent"), &[("action", "allow")]).await;
    assert_eq!(page.answer()["state"], state);
}

#[tokio::test]
async fn keeps_long_codes_out_of_the_url() {
    let world = World::new().await;
    let (trusted, browser) = (world.application("trusted").await, world.alice().await);
    let nonce = "n".repeat(4000);
    let page = browser.open(&trusted.authorize_url("openid", &[("nonce", &nonce)])).await;
    let code = page.answer()["code"].clone();
    assert!(code.len() < 2048, "{} bytes", code.len());
    let (status, tokens) = trusted.redeem(&code).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(claims(tokens["id_token"].as_str().expect("an ID token"))["nonce"], nonce);
}

#[tokio::test]
async fn gives_tokens_in_the_fragment_to_implicit_clients() {
    // OIDC Core §3.2.2.5
    let world = World::new().await;
    let (spa, browser) = (world.application("spa").await, world.alice().await);
    let changes = [("response_type", "token id_token"), ("code_challenge", "")];
    let page = browser.open(&spa.authorize_url("openid email", &changes)).await;
    let left_for = page.left_for.clone().expect("left");
    assert!(left_for.query().is_none() && left_for.fragment().is_some(), "{left_for}");
    let answer = page.answer();
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["state"], "a-state");
    let id_token = verified(&answer["id_token"], &spa.jwks().await, "default.spa");
    assert_eq!(id_token["nonce"], "a-nonce");
    assert!(id_token["at_hash"].is_string(), "{id_token}");
    assert_eq!(id_token["email"], "alice@example.com");
    let (status, person) = spa.userinfo(&answer["access_token"]).await;
    assert_eq!((status, &person["email"]), (200, &"alice@example.com".into()));
}

#[tokio::test]
async fn id_token_alone_contains_the_scope_claims() {
    // OIDC Core §5.4
    let world = World::new().await;
    let (spa, browser) = (world.application("spa").await, world.alice().await);
    let changes = [("response_type", "id_token"), ("code_challenge", "")];
    let page = browser.open(&spa.authorize_url("openid email", &changes)).await;
    let id_token = verified(&page.answer()["id_token"], &spa.jwks().await, "default.spa");
    assert_eq!(id_token["email"], "alice@example.com");
    assert!(!page.answer().contains_key("access_token"));
}

#[tokio::test]
async fn disabling_a_user_ends_implicit_access() {
    let world = World::new().await;
    let (spa, browser) = (world.application("spa").await, world.alice().await);
    let changes = [("response_type", "id_token token"), ("code_challenge", "")];
    let page = browser.open(&spa.authorize_url("openid", &changes)).await;
    let token = page.answer()["access_token"].clone();
    assert_eq!(spa.userinfo(&token).await.0, 200);
    world.change("  name: Alice Rivera", "  disabled: true");
    assert_eq!(spa.userinfo(&token).await.0, 401);
}

#[tokio::test]
async fn pages_have_security_headers() {
    let world = World::new().await;
    let trusted = world.application("trusted").await;
    let page = Browser::new().open(&trusted.authorize_url("openid", &[])).await;
    assert!(is_sign_in(&page));
    for shown in [
        "src=\"https://rp.test/logo.png\"",
        "href=\"https://rp.test/privacy\"",
        "href=\"https://rp.test/terms\"",
    ] {
        assert!(page.body.contains(shown), "{shown} in {}", page.body);
    }
    let header = |name: &str| page.headers[name].to_str().expect("ASCII").to_owned();
    let policy = header("content-security-policy");
    for part in [
        "default-src 'none'",
        "style-src 'self'",
        "form-action 'self' https:;",
        "img-src 'self' https://rp.test/logo.png;",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{part} in {policy}");
    }
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("referrer-policy"), "same-origin", "otherwise browsers send Origin: null");
    let cookie = header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
}

#[tokio::test]
async fn serves_the_files_that_its_pages_link() {
    let world = World::new().await;
    let trusted = world.application("trusted").await;
    let browser = Browser::new();
    let page = browser.open(&trusted.authorize_url("openid", &[])).await;
    let links: Vec<&str> = page
        .body
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|href| href.contains("/_lanyard/"))
        .collect();
    assert_eq!(links.len(), 3, "{links:?}");
    for href in links {
        let file = browser.open(&format!("{}{href}", world.app.origin)).await;
        assert_eq!(file.status, 200, "{href}");
        assert!(file.headers["cache-control"].to_str().expect("ASCII").contains("immutable"));
    }
    let nowhere = browser.open(&format!("{}/_lanyard/style.css", world.app.origin)).await;
    assert_eq!(nowhere.status, 200, "pages without a tenant have a stylesheet");
}
