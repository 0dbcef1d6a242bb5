//! Attacks of a hostile client on a running `lanyard dev`: sizes, paths, methods, duplicate parameters,
//! foreign origins, and credentials of one tenant at another tenant of the same host.

use std::{fs, path::Path};

use reqwest::{Client, Method, Response};
use serde_json::Value;

use crate::support::{
    browser::{Application, Browser},
    dev::{Dev, copy_of},
};

const PASSWORD: &str = "correct horse battery staple";

/// The quickstart, with a second tenant that has the same clients and users.
async fn two_tenants() -> (Dev, tempfile::TempDir) {
    let folder = copy_of(Path::new("examples/quickstart"));
    for name in ["tenant", "clients", "users"] {
        let text = fs::read_to_string(folder.path().join(format!("{name}.yaml"))).expect("there");
        let second = text
            .replace("name: quickstart", "name: second")
            .replace("name: demo", "name: demo2")
            .replace("name: robot", "name: robot2")
            .replace("name: ada\n", "name: ada2\n")
            .replace("name: ada-password", "name: ada-password2");
        fs::write(folder.path().join(format!("{name}2.yaml")), second).expect("written");
    }
    let dev = Dev::start(folder.path());
    dev.awaits("Open  ").await;
    (dev, folder)
}

fn client() -> Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}

async fn get(url: &str, headers: &[(&str, &str)]) -> Response {
    let request =
        headers.iter().fold(client().get(url), |it, (name, value)| it.header(*name, *value));
    request.send().await.expect("an answer")
}

async fn post(url: &str, body: &str) -> Response {
    let form = "application/x-www-form-urlencoded";
    let request = client().post(url).header("content-type", form).body(body.to_owned());
    request.send().await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_on_sizes_paths_methods_and_hosts_are_enforced() {
    let (dev, _folder) = two_tenants().await;
    let issuer = format!("{}/default/quickstart", dev.base_url);
    let discovery = format!("{issuer}/.well-known/openid-configuration");
    assert_eq!(get(&discovery, &[("x", &"a".repeat(40_000))]).await.status(), 431);
    assert_eq!(post(&format!("{issuer}/oauth/token"), &"a".repeat(100_000)).await.status(), 413);
    assert_eq!(get(&discovery, &[("host", "evil.test")]).await.status(), 404);
    for path in [
        "/default/quickstart/oauth/%6awks",
        "//default/quickstart/oauth/jwks",
        "/default/quickstart/oauth/jwks/",
    ] {
        assert_eq!(get(&format!("{}{path}", dev.base_url), &[]).await.status(), 404, "{path}");
    }
    for method in [Method::PUT, Method::DELETE, Method::GET] {
        let request = client().request(method.clone(), format!("{issuer}/oauth/token"));
        let answer = request.send().await.expect("an answer");
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["allow"].as_bytes()),
            (405, &b"POST"[..]),
            "{method}"
        );
    }
    // A forwarded host of an untrusted peer is ignored.
    let forged = [("x-forwarded-host", "evil.test"), ("forwarded", "host=evil.test")];
    assert_eq!(get(&discovery, &forged).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_and_forged_requests_are_refused() {
    let (dev, _folder) = two_tenants().await;
    let issuer = format!("{}/default/quickstart", dev.base_url);
    let token = format!("{issuer}/oauth/token");
    for body in
        ["grant_type=a&grant_type=b&client_id=x&client_secret=y", "grant_type=client_credentials"]
    {
        let answer = post(&token, body).await;
        assert!(answer.status().is_client_error(), "{body}");
        assert_eq!(answer.headers()["cache-control"], "no-store");
    }
    // A request with too many parameters is refused rather than truncated before the `grant_type`.
    let padded = format!("client_id=x&client_secret=y&{}&grant_type=b", ["a=1"; 100].join("&"));
    for url in [&token, &format!("{issuer}/oauth/logout"), &format!("{issuer}/oauth/authorize")] {
        let answer = post(url, &padded).await;
        assert_eq!(answer.status(), 400, "{url}");
        assert!(answer.text().await.expect("text").contains("more than 100 parameters"), "{url}");
    }
    let callback = format!("{}/_lanyard/demo/callback", dev.base_url);
    let ask =
        format!("{issuer}/oauth/authorize?client_id=default.demo&response_type=code&scope=openid");
    for unproven in [
        "&redirect_uri=https://evil.test".to_owned(),
        format!("&redirect_uri={callback}&redirect_uri=https://evil.test"),
        format!("&redirect_uri={callback}/"),
        format!("&redirect_uri={}", callback.replace("localhost", "localhost.evil.test")),
    ] {
        let answer = get(&format!("{ask}{unproven}"), &[]).await;
        assert_eq!(answer.status(), 400, "{unproven}");
        assert!(answer.headers().get("location").is_none(), "{unproven}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        let offered = answer.headers()["permissions-policy"].to_str().expect("ASCII");
        assert!(offered.contains("camera=()"), "{offered}");
        let policy = answer.headers()["content-security-policy"].to_str().expect("ASCII");
        assert!(
            policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
    }
    let forged =
        format!("{ask}&redirect_uri={callback}&state=a%0d%0aSet-Cookie:%20x=1&prompt=none");
    let answer = get(&forged, &[]).await;
    assert_eq!(answer.status(), 303);
    assert!(
        answer
            .headers()
            .get_all("set-cookie")
            .iter()
            .all(|cookie| !cookie.as_bytes().starts_with(b"x="))
    );
    let location = answer.headers()["location"].to_str().expect("ASCII");
    assert!(location.contains("login_required") && location.contains("%0D%0A"), "{location}");
    // A form of another site, and forms without an origin.
    for origin in [Some("https://evil.test"), Some("null"), None] {
        let request = client().post(format!("{issuer}/login")).form(&[("interaction", "x")]);
        let request = origin.into_iter().fold(request, |it, origin| it.header("origin", origin));
        assert_eq!(request.send().await.expect("an answer").status(), 400, "{origin:?}");
    }
    let evil = get(&format!("{issuer}/oauth/userinfo"), &[("origin", "https://evil.test")]).await;
    assert!(evil.headers().get("access-control-allow-origin").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_of_one_tenant_are_rejected_by_another_on_the_same_host() {
    let (dev, _folder) = two_tenants().await;
    let issuer = |name: &str| format!("{}/default/{name}", dev.base_url);
    let callback = format!("{}/_lanyard/demo/callback", dev.base_url);
    let secret = dev.client_secret("demo");
    let first =
        Application::discover(&issuer("quickstart"), "default.demo", Some(&secret), &callback)
            .await;
    let secret2 = dev.client_secret("demo2");
    let second =
        Application::discover(&issuer("second"), "default.demo2", Some(&secret2), &callback).await;
    let browser = Browser::new();
    let scope = "openid offline_access";
    let url = first.authorize_url(scope, &[("prompt", "consent")]);
    let answer = first.sign_in(&browser, &url, ("ada", PASSWORD)).await;
    // The session cookie: the second tenant needs a sign-in.
    let page = browser.open(&second.authorize_url(scope, &[("prompt", "none")])).await;
    assert_eq!(page.answer()["error"], "login_required");
    // The code, the access token, the refresh token and the client's credentials.
    assert_eq!(second.redeem(&answer["code"]).await.1["error"], "invalid_grant");
    let (status, tokens) = first.redeem(&answer["code"]).await;
    assert_eq!(status, 200, "the attempt at another tenant did not use up the code: {tokens}");
    let text = |name: &str| tokens[name].as_str().expect("there").to_owned();
    assert_eq!(second.userinfo(&text("access_token")).await.0, 401);
    assert_eq!(
        first.userinfo(&text("id_token")).await.0,
        401,
        "an ID token is not an access token"
    );
    let refresh = text("refresh_token");
    let ask = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    assert_eq!(second.token(&ask).await.1["error"], "invalid_grant");
    let stranger =
        Application::discover(&issuer("second"), "default.demo", Some(&secret), &callback).await;
    let (status, error): (u16, Value) = stranger.token(&ask).await;
    assert_eq!((status, &error["error"]), (401, &Value::from("invalid_client")));
    assert_eq!(first.token(&ask).await.0, 200, "the refresh token still works at its tenant");
    // A sealed sign-in form of one tenant, submitted to the other.
    let other = Browser::new();
    let mut form = other.open(&first.authorize_url(scope, &[])).await.form("/login");
    form.action = form.action.join("/default/second/login").expect("a URL");
    let page = other.submit(&form, &[("username", "ada"), ("password", PASSWORD)]).await;
    assert!(page.left_for.is_none() && page.status == 400, "{}", page.status);
}

#[tokio::test(flavor = "multi_thread")]
async fn connection_without_a_complete_request_is_closed() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (dev, _folder) = two_tenants().await;
    let address = dev.base_url.replace("http://localhost", "127.0.0.1");
    let silent = |sent: &'static [u8]| {
        let address = address.clone();
        async move {
            let mut stream = tokio::net::TcpStream::connect(address).await.expect("connected");
            stream.write_all(sent).await.expect("written");
            let mut rest = Vec::new();
            let closed = stream.read_to_end(&mut rest);
            let limit = std::time::Duration::from_secs(40);
            let _ = tokio::time::timeout(limit, closed).await.expect("it is closed in time");
        }
    };
    tokio::join!(
        silent(b""),
        silent(b"P"),
        silent(b"PRI * HT"),
        silent(b"GET / HTTP/1.1\r\nhost: a")
    );
}
