//! Validates the policy of a tenant for clients that are described by a document.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{ProblemList, host_patterns, refuse_duplicates};
use crate::{
    api::TenantSpec,
    model::{ClientDocumentMode, ClientDocumentPolicy, CustomScope, intern},
    protocol::scope::STANDARD_SCOPES,
};

const FIELD: &str = "spec.clientIdMetadataDocuments";
/// The scopes of the clients if the tenant lists none.
const DEFAULT_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// Validates the policy; `custom`: the tenant's own scopes.
pub fn check_client_documents(
    problems: &mut ProblemList,
    spec: &TenantSpec,
    custom: &BTreeMap<String, CustomScope>,
) -> Arc<ClientDocumentPolicy> {
    let Some(written) = &spec.client_id_metadata_documents else { return Arc::default() };
    let mode = problems.supported(format!("{FIELD}.mode"), written.mode.as_ref());
    let mode = mode.unwrap_or_default();
    let lists_hosts = mode == ClientDocumentMode::AllowedHosts;
    if lists_hosts && written.hosts.is_empty() {
        let message = "must be set with mode: AllowedHosts; list the hosts of the documents";
        problems.invalid(format!("{FIELD}.hosts"), message);
    } else if !lists_hosts && !written.hosts.is_empty() {
        let message = "must only be set with mode: AllowedHosts; remove it, or set the mode";
        problems.invalid(format!("{FIELD}.hosts"), message);
    }
    if mode != ClientDocumentMode::AnyHost && !written.denied_hosts.is_empty() {
        let message = "must only be set with mode: AnyHost; remove it, or set the mode";
        problems.invalid(format!("{FIELD}.deniedHosts"), message);
    }
    refuse_duplicates(problems, &format!("{FIELD}.resources"), &written.resources);
    let redirect_hosts = written.redirect_hosts.as_ref();
    let redirect_hosts = redirect_hosts
        .map(|hosts| host_patterns(problems, &format!("{FIELD}.redirectHosts"), hosts).into());
    Arc::new(ClientDocumentPolicy {
        mode,
        hosts: host_patterns(problems, &format!("{FIELD}.hosts"), &written.hosts).into(),
        denied_hosts: host_patterns(
            problems,
            &format!("{FIELD}.deniedHosts"),
            &written.denied_hosts,
        )
        .into(),
        scopes: intern(scopes(problems, written.scopes.as_deref(), custom)),
        resources: written.resources.iter().cloned().collect(),
        redirect_hosts,
    })
}

fn scopes(
    problems: &mut ProblemList,
    written: Option<&[String]>,
    custom: &BTreeMap<String, CustomScope>,
) -> BTreeSet<String> {
    let Some(written) = written else { return DEFAULT_SCOPES.map(str::to_owned).into() };
    for (index, scope) in written.iter().enumerate() {
        if !STANDARD_SCOPES.contains(&scope.as_str()) && !custom.contains_key(scope) {
            let message = format!(
                "scope {scope:?} is neither a standard scope nor one of spec.scopes; define it there, or remove it. Scopes of resource servers follow from resources"
            );
            problems.invalid(format!("{FIELD}.scopes[{index}]"), message);
        }
    }
    written.iter().cloned().collect()
}
