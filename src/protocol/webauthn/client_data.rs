//! The statement of the browser about the page that asked the authenticator (Web Authentication level 3 §5.8.1).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, de::IgnoredAny};

use super::{RelyingParty, WebauthnError};

/// Maximum number of bytes of the JSON text.
const MAX_BYTES: usize = 4096;

/// The ceremony that a response belongs to, by the member `type` of its client data (Web Authentication §5.8.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WebauthnCeremony {
    /// `webauthn.create`: a call of `navigator.credentials.create`.
    Registration,
    /// `webauthn.get`: a call of `navigator.credentials.get`.
    Assertion,
}

impl WebauthnCeremony {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Registration => "webauthn.create",
            Self::Assertion => "webauthn.get",
        }
    }
}

/// The members that are checked. One that occurs twice is an error; others may be added by browsers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CollectedClientData {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: Option<bool>,
    #[serde(default)]
    top_origin: Option<IgnoredAny>,
}

/// Checks that a page of the relying party, in no frame of another site, asked with this challenge
/// (Web Authentication §7.1 steps 5 to 11, §7.2 steps 9 to 14).
pub(super) fn check_client_data(
    json: &[u8],
    ceremony: WebauthnCeremony,
    challenge: &[u8],
    relying_party: RelyingParty<'_>,
) -> Result<(), WebauthnError> {
    let malformed = WebauthnError::Malformed("the client data");
    if json.len() > MAX_BYTES {
        return Err(malformed);
    }
    let data: CollectedClientData = serde_json::from_slice(json).map_err(|_| malformed)?;
    if data.r#type != ceremony.as_str() {
        return Err(WebauthnError::OtherCeremony);
    }
    if data.challenge != URL_SAFE_NO_PAD.encode(challenge) {
        return Err(WebauthnError::OtherChallenge);
    }
    if data.origin != relying_party.origin {
        return Err(WebauthnError::OtherOrigin);
    }
    if data.cross_origin == Some(true) || data.top_origin.is_some() {
        return Err(WebauthnError::CrossOrigin);
    }
    Ok(())
}
