//! Which issuer a tenant may have, and who keeps one that several claim (design §2).

use std::collections::{BTreeMap, HashMap};

use crate::{
    api::{ConditionType, Reason, TenantCard},
    model::{Installation, Issuer, ObjectKey},
    registry::{Problem, order::Age},
};

const FIELD: &str = "spec.issuer";

/// Each tenant's issuer, or why it has none.
pub type Claims = BTreeMap<ObjectKey, Result<Issuer, Problem>>;

/// Decides the issuers of all tenants. An issuer that is valid and allowed is claimed even if the
/// tenant has other problems, so that a broken edit never hands an issuer to someone else.
pub fn claims<'a>(
    tenants: impl Iterator<Item = (&'a ObjectKey, &'a TenantCard)>,
    installation: &Installation,
) -> Claims {
    let mut claims = Claims::new();
    let mut holders: HashMap<(String, String), (Age, ObjectKey)> = HashMap::new();
    for (key, tenant) in tenants {
        let claim = allowed(key, tenant.issuer.as_deref(), installation);
        if let Ok(issuer) = &claim {
            let age = Age::of(tenant.created, key, installation);
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
            *claim = Err(problem(Reason::IssuerConflict, message));
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
) -> Result<Issuer, Problem> {
    let base = &installation.base_url;
    let Some(written) = written else {
        let default = base.join(&format!("/{}/{}", key.namespace, key.name));
        return Issuer::parse(&default).map_err(|error| {
            let message = format!("the default issuer {default} cannot be used, as an issuer {error}; set one, or rename the tenant");
            problem(Reason::Invalid, message)
        });
    };
    let issuer =
        Issuer::parse(written).map_err(|error| problem(Reason::Invalid, error.to_string()))?;
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
        return Err(problem(Reason::HostNotAllowed, message));
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
    Err(problem(Reason::HostNotAllowed, message))
}

fn problem(reason: Reason, message: String) -> Problem {
    Problem { condition: ConditionType::Accepted, reason, field: FIELD.to_owned(), message }
}
