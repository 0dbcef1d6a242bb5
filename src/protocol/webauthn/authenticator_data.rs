//! The data that an authenticator signs (Web Authentication level 3 §6.1).

use super::{
    MAX_CREDENTIAL_ID_LEN, RelyingParty, WebauthnError,
    cbor::CborReader,
    cose_key::{PasskeyPublicKey, read_cose_key},
};
use crate::model::sha256;

/// Bits of the byte `flags` (Web Authentication §6.1): UP, UV, BE, BS, AT and ED.
const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED_CREDENTIAL: u8 = 1 << 6;
const EXTENSIONS: u8 = 1 << 7;

/// Bytes of the identifier of the authenticator's model, which is ignored: without attestation anyone can
/// claim it.
const AAGUID_LEN: usize = 16;
/// Minimum number of bytes of a credential ID (Web Authentication §4).
const MIN_CREDENTIAL_ID_LEN: usize = 16;

const MALFORMED: WebauthnError = WebauthnError::Malformed("the authenticator data");

/// The parsed authenticator data (Web Authentication §6.1).
#[derive(Debug)]
pub(super) struct AuthenticatorData<'a> {
    rp_id_hash: &'a [u8],
    flags: u8,
    /// The signature counter (Web Authentication §6.1.1); 0 if the authenticator does not count.
    pub(super) sign_count: u32,
    /// The new credential; `None` unless the flag AT is set, as at registration.
    pub(super) credential: Option<AttestedCredential<'a>>,
}

/// The attested credential data of a new credential (Web Authentication §6.5.1).
#[derive(Debug)]
pub(super) struct AttestedCredential<'a> {
    /// The credential ID, of 16 to 1023 bytes.
    pub(super) id: &'a [u8],
    /// The public key, which was checked to be usable.
    pub(super) public_key: PasskeyPublicKey,
}

impl<'a> AuthenticatorData<'a> {
    /// Parses authenticator data. Bytes that follow its last part are an error.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, WebauthnError> {
        let (rp_id_hash, rest) = bytes.split_at_checked(32).ok_or(MALFORMED)?;
        let (&flags, rest) = rest.split_first().ok_or(MALFORMED)?;
        let (sign_count, rest) = rest.split_first_chunk::<4>().ok_or(MALFORMED)?;
        let (credential, rest) = if flags & ATTESTED_CREDENTIAL == 0 {
            (None, rest)
        } else {
            let (credential, rest) = read_credential(rest)?;
            (Some(credential), rest)
        };
        let rest = if flags & EXTENSIONS == 0 { rest } else { skip_map(rest)? };
        if !rest.is_empty() {
            return Err(MALFORMED);
        }
        let sign_count = u32::from_be_bytes(*sign_count);
        Ok(Self { rp_id_hash, flags, sign_count, credential })
    }

    /// Checks what holds at registration and at sign-in (Web Authentication §7.1 steps 14 to 17, §7.2 steps 15 to 18).
    pub(super) fn check(&self, relying_party: RelyingParty<'_>) -> Result<(), WebauthnError> {
        if self.rp_id_hash != sha256(relying_party.id) {
            return Err(WebauthnError::OtherRelyingParty);
        }
        if !self.has(USER_PRESENT) {
            return Err(WebauthnError::NoUserPresence);
        }
        if !self.has(USER_VERIFIED) {
            return Err(WebauthnError::NoUserVerification);
        }
        if self.is_backed_up() && !self.is_backup_eligible() {
            return Err(WebauthnError::BackupFlags);
        }
        Ok(())
    }

    /// Whether the credential can be on several devices.
    pub(super) const fn is_backup_eligible(&self) -> bool {
        self.has(BACKUP_ELIGIBLE)
    }

    /// Whether it is backed up now.
    pub(super) const fn is_backed_up(&self) -> bool {
        self.has(BACKED_UP)
    }

    const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

fn read_credential(bytes: &[u8]) -> Result<(AttestedCredential<'_>, &[u8]), WebauthnError> {
    let (_, rest) = bytes.split_at_checked(AAGUID_LEN).ok_or(MALFORMED)?;
    let (length, rest) = rest.split_first_chunk::<2>().ok_or(MALFORMED)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if !(MIN_CREDENTIAL_ID_LEN..=MAX_CREDENTIAL_ID_LEN).contains(&length) {
        return Err(MALFORMED);
    }
    let (id, rest) = rest.split_at_checked(length).ok_or(MALFORMED)?;
    let mut reader = CborReader::new(rest);
    let public_key = read_cose_key(&mut reader)?;
    Ok((AttestedCredential { id, public_key }, reader.rest()))
}

fn skip_map(bytes: &[u8]) -> Result<&[u8], WebauthnError> {
    let mut reader = CborReader::new(bytes);
    reader.map().map_err(|_| MALFORMED)?;
    let mut reader = CborReader::new(bytes);
    reader.skip().map_err(|_| MALFORMED)?;
    Ok(reader.rest())
}
