//! Metadata over HTTP (OIDC Discovery §4, RFC 8414 §3).

use serde_json::Value;

use super::world::{World, read};

#[tokio::test]
async fn is_served_at_each_well_known_path() {
    let world = World::new().await;
    let (origin, path) = (&world.app.origin, "/default/shop");
    let mut documents: Vec<Value> = Vec::new();
    for url in [
        format!("{origin}{path}/.well-known/openid-configuration"),
        format!("{origin}/.well-known/openid-configuration{path}"),
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
    ] {
        let (status, headers, document) = read(world.http.get(&url)).await;
        assert_eq!(status, 200, "{url}");
        assert_eq!(headers["access-control-allow-origin"], "*");
        documents.push(document);
    }
    assert_eq!(documents[0]["issuer"], world.app.issuer("shop"));
    assert!(documents.iter().all(|document| *document == documents[0]));
}

#[tokio::test]
async fn unknown_endpoint_and_unknown_issuer_have_different_errors() {
    let world = World::new().await;
    let origin = &world.app.origin;
    for (path, message) in [
        ("/default/shop/oauth2/token", "The issuer has no endpoint at this URL."),
        ("/default/shopping/oauth/token", "No issuer has this URL."),
    ] {
        let (status, _, answer) = read(world.http.get(format!("{origin}{path}"))).await;
        let description = answer["error_description"].as_str().expect("a text");
        assert_eq!((status, &description[..message.len()]), (404, message), "{path}");
        let page = world.http.get(format!("{origin}{path}")).header("accept", "text/html");
        let page = page.send().await.expect("an answer");
        assert_eq!(page.status().as_u16(), 404);
        assert!(page.text().await.expect("a page").contains(message), "{path}");
    }
}

#[tokio::test]
async fn each_listed_endpoint_answers() {
    let world = World::new().await;
    let web = world.application("web").await;
    let fields = web.metadata.as_object().expect("an object");
    let mut named = 0;
    for (name, value) in fields {
        if name.ends_with("_endpoint") || name == "jwks_uri" {
            let (status, ..) = read(world.http.get(value.as_str().expect("a URL"))).await;
            assert_ne!(status, 404, "{name}");
            named += 1;
        }
    }
    assert_eq!(named, 8);
}
