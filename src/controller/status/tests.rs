//! Tests of the pairwise salt fingerprint in a tenant's status.

use super::*;
use crate::{
    keys::KeyRing,
    model::{ManagedKind, ObjectKey, ObjectRef},
    registry::{KeySource, SaltOutcome, TenantOutcome},
};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// The published fingerprint, given the previous one and the salt found now.
fn fingerprint(before: Option<&str>, salt: Option<SaltOutcome>) -> Option<String> {
    let outcome = TenantOutcome {
        enrolment: None,
        mail: None,
        issuer: None,
        internal_url: None,
        keys: KeySource::None,
        ring: KeyRing::default(),
        salt,
        served: false,
    };
    let verdict = Verdict {
        object: ObjectRef::new(ManagedKind::Tenant, ObjectKey::new("team", "shop")),
        generation: Some(1),
        problems: Vec::new(),
        warnings: Vec::new(),
        outcome: ObjectOutcome::Tenant(Box::new(outcome)),
    };
    match wanted(&verdict, &ObservedState::default(), Vec::new(), before, NOW) {
        StatusUpdate::Managed(AnyStatus::Tenant(status)) => status.pairwise_salt_fingerprint,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_salt_fingerprint_is_never_replaced() {
    let found = |text: &str| Some(SaltOutcome { make: false, fingerprint: Some(text.to_owned()) });
    let to_be_made = Some(SaltOutcome { make: true, fingerprint: None });
    assert_eq!(fingerprint(None, to_be_made.clone()), None);
    assert_eq!(fingerprint(None, found("one")).as_deref(), Some("one"));
    // Cases: a view older than the status, a replaced Secret, a salt that is not needed now.
    for salt in [to_be_made, found("two"), None] {
        assert_eq!(fingerprint(Some("one"), salt).as_deref(), Some("one"));
    }
}
