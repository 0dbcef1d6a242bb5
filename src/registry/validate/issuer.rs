//! The issuer that each tenant may use, and conflicts between tenants with the same one. See
//! docs/design/api.md#issuers.

use std::collections::{BTreeMap, HashMap};

use crate::{
    api::{ConditionReason, ConditionType, TenantSummary},
    model::{Installation, Issuer, ObjectKey},
    registry::{ValidationProblem, precedence::Precedence},
};

const FIELD: &str = "spec.issuer";

/// Each tenant's issuer, or the reason why it has none.
pub type IssuerClaims = BTreeMap<ObjectKey, Result<Issuer, ValidationProblem>>;

/// Decides the issuers of all tenants. A valid and allowed issuer is claimed even if the tenant has
/// other problems, so that an invalid edit does not pass it on to another tenant.
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
                "issuer \"{issuer}\" is already used by Tenant \"{holder}\"; set a different spec.issuer"
            );
            *claim = Err(problem(ConditionReason::IssuerConflict, message));
        }
    }
    claims
}

/// Host and path of an issuer, by which requests are routed; the scheme is ignored.
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
            let message = format!("the default issuer {default} is invalid: {error}; set spec.issuer, or rename the tenant");
            problem(ConditionReason::Invalid, message)
        });
    };
    let issuer = Issuer::parse(written)
        .map_err(|error| problem(ConditionReason::Invalid, error.to_string()))?;
    if issuer.host() == base.host() {
        // Everything on a host shares its cookies, and everything on a host and port its origin.
        let own = format!("{}/{}/", base.path(), key.namespace);
        if issuer.path().starts_with(&own) {
            return Ok(issuer);
        }
        let message = format!(
            "namespace {:?} may only use {} with a path below {own}; move the issuer there, or remove spec.issuer",
            key.namespace,
            base.host()
        );
        return Err(problem(ConditionReason::HostNotAllowed, message));
    }
    // An issuer at such a host could take over the address of another tenant inside the cluster.
    if installation.internal_hosts.iter().any(|internal| internal.host() == issuer.host()) {
        let message = format!(
            "no issuer may use the host {}, which is an address of this installation inside the cluster; use another host",
            issuer.host()
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
        "namespace {:?} may not use the host {}; add both to the installation's issuerHosts, or remove spec.issuer",
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
