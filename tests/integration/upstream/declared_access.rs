//! `access.providers` for a declared person, who has several ways to sign in: it judges the one that
//! was used.

use serde_json::{Value, json};

use super::{
    attacks::{PASSWORD, WITH_PASSWORD, World},
    browser::{Browser, Page},
};

/// The ways in which the user `grace` can sign in: a password, the subject 7 of `other`, and the subject 8 of `corp`.
const DOORS: [(&str, &str); 3] = [
    WITH_PASSWORD[0],
    WITH_PASSWORD[1],
    (
        "identities: [{provider: other, subject: \"7\"}]",
        "identities: [{provider: other, subject: \"7\"}, {provider: corp, subject: \"8\"}]",
    ),
];
const SCOPES: &str = "openid profile email groups offline_access";

/// A way to sign in.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Door {
    Other,
    Corp,
    Password,
}

const ALL: [Door; 3] = [Door::Other, Door::Corp, Door::Password];

impl World {
    /// Lets in the people of these providers only.
    fn restrict(&self, providers: &str) {
        let access = format!("consent: Implied\n  access: {{providers: [{providers}]}}");
        self.serve(&[DOORS[0], DOORS[1], DOORS[2], ("consent: Implied", &access)]);
    }

    /// Signs `grace` in; returns her browser and the page after it.
    async fn enter(&self, door: Door) -> (Browser, Page) {
        let (provider, subject) = match door {
            Door::Other => ("other", "7"),
            Door::Corp => ("corp", "8"),
            Door::Password => {
                let browser = Browser::new();
                let url = self.application().await.authorize_url(SCOPES, &[]);
                let page = browser.open(&url).await;
                if !page.body.contains("id=\"password\"") {
                    return (browser, page);
                }
                let fields = [("username", "grace"), ("password", PASSWORD)];
                let page = browser.submit(&page.form("/login"), &fields).await;
                return (browser, page);
            }
        };
        self.upstream.answers(|script| script.id_token = json!({"sub": subject}));
        let away = self.go(provider, &[]).await;
        let page = self.back(&away, provider, &[]).await;
        (away.browser, page)
    }

    /// The answer to a silent request.
    async fn silent_answer(&self, browser: &Browser) -> Option<String> {
        let url = self.application().await.authorize_url("openid", &[("prompt", "none")]);
        browser.open(&url).await.answer().get("error").cloned()
    }

    /// Refreshes tokens; `None` if the refresh is refused.
    async fn refreshed(&self, tokens: &Value) -> Option<Value> {
        let token = tokens["refresh_token"].as_str().expect("one");
        let parameters = [("grant_type", "refresh_token"), ("refresh_token", token)];
        let (status, answer) = self.application().await.token(&parameters).await;
        if status == 200 {
            return Some(answer);
        }
        assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")));
        None
    }
}

#[tokio::test]
async fn the_provider_that_was_used_is_judged_at_sign_in() {
    let world = World::with(&DOORS).await;
    let grace = world.app.subject("main", "grace");
    for (providers, entering) in
        [("other", Door::Other), ("corp", Door::Corp), ("Local", Door::Password)]
    {
        world.restrict(providers);
        for door in ALL {
            let (_, page) = world.enter(door).await;
            if door == entering {
                assert_eq!(world.id_token(&page).await["sub"], grace, "{providers}");
            } else if door == Door::Password {
                // The only way leads on without a page.
                let url = page.left_for.expect("a redirect to the provider");
                assert!(url.as_str().starts_with(&world.upstream.issuer), "{url}");
            } else {
                assert_eq!(page.status, 403, "{providers} {door:?}: {}", page.body);
                assert!(page.body.contains("You may not use"), "{}", page.body);
            }
        }
    }
    world.restrict("other, Local");
    assert_eq!(world.enter(Door::Corp).await.1.status, 403);
    for door in [Door::Other, Door::Password] {
        assert_eq!(world.id_token(&world.enter(door).await.1).await["sub"], grace, "{door:?}");
    }
}

#[tokio::test]
async fn the_provider_that_was_used_is_judged_at_each_use() {
    let world = World::with(&DOORS).await;
    let mut people = Vec::new();
    for door in ALL {
        let (browser, page) = world.enter(door).await;
        people.push((door, browser, world.tokens(&page).await));
    }
    let application = world.application().await;
    for (providers, entering) in
        [("other", Door::Other), ("corp", Door::Corp), ("Local", Door::Password)]
    {
        world.restrict(providers);
        for (door, browser, tokens) in &mut people {
            let enters = *door == entering;
            let refreshed = world.refreshed(tokens).await;
            assert_eq!(refreshed.is_some(), enters, "{providers} {door:?}");
            *tokens = refreshed.unwrap_or_else(|| tokens.clone());
            let access_token = tokens["access_token"].as_str().expect("one");
            let (status, _) = application.userinfo(access_token).await;
            assert_eq!(status == 200, enters, "{providers} {door:?}: {status}");
            let refused = world.silent_answer(browser).await;
            let expected = (!enters).then_some("access_denied");
            assert_eq!(refused.as_deref(), expected, "{providers} {door:?}");
        }
    }
    // Nothing has ended.
    world.serve(&DOORS);
    for (door, browser, tokens) in &people {
        assert!(world.refreshed(tokens).await.is_some(), "{door:?}");
        assert_eq!(world.silent_answer(browser).await, None, "{door:?}");
    }
}

#[tokio::test]
async fn the_page_offers_the_ways_of_people_who_may_enter() {
    let world = World::with(&DOORS).await;
    let open = async || {
        let browser = Browser::new();
        browser.open(&world.application().await.authorize_url("openid", &[])).await
    };
    let offered = |page: &Page| {
        [
            ("corp", "Continue with Acme"),
            ("other", "Continue with other"),
            ("Local", "id=\"password\""),
        ]
        .into_iter()
        .filter_map(|(way, text)| page.body.contains(text).then_some(way))
        .collect::<Vec<_>>()
    };
    assert_eq!(offered(&open().await), ["corp", "other", "Local"]);
    world.restrict("corp, other");
    assert_eq!(offered(&open().await), ["corp", "other"]);
    world.restrict("corp, Local");
    assert_eq!(offered(&open().await), ["corp", "Local"]);
    world.restrict("Local");
    assert_eq!(offered(&open().await), ["Local"]);
    let access = "consent: Implied\n  access: {providers: [absent]}";
    world.serve_with_problems(&[DOORS[0], DOORS[1], DOORS[2], ("consent: Implied", access)]);
    let page = open().await;
    assert!(page.body.contains("Nobody can sign in"), "{}", page.body);
}
