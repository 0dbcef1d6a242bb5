//! The one place that writes audit lines and counts their events.

use std::sync::Arc;

use super::{
    Metrics,
    labels::{ReplayedKind, TokenKind},
    logins::LoginOutcome,
};
use crate::model::{
    AUDIT_TARGET, AuditEvent, AuditLine, AuditRecord, AuditSink, IssuedToken, SignInFailure,
    TenantId, ThrottledAttempt,
};

/// Writes the lines of security events to the log, with the target `audit`, and counts the events.
#[derive(Clone, Debug)]
pub struct AuditLog {
    metrics: Arc<Metrics>,
}

impl AuditLog {
    /// A log that counts with these metrics.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics }
    }
}

impl AuditSink for AuditLog {
    fn record(&self, record: &AuditRecord<'_>) {
        let event = &record.event;
        self.metrics.audited(record.tenant, event.name(), event.outcome());
        if let Some(tenant) = record.tenant {
            count_event(&self.metrics, tenant, event);
        }
        if tracing::enabled!(target: AUDIT_TARGET, tracing::Level::INFO) {
            let line = AuditLine::of(record).to_json();
            tracing::info!(target: AUDIT_TARGET, audit = line, "{}", event.message());
        }
    }
}

/// Counts an event in the metrics that count nothing else.
fn count_event(metrics: &Metrics, tenant: &TenantId, event: &AuditEvent<'_>) {
    match event {
        AuditEvent::SignIn { provider, reason, .. } => {
            // The name of a provider that is gone comes from the request.
            let is_known = *reason != Some(SignInFailure::ProviderGone);
            let provider = Some(provider.as_str()).filter(|_| is_known);
            metrics.login(tenant, provider, login_outcome(*reason));
        }
        AuditEvent::AttemptThrottled { attempt: ThrottledAttempt::SignIn, .. } => {
            metrics.login(tenant, None, LoginOutcome::Limited);
        }
        AuditEvent::TokenIssued { tokens, .. } => {
            for token in tokens {
                metrics.token_issued(tenant, token_kind(*token));
            }
        }
        AuditEvent::CodeReplayed { .. } => metrics.credential_replayed(tenant, ReplayedKind::Code),
        AuditEvent::RefreshTokenReplayed { .. } => {
            metrics.credential_replayed(tenant, ReplayedKind::RefreshToken);
        }
        _ => {}
    }
}

const fn login_outcome(reason: Option<SignInFailure>) -> LoginOutcome {
    match reason {
        None => LoginOutcome::Success,
        Some(SignInFailure::Busy) => LoginOutcome::Busy,
        Some(
            SignInFailure::ProviderUnavailable
            | SignInFailure::ProviderAnswer
            | SignInFailure::ProviderGone
            | SignInFailure::Claims
            | SignInFailure::NotFresh,
        ) => LoginOutcome::ProviderFailed,
        Some(
            SignInFailure::UnknownUser
            | SignInFailure::WrongPassword
            | SignInFailure::NoPassword
            | SignInFailure::WrongCode
            | SignInFailure::ReplayedCode
            | SignInFailure::FactorRequired
            | SignInFailure::OtherPersonsAuthenticator
            | SignInFailure::WrongPasskey
            | SignInFailure::ReplayedPasskey
            | SignInFailure::ClonedPasskey
            | SignInFailure::Disabled
            | SignInFailure::UserNotAccepted
            | SignInFailure::WrongCredentials
            | SignInFailure::Restricted
            | SignInFailure::NotAdmitted
            | SignInFailure::Denied
            | SignInFailure::RequestTooLong
            | SignInFailure::SubjectTaken,
        ) => LoginOutcome::Failure,
    }
}

const fn token_kind(token: IssuedToken) -> TokenKind {
    match token {
        IssuedToken::AccessToken => TokenKind::AccessToken,
        IssuedToken::IdToken => TokenKind::IdToken,
        IssuedToken::RefreshToken => TokenKind::RefreshToken,
        IssuedToken::Code => TokenKind::Code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AuditOutcome, AuditText, AuditedClient, LogoutKind, Timestamp};

    fn logout() -> AuditEvent<'static> {
        AuditEvent::Logout {
            kind: LogoutKind::RpInitiated,
            subject: AuditText::new("ada"),
            sid: None,
            client_id: None,
        }
    }

    #[test]
    fn sign_ins_are_counted_by_provider_and_names_of_requests_are_not_labels() {
        let (metrics, tenant) = (Arc::new(Metrics::new()), TenantId::new("team", "main"));
        metrics.snapshot(1, Timestamp::from_secs(0), [tenant.clone()], &[]);
        let log = AuditLog::new(Arc::clone(&metrics));
        let provider = |number: usize| format!("p{number}");
        let attempts = [
            ("corp".to_owned(), None),
            ("corp".to_owned(), Some(SignInFailure::ProviderUnavailable)),
            ("corp".to_owned(), Some(SignInFailure::NotAdmitted)),
            ("of-the-request".to_owned(), Some(SignInFailure::ProviderGone)),
        ];
        let further = (0..30).map(|number| (provider(number), None));
        for (name, reason) in attempts.into_iter().chain(further) {
            let event = AuditEvent::SignIn {
                client: AuditedClient {
                    client: AuditText::new("team/app"),
                    client_id: AuditText::new("app"),
                },
                provider: AuditText::new(name),
                subject: None,
                username: None,
                sid: None,
                amr: Vec::new(),
                reason,
                cause: None,
            };
            log.record(&AuditRecord { tenant: Some(&tenant), origin: None, event });
        }
        let text = metrics.render(Timestamp::from_secs(0));
        for (provider, outcome, count) in [
            ("corp", "success", 1),
            ("corp", "provider_failed", 1),
            ("corp", "failure", 1),
            ("", "provider_failed", 1),
            ("p17", "success", 1),
            ("", "success", 12),
        ] {
            let series = format!(
                "lanyard_logins_total{{tenant=\"team/main\",provider=\"{provider}\",outcome=\"{outcome}\"}} {count}\n"
            );
            assert!(text.contains(&series), "{series} in {text}");
        }
        assert!(!text.contains("of-the-request") && !text.contains("p18"), "{text}");
    }

    #[test]
    fn an_event_is_counted_by_tenant_and_outcome() {
        let (metrics, tenant) = (Arc::new(Metrics::new()), TenantId::new("team", "main"));
        metrics.snapshot(1, Timestamp::from_secs(0), [tenant.clone()], &[]);
        let log = AuditLog::new(Arc::clone(&metrics));
        log.record(&AuditRecord { tenant: Some(&tenant), origin: None, event: logout() });
        let text = metrics.render(Timestamp::from_secs(0));
        let series = "lanyard_audit_events_total{tenant=\"team/main\",event=\"logout\",outcome=\"success\"} 1\n";
        assert!(text.contains(series), "{text}");
        assert_eq!(logout().outcome(), AuditOutcome::Success);
    }
}
