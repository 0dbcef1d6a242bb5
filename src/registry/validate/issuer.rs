//! The issuer that each tenant may use, and conflicts between tenants with the same one. See
//! docs/design/api.md#issuers.

use std::collections::{BTreeMap, HashMap, hash_map::Entry};

use crate::{
    api::{ConditionReason, ConditionType, IssuerReservation, TenantSummary},
    model::{Installation, Issuer, ObjectKey},
    registry::{ValidationProblem, precedence::Precedence},
};

const FIELD: &str = "spec.issuer";

/// Each tenant's issuer, or the reason why it has none.
pub type ClaimedIssuers = BTreeMap<ObjectKey, Result<Issuer, ValidationProblem>>;

/// A tenant, and what is known about the issuer that it had.
#[derive(Clone, Copy, Debug)]
pub struct IssuerClaimant<'a> {
    /// The namespace and name of the tenant.
    pub key: &'a ObjectKey,
    /// The summary of the tenant's object.
    pub tenant: &'a TenantSummary,
    /// The issuer in its status; `None` if the status has none.
    pub served: Option<&'a str>,
    /// The issuer that its key Secret remembers, if its status has none yet.
    pub remembered: Option<&'a IssuerReservation>,
    /// The valid and allowed issuer that an earlier call found for the same fields and installation.
    pub known: Option<&'a Issuer>,
}

/// A tenant that does not exist, or cannot be read, and the issuer that its key Secret remembers.
#[derive(Clone, Debug)]
pub struct IssuerOrphan<'a> {
    /// The namespace and name of the tenant.
    pub key: ObjectKey,
    /// The issuer, and since when the tenant does not exist.
    pub reservation: &'a IssuerReservation,
}

/// The order in which tenants get an issuer; the lowest is first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ClaimedIssuer {
    /// The tenant is served at it.
    Served,
    /// The tenant was served at it before it was deleted or could not be read. One that does not exist
    /// goes first, then the one with the older key Secret.
    Remembered,
    /// The tenant asks for it.
    New,
}

/// The tenant that holds an issuer, or did before it was deleted.
struct IssuerHolder<'a> {
    rank: (ClaimedIssuer, Precedence),
    key: ObjectKey,
    /// Set if the tenant does not exist.
    orphan: Option<&'a IssuerReservation>,
}

/// The holders by address.
#[derive(Default)]
struct IssuerHolders<'a>(HashMap<(String, String), IssuerHolder<'a>>);

impl<'a> IssuerHolders<'a> {
    fn offer(&mut self, issuer: &Issuer, candidate: IssuerHolder<'a>) {
        match self.0.entry(address(issuer)) {
            Entry::Vacant(entry) => {
                entry.insert(candidate);
            }
            Entry::Occupied(mut entry) if candidate.rank < entry.get().rank => {
                entry.insert(candidate);
            }
            Entry::Occupied(_) => {}
        }
    }
}

/// Decides the issuers of all tenants. A valid and allowed issuer is claimed even if the tenant has
/// other problems, so that an invalid edit does not pass it on to another tenant. A served issuer
/// stays where it is, whatever the ages of tenants, and a deleted tenant's is reserved for its name
/// for a while.
pub fn claim_issuers<'a>(
    tenants: impl Iterator<Item = IssuerClaimant<'a>>,
    orphans: impl Iterator<Item = IssuerOrphan<'a>>,
    installation: &Installation,
) -> ClaimedIssuers {
    let mut claims = ClaimedIssuers::new();
    let mut holders = IssuerHolders::default();
    for IssuerClaimant { key, tenant, served, remembered, known } in tenants {
        let parsed = || allowed(key, tenant.issuer.as_deref(), installation);
        let claim = known.map_or_else(parsed, |issuer| Ok(issuer.clone()));
        if let Ok(issuer) = &claim {
            let remembered = remembered.filter(|it| &*it.issuer == issuer.as_str());
            let (claim, since) = match remembered {
                // Names alone decide in `dev`, where a status does not outlive the process.
                _ if installation.dev => (ClaimedIssuer::New, None),
                _ if served == Some(issuer.as_str()) => (ClaimedIssuer::Served, tenant.created),
                Some(reservation) => (ClaimedIssuer::Remembered, reservation.created),
                None => (ClaimedIssuer::New, tenant.created),
            };
            let rank = (claim, Precedence::of(since, key, installation));
            holders.offer(issuer, IssuerHolder { rank, key: key.clone(), orphan: None });
        }
        claims.insert(key.clone(), claim);
    }
    for IssuerOrphan { key, reservation } in orphans.filter(|_| !installation.dev) {
        if let Ok(issuer) = allowed(&key, Some(&reservation.issuer), installation) {
            let rank = (ClaimedIssuer::Remembered, Precedence::of(None, &key, installation));
            holders.offer(&issuer, IssuerHolder { rank, key, orphan: Some(reservation) });
        }
    }
    for (key, claim) in &mut claims {
        let Ok(issuer) = claim else { continue };
        let holder = &holders.0[&address(issuer)];
        if holder.key != *key {
            *claim = Err(conflict(issuer, holder));
        }
    }
    claims
}

fn conflict(issuer: &Issuer, holder: &IssuerHolder<'_>) -> ValidationProblem {
    let key = &holder.key;
    let message = match holder.orphan.map(IssuerReservation::ends) {
        None => format!(
            "issuer \"{issuer}\" is already used by Tenant \"{key}\"; set a different spec.issuer"
        ),
        Some(Some(end)) => format!(
            "issuer \"{issuer}\" is reserved until {end} for Tenant \"{key}\", which was deleted; wait until then, or set a different spec.issuer"
        ),
        Some(None) => format!(
            "issuer \"{issuer}\" is reserved for Tenant \"{key}\", which was deleted or cannot be read; it becomes free 10 minutes after a deletion; wait until then, or set a different spec.issuer"
        ),
    };
    problem(ConditionReason::IssuerConflict, message)
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
    let issuer = at_allowed_address(key, written, installation)?;
    if issuer.is_insecure() && !installation.allows_insecure_http(issuer.host(), &key.namespace) {
        let message = format!(
            "issuer \"{issuer}\" must use https, since {} is not a loopback host (localhost, 127.0.0.1 or [::1]); for http, add the host and namespace {:?} to the installation's insecureHttpHosts",
            issuer.host(),
            key.namespace
        );
        return Err(problem(ConditionReason::HostNotAllowed, message));
    }
    Ok(issuer)
}

/// The issuer, if the namespace may use its host and path.
fn at_allowed_address(
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
    if installation.is_mutual_tls_host(&issuer) {
        let message = format!(
            "no issuer may use {}, which has the form of an address where clients present certificates (mtls.url of the installation's chart); use another host",
            issuer.authority()
        );
        return Err(problem(ConditionReason::HostNotAllowed, message));
    }
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
    if installation.hosts.internal_hosts.iter().any(|internal| internal.host() == issuer.host()) {
        let message = format!(
            "no issuer may use the host {}, which is an address of this installation inside the cluster; use another host",
            issuer.host()
        );
        return Err(problem(ConditionReason::HostNotAllowed, message));
    }
    if installation.allows_issuer_host(issuer.host(), &key.namespace) {
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

#[cfg(test)]
mod tests;
