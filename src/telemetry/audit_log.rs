//! The one place that writes audit lines and counts their events.

use std::sync::Arc;

use super::{
    Metrics,
    labels::{LoginOutcome, ReplayedKind, TokenKind},
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
        AuditEvent::SignIn { reason, .. } => metrics.login(tenant, login_outcome(*reason)),
        AuditEvent::AttemptThrottled { attempt: ThrottledAttempt::SignIn, .. } => {
            metrics.login(tenant, LoginOutcome::Limited);
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
        Some(_) => LoginOutcome::Failure,
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
    use crate::model::{AuditOutcome, AuditText, LogoutKind, Timestamp};

    fn logout() -> AuditEvent<'static> {
        AuditEvent::Logout {
            kind: LogoutKind::RpInitiated,
            subject: AuditText::new("ada"),
            sid: None,
            client_id: None,
        }
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
