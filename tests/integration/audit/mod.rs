//! Audit lines of requests: each event with its members, against the published schema.

use std::collections::BTreeSet;

use lanyard::model::AUDIT_EVENTS;

use crate::support::{app, browser, dev, publisher, upstream};

mod authenticators;
mod grants;
mod invitations;
mod people;
mod process;
mod schema;
mod sign_ins;
mod world;

pub use schema::check_members;

/// Events with outcomes that tests with Kubernetes objects show (`controller::tests::audited_keys`).
const ELSEWHERE: &[(&str, &str)] = &[("keys_changed", "failure")];

#[test]
fn every_event_is_in_a_test_with_each_outcome() {
    let shown = [
        sign_ins::REPORTED,
        authenticators::REPORTED,
        grants::REPORTED,
        invitations::REPORTED,
        people::REPORTED,
        process::REPORTED,
    ];
    let shown = shown.iter().chain([&ELSEWHERE]).flat_map(|it| it.iter()).copied();
    let known = AUDIT_EVENTS.iter().flat_map(|(event, outcomes)| {
        outcomes.iter().map(move |outcome| (*event, outcome.as_str()))
    });
    assert_eq!(shown.collect::<BTreeSet<_>>(), known.collect::<BTreeSet<_>>());
}
