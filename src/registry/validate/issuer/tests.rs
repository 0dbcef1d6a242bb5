use std::time::Duration;

use super::*;
use crate::{
    api::{ManagedObject, Tenant, TenantSpec},
    messages::Languages,
    model::{HostPattern, HostPermission, HostSettings, KeySecrets, Timestamp},
};

const ISSUER: &str = "https://login.test";
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn installation(dev: bool) -> Installation {
    Installation {
        base_url: Issuer::parse("https://id.test").expect("canonical"),
        hosts: HostSettings {
            issuer_hosts: vec![HostPermission {
                pattern: HostPattern::parse("login.test").expect("a pattern"),
                namespaces: vec!["a".to_owned(), "b".to_owned()],
            }],
            ..HostSettings::default()
        },
        client_secrets: crate::model::SecretPermissions::default(),
        dev,
        keeps_authenticators: true,
        mutual_tls: None,
        key_secrets: KeySecrets::new("lanyard", ""),
        languages: Languages::built_in(),
    }
}

/// A tenant that asks for the issuer, created some seconds after another.
fn tenant(key: &ObjectKey, created: i64) -> TenantSummary {
    let spec = TenantSpec { issuer: Some(ISSUER.to_owned()), ..TenantSpec::default() };
    let mut tenant = Tenant::new(&key.name, spec).summary(key);
    tenant.created = Some(Timestamp::from_secs(1_700_000_000 + created));
    tenant
}

struct Claims(ClaimedIssuers);

impl Claims {
    fn holder(&self) -> Vec<String> {
        self.0.iter().filter(|(_, claim)| claim.is_ok()).map(|(key, _)| key.to_string()).collect()
    }

    fn message(&self, key: &ObjectKey) -> &str {
        &self.0[key].as_ref().expect_err("a conflict").message
    }
}

/// Decides between tenants, given as namespace, age, served and remembered, and an orphan `b/gone`. The
/// Secrets of the tenants have the same order as their names.
fn decide(
    tenants: &[(&str, i64, bool, bool)],
    orphan: Option<&IssuerReservation>,
    dev: bool,
) -> Claims {
    let objects: Vec<_> = tenants
        .iter()
        .map(|(namespace, created, ..)| {
            let key = ObjectKey::new(*namespace, "main");
            let summary = tenant(&key, *created);
            (key, summary)
        })
        .collect();
    let secrets: Vec<_> = (0..)
        .zip(tenants)
        .map(|(index, _)| {
            let created = Some(Timestamp::from_secs(1_600_000_000 + index));
            IssuerReservation { created, ..reservation(None) }
        })
        .collect();
    let claimants = objects.iter().zip(&secrets).zip(tenants).map(
        |(((key, tenant), secret), (.., served, remembered))| {
            let (served, remembered) = (served.then_some(ISSUER), remembered.then_some(secret));
            IssuerClaimant { key, tenant, served, remembered, known: None }
        },
    );
    let orphans = orphan
        .into_iter()
        .map(|reservation| IssuerOrphan { key: ObjectKey::new("b", "gone"), reservation });
    Claims(claim_issuers(claimants, orphans, &installation(dev)))
}

fn reservation(gone_since: Option<Timestamp>) -> IssuerReservation {
    IssuerReservation { issuer: ISSUER.into(), gone_since, created: None }
}

#[test]
fn the_older_tenant_gets_a_new_issuer() {
    assert_eq!(
        decide(&[("a", 2, false, false), ("b", 1, false, false)], None, false).holder(),
        ["b/main"]
    );
}

#[test]
fn a_served_issuer_is_not_taken_by_an_older_tenant() {
    let older = ("a", 1, false, false);
    assert_eq!(decide(&[older, ("b", 2, true, false)], None, false).holder(), ["b/main"]);
    assert_eq!(decide(&[older, ("b", 2, false, true)], None, false).holder(), ["b/main"]);
    let remembered = ("a", 1, false, true);
    assert_eq!(decide(&[remembered, ("b", 2, true, false)], None, false).holder(), ["b/main"]);
}

#[test]
fn of_two_that_were_created_again_the_older_secret_counts() {
    let again = [("a", 2, false, true), ("b", 1, false, true)];
    assert_eq!(decide(&again, None, false).holder(), ["a/main"], "not the older tenant");
    let gone = reservation(Some(NOW));
    assert!(decide(&again, Some(&gone), false).holder().is_empty(), "one that is gone goes first");
}

#[test]
fn a_deleted_tenants_issuer_is_reserved_for_its_name() {
    let twin = ("a", 1, false, false);
    let key = ObjectKey::new("a", "main");
    let gone = reservation(Some(NOW));
    let claims = decide(&[twin], Some(&gone), false);
    assert!(claims.holder().is_empty());
    let message = claims.message(&key);
    assert!(message.contains("Tenant \"b/gone\""), "{message}");
    assert!(message.contains(&NOW.plus(Duration::from_secs(600)).to_string()), "{message}");
    let unstamped = reservation(None);
    assert!(decide(&[twin], Some(&unstamped), false).message(&key).contains("10 minutes"));
    // A tenant that is served keeps its issuer.
    assert_eq!(decide(&[("a", 1, true, false)], Some(&gone), false).holder(), ["a/main"]);
}

#[test]
fn an_orphan_cannot_reserve_a_host_of_others() {
    let gone = IssuerReservation { issuer: "https://id.test/a/main".into(), ..reservation(None) };
    let key = ObjectKey::new("a", "main");
    let mut summary = tenant(&key, 1);
    summary.issuer = None;
    let claimant =
        IssuerClaimant { key: &key, tenant: &summary, served: None, remembered: None, known: None };
    let orphan = IssuerOrphan { key: ObjectKey::new("b", "gone"), reservation: &gone };
    let claims = claim_issuers([claimant].into_iter(), [orphan].into_iter(), &installation(false));
    assert!(claims[&key].is_ok());
}

#[test]
fn names_alone_decide_in_dev() {
    let gone = reservation(Some(NOW));
    let tenants = [("a", 2, false, false), ("b", 1, true, true)];
    assert_eq!(decide(&tenants, Some(&gone), true).holder(), ["a/main"]);
}
