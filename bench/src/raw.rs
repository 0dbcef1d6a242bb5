//! Rates of one core without any provider, which the table compares with.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
        RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
    },
};

/// About the length of an ID token's header and claims.
const MESSAGE: [u8; 500] = [b'x'; 500];

/// Operations a second, on the core of the thread that measured them.
#[derive(Clone, Copy, Debug)]
pub struct Raw {
    pub rs256_sign: f64,
    pub rs256_verify: f64,
    pub es256_sign: f64,
    pub es256_verify: f64,
    pub argon2id: f64,
}

/// Measure each operation for `duration`, with keys parsed beforehand.
///
/// # Errors
///
/// A key could not be generated.
pub fn measure(duration: Duration) -> Result<Raw> {
    let random = SystemRandom::new();
    let refused = |_| anyhow!("the cryptography library refused");
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).map_err(refused)?;
    let mut signature = vec![0; rsa.public_modulus_len()];
    let rs256_sign =
        rate(duration, || rsa.sign(&RSA_PKCS1_SHA256, &random, &MESSAGE, &mut signature).is_ok());
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, rsa.public_key())
        .parse()
        .map_err(|_| anyhow!("no key"))?;
    let rs256_verify = rate(duration, || public.verify_sig(&MESSAGE, &signature).is_ok());
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(refused)?;
    let es256_sign = rate(duration, || ec.sign(&random, &MESSAGE).is_ok());
    let signature = ec.sign(&random, &MESSAGE).map_err(refused)?;
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, ec.public_key())
        .parse()
        .map_err(|_| anyhow!("no key"))?;
    let es256_verify = rate(duration, || public.verify_sig(&MESSAGE, signature.as_ref()).is_ok());
    // OWASP's figures for argon2id: 19 MiB, 2 passes, 1 lane.
    let params = Params::new(19 * 1024, 2, 1, Some(32)).map_err(|error| anyhow!("{error}"))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hash = [0; 32];
    let argon2id = rate(duration, || {
        argon2.hash_password_into(b"a password", b"sixteen bytes ..", &mut hash).is_ok()
    });
    Ok(Raw { rs256_sign, rs256_verify, es256_sign, es256_verify, argon2id })
}

fn rate(duration: Duration, mut once: impl FnMut() -> bool) -> f64 {
    let (start, mut done) = (Instant::now(), 0.0);
    while start.elapsed() < duration {
        assert!(black_box(once()), "it works without a provider");
        done += 1.0;
    }
    done / start.elapsed().as_secs_f64()
}
