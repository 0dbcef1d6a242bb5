//! A client's token lifetimes. They can only shorten the tenant's.

use std::{sync::Arc, time::Duration};

use crate::{
    api,
    model::{Client, Lifetimes},
    registry::validate::{ProblemList, duration, tenant::reuse_window},
};

const SECOND: Duration = Duration::from_secs(1);
const YEAR: Duration = Duration::from_hours(366 * 24);

/// Lifetimes set by a client. They can only shorten the tenant's.
pub struct ClientLifetimes {
    access_token: Option<Duration>,
    id_token: Option<Duration>,
    refresh_token_idle: Option<Duration>,
    refresh_token_absolute: Option<Duration>,
    refresh_token_reuse_window: Option<Duration>,
}

/// Validates `spec.lifetimes` and the reuse window: from 1 second to 366 days. Invalid ones are left out.
pub fn check_client_lifetimes(
    problems: &mut ProblemList,
    spec: &api::OidcClientSpec,
) -> ClientLifetimes {
    let refresh_token_reuse_window =
        reuse_window(problems, spec.refresh_token_reuse_window.as_ref());
    let written = spec.lifetimes.clone().unwrap_or_default();
    let mut field = |name: &str, text: Option<&String>| {
        duration::duration_within(problems, &format!("spec.lifetimes.{name}"), text, SECOND..=YEAR)
    };
    ClientLifetimes {
        access_token: field("accessToken", written.access_token.as_ref()),
        id_token: field("idToken", written.id_token.as_ref()),
        refresh_token_idle: field("refreshTokenIdle", written.refresh_token_idle.as_ref()),
        refresh_token_absolute: field(
            "refreshTokenAbsolute",
            written.refresh_token_absolute.as_ref(),
        ),
        refresh_token_reuse_window,
    }
}

impl ClientLifetimes {
    /// The effective lifetimes at a tenant.
    pub fn within(&self, tenant: &Arc<Lifetimes>) -> Arc<Lifetimes> {
        let shorter = |own: Option<Duration>, most: Duration| own.map_or(most, |own| own.min(most));
        let absolute = shorter(self.refresh_token_absolute, tenant.refresh_token_absolute);
        let shortened = Lifetimes {
            access_token: shorter(self.access_token, tenant.access_token),
            id_token: shorter(self.id_token, tenant.id_token),
            refresh_token_idle: shorter(self.refresh_token_idle, tenant.refresh_token_idle)
                .min(absolute),
            refresh_token_absolute: absolute,
            refresh_token_reuse_window: shorter(
                self.refresh_token_reuse_window,
                tenant.refresh_token_reuse_window,
            ),
            ..**tenant
        };
        if shortened == **tenant { Arc::clone(tenant) } else { Arc::new(shortened) }
    }
}

/// Validates `spec.defaultMaxAge`: seconds, at most a year. `None` if it is not set or not valid.
pub fn max_age(problems: &mut ProblemList, written: Option<i64>) -> Option<Duration> {
    let max_age = u64::try_from(written?).ok().and_then(Client::default_max_age_of);
    if max_age.is_none() {
        problems.invalid("spec.defaultMaxAge", "must be between 0 and 31536000 seconds");
    }
    max_age
}
