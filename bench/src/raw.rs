//! Rates of one core without any provider, which the table compares with.

use std::{
    fmt,
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
        ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
        UnparsedPublicKey,
    },
};

/// About the length of an ID token's header and claims.
const MESSAGE: [u8; 500] = [b'x'; 500];

/// An operation whose rate the table compares with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawWork {
    Rs256Sign,
    Rs256Verify,
    Es256Sign,
    Es256Verify,
    /// OWASP's figures: 19 MiB, 2 passes, 1 lane.
    Argon2id,
}

impl RawWork {
    pub const ALL: [Self; 5] =
        [Self::Rs256Sign, Self::Rs256Verify, Self::Es256Sign, Self::Es256Verify, Self::Argon2id];
}

impl fmt::Display for RawWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rs256Sign => "RS256 sign",
            Self::Rs256Verify => "RS256 verify",
            Self::Es256Sign => "ES256 sign",
            Self::Es256Verify => "ES256 verify",
            Self::Argon2id => "argon2id (19 MiB, 2 passes)",
        })
    }
}

/// The operations, with keys parsed beforehand, and the rates at which the core did them.
pub struct RawCore {
    random: SystemRandom,
    rsa: RsaKeyPair,
    rsa_public: ParsedPublicKey,
    rsa_signature: Vec<u8>,
    ec: EcdsaKeyPair,
    ec_public: ParsedPublicKey,
    ec_signature: Vec<u8>,
    argon2: Argon2<'static>,
    seen: Vec<(RawWork, f64)>,
}

impl RawCore {
    /// Generates the keys.
    ///
    /// # Errors
    ///
    /// A key could not be generated.
    pub fn new() -> Result<Self> {
        let random = SystemRandom::new();
        let refused = |_| anyhow!("the cryptography library refused");
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).map_err(refused)?;
        let mut rsa_signature = vec![0; rsa.public_modulus_len()];
        rsa.sign(&RSA_PKCS1_SHA256, &random, &MESSAGE, &mut rsa_signature).map_err(refused)?;
        let rsa_public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, rsa.public_key())
            .parse()
            .map_err(|_| anyhow!("no key"))?;
        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(refused)?;
        let ec_signature = ec.sign(&random, &MESSAGE).map_err(refused)?.as_ref().to_vec();
        let ec_public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, ec.public_key())
            .parse()
            .map_err(|_| anyhow!("no key"))?;
        let params = Params::new(19 * 1024, 2, 1, Some(32)).map_err(|error| anyhow!("{error}"))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let seen = Vec::new();
        Ok(Self {
            random,
            rsa,
            rsa_public,
            rsa_signature,
            ec,
            ec_public,
            ec_signature,
            argon2,
            seen,
        })
    }

    /// Operations a second, on the core of this thread.
    pub fn measure(&mut self, work: RawWork, duration: Duration) -> f64 {
        let rate = match work {
            RawWork::Rs256Sign => {
                let mut signature = vec![0; self.rsa_signature.len()];
                rate(duration, || {
                    self.rsa.sign(&RSA_PKCS1_SHA256, &self.random, &MESSAGE, &mut signature).is_ok()
                })
            }
            RawWork::Rs256Verify => {
                rate(duration, || self.rsa_public.verify_sig(&MESSAGE, &self.rsa_signature).is_ok())
            }
            RawWork::Es256Sign => rate(duration, || self.ec.sign(&self.random, &MESSAGE).is_ok()),
            RawWork::Es256Verify => {
                rate(duration, || self.ec_public.verify_sig(&MESSAGE, &self.ec_signature).is_ok())
            }
            RawWork::Argon2id => {
                let mut hash = [0; 32];
                rate(duration, || {
                    let (password, salt) = (b"a password", b"sixteen bytes ..");
                    self.argon2.hash_password_into(password, salt, &mut hash).is_ok()
                })
            }
        };
        self.seen.push((work, rate));
        rate
    }

    /// The least, the mean and the greatest rate that were measured. Absent if none was.
    pub fn range(&self, work: RawWork) -> Option<[f64; 3]> {
        let rates = self.seen.iter().filter(|(seen, _)| *seen == work).map(|(_, rate)| *rate);
        let rates: Vec<f64> = rates.collect();
        let number = f64::from(u32::try_from(rates.len()).ok().filter(|number| *number > 0)?);
        let mean = rates.iter().sum::<f64>() / number;
        let least = rates.iter().copied().fold(f64::INFINITY, f64::min);
        Some([least, mean, rates.iter().copied().fold(0.0, f64::max)])
    }
}

/// The rates, as a Markdown table. They differ by as much as the machine is disturbed.
impl fmt::Display for RawCore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("| work | least per second | mean | most |\n|---|---:|---:|---:|\n")?;
        for work in RawWork::ALL {
            if let Some([least, mean, most]) = self.range(work) {
                let digits = usize::from(mean < 1000.0);
                writeln!(f, "| {work} | {least:.digits$} | {mean:.digits$} | {most:.digits$} |")?;
            }
        }
        Ok(())
    }
}

fn rate(duration: Duration, mut once: impl FnMut() -> bool) -> f64 {
    let (start, mut done) = (Instant::now(), 0.0);
    while start.elapsed() < duration {
        assert!(black_box(once()), "it works without a provider");
        done += 1.0;
    }
    done / start.elapsed().as_secs_f64()
}
