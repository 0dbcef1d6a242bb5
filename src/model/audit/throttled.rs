//! The event of an attempt that came too soon after others.

use std::time::Duration;

use super::{AuditEvent, AuditText, ThrottledAttempt};

impl<'a> AuditEvent<'a> {
    /// An attempt that came too soon. `client_id`: of the request. `wait`: the time after which the next attempt is
    /// checked.
    pub fn throttled_attempt(
        attempt: ThrottledAttempt,
        client_id: Option<&'a str>,
        wait: Duration,
    ) -> Self {
        Self::AttemptThrottled {
            attempt,
            provider: None,
            client_id: client_id.map(AuditText::new),
            retry_after: wait_seconds(wait),
        }
    }

    /// A sign-in that came too soon, at a provider: an `IdentityProvider` by its name, or `Local`.
    pub fn throttled_sign_in(provider: &'a str, client_id: &'a str, wait: Duration) -> Self {
        Self::AttemptThrottled {
            attempt: ThrottledAttempt::SignIn,
            provider: Some(AuditText::new(provider)),
            client_id: Some(AuditText::new(client_id)),
            retry_after: wait_seconds(wait),
        }
    }
}

/// At least a second: no attempt is to follow at once.
fn wait_seconds(wait: Duration) -> u64 {
    wait.as_secs().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_at_least_a_second() {
        let event = |wait| {
            AuditEvent::throttled_attempt(ThrottledAttempt::PasswordReset, Some("team.wiki"), wait)
        };
        for (wait, seconds) in [(Duration::from_millis(300), 1), (Duration::from_secs(7), 7)] {
            let expected = AuditEvent::AttemptThrottled {
                attempt: ThrottledAttempt::PasswordReset,
                provider: None,
                client_id: Some(AuditText::new("team.wiki")),
                retry_after: seconds,
            };
            assert_eq!(event(wait), expected);
        }
    }
}
