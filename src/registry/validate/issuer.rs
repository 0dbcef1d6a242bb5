//! Which issuer a tenant may have, and which tenant keeps one that several claim
//! (docs/design/api.md#issuers).

use std::collections::{BTreeMap, HashMap};

use crate::{
    api::{ConditionReason, ConditionType, TenantSummary},
    model::{Installation, Issuer, ObjectKey},
    registry::{ValidationProblem, precedence::Precedence},
};

const FIELD: &str = "spec.issuer";

/// Each tenant's issuer, or why it has none.
pub type IssuerClaims = BTreeMap<ObjectKey, Result<Issuer, ValidationProblem>>;

/// Decides the issuers of all tenants. An issuer that is valid and allowed is claimed even if the
/// tenant has other problems, so that a broken edit never hands an issuer to someone else.
pub fn claim_issuers<'a>(
    tenants: impl Iterator<Item = (&'a ObjectKey, &'a TenantSummary)>,
    installation: &Installation,
) -> IssuerClaims {
    let mut claims = IssuerClaims::new();
    let mut holders: HashMap<(String, String), (Precedence, ObjectKey)> = HashMap::new();
    for (key, tenant) in tenants {
        let claim = allowed(key, tenant.issuer.as_deref(), installation);
        if let Ok(issuer) = &claim {
            let age = Precedence::of(tenant.created, key, installation);
            let holder =
                holders.entry(address(issuer)).or_insert_with(|| (age.clone(), key.clone()));
            if age < holder.0 {
                *holder = (age, key.clone());
            }
        }
        claims.insert(key.clone(), claim);
    }
    for (key, claim) in &mut claims {
        let Ok(issuer) = claim else { continue };
        let (_, holder) = &holders[&address(issuer)];
        if holder != key {
            let message = format!(
                "{issuer} is the issuer of the tenant {holder}, which keeps it; choose another"
            );
            *claim = Err(problem(ConditionReason::IssuerConflict, message));
        }
    }
    claims
}

/// What requests are routed by; the scheme is no part of it.
fn address(issuer: &Issuer) -> (String, String) {
    (issuer.authority().to_owned(), issuer.path().to_owned())
}

fn allowed(
    key: &ObjectKey,
    written: Option<&str>,
    installation: &Installation,
) -> Result<Issuer, ValidationProblem> {
    let base = &installation.base_url;
    let Some(written) = written else {
        let default = base.join(&format!("/{}/{}", key.namespace, key.name));
        return Issuer::parse(&default).map_err(|error| {
            let message = format!("the default issuer {default} cannot be used, as an issuer {error}; set one, or rename the tenant");
            problem(ConditionReason::Invalid, message)
        });
    };
    let issuer = Issuer::parse(written)
        .map_err(|error| problem(ConditionReason::Invalid, error.to_string()))?;
    if issuer.host() == base.host() {
        // Cookies and origins are shared by everything on a host, ports included.
        let own = format!("{}/{}/", base.path(), key.namespace);
        if issuer.path().starts_with(&own) {
            return Ok(issuer);
        }
        let message = format!(
            "namespace {} may use {} below {own} only; move the issuer there, or leave it out",
            key.namespace,
            base.host()
        );
        return Err(problem(ConditionReason::HostNotAllowed, message));
    }
    let granted = installation.issuer_hosts.iter().any(|entry| {
        let names = |name: &String| name == "*" || **name == *key.namespace;
        entry.pattern.matches(issuer.host()) && entry.namespaces.iter().any(names)
    });
    if granted || installation.dev {
        return Ok(issuer);
    }
    let message = format!(
        "namespace {} may not use the host {}; have it listed in the installation's issuerHosts, or leave the issuer out",
        key.namespace,
        issuer.host()
    );
    Err(problem(ConditionReason::HostNotAllowed, message))
}

fn problem(reason: ConditionReason, message: String) -> ValidationProblem {
    ValidationProblem {
        condition: ConditionType::Accepted,
        reason,
        field: FIELD.to_owned(),
        message,
    }
}
