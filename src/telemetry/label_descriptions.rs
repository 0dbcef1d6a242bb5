//! Labels of several metrics with their meaning, for `descriptions`.

use super::{label_values::LabelValues, metric_description::LabelDescription};
use crate::model::Endpoint;

pub(super) const fn label_values(name: &'static str, values: LabelValues) -> LabelDescription {
    LabelDescription { name, meaning: "", values }
}

pub(super) const TENANT: LabelDescription = LabelDescription {
    name: "tenant",
    meaning: "The tenant as `<namespace>/<name>`. Empty for requests to no tenant or to one that is not served, and \
              with `--metrics-per-tenant false`.",
    values: &[],
};
pub(super) const KIND: LabelDescription = LabelDescription {
    name: "kind",
    meaning: "The kind of the objects: `Tenant`, `OidcClient`, `OidcUser`, `IdentityProvider` or `ResourceServer`. `lanyard_reconciles_total` also has \
              `Secret`, for the Secrets of sealing and vault keys.",
    values: &[],
};
pub(super) const CERTIFICATE: LabelDescription = LabelDescription {
    name: "certificate",
    meaning: "The file of the certificate (`--tls-cert`).",
    values: &[],
};
pub(super) const CLIENT: LabelDescription = LabelDescription {
    name: "client",
    meaning: "The client as `<namespace>/<name>`, for the first 20 clients of a tenant that refuse a person. Empty for \
              further ones, and where the tenant is empty.",
    values: &[],
};
pub(super) const PROVIDER: LabelDescription = LabelDescription {
    name: "provider",
    meaning: "The name of the identity provider, or `Local` for the tenant's own users: those of the first 20 providers \
              that people come to. Empty for further ones, for attempts that came too soon after others, and where the tenant \
              is empty.",
    values: &[],
};
pub(super) const REACHABLE_PROVIDER: LabelDescription = LabelDescription {
    name: "provider",
    meaning: "The name of the identity provider. Beyond 1,000 of them, and with `--metrics-per-tenant false`, tenant and \
              provider are empty: the value is 0 if one of these providers cannot be reached.",
    values: &[],
};
pub(super) const VERSION: LabelDescription =
    LabelDescription { name: "version", meaning: "The version of Lanyard.", values: &[] };
pub(super) const AUDIT_EVENT: LabelDescription = LabelDescription {
    name: "event",
    meaning: "The event, as in the audit line: see [audit events](audit-events.md).",
    values: &[],
};
pub(super) const ENDPOINT: LabelDescription = label_values("endpoint", Endpoint::LABELS);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ManagedKind;

    #[test]
    fn the_label_kind_has_every_kind() {
        for kind in ManagedKind::ALL {
            assert!(KIND.meaning.contains(&format!("`{kind}`")), "{kind}");
        }
    }
}
