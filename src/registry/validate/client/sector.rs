//! The sector of a client with pairwise subjects (OIDC Core §8.1, OIDC Registration §5). The
//! document at `sectorIdentifierUri` is not fetched for manifests: judging one does no I/O, and
//! whoever writes the object answers for it. Clients of other namespaces may only name a host that
//! they redirect to.

use std::collections::BTreeSet;

use url::Url;

use super::flows::Flows;
use crate::{
    api::{OidcClientSpec, SubjectType},
    model::{Client, RedirectUri},
    registry::validate::Problems,
};

/// The host that a client's pairwise subjects go by.
pub fn sector(client: &Client) -> Option<String> {
    match &client.sector_identifier_uri {
        Some(uri) => host(uri),
        None => hosts(&client.redirect_uris).into_iter().next(),
    }
}

/// Checks that there is one.
pub fn check(problems: &mut Problems, spec: &OidcClientSpec, flows: &Flows, foreign: bool) {
    if spec.subject_type != Some(SubjectType::Pairwise) {
        return;
    }
    let hosts = hosts(&flows.redirect_uris);
    match &spec.sector_identifier_uri {
        Some(uri) if foreign && !host(uri).is_some_and(|host| hosts.contains(&host)) => {
            let message = "must have a host of redirectUris, for a client of another namespace than the tenant's";
            problems.invalid("spec.sectorIdentifierUri", message);
        }
        Some(_) => {}
        None if hosts.len() == 1 => {}
        None => {
            let message = "pairwise needs redirectUris of one host, or sectorIdentifierUri";
            problems.invalid("spec.subjectType", message);
        }
    }
}

fn hosts(uris: &[RedirectUri]) -> BTreeSet<String> {
    uris.iter().filter_map(RedirectUri::host).collect()
}

fn host(uri: &str) -> Option<String> {
    Url::parse(uri).ok()?.host_str().map(str::to_owned)
}
