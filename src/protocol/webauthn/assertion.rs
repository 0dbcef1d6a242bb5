//! Verifying that a person has used a credential (Web Authentication level 3 §7.2).

use std::time::Duration;

use super::{
    PasskeyPublicKey, RelyingParty, WebauthnError,
    authenticator_data::AuthenticatorData,
    client_data::{WebauthnCeremony, check_client_data},
};
use crate::model::{Timestamp, sha256};

/// Maximum number of bytes of authenticator data and of a signature.
const MAX_BYTES: usize = 4096;

/// The response of an authenticator that has used a credential.
#[derive(Clone, Copy, Debug)]
pub struct AssertionResponse<'a> {
    /// `clientDataJSON` (Web Authentication §5.8.1): the bytes as they were signed, not parsed.
    pub client_data: &'a [u8],
    /// `authenticatorData` (Web Authentication §6.1): the bytes as they were signed, not parsed.
    pub authenticator_data: &'a [u8],
    /// The signature of `authenticatorData` and the SHA-256 of `clientDataJSON` (Web Authentication §6.3.3).
    pub signature: &'a [u8],
}

/// A credential that was registered before.
#[derive(Clone, Copy, Debug)]
pub struct KnownCredential<'a> {
    /// The public key that was stored at the registration.
    pub public_key: &'a PasskeyPublicKey,
    /// Whether the credential can be on several devices: the flag BE at the registration (Web Authentication §6.1.3).
    pub backup_eligible: bool,
}

/// The signed state of an authenticator. The counter has to be compared with the stored one
/// ([`check_sign_count`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedAssertion {
    /// The signature counter that the authenticator sent; 0 if it does not count (Web Authentication §6.1.1).
    pub sign_count: u32,
    /// Whether the credential is backed up now: the flag BS (Web Authentication §6.1.3).
    pub backed_up: bool,
}

/// Verifies the use of a credential, whose person the authenticator has verified.
pub fn verify_assertion(
    relying_party: RelyingParty<'_>,
    challenge: &[u8],
    credential: KnownCredential<'_>,
    response: AssertionResponse<'_>,
) -> Result<VerifiedAssertion, WebauthnError> {
    let AssertionResponse { client_data, authenticator_data, signature } = response;
    check_client_data(client_data, WebauthnCeremony::Assertion, challenge, relying_party)?;
    if authenticator_data.len() > MAX_BYTES || signature.len() > MAX_BYTES {
        return Err(WebauthnError::Malformed("the authenticator data"));
    }
    let data = AuthenticatorData::parse(authenticator_data)?;
    data.check(relying_party)?;
    if data.is_backup_eligible() != credential.backup_eligible {
        return Err(WebauthnError::BackupFlags);
    }
    let message = [authenticator_data, &sha256(client_data)].concat();
    if !credential.public_key.verify(&message, signature) {
        return Err(WebauthnError::WrongSignature);
    }
    Ok(VerifiedAssertion { sign_count: data.sign_count, backed_up: data.is_backed_up() })
}

/// How long after a recorded use an earlier answer may come. It is short, because the holder of a copy can keep a
/// challenge ready for it.
const OVERTAKING_TIME: Duration = Duration::from_secs(30);

/// The last recorded assertion of a credential.
#[derive(Clone, Copy, Debug)]
pub struct LastAssertion {
    /// The signature counter of it, or of the registration.
    pub sign_count: u32,
    /// The time at which the use was recorded; `None` before the first use.
    pub at: Option<Timestamp>,
}

/// The meaning of the signature counter of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignCountVerdict {
    /// The counter has grown, or the authenticator does not count.
    Grown,
    /// A later answer of the authenticator was recorded first. The recorded counter stays.
    Overtaken,
    /// The key is also elsewhere.
    Copied,
}

/// Rule: a counter that was ever used grows with each use, or the key is also elsewhere (Web Authentication §6.1.1).
/// An authenticator without a counter always sends 0. Two answers of one authenticator may arrive in the wrong
/// order. A lower counter is therefore accepted if its challenge was issued before the last use was recorded, and
/// it arrives soon after that ([`OVERTAKING_TIME`]). Any other lower counter, and an equal one, shows a copy.
pub fn check_sign_count(
    last: LastAssertion,
    sent: u32,
    (issued_at, now): (Timestamp, Timestamp),
) -> SignCountVerdict {
    if (last.sign_count == 0 && sent == 0) || sent > last.sign_count {
        return SignCountVerdict::Grown;
    }
    let is_earlier = sent > 0 && sent < last.sign_count;
    let is_overtaken = |at: Timestamp| issued_at < at && now <= at.plus(OVERTAKING_TIME);
    if is_earlier && last.at.is_some_and(is_overtaken) {
        SignCountVerdict::Overtaken
    } else {
        SignCountVerdict::Copied
    }
}
