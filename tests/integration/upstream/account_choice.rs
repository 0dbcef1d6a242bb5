//! A person who may not enter with one account at a provider chooses another one there.

use std::collections::BTreeMap;

use super::{
    attacks::World,
    browser::{Browser, Page},
};

/// The link of a page whose address contains a text.
fn link(page: &Page, part: &str) -> String {
    let links = page.body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let mut found = links.filter(|link| link.contains(part));
    found
        .next()
        .unwrap_or_else(|| panic!("no {part}: {}", page.body))
        .replace("&amp;", "&")
        .replace("&#38;", "&")
}

/// `prompt` of the request to the provider that a link leads to.
async fn prompt_after(world: &World, browser: &Browser, path: &str) -> Option<String> {
    let page = browser.open(&format!("{}{path}", world.app.origin)).await;
    let url = page.left_for.unwrap_or_else(|| panic!("{} {}", page.status, page.body));
    let request: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
    request.get("prompt").cloned()
}

#[tokio::test]
async fn the_provider_is_asked_for_the_choice_that_an_application_wants() {
    let world = World::new().await;
    for (wish, sent) in [
        (None, None),
        (Some("select_account"), Some("select_account")),
        (Some("login select_account"), Some("login")),
        (Some("consent"), None),
    ] {
        let wishes: Vec<_> = wish.iter().map(|wish| ("prompt", *wish)).collect();
        let away = world.go("corp", &wishes).await;
        assert_eq!(away.request.get("prompt").map(String::as_str), sent, "{wish:?}");
    }
}

/// GitLab answers `select_account` with an error, and announces no values.
#[tokio::test]
async fn a_provider_that_refuses_the_choice_is_asked_for_a_sign_in() {
    let corp = "    clientSecretRef: {name: secret}\n  identityKey: https://corp.test\n";
    let changed = corp.replacen('\n', "\n    accountSelection: Login\n", 1);
    let world = World::with(&[(corp, &changed)]).await;
    let choice = [("prompt", "select_account")];
    let away = world.go("corp", &choice).await;
    assert_eq!(away.request["prompt"], "login");
    assert!(!away.request.contains_key("max_age"), "no time of the sign-in is required");
    let page = world.back(&away, "corp", &[]).await;
    assert!(world.id_token(&page).await["sub"].is_string());
    assert!(!world.go("corp", &[]).await.request.contains_key("prompt"));
    // A provider that announces its values.
    let world = World::new().await;
    world.upstream.answers(|script| {
        script.metadata = serde_json::json!({"prompt_values_supported": ["none", "login"]});
    });
    assert_eq!(world.go("corp", &choice).await.request["prompt"], "login");
}

#[tokio::test]
async fn a_request_has_the_parameters_of_the_manifest() {
    let corp = "    clientSecretRef: {name: secret}\n  identityKey: https://corp.test\n";
    let with = "    authorizationParameters: [{name: access_type, value: offline}, {name: hd, value: 'a&b=c'}, {name: prompt, value: consent}]\n";
    let changed = corp.replacen('\n', &format!("\n{with}"), 1);
    let world = World::with(&[(corp, &changed)]).await;
    for (wish, sent) in [
        (None, "consent"),
        (Some("select_account"), "select_account consent"),
        (Some("login"), "login consent"),
        (Some("consent"), "consent"),
    ] {
        let wishes: Vec<_> = wish.iter().map(|wish| ("prompt", *wish)).collect();
        let away = world.go("corp", &wishes).await;
        assert_eq!(away.request["prompt"], sent, "{wish:?}");
        assert_eq!(away.request["access_type"], "offline");
        assert_eq!(away.request["hd"], "a&b=c");
    }
    let away = world.go("other", &[]).await;
    assert!(!away.request.contains_key("access_type"), "{:?}", away.request);
}

#[tokio::test]
async fn a_refused_person_starts_again_with_the_choice_of_an_account() {
    let world = World::new().await;
    for (wish, sent) in [(None, "select_account"), (Some("consent"), "select_account")] {
        let wishes: Vec<_> = wish.iter().map(|wish| ("prompt", *wish)).collect();
        let away = world.go("other", &wishes).await;
        let page = world.back(&away, "other", &[]).await;
        assert_eq!(page.status, 403, "{}", page.body);
        let again = link(&page, "/authorize?");
        assert_eq!(
            prompt_after(&world, &away.browser, &again).await.as_deref(),
            Some(sent),
            "{again}"
        );
    }
}

#[tokio::test]
async fn another_account_than_that_of_the_session_is_chosen_at_the_provider() {
    let denied =
        ("consent: Implied", "consent: Implied\n  access: {rules: [{expression: \"false\"}]}");
    let world = World::with(&[denied]).await;
    let away = world.go("corp", &[]).await;
    let page = world.back(&away, "corp", &[]).await;
    assert_eq!(page.status, 403, "{}", page.body);
    let other = away.browser.submit(&page.form("/consent"), &[("action", "switch")]).await;
    let button = link(&other, "/login/corp?");
    assert_eq!(
        prompt_after(&world, &away.browser, &button).await.as_deref(),
        Some("select_account")
    );
}

/// The account page is the application of such a sign-in.
#[tokio::test]
async fn a_person_who_is_refused_on_the_way_to_the_account_page_chooses_another_account() {
    let world = World::new().await;
    let browser = Browser::new();
    let page = browser.open(&format!("{}/account", world.app.issuer("main"))).await;
    assert_eq!(prompt_after(&world, &browser, &link(&page, "/login/other?")).await, None);
    let page = browser.open(&format!("{}{}", world.app.origin, link(&page, "/login/other?"))).await;
    let url = page.left_for.expect("a redirect to the provider");
    let request: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    world.upstream.nonce.lock().expect("whole").clone_from(&request["nonce"]);
    let away = super::attacks::Away { browser, request };
    let page = world.back(&away, "other", &[]).await;
    assert_eq!(page.status, 403, "{}", page.body);
    let again = link(&page, "/account?");
    let page = away.browser.open(&format!("{}{again}", world.app.origin)).await;
    let other = link(&page, "/login/other?");
    assert_eq!(
        prompt_after(&world, &away.browser, &other).await.as_deref(),
        Some("select_account")
    );
    // With a session, the page offers to continue with it.
    let away = world.go("corp", &[]).await;
    world.back(&away, "corp", &[]).await;
    let page = away.browser.open(&format!("{}{again}", world.app.origin)).await;
    assert!(page.body.contains("Choose an account"), "{}", page.body);
    let page = away.browser.submit(&page.form("/login"), &[("action", "continue")]).await;
    assert!(page.url.path().ends_with("/account"), "{} {}", page.url, page.body);
}
