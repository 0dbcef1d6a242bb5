//! The reasons why an identity provider gives no account, at a sign-in or when it is asked again.

use std::time::Duration;

use crate::{
    accounts::AccountError,
    fetch::FetchError,
    model::{ManagedKind, ObjectKey, ObjectRef, PersonRefusal},
    protocol::{
        error::ErrorCode,
        identity_provider::MappingError,
        upstream::{CallbackError, IdTokenError, MAX_PROVIDER_URL_LEN},
    },
    store::RecordKind,
    upstream::{
        UpstreamError,
        ldap::{DirectoryFault, LdapRefusal},
    },
};

/// Largest claims that are stored, in bytes of JSON.
const MAX_CLAIMS_BYTES: usize = 32 * 1024;

/// The claims of a person are too large to store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the provider's claims have {0} bytes of JSON, more than {MAX_CLAIMS_BYTES}; request fewer scopes, or let it send fewer groups"
)]
pub struct ClaimsTooLarge(usize);

impl ClaimsTooLarge {
    /// Checks the size of claims, in bytes of JSON.
    pub(in crate::accounts) const fn check(len: usize) -> Result<(), Self> {
        if len > MAX_CLAIMS_BYTES { Err(Self(len)) } else { Ok(()) }
    }
}

/// The reason why a sign-in failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum UpstreamSignInError {
    /// The store or the keys cannot be used.
    #[error(transparent)]
    Account(AccountError),
    /// The provider has too many new people. The duration is the time until this person can be added.
    #[error(
        "the provider's new people have used up its budget; there is room for this one in {} seconds",
        .0.as_secs()
    )]
    TooManyPeople(Duration),
    /// The provider gives no usable answer.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// A directory cannot be used.
    #[error(transparent)]
    Directory(#[from] DirectoryFault),
    /// A directory does not let the person in.
    #[error(transparent)]
    DirectoryRefusal(#[from] LdapRefusal),
    /// The claims give no account, or the person is not admitted.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// The claims are too large to store.
    #[error(transparent)]
    ClaimsTooLarge(#[from] ClaimsTooLarge),
    /// The person has not signed in again, although the application requires it.
    #[error("the provider did not let the person sign in again (auth_time)")]
    NotFresh,
    /// The application requires a new sign-in, and the provider states no time.
    #[error("the application requires a new sign-in, and the provider's ID token has no auth_time")]
    NoSignInTime,
    /// The subject belongs to a user of the tenant, to a client or to a person of another provider.
    #[error(
        "the subject {0:?} is that of an OidcUser or of a client of the tenant, or one that another provider of the tenant gives"
    )]
    SubjectTaken(String),
    /// The username, or what applications see as it, belongs to a user of the tenant.
    #[error(
        "the username {0:?} is the username or preferredUsername of an OidcUser; list the person in spec.identities of it, or set claimMappings.username.prefix"
    )]
    UsernameTaken(String),
    /// The subject or username belongs to an object that is not served.
    #[error(
        "the {name} {value:?} is that of the {holder}, which is not {state}; see its conditions, and correct or delete it"
    )]
    NameReserved {
        /// The kind of name.
        name: &'static str,
        /// The value that the provider gives.
        value: String,
        /// The object that reserves the value: an OidcUser or another `IdentityProvider`.
        holder: ObjectRef,
        /// The state that the object has not reached.
        state: &'static str,
    },
    /// The OidcUser who declares the person is not accepted.
    #[error(
        "the OidcUser \"{0}\", who declares the person, is not accepted; see its conditions, and correct or delete it"
    )]
    UserNotAccepted(ObjectKey),
    /// The provider admits declared people only.
    #[error("no OidcUser names the person {0:?} in its identities")]
    NotDeclared(String),
    /// The OidcUser who declares the person is disabled.
    #[error("the OidcUser with the username {0:?}, who declares the person, is disabled")]
    Disabled(String),
    /// A URL of the provider cannot be used.
    #[error("the provider's authorization_endpoint is not a URL")]
    BadEndpoint,
    /// The URL of the request to the provider is too long.
    #[error(
        "the URL of the request to the provider would have {0} bytes, more than {MAX_PROVIDER_URL_LEN}, since it carries the request of the application; let the application push its request (PAR), or send a shorter one"
    )]
    RequestTooLong(usize),
}

impl From<AccountError> for UpstreamSignInError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::TooManyRecords(RecordKind::Person, wait) => Self::TooManyPeople(wait),
            error => Self::Account(error),
        }
    }
}

/// The kind of an [`UpstreamSignInError`], for the page that the person sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInProblem<'a> {
    /// A rule refuses the person, with a message if the operator wrote one.
    Refused(Option<&'a str>),
    /// No user is declared for the person.
    NotDeclared,
    /// The person is in no required organization.
    NotInOrganization,
    /// The provider did not sign the person in, or the person cancelled.
    Denied,
    /// The provider cannot sign the person in at the level that was requested.
    LevelUnmet,
    /// The provider does not answer now.
    Unavailable,
    /// The person did not sign in again.
    NotFresh,
    /// The provider does not say when the person signed in.
    NoSignInTime,
    /// The claims give no account.
    Claims,
    /// The subject is another person's or a client's.
    SubjectTaken,
    /// The provider has too many new people at the moment.
    TooManyPeople,
    /// The provider may not be called from here.
    NotCalled,
    /// The request of the application is too long to be carried there and back.
    RequestTooLong,
    /// The provider's answer cannot be used.
    Answer,
}

impl UpstreamSignInError {
    /// The error for a name of an object that is not served.
    pub(super) fn reserved(name: &'static str, value: &str, holder: ObjectRef) -> Self {
        let state = if holder.is(ManagedKind::OidcUser) { "accepted" } else { "served" };
        Self::NameReserved { name, value: value.to_owned(), holder, state }
    }

    /// Why the person is not admitted; `None` if the error is not about the person.
    pub(super) fn person_refusal(&self) -> Option<PersonRefusal> {
        match self {
            Self::Disabled(_) => return Some(PersonRefusal::Disabled),
            Self::UserNotAccepted(_) => return Some(PersonRefusal::UserNotAccepted),
            _ => {}
        }
        match self.problem() {
            SignInProblem::Refused(_) => Some(PersonRefusal::Rule),
            SignInProblem::NotDeclared => Some(PersonRefusal::NotDeclared),
            SignInProblem::NotInOrganization => Some(PersonRefusal::Organization),
            SignInProblem::Claims => Some(PersonRefusal::Claims),
            SignInProblem::SubjectTaken => Some(PersonRefusal::SubjectTaken),
            SignInProblem::TooManyPeople => Some(PersonRefusal::TooManyPeople),
            SignInProblem::Denied
            | SignInProblem::LevelUnmet
            | SignInProblem::Unavailable
            | SignInProblem::NotFresh
            | SignInProblem::NoSignInTime
            | SignInProblem::NotCalled
            | SignInProblem::RequestTooLong
            | SignInProblem::Answer => None,
        }
    }

    /// The reason in the response to the sender of a logout token. It contains no addresses inside
    /// the network.
    pub fn logout_refusal(&self) -> String {
        match self {
            Self::Upstream(UpstreamError::LogoutToken(_) | UpstreamError::Signature) => {
                self.to_string()
            }
            _ => "The logout token cannot be verified.".to_owned(),
        }
    }

    /// The error of a sign-in that waits because too many before it have failed.
    pub fn throttled() -> Self {
        Self::Upstream(FetchError::Busy.into())
    }

    /// The kind of the error.
    pub fn problem(&self) -> SignInProblem<'_> {
        match self {
            Self::Mapping(error) if error.is_refusal() => {
                SignInProblem::Refused(error.message_for_person())
            }
            Self::Mapping(_)
            | Self::ClaimsTooLarge(_)
            | Self::DirectoryRefusal(LdapRefusal::SeveralPeople)
            | Self::Upstream(UpstreamError::IdToken(IdTokenError::TooLarge(_))) => {
                SignInProblem::Claims
            }
            Self::Directory(fault) if fault.is_about_person() => SignInProblem::Claims,
            Self::Directory(fault) if fault.is_transient() => SignInProblem::Unavailable,
            Self::NotDeclared(_) => SignInProblem::NotDeclared,
            Self::Disabled(_)
            | Self::UserNotAccepted(_)
            | Self::DirectoryRefusal(_)
            | Self::Upstream(UpstreamError::IdToken(IdTokenError::OtherDirectory)) => {
                SignInProblem::Refused(None)
            }
            Self::RequestTooLong(_) => SignInProblem::RequestTooLong,
            Self::TooManyPeople(_) => SignInProblem::TooManyPeople,
            Self::NotFresh => SignInProblem::NotFresh,
            Self::NoSignInTime => SignInProblem::NoSignInTime,
            Self::SubjectTaken(_) | Self::UsernameTaken(_) | Self::NameReserved { .. } => {
                SignInProblem::SubjectTaken
            }
            Self::Upstream(UpstreamError::NotInOrganization) => SignInProblem::NotInOrganization,
            Self::Upstream(UpstreamError::Callback(CallbackError::Refused { code, .. }))
                if code == "access_denied" =>
            {
                SignInProblem::Denied
            }
            Self::Upstream(UpstreamError::Callback(CallbackError::Refused { code, .. }))
                if code == ErrorCode::UnmetAuthenticationRequirements.as_str() =>
            {
                SignInProblem::LevelUnmet
            }
            // RFC 6749 §4.1.2.1: the provider's own failures.
            Self::Upstream(UpstreamError::Callback(CallbackError::Refused { code, .. }))
                if ["temporarily_unavailable", "server_error"].contains(&code.as_str()) =>
            {
                SignInProblem::Unavailable
            }
            Self::Upstream(error) if error.is_transient() => SignInProblem::Unavailable,
            Self::Upstream(error) if error.is_forbidden() => SignInProblem::NotCalled,
            Self::Directory(_) | Self::Upstream(_) | Self::BadEndpoint | Self::Account(_) => {
                SignInProblem::Answer
            }
        }
    }
}
