//! Concurrent requests with the same refresh token or code, at all replicas.

use std::sync::Arc;

use futures::future::join_all;
use lanyard::{
    model::{Clock as _, SystemClock, SystemEntropy, TenantId},
    protocol::records::{Grant, GrantState, decode_record},
    store::{IndexEntry, IndexKind, PostgresOptions, PostgresStore, RecordKind, Store as _},
};

use super::World;
use crate::{
    load::{SCOPE, refresh, sign_in, text},
    support::browser::{Application, Browser, VERIFIER, claims},
};

const AT_ONCE: usize = 50;

/// Concurrent refreshes rotate the token once and return the same generation; later reuse revokes it.
pub async fn the_same_refresh_token(world: &World, app: &Application) {
    let (_, tokens) = sign_in(app).await;
    let first = text(&tokens, "refresh_token");
    let answers = join_all((0..AT_ONCE).map(|_| refresh(app, first))).await;
    let sid = claims(text(&tokens, "id_token"))["sid"].as_str().expect("a sid").to_owned();
    assert_eq!(generation(world, &sid).await, 2, "one rotation");
    for (status, answer) in &answers {
        assert_eq!(*status, 200, "{answer}");
        let (status, next) = refresh(app, text(answer, "refresh_token")).await;
        assert_eq!(status, 200, "{next}");
    }
    assert_eq!(generation(world, &sid).await, 3, "all answers had one generation");
    let (_, next) = refresh(app, text(&answers[0].1, "refresh_token")).await;
    let (status, last) = refresh(app, text(&next, "refresh_token")).await;
    assert_eq!(status, 200, "{last}");
    // Three generations later only a thief would use the first token.
    assert_eq!(refresh(app, first).await.0, 400);
    assert_eq!(refresh(app, text(&last, "refresh_token")).await.0, 400, "the family is revoked");
    assert_eq!(app.userinfo(text(&last, "access_token")).await.0, 401);
}

/// The current refresh token generation of a session's only grant, read from the database.
async fn generation(world: &World, sid: &str) -> u32 {
    let options = PostgresOptions { url: world.database.url(), ca: None, connections: 1 };
    let store = PostgresStore::new(&options, Arc::new(SystemEntropy::new())).expect("a URL");
    let (tenant, owner) = (TenantId::new("team", "main"), IndexEntry::new(IndexKind::Session, sid));
    let found = store.list(RecordKind::Grant, &tenant, &owner, SystemClock.now()).await;
    let found = found.expect("it answers");
    let [held] = &found[..] else { panic!("one grant") };
    match decode_record::<Grant>(&held.record.value).expect("a grant").state {
        GrantState::Active { generation, .. } => generation,
        other => panic!("{other:?}"),
    }
}

/// One of the concurrent requests redeems the code, and the second use revokes the tokens.
pub async fn the_same_code(app: &Application) {
    let browser = Browser::new();
    let url = app.authorize_url(SCOPE, &[]);
    let answer = app.sign_in(&browser, &url, ("alice", "a nanosecond is 30 cm")).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", answer["code"].as_str()),
        ("redirect_uri", &app.redirect_uri),
        ("code_verifier", VERIFIER),
    ];
    let answers = join_all((0..AT_ONCE).map(|_| app.token(&form))).await;
    let (given, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|(it, _)| *it == 200);
    assert_eq!(given.len(), 1, "{answers:?}");
    assert!(refused.iter().all(|(_, it)| it["error"] == "invalid_grant"), "{answers:?}");
    assert_eq!(app.userinfo(text(&given[0].1, "access_token")).await.0, 401, "it was revoked");
}
