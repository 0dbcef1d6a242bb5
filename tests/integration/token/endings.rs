//! The end of sessions, grants and consents with their user, where objects have UIDs (docs/design/state.md#marks).

use super::{
    app::{Stage, TestApp},
    browser::{Application, Browser},
    world::{ALICE, MANIFESTS, SignedIn, World, assert_error, text},
};

/// The objects of a cluster. `change` replaces text in them.
fn manifests(change: &[(&str, &str)]) -> String {
    let uids = [
        ("kind: Tenant\nmetadata: {name: shop}", "kind: Tenant\nmetadata: {name: shop, uid: t1}"),
        (
            "kind: OidcUser\nmetadata: {name: alice}",
            "kind: OidcUser\nmetadata: {name: alice, uid: u1, generation: 1}",
        ),
        ("consent: Implied", "consent: Required"),
    ];
    let text = uids.iter().chain(change).fold(MANIFESTS.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in the manifests");
        text.replace(from, to)
    });
    format!("{}{text}", Stage::CLUSTER)
}

struct Cluster {
    world: World,
    alice: SignedIn,
    refresh_token: String,
}

impl Cluster {
    /// Alice has signed in, consented and got an offline grant.
    async fn start() -> Self {
        let app = TestApp::start(&manifests(&[])).await;
        let world = World { app, http: reqwest::Client::new() };
        let (web, browser) = (world.application("web").await, Browser::new());
        let url = web.authorize_url("openid offline_access", &[("prompt", "consent")]);
        let code = web.sign_in(&browser, &url, ALICE).await.remove("code").expect("a code");
        let (status, tokens) = web.redeem(&code).await;
        assert_eq!(status, 200, "{tokens}");
        let refresh_token = text(&tokens, "refresh_token").to_owned();
        Self { world, alice: SignedIn { web, browser }, refresh_token }
    }

    fn serve(&self, change: &[(&str, &str)]) {
        self.world.app.serve(&manifests(change));
    }

    async fn refresh(&mut self) -> bool {
        let form = [("grant_type", "refresh_token"), ("refresh_token", &*self.refresh_token)];
        let answer = self.alice.web.token(&form).await;
        if answer.0 == 200 {
            text(&answer.1, "refresh_token").clone_into(&mut self.refresh_token);
            return true;
        }
        assert_error(&answer, 400, "invalid_grant");
        false
    }

    async fn session_is_active(&self) -> bool {
        let url = self.alice.web.authorize_url("openid", &[("prompt", "none")]);
        let answer = self.alice.browser.open(&url).await.answer();
        answer.get("error").map(String::as_str) != Some("login_required")
    }

    /// Signs in again; returns whether the user was asked for consent.
    async fn asks_for_consent(&self) -> bool {
        let (web, browser): (&Application, _) = (&self.alice.web, Browser::new());
        let page = browser.open(&web.authorize_url("openid offline_access", &[])).await;
        let (username, password) = ALICE;
        let fields = [("username", username), ("password", password)];
        let page = browser.submit(&page.form("/login"), &fields).await;
        page.left_for.is_none() && page.body.contains("/consent\"")
    }
}

const ALICE_1: &str = "{name: alice, uid: u1, generation: 1}";
const ALICE_2: &str = "{name: alice, uid: u2, generation: 1}";

#[tokio::test]
async fn another_person_with_the_username_inherits_nothing() {
    let mut cluster = Cluster::start().await;
    assert!(!cluster.asks_for_consent().await);
    cluster.serve(&[(ALICE_1, ALICE_2)]);
    assert!(!cluster.refresh().await);
    assert!(!cluster.session_is_active().await);
    assert!(cluster.asks_for_consent().await);
    cluster.serve(&[]);
    assert!(cluster.refresh().await, "no replica saw the first person deleted");
}

#[tokio::test]
async fn a_restore_ends_sessions_and_grants_and_adopts_consents() {
    let mut cluster = Cluster::start().await;
    cluster.serve(&[(ALICE_1, ALICE_2), ("uid: t1", "uid: t2")]);
    assert!(!cluster.refresh().await);
    assert!(!cluster.session_is_active().await);
    assert!(!cluster.asks_for_consent().await);
}

#[tokio::test]
async fn a_tenant_that_is_created_again_keeps_its_sessions_and_grants() {
    let mut cluster = Cluster::start().await;
    cluster.serve(&[("uid: t1", "uid: t2")]);
    assert!(cluster.refresh().await);
    assert!(cluster.session_is_active().await);
}

#[tokio::test]
async fn an_edited_user_stays_signed_in_and_a_disabled_one_has_ended_for_good() {
    let mut cluster = Cluster::start().await;
    let subject = cluster.world.app.subject("shop", "alice");
    let generation =
        |generation: u32| format!("{{name: alice, uid: u1, generation: {generation}}}");
    cluster.serve(&[(ALICE_1, &generation(2)), ("groups: [staff]", "groups: [board]")]);
    assert!(cluster.refresh().await);
    cluster.serve(&[(ALICE_1, &generation(3)), ("disabled: false", "disabled: true")]);
    assert!(!cluster.refresh().await);
    cluster.world.app.wait_until_void("shop", &subject).await;
    cluster.serve(&[(ALICE_1, &generation(4))]);
    assert!(!cluster.refresh().await);
    assert!(!cluster.session_is_active().await);
    // No time has passed by the test's clock: generations decide, not clocks.
    assert!(!cluster.asks_for_consent().await, "the consent is still the person's");
    let again = cluster.world.alice().await;
    assert!(
        again
            .browser
            .open(&again.web.authorize_url("openid", &[("prompt", "none")]))
            .await
            .answer()
            .contains_key("code")
    );
}

#[tokio::test]
async fn the_sessions_of_a_person_are_bounded() {
    let world = World::new().await;
    let first = world.alice().await;
    let mut last = None;
    for _ in 0..50 {
        world.wait(1);
        last = Some(world.alice().await);
    }
    let active = async |alice: &SignedIn| {
        let url = alice.web.authorize_url("openid", &[("prompt", "none")]);
        alice.browser.open(&url).await.answer().contains_key("code")
    };
    assert!(!active(&first).await, "the oldest of 51 has ended");
    assert!(active(&last.expect("the last")).await);
}

#[tokio::test]
async fn the_grants_of_a_person_are_bounded() {
    let world = World::new().await;
    let (alice, spa) = (world.alice().await, world.application("spa").await);
    let other = alice.tokens(&spa, "openid offline_access").await;
    let mut tokens = Vec::new();
    for _ in 0..100 {
        world.wait(21);
        tokens.push(alice.tokens(&alice.web, "openid offline_access").await);
    }
    let (mut active, mut newest) = (0, false);
    for tokens in &tokens {
        let answer = world.introspect(&alice.web, text(tokens, "refresh_token")).await.1;
        newest = answer["active"] == true;
        active += usize::from(newest);
    }
    assert!((50..=90).contains(&active), "{active} of 100");
    assert!(newest, "the oldest go first");
    let form = [("grant_type", "refresh_token"), ("refresh_token", text(&other, "refresh_token"))];
    assert_eq!(spa.token(&form).await.0, 200, "those to other applications stay");
}

#[tokio::test]
async fn a_password_that_cannot_be_read_suspends() {
    let mut cluster = Cluster::start().await;
    let text = manifests(&[]);
    let without = text.replace("{alice: correct horse}", "{other: correct horse}");
    assert_ne!(without, text);
    cluster.world.app.serve_with_problems(&without);
    assert!(!cluster.refresh().await);
    assert!(!cluster.session_is_active().await);
    cluster.serve(&[]);
    assert!(cluster.refresh().await, "a fault of a moment ends nothing for good");
    assert!(cluster.session_is_active().await);
}
