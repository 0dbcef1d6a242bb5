//! Audit lines of requests: each event with its members, against the published schema.

use std::collections::BTreeSet;

use lanyard::model::AUDIT_EVENTS;

use crate::support::{app, browser, dev, publisher, upstream};

mod authenticators;
mod grants;
mod invitations;
mod mail;
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
        mail::REPORTED,
        people::REPORTED,
        process::REPORTED,
    ];
    let shown = shown.iter().chain([&ELSEWHERE]).flat_map(|it| it.iter()).copied();
    let known = AUDIT_EVENTS.iter().flat_map(|(event, outcomes)| {
        outcomes.iter().map(move |outcome| (*event, outcome.as_str()))
    });
    assert_eq!(shown.collect::<BTreeSet<_>>(), known.collect::<BTreeSet<_>>());
}

/// `docs/audit.md` maps each event to the common schemas.
#[test]
fn every_event_is_mapped_to_other_schemas() {
    let page = include_str!("../../../docs/audit.md");
    let (_, page) = page.split_once("| event | OCSF class").expect("the table of events");
    let (table, _) = page.split_once("\n\n").expect("its end");
    for (event, _) in AUDIT_EVENTS {
        let rows = table.lines().filter(|row| row.contains(&format!("`{event}`")));
        assert_eq!(rows.count(), 1, "{event}");
    }
}
