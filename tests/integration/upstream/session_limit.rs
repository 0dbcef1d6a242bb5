//! The limit of a person's sessions at providers.

use std::time::Duration;

use lanyard::{
    model::{Clock as _, TenantId},
    protocol::records::{Grant, GrantState, decode_record},
    store::{IndexEntry, IndexKind, RecordKind, VersionedRecord},
};

use super::{
    browser::claims,
    world::{LOGOUT, SignedIn, World, application},
};

const SCOPES: &str = "openid profile email groups";
const OFFLINE: &str = "openid profile email groups offline_access";
/// Maximum number of a person's sessions at providers.
const LIMIT: usize = 100;

/// The records of a person.
async fn stored(world: &World, kind: RecordKind, subject: &str) -> Vec<VersionedRecord> {
    let (tenant, owner) =
        (TenantId::new("default", "main"), IndexEntry::new(IndexKind::User, subject));
    let now = world.app.clock.now();
    world.app.store.list(kind, &tenant, &owner, now).await.expect("the store")
}

#[tokio::test]
async fn sessions_that_have_ended_go_before_one_with_an_offline_grant() {
    let world = World::with("").await;
    let _notifications = world.app.receive(LOGOUT);
    let first = world.sign_in(OFFLINE).await;
    let own = claims(first.tokens["id_token"].as_str().expect("one"));
    let subject = own["sub"].as_str().expect("text");
    world.app.clock.advance(Duration::from_secs(1));
    for _ in 1..LIMIT {
        world.sign_in(SCOPES).await;
    }
    let is_revoked = async || {
        let grants = stored(&world, RecordKind::Grant, subject).await;
        let mut decoded =
            grants.iter().map(|it| decode_record::<Grant>(&it.record.value).expect("a grant"));
        let grant =
            decoded.find(|grant| grant.scopes.contains("offline_access")).expect("the first");
        matches!(grant.state, GrantState::Revoked { .. })
    };
    assert_eq!(stored(&world, RecordKind::UpstreamSession, subject).await.len(), LIMIT);
    world.sign_in(SCOPES).await;
    assert_eq!(stored(&world, RecordKind::UpstreamSession, subject).await.len(), LIMIT);
    // A person has fewer sessions here than at the provider, so half of the others have ended here. None of them has
    // such a grant.
    assert!(!is_revoked().await);
    assert_eq!(world.refresh(&first).await.0, 200);
}

#[tokio::test]
async fn the_oldest_session_ends_with_its_grants_where_all_have_offline_grants() {
    let world = World::with("").await;
    let _notifications = world.app.receive(LOGOUT);
    let first = world.sign_in(OFFLINE).await;
    world.app.clock.advance(Duration::from_secs(1));
    let second = world.sign_in(OFFLINE).await;
    world.app.clock.advance(Duration::from_secs(1));
    for _ in 2..LIMIT {
        world.sign_in(OFFLINE).await;
    }
    let own = claims(first.tokens["id_token"].as_str().expect("one"));
    let subject = own["sub"].as_str().expect("text");
    let client = application(&world.app).await;
    let userinfo = async |person: &SignedIn| {
        client.userinfo(person.tokens["access_token"].as_str().expect("one")).await.0
    };
    assert_eq!(stored(&world, RecordKind::UpstreamSession, subject).await.len(), LIMIT);
    assert_eq!(userinfo(&first).await, 200, "as many as a person may have");
    world.sign_in(OFFLINE).await;
    assert_eq!(stored(&world, RecordKind::UpstreamSession, subject).await.len(), LIMIT);
    assert_eq!(userinfo(&first).await, 401);
    let (status, refused) = world.refresh(&first).await;
    assert_eq!((status, refused["error"].as_str()), (400, Some("invalid_grant")), "{refused}");
    // The next one is not touched.
    assert_eq!(userinfo(&second).await, 200);
    assert_eq!(world.refresh(&second).await.0, 200);
}
