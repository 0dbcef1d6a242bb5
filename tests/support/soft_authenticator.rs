//! An authenticator in software: it makes credentials and uses them, and every part of what it says can be
//! changed. The unit tests of `protocol::webauthn` use this file too.

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
    rsa,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

/// The flags of authenticator data.
pub const USER_PRESENT: u8 = 1;
pub const USER_VERIFIED: u8 = 1 << 2;
pub const BACKUP_ELIGIBLE: u8 = 1 << 3;
pub const BACKED_UP: u8 = 1 << 4;
pub const ATTESTED: u8 = 1 << 6;
pub const EXTENSIONS: u8 = 1 << 7;

enum Key {
    Es256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rs256(rsa::KeyPair),
}

/// A credential on an authenticator, with what it says about itself.
pub struct SoftPasskey {
    pub id: Vec<u8>,
    pub user_handle: Vec<u8>,
    pub rp_id: String,
    pub origin: String,
    pub flags: u8,
    pub sign_count: u32,
    /// How much the counter grows with each use.
    pub step: u32,
    /// Members of the client data, beyond or instead of the usual ones.
    pub client_data: Map<String, Value>,
    /// Bytes after the authenticator data.
    pub extensions: Vec<u8>,
    key: Key,
}

/// The response of `create`.
#[derive(Clone)]
pub struct Created {
    pub client_data: Vec<u8>,
    pub attestation_object: Vec<u8>,
}

/// The response of `get`.
#[derive(Clone)]
pub struct Used {
    pub client_data: Vec<u8>,
    pub authenticator_data: Vec<u8>,
    pub signature: Vec<u8>,
}

impl SoftPasskey {
    /// A passkey for a site, of an authenticator that keeps it in several places and has no counter.
    pub fn new(origin: &str, rp_id: &str) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
        Self::with_key(origin, rp_id, Key::Es256(key))
    }

    pub fn with_ed25519(origin: &str, rp_id: &str) -> Self {
        Self::with_key(origin, rp_id, Key::Ed25519(Ed25519KeyPair::generate().expect("a key")))
    }

    pub fn with_rsa(origin: &str, rp_id: &str, size: rsa::KeySize) -> Self {
        Self::with_key(origin, rp_id, Key::Rs256(rsa::KeyPair::generate(size).expect("a key")))
    }

    fn with_key(origin: &str, rp_id: &str, key: Key) -> Self {
        let mut id = vec![0; 32];
        SystemRandom::new().fill(&mut id).expect("random bytes");
        Self {
            id,
            user_handle: Vec::new(),
            rp_id: rp_id.to_owned(),
            origin: origin.to_owned(),
            flags: USER_PRESENT | USER_VERIFIED | BACKUP_ELIGIBLE | BACKED_UP,
            sign_count: 0,
            step: 0,
            client_data: Map::new(),
            extensions: Vec::new(),
            key,
        }
    }

    /// The response to `navigator.credentials.create`.
    pub fn create(&self, challenge: &[u8]) -> Created {
        Created {
            client_data: self.client_data("webauthn.create", challenge),
            attestation_object: attestation_object(&self.attested_data(&self.cose_key())),
        }
    }

    /// The response to `navigator.credentials.get`.
    pub fn get(&mut self, challenge: &[u8]) -> Used {
        self.sign_count += self.step;
        let authenticator_data = [self.head(self.flags), self.extensions.clone()].concat();
        let client_data = self.client_data("webauthn.get", challenge);
        let signature = self.sign(&authenticator_data, &client_data);
        Used { client_data, authenticator_data, signature }
    }

    /// The signature of an assertion.
    pub fn sign(&self, authenticator_data: &[u8], client_data: &[u8]) -> Vec<u8> {
        let message = [authenticator_data, digest(&SHA256, client_data).as_ref()].concat();
        let random = SystemRandom::new();
        match &self.key {
            Key::Es256(key) => key.sign(&random, &message).expect("a signature").as_ref().to_vec(),
            Key::Ed25519(key) => key.sign(&message).as_ref().to_vec(),
            Key::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, &message, &mut signature).expect("signed");
                signature
            }
        }
    }

    /// The authenticator data of a registration with this public key.
    pub fn attested_data(&self, cose_key: &[u8]) -> Vec<u8> {
        let length = u16::try_from(self.id.len()).expect("short").to_be_bytes();
        let head = self.head(self.flags | ATTESTED);
        [&head[..], &[0; 16], &length, &self.id, cose_key, &self.extensions].concat()
    }

    /// The public key in the COSE form.
    pub fn cose_key(&self) -> Vec<u8> {
        match &self.key {
            Key::Es256(key) => {
                let point = key.public_key().as_ref();
                cose_ec2(&point[1..33], &point[33..])
            }
            Key::Ed25519(key) => {
                [b"\xa4\x01\x01\x03\x27\x20\x06\x21", &bytes(key.public_key().as_ref())[..]]
                    .concat()
            }
            Key::Rs256(key) => {
                let public = key.public_key();
                cose_rsa(
                    public.modulus().big_endian_without_leading_zero(),
                    public.exponent().big_endian_without_leading_zero(),
                )
            }
        }
    }

    fn head(&self, flags: u8) -> Vec<u8> {
        let hash = digest(&SHA256, self.rp_id.as_bytes());
        [hash.as_ref(), &[flags], &self.sign_count.to_be_bytes()].concat()
    }

    fn client_data(&self, ceremony: &str, challenge: &[u8]) -> Vec<u8> {
        let mut members = json!({
            "type": ceremony,
            "challenge": URL_SAFE_NO_PAD.encode(challenge),
            "origin": self.origin,
            "crossOrigin": false,
        });
        let members = members.as_object_mut().expect("an object");
        members.extend(self.client_data.clone());
        members.retain(|_, value| !value.is_null());
        serde_json::to_vec(members).expect("JSON")
    }
}

/// An attestation object without attestation.
pub fn attestation_object(authenticator_data: &[u8]) -> Vec<u8> {
    [&b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData"[..], &bytes(authenticator_data)].concat()
}

/// A key of P-256 in the COSE form.
pub fn cose_ec2(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&b"\xa5\x01\x02\x03\x26\x20\x01\x21"[..], &bytes(x), &b"\x22"[..], &bytes(y)].concat()
}

/// An RSA key in the COSE form.
pub fn cose_rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    [&b"\xa4\x01\x03\x03\x39\x01\x00\x20"[..], &bytes(modulus), &b"\x21"[..], &bytes(exponent)]
        .concat()
}

/// A byte string of CBOR.
pub fn bytes(content: &[u8]) -> Vec<u8> {
    let head = match content.len() {
        short @ 0..=23 => vec![0x40 | u8::try_from(short).expect("short")],
        short @ 24..=255 => vec![0x58, u8::try_from(short).expect("short")],
        long => {
            let [high, low] = u16::try_from(long).expect("short").to_be_bytes();
            vec![0x59, high, low]
        }
    };
    [&head, content].concat()
}
