//! Security events, as audit lines report them (docs/audit.md). Must not: contain a secret, a token or
//! text of any length.

mod event;
mod event_names;
mod line;
mod parties;
mod password_words;
mod reasons;
mod text;
mod throttled;

pub use event::AuditEvent;
pub use event_names::AUDIT_EVENTS;
pub use line::{
    AUDIT_SCHEMA, AUDIT_TARGET, AuditLine, AuditOrigin, AuditRecord, AuditSink, IgnoredAudit,
    SharedAuditSink,
};
pub use parties::{
    AuditedAccess, AuditedAuthenticatorChange, AuditedClient, AuditedConsent, AuditedGrant,
    AuditedInvitation, AuditedMail, AuditedPasswordChange, AuditedPasswordReset,
    AuditedRefusedPerson, AuditedReplay, AuditedScopes, AuditedTokenOwner,
};
pub use password_words::{MailKind, PasswordChangeWay, PasswordResetRefusal};
pub use reasons::{
    AuditOutcome, AuditedAuthenticator, ClientCredential, ClientDeletion, InvitationRefusal,
    IssuedToken, KeyChange, KeyUse, LogoutKind, LogoutTokenRefusal, PersonRefusal, SignInFailure,
    StepUpFailure, ThrottledAttempt,
};
pub use text::{AuditCause, AuditText};
