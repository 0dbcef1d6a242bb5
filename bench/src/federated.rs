//! Assertions of another issuer that authenticate a client, as a CI service or a cluster gives them to its workloads
//! (RFC 7523 §2.2).

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// The issuer of the assertion, as the client in bench/tenants trusts it.
const ISSUER: &str = "https://jobs.bench.test";
/// The subject of the assertion, as the client in bench/tenants trusts it.
const SUBJECT: &str = "job:bench";
/// The private key of RFC 8037 §A.1. bench/tenants has the public half.
const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
/// Seconds for which an assertion is valid.
const LIFETIME: u64 = 3_600;

/// An assertion for the provider with this issuer.
///
/// # Errors
///
/// The cryptography library refuses.
#[expect(clippy::disallowed_methods, reason = "a driver is an edge: it may ask the system")]
pub fn client_assertion(audience: &str) -> Result<String> {
    let seed = BASE64_URL_SAFE_NO_PAD.decode(SEED).context("the seed is base64url")?;
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed)
        .map_err(|_| anyhow!("the cryptography library refused"))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let header = r#"{"alg":"EdDSA","kid":"one","typ":"JWT"}"#;
    let claims = format!(
        r#"{{"iss":"{ISSUER}","sub":"{SUBJECT}","aud":"{audience}","iat":{now},"exp":{}}}"#,
        now + LIFETIME
    );
    let [header, claims] = [header, &claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
    let message = format!("{header}.{claims}");
    let signature = pair.sign(message.as_bytes());
    Ok(format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
}
