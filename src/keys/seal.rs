//! Sealed values: encrypted and authenticated data that is sent to browsers and clients and comes
//! back.
//!
//! The format is version, key ID and salt in clear text, then AES-256-GCM ciphertext. HKDF-SHA-256
//! derives key and nonce from a sealing key and the salt, with purpose and tenant as context. A
//! sealed value is therefore valid only for its purpose and its tenant.

use std::sync::Arc;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hkdf, hmac,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    discarded_keys::DiscardedKeys,
    key_secret::{DamagedEntry, KeyEntries},
    sealing_keys::{SealingKey, read_marking_key, read_sealing_keys},
};
use crate::model::{CredentialMark, Entropy, SealPurpose, Secret, Subject, TenantId, Timestamp};

const VERSION: u8 = 1;
const SALT: usize = 16;
/// Bytes of the header: version, key ID, salt.
const HEADER: usize = 1 + 4 + SALT;
/// Bytes of the tag of AES-256-GCM.
const TAG: usize = 16;

/// The installation's sealing keys, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealer {
    keys: Arc<[SealingKey]>,
    /// The key of credential marks, which never rotates. A Secret that users made themselves may have
    /// none.
    marking_key: Option<Secret<Vec<u8>>>,
}

impl Sealer {
    /// Parses the keys of the Secret. Returns `None` if it has no usable key.
    pub fn from_entries(entries: &KeyEntries) -> (Option<Self>, Vec<DamagedEntry>) {
        let (mut keys, damaged) = read_sealing_keys(entries);
        keys.sort_by_key(|key| (key.seals_from, key.id));
        let marking_key = read_marking_key(entries);
        ((!keys.is_empty()).then(|| Self { keys: keys.into(), marking_key }), damaged)
    }

    /// The sealer with the key of credential marks of another one if it has none.
    #[must_use]
    pub fn with_marking_key_of(self, other: &Self) -> Self {
        let marking_key = self.marking_key.or_else(|| other.marking_key.clone());
        Self { marking_key, ..self }
    }

    /// The key of credential marks; `None` until the installation has one.
    pub fn marking_key(&self) -> Option<&Secret<Vec<u8>>> {
        self.marking_key.as_ref()
    }

    /// The mark of a user's stored password; `None` stands for no password. Equal passwords of two
    /// users have different marks. Without a key of its own, the oldest sealing key is used, so
    /// sessions end when it goes.
    pub fn credential_mark(
        &self,
        tenant: &TenantId,
        subject: &Subject,
        password: Option<&Secret<String>>,
    ) -> CredentialMark {
        let key = self.marking_key.as_ref().unwrap_or(&self.keys[0].key);
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
        let mut context = hmac::Context::with_key(&key);
        // NUL separates the parts; only the last one can contain it.
        let tenant = tenant.to_string();
        for part in ["lanyard credential mark", &tenant, subject.as_str()] {
            context.update(part.as_bytes());
            context.update(b"\0");
        }
        if let Some(password) = password {
            context.update(b"1");
            context.update(password.expose().trim().as_bytes());
        }
        let mut mark = [0; 16];
        mark.copy_from_slice(&context.sign().as_ref()[..16]);
        CredentialMark::new(mark)
    }

    /// The keys, in the order in which they begin to seal.
    pub fn keys(&self) -> &[SealingKey] {
        &self.keys
    }

    /// The sealer without discarded keys; `None` if no key remains.
    pub fn without(&self, discarded: &DiscardedKeys) -> Option<Self> {
        let keys: Vec<_> =
            self.keys.iter().filter(|key| !discarded.contains(&key.id)).cloned().collect();
        let marking_key = self.marking_key.clone();
        (!keys.is_empty()).then(|| Self { keys: keys.into(), marking_key })
    }

    /// The keys of this sealer that another lacks and that are still needed.
    pub fn keys_missing_in(&self, other: Option<&Self>, now: Timestamp) -> Vec<SealingKey> {
        let known = |id| other.is_some_and(|other| other.keys.iter().any(|key| key.id == id));
        let needed = |key: &&SealingKey| key.retire_at.is_none_or(|at| at > now);
        self.keys.iter().filter(|key| !known(key.id)).filter(needed).cloned().collect()
    }

    /// A sealer with the keys of `this` and others.
    pub fn with_keys(this: Option<&Self>, others: Vec<SealingKey>) -> Option<Self> {
        let own = this.into_iter().flat_map(|this| this.keys.iter().cloned());
        let mut keys: Vec<_> = own.chain(others).collect();
        keys.sort_by_key(|key| (key.seals_from, key.id));
        let marking_key = this.and_then(|this| this.marking_key.clone());
        (!keys.is_empty()).then(|| Self { keys: keys.into(), marking_key })
    }

    /// The length of the sealed form of a value with this length: base64url without padding of the value plus 37 bytes.
    pub const fn sealed_len(plain_len: usize) -> usize {
        ((HEADER + plain_len + TAG) * 4).div_ceil(3)
    }

    /// Seals a value.
    pub fn seal(
        &self,
        purpose: SealPurpose,
        tenant: &TenantId,
        plain: &[u8],
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> String {
        let tenant = tenant.to_string();
        Self::seal_with(self.sealing_key(now), &info(purpose, &tenant), plain, entropy)
    }

    /// The key that seals now. If none is due, for example because the clock went back, it is the oldest
    /// one: every replica has it.
    pub(super) fn sealing_key(&self, now: Timestamp) -> &SealingKey {
        let due = self.keys.iter().rfind(|key| key.seals_from <= now);
        due.unwrap_or(&self.keys[0])
    }

    /// Seals a value for a context.
    pub(super) fn seal_with(
        key: &SealingKey,
        info: &[&[u8]],
        plain: &[u8],
        entropy: &dyn Entropy,
    ) -> String {
        let mut sealed = Vec::with_capacity(HEADER + plain.len() + TAG);
        sealed.push(VERSION);
        sealed.extend_from_slice(&key.id);
        let mut salt = [0; SALT];
        entropy.fill(&mut salt);
        sealed.extend_from_slice(&salt);
        let (aead, nonce) = derive(key, &salt, info);
        let mut body = plain.to_vec();
        aead.seal_in_place_append_tag(nonce, Aad::from(&sealed[..]), &mut body)
            .expect("AES-GCM seals what fits in memory");
        sealed.extend_from_slice(&body);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// Opens a value that this installation sealed for this purpose and tenant. Returns `None` for
    /// anything else.
    pub fn open(&self, purpose: SealPurpose, tenant: &TenantId, text: &str) -> Option<Vec<u8>> {
        let tenant = tenant.to_string();
        self.open_with(&info(purpose, &tenant), text)
    }

    /// The ID of the key that sealed a value; `None` for anything else.
    pub(super) fn key_id(text: &str) -> Option<[u8; 4]> {
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (header, _) = sealed.split_at_checked(HEADER)?;
        (header[0] == VERSION).then(|| [header[1], header[2], header[3], header[4]])
    }

    /// Opens a value that was sealed for a context.
    pub(super) fn open_with(&self, info: &[&[u8]], text: &str) -> Option<Vec<u8>> {
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (header, body) = sealed.split_at_checked(HEADER)?;
        if header[0] != VERSION {
            return None;
        }
        let key = self.keys.iter().find(|key| key.id == header[1..5])?;
        let (aead, nonce) = derive(key, &header[5..], info);
        let mut body = body.to_vec();
        let plain = aead.open_in_place(nonce, Aad::from(header), &mut body).ok()?.len();
        body.truncate(plain);
        Some(body)
    }
}

/// Output length of HKDF: 32 bytes of key and 12 bytes of nonce.
#[derive(Clone, Copy)]
struct KeyAndNonce;

impl hkdf::KeyType for KeyAndNonce {
    fn len(&self) -> usize {
        32 + 12
    }
}

/// The context of a purpose and a tenant. NUL separates label and tenant; neither can contain it.
fn info(purpose: SealPurpose, tenant: &str) -> [&[u8]; 3] {
    [purpose.label(), b"\0", tenant.as_bytes()]
}

fn derive(key: &SealingKey, salt: &[u8], info: &[&[u8]]) -> (LessSafeKey, Nonce) {
    let mut derived = [0; 32 + 12];
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(key.key.expose())
        .expand(info, KeyAndNonce)
        .and_then(|material| material.fill(&mut derived))
        .expect("44 bytes are within what HKDF gives");
    let aead = UnboundKey::new(&AES_256_GCM, &derived[..32]).expect("32 bytes are a key");
    let mut nonce = [0; 12];
    nonce.copy_from_slice(&derived[32..]);
    (LessSafeKey::new(aead), Nonce::assume_unique_for_key(nonce))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        keys::{new_marking_key, new_sealing_key, write_sealing_key},
        model::SeededEntropy,
    };

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn sealer() -> Sealer {
        let key = new_sealing_key(&SeededEntropy::new(7), NOW, NOW);
        Sealer::from_entries(&KeyEntries::from([write_sealing_key(&key)])).0.expect("a key")
    }

    fn tenant() -> TenantId {
        TenantId::new("team", "main")
    }

    #[test]
    fn opens_only_for_the_same_purpose_and_tenant() {
        let (sealer, entropy) = (sealer(), SeededEntropy::new(1));
        let text = sealer.seal(SealPurpose::Code, &tenant(), b"value", &entropy, NOW);
        assert_eq!(
            sealer.open(SealPurpose::Code, &tenant(), &text).as_deref(),
            Some(&b"value"[..])
        );
        for purpose in [SealPurpose::Refresh, SealPurpose::Interaction, SealPurpose::Cookie] {
            assert_eq!(sealer.open(purpose, &tenant(), &text), None, "{purpose:?}");
        }
        for other in [TenantId::new("team", "other"), TenantId::new("tea", "m/main")] {
            assert_eq!(sealer.open(SealPurpose::Code, &other, &text), None, "{other}");
        }
    }

    #[test]
    fn credential_marks_outlive_the_rotation_of_sealing_keys() {
        let entropy = SeededEntropy::new(7);
        let marking = new_marking_key(&entropy);
        let mark = |sealer: &Sealer, tenant: &TenantId, user: &str, password: &str| {
            let password = Secret::new(password.to_owned());
            sealer.credential_mark(tenant, &Subject::new(user), Some(&password))
        };
        let sealer = |seed: u64| {
            let key = new_sealing_key(&SeededEntropy::new(seed), NOW, NOW);
            let entries = KeyEntries::from([write_sealing_key(&key), marking.clone()]);
            Sealer::from_entries(&entries).0.expect("a key")
        };
        let (before, after) = (sealer(1), sealer(2));
        let ada = mark(&before, &tenant(), "ada", "correct horse");
        assert_eq!(mark(&after, &tenant(), "ada", "correct horse"), ada);
        assert_eq!(mark(&after, &tenant(), "ada", "correct horse\n"), ada, "trimmed");
        assert_ne!(mark(&after, &tenant(), "ada", "other"), ada);
        assert_ne!(mark(&after, &tenant(), "bob", "correct horse"), ada);
        let other = TenantId::new("team", "other");
        assert_ne!(mark(&after, &other, "ada", "correct horse"), ada);
        let none = before.credential_mark(&tenant(), &Subject::new("ada"), None);
        assert_ne!(mark(&before, &tenant(), "ada", ""), none);
    }

    #[test]
    fn the_sealed_length_is_known_before() {
        let (sealer, entropy) = (sealer(), SeededEntropy::new(1));
        for length in 0..10 {
            let sealed = sealer.seal(SealPurpose::Code, &tenant(), &vec![7; length], &entropy, NOW);
            assert_eq!(Sealer::sealed_len(length), sealed.len(), "{length}");
        }
    }

    #[test]
    fn sealing_twice_gives_different_values() {
        let (sealer, entropy) = (sealer(), SeededEntropy::new(1));
        let seal = || sealer.seal(SealPurpose::Code, &tenant(), b"value", &entropy, NOW);
        assert_ne!(seal(), seal());
    }

    proptest! {
        #[test]
        fn any_altered_bit_is_detected(plain in prop::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let (sealer, entropy) = (sealer(), SeededEntropy::new(1));
            let text = sealer.seal(SealPurpose::Refresh, &tenant(), &plain, &entropy, NOW);
            let mut bytes = URL_SAFE_NO_PAD.decode(&text).expect("base64url");
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(sealer.open(SealPurpose::Refresh, &tenant(), &URL_SAFE_NO_PAD.encode(bytes)), None);
        }

        #[test]
        fn opening_arbitrary_text_never_panics(text in ".{0,300}") {
            prop_assert_eq!(sealer().open(SealPurpose::Code, &tenant(), &text), None);
        }
    }
}
