//! The sector of a client with pairwise subjects (OIDC Core §8.1, OIDC Registration §5). Validation
//! does no I/O: the document at `sectorIdentifierUri` is fetched and checked during registration,
//! and for declared clients at sign-in.

use std::collections::BTreeSet;

use url::Url;

use super::flows::CheckedFlows;
use crate::{
    api::{EnumSpec, OidcClientSpec},
    model::{Client, RedirectUri, SubjectType},
    registry::validate::ProblemList,
};

/// The host that identifies the client's sector.
pub fn sector_of(client: &Client) -> Option<String> {
    match &client.details.sector_identifier_uri {
        Some(uri) => host(uri),
        None => hosts(&client.redirect_uris).into_iter().next(),
    }
}

/// Checks that the sector is unambiguous.
pub fn check_sector_is_unambiguous(
    problems: &mut ProblemList,
    spec: &OidcClientSpec,
    flows: &CheckedFlows,
) {
    let pairwise = spec.subject_type == Some(EnumSpec::Supported(SubjectType::Pairwise));
    if !pairwise || spec.sector_identifier_uri.is_some() {
        return;
    }
    // A URI without a host would get the subjects of the other URIs' host.
    let hostless = flows.uris.redirect.iter().any(|uri| uri.host().is_none());
    if hostless || hosts(&flows.uris.redirect).len() != 1 {
        let message = "pairwise requires redirectUris with one common host, or sectorIdentifierUri";
        problems.invalid("spec.subjectType", message);
    }
}

fn hosts(uris: &[RedirectUri]) -> BTreeSet<String> {
    uris.iter().filter_map(RedirectUri::host).collect()
}

fn host(uri: &str) -> Option<String> {
    Url::parse(uri).ok()?.host_str().map(str::to_owned)
}
