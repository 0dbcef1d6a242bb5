//! A sign-in that waits for its second factor.

use serde::{Deserialize, Serialize};

use super::{AccountMarks, RecordFormat, SealedRecord, StoredUpstreamTokens};
use crate::{
    model::{SealPurpose, Timestamp},
    protocol::authentication::Authentication,
};

/// A sign-in whose person has proved the first factor. It is sealed into the page that asks for the second
/// one; the session begins after that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuspendedSignIn {
    /// The person, and the first factor.
    pub authentication: Authentication,
    /// Where the person signed in.
    pub source: SuspendedSource,
    /// The account as it was then. A sign-in with a password that was changed in the meantime ends.
    pub marks: AccountMarks,
    /// When the first factor was proved.
    pub started_at: Timestamp,
    /// The hash of the pre-session cookie of the browser.
    pub browser: [u8; 32],
    /// The fingerprint of the interaction that the first factor was proved for. An earlier proof does not satisfy
    /// a later request, which may require a new sign-in.
    pub interaction: [u8; 32],
    /// The time from which the page is refused: the end of the interaction.
    pub expires_at: Timestamp,
    /// The name that was typed, by which the browser becomes known.
    pub typed_name: Option<String>,
}

/// Where a person signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SuspendedSource {
    /// At the tenant itself, without an identity provider.
    Tenant,
    /// With a password at the directory of this provider (the name of its object).
    Directory(String),
    /// At an OpenID provider or at GitHub.
    Provider {
        /// The name of the provider's object.
        provider: String,
        /// The issuer at the sign-in; for GitHub the URL of its host.
        issuer: String,
        /// The person's `sub` at the provider; at GitHub the numeric ID of the user, as text.
        subject: String,
        /// `sid` of the provider's ID token; `None` if it has none.
        sid: Option<String>,
        /// The tokens of the provider's response that the session keeps.
        tokens: StoredUpstreamTokens,
    },
}

impl RecordFormat for SuspendedSignIn {}

impl SealedRecord for SuspendedSignIn {
    const PURPOSE: SealPurpose = SealPurpose::SuspendedSignIn;
}
