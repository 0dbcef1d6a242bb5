//! Registering a new credential (Web Authentication level 3 §7.1).

use super::{
    PasskeyPublicKey, RelyingParty, WebauthnError,
    authenticator_data::AuthenticatorData,
    cbor::{CborError, CborReader},
    client_data::{WebauthnCeremony, check_client_data},
};

/// Maximum number of bytes of an attestation object.
const MAX_ATTESTATION_BYTES: usize = 16 * 1024;
/// Maximum number of its entries; the specification has three (Web Authentication §6.5).
const MAX_ENTRIES: u64 = 8;

/// The response of an authenticator that made a credential.
#[derive(Clone, Copy, Debug)]
pub struct RegistrationResponse<'a> {
    /// `clientDataJSON` (Web Authentication §5.8.1), not parsed.
    pub client_data: &'a [u8],
    /// `attestationObject` (Web Authentication §6.5.4), not parsed.
    pub attestation_object: &'a [u8],
}

/// A credential that was made for the relying party, by a person whom the authenticator verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredCredential {
    /// The credential ID, of 16 to 1023 bytes.
    pub id: Vec<u8>,
    /// The public key of the credential.
    pub public_key: PasskeyPublicKey,
    /// The signature counter at the registration; 0 if the authenticator does not count (Web Authentication §6.1.1).
    pub sign_count: u32,
    /// Whether the credential can be on several devices, which never changes: the flag BE (Web Authentication §6.1.3).
    pub backup_eligible: bool,
    /// Whether the credential is backed up now: the flag BS (Web Authentication §6.1.3).
    pub backed_up: bool,
}

/// Verifies the registration of a credential. Attestation was not asked for, so the statement is skipped.
pub fn verify_registration(
    relying_party: RelyingParty<'_>,
    challenge: &[u8],
    response: RegistrationResponse<'_>,
) -> Result<RegisteredCredential, WebauthnError> {
    let RegistrationResponse { client_data, attestation_object } = response;
    check_client_data(client_data, WebauthnCeremony::Registration, challenge, relying_party)?;
    let malformed = WebauthnError::Malformed("the attestation object");
    if attestation_object.len() > MAX_ATTESTATION_BYTES {
        return Err(malformed);
    }
    let bytes = read_authenticator_data(attestation_object).map_err(|_| malformed)?;
    let data = AuthenticatorData::parse(bytes)?;
    data.check(relying_party)?;
    let (backup_eligible, backed_up) = (data.is_backup_eligible(), data.is_backed_up());
    let credential = data.credential.ok_or(malformed)?;
    Ok(RegisteredCredential {
        id: credential.id.to_vec(),
        public_key: credential.public_key,
        sign_count: data.sign_count,
        backup_eligible,
        backed_up,
    })
}

/// The authenticator data of an attestation object (Web Authentication §6.5.4).
fn read_authenticator_data(bytes: &[u8]) -> Result<&[u8], CborError> {
    let mut reader = CborReader::new(bytes);
    let count = reader.map()?;
    if count > MAX_ENTRIES {
        return Err(CborError);
    }
    let (mut before, mut found) = (Vec::new(), None);
    for _ in 0..count {
        let key = reader.text()?;
        if before.contains(&key) {
            return Err(CborError);
        }
        before.push(key);
        match key {
            "authData" => found = Some(reader.bytes()?),
            _ => reader.skip()?,
        }
    }
    let has_all = ["fmt", "attStmt"].iter().all(|key| before.contains(key));
    let is_whole = has_all && reader.rest().is_empty();
    found.filter(|_| is_whole).ok_or(CborError)
}
