use std::time::Duration;

use aws_lc_rs::rsa::KeySize;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::Timestamp;

#[path = "../../../tests/support/soft_authenticator.rs"]
#[expect(dead_code, reason = "the tests over HTTP use more of it")]
mod soft_authenticator;

use soft_authenticator::{
    BACKED_UP, BACKUP_ELIGIBLE, Created, EXTENSIONS, SoftPasskey, USER_PRESENT, USER_VERIFIED,
    Used, attestation_object, bytes, cose_ec2, cose_rsa,
};

const SITE: RelyingParty<'static> = RelyingParty { id: "id.test", origin: "https://id.test" };
const CHALLENGE: [u8; CHALLENGE_LEN] = [7; CHALLENGE_LEN];

fn passkey() -> SoftPasskey {
    SoftPasskey::new(SITE.origin, SITE.id)
}

fn register(created: &Created) -> Result<RegisteredCredential, WebauthnError> {
    let Created { client_data, attestation_object } = created;
    verify_registration(SITE, &CHALLENGE, RegistrationResponse { client_data, attestation_object })
}

fn assert_with(
    credential: &RegisteredCredential,
    used: &Used,
) -> Result<VerifiedAssertion, WebauthnError> {
    let Used { client_data, authenticator_data, signature } = used;
    let response = AssertionResponse { client_data, authenticator_data, signature };
    let known = KnownCredential {
        public_key: &credential.public_key,
        backup_eligible: credential.backup_eligible,
    };
    verify_assertion(SITE, &CHALLENGE, known, response)
}

/// The error of a registration by a changed authenticator.
fn refused_registration(change: impl FnOnce(&mut SoftPasskey)) -> WebauthnError {
    let mut passkey = passkey();
    change(&mut passkey);
    register(&passkey.create(&CHALLENGE)).expect_err("it is refused")
}

/// The error of an assertion by an authenticator that was changed after the registration.
fn refused_assertion(change: impl FnOnce(&mut SoftPasskey)) -> WebauthnError {
    let mut passkey = passkey();
    let credential = register(&passkey.create(&CHALLENGE)).expect("registered");
    change(&mut passkey);
    assert_with(&credential, &passkey.get(&CHALLENGE)).expect_err("it is refused")
}

/// The error of both ceremonies.
fn refused(change: impl Fn(&mut SoftPasskey)) -> WebauthnError {
    let error = refused_registration(&change);
    assert_eq!(refused_assertion(&change), error);
    error
}

#[test]
fn a_key_of_each_algorithm_is_registered_and_used() {
    for mut passkey in [
        passkey(),
        SoftPasskey::with_ed25519(SITE.origin, SITE.id),
        SoftPasskey::with_rsa(SITE.origin, SITE.id, KeySize::Rsa2048),
        SoftPasskey::with_rsa(SITE.origin, SITE.id, KeySize::Rsa4096),
    ] {
        passkey.step = 3;
        let credential = register(&passkey.create(&CHALLENGE)).expect("registered");
        assert_eq!(credential.id, passkey.id);
        assert!(credential.backup_eligible && credential.backed_up);
        let used = assert_with(&credential, &passkey.get(&CHALLENGE)).expect("used");
        assert_eq!(used, VerifiedAssertion { sign_count: 3, backed_up: true });
        let mut forged = passkey.get(&CHALLENGE);
        forged.authenticator_data[36] ^= 1;
        assert_eq!(assert_with(&credential, &forged), Err(WebauthnError::WrongSignature));
        forged.signature = Vec::new();
        assert_eq!(assert_with(&credential, &forged), Err(WebauthnError::WrongSignature));
    }
}

#[test]
fn the_page_is_one_of_the_relying_party() {
    // Web Authentication level 3 §7.1 steps 7 to 11, §7.2 steps 10 to 14
    let with = |name: &'static str, value: Value| {
        refused(move |it: &mut SoftPasskey| {
            it.client_data.insert(name.to_owned(), value.clone());
        })
    };
    for origin in ["https://id.test.evil.test", "http://id.test", "https://id.test:8443", "null"] {
        assert_eq!(with("origin", json!(origin)), WebauthnError::OtherOrigin, "{origin}");
    }
    assert_eq!(with("challenge", json!("AAAA")), WebauthnError::OtherChallenge);
    assert_eq!(with("type", json!("payment.get")), WebauthnError::OtherCeremony);
    assert_eq!(with("crossOrigin", json!(true)), WebauthnError::CrossOrigin);
    assert_eq!(with("topOrigin", json!("https://id.test")), WebauthnError::CrossOrigin);
    let malformed = WebauthnError::Malformed("the client data");
    assert_eq!(with("origin", json!(7)), malformed);
    assert_eq!(with("origin", Value::Null), malformed, "it is missing");
    assert_eq!(with("padding", json!("x".repeat(5000))), malformed);
}

#[test]
fn client_data_is_one_json_object_without_duplicates() {
    let mut created = passkey().create(&CHALLENGE);
    let text = String::from_utf8(created.client_data.clone()).expect("text");
    let twice = text.replacen('{', "{\"origin\":\"https://evil.test\",", 1);
    for json in [twice.as_str(), "", "[]", "{}", &format!("{text}{text}"), "\u{feff}{}"] {
        created.client_data = json.as_bytes().to_vec();
        let expected = WebauthnError::Malformed("the client data");
        assert_eq!(register(&created), Err(expected), "{json}");
    }
    created.client_data = text.replacen('{', "{\"new member\":{\"a\":[1]},", 1).into_bytes();
    assert!(register(&created).is_ok(), "browsers add members (§5.8.1)");
}

#[test]
fn a_response_is_that_of_its_ceremony() {
    let mut passkey = passkey();
    let credential = register(&passkey.create(&CHALLENGE)).expect("registered");
    let mut created = passkey.create(&CHALLENGE);
    let used = passkey.get(&CHALLENGE);
    created.client_data.clone_from(&used.client_data);
    assert_eq!(register(&created), Err(WebauthnError::OtherCeremony));
    let client_data = passkey.create(&CHALLENGE).client_data;
    let signature = passkey.sign(&used.authenticator_data, &client_data);
    let swapped = Used { client_data, signature, ..used };
    assert_eq!(assert_with(&credential, &swapped), Err(WebauthnError::OtherCeremony));
}

#[test]
fn the_authenticator_has_verified_the_person_for_this_relying_party() {
    // §7.1 steps 14 to 17, §7.2 steps 15 to 18
    assert_eq!(
        refused(|it| "evil.test".clone_into(&mut it.rp_id)),
        WebauthnError::OtherRelyingParty
    );
    assert_eq!(refused(|it| it.flags &= !USER_PRESENT), WebauthnError::NoUserPresence);
    assert_eq!(refused(|it| it.flags &= !USER_VERIFIED), WebauthnError::NoUserVerification);
    assert_eq!(refused(|it| it.flags &= !BACKUP_ELIGIBLE), WebauthnError::BackupFlags);
    let eligible = |it: &mut SoftPasskey| it.flags &= !(BACKUP_ELIGIBLE | BACKED_UP);
    assert_eq!(refused_assertion(eligible), WebauthnError::BackupFlags, "it never changes");
    let mut passkey = passkey();
    let credential = register(&passkey.create(&CHALLENGE)).expect("registered");
    passkey.flags &= !BACKED_UP;
    let used = assert_with(&credential, &passkey.get(&CHALLENGE)).expect("used");
    assert!(!used.backed_up, "whether it is backed up can change");
}

#[test]
fn malformed_authenticator_data_is_refused() {
    let malformed = WebauthnError::Malformed("the authenticator data");
    assert_eq!(refused(|it| it.extensions = vec![0]), malformed, "bytes at the end");
    assert_eq!(refused(|it| it.flags |= EXTENSIONS), malformed, "no extensions");
    let text = |it: &mut SoftPasskey| {
        it.flags |= EXTENSIONS;
        it.extensions = b"\x61a".to_vec();
    };
    assert_eq!(refused(text), malformed, "extensions are a map");
    let mut passkey = passkey();
    passkey.flags |= EXTENSIONS;
    passkey.extensions = b"\xa1\x6bcredProtect\x02".to_vec();
    let credential = register(&passkey.create(&CHALLENGE)).expect("registered");
    assert!(assert_with(&credential, &passkey.get(&CHALLENGE)).is_ok());
    for length in [0, 15, MAX_CREDENTIAL_ID_LEN + 1] {
        assert_eq!(refused_registration(|it| it.id = vec![1; length]), malformed, "{length}");
    }
    let longest = |it: &mut SoftPasskey| it.id = vec![1; MAX_CREDENTIAL_ID_LEN];
    longest(&mut passkey);
    assert!(register(&passkey.create(&CHALLENGE)).is_ok());
    // A registration without a credential.
    let mut created = passkey.create(&CHALLENGE);
    created.attestation_object = attestation_object(&passkey.get(&CHALLENGE).authenticator_data);
    assert_eq!(register(&created), Err(WebauthnError::Malformed("the attestation object")));
}

#[test]
fn a_statement_of_attestation_is_skipped() {
    let passkey = passkey();
    let data = bytes(&passkey.attested_data(&passkey.cose_key()));
    let register_object = |object: Vec<u8>| {
        register(&Created { attestation_object: object, ..passkey.create(&CHALLENGE) })
    };
    let packed =
        b"\xa3\x63fmt\x66packed\x67attStmt\xa3\x63alg\x26\x63sig\x42ab\x63x5c\x81\x41c\x68authData";
    assert!(register_object([&packed[..], &data].concat()).is_ok());
    let malformed = Err(WebauthnError::Malformed("the attestation object"));
    let twice = b"\xa4\x63fmt\x64none\x63fmt\x64none\x67attStmt\xa0\x68authData";
    assert_eq!(register_object([&twice[..], &data].concat()), malformed);
    let without = b"\xa2\x63fmt\x64none\x68authData";
    assert_eq!(register_object([&without[..], &data].concat()), malformed);
    let mut object = attestation_object(&passkey.attested_data(&passkey.cose_key()));
    object.push(0);
    assert_eq!(register_object(object), malformed);
    assert_eq!(register_object(vec![0; 20_000]), malformed);
}

#[test]
fn a_key_is_one_of_the_algorithms_and_on_its_curve() {
    let register_key = |key: &[u8]| {
        let passkey = passkey();
        let attestation_object = attestation_object(&passkey.attested_data(key));
        register(&Created { attestation_object, ..passkey.create(&CHALLENGE) })
    };
    let good = passkey().cose_key();
    assert!(register_key(&good).is_ok());
    let unusable = Err(WebauthnError::UnusableKey);
    assert_eq!(register_key(&cose_ec2(&[1; 32], &[2; 32])), unusable, "not on the curve");
    assert_eq!(register_key(&cose_ec2(&[0; 32], &[0; 32])), unusable);
    assert_eq!(register_key(&cose_ec2(&good[10..41], &good[45..])), unusable, "31 bytes");
    let mut es384 = good.clone();
    es384[4] = 0x38;
    es384.insert(5, 0x22);
    assert_eq!(register_key(&es384), unusable);
    let exponent = [1, 0, 1];
    let mut modulus = vec![0xff; 256];
    assert!(register_key(&cose_rsa(&modulus, &exponent)).is_ok());
    assert_eq!(register_key(&cose_rsa(&modulus, &[1])), unusable);
    assert_eq!(register_key(&cose_rsa(&modulus, &[2])), unusable);
    assert_eq!(register_key(&cose_rsa(&modulus, &[1, 0, 0, 0, 1])), unusable);
    modulus[0] = 0x7f;
    assert_eq!(register_key(&cose_rsa(&modulus, &exponent)), unusable, "2047 bits");
    assert_eq!(register_key(&cose_rsa(&[0xff; 513], &exponent)), unusable);
    assert_eq!(register_key(b"\xa4\x01\x01\x03\x27\x20\x06\x21\x41\x00"), unusable);
    let malformed = Err(WebauthnError::Malformed("the public key"));
    assert_eq!(register_key(b"\xa2\x01\x02\x01\x02"), malformed, "a label twice");
    assert_eq!(register_key(b""), malformed);
}

#[test]
fn a_counter_that_was_used_grows() {
    // §6.1.1
    use SignCountVerdict::{Copied, Grown};
    for (stored, sent, expected) in [
        (0, 0, Grown),
        (0, 1, Grown),
        (7, 8, Grown),
        (7, u32::MAX, Grown),
        (7, 7, Copied),
        (7, 6, Copied),
        (7, 0, Copied),
    ] {
        for at in [None, Some(USED_AT)] {
            let last = LastAssertion { sign_count: stored, at };
            assert_eq!(
                check_sign_count(last, sent, (USED_AT, USED_AT)),
                expected,
                "{stored} {sent}"
            );
        }
    }
}

/// When a credential was last used.
const USED_AT: Timestamp = Timestamp::from_secs(1_800_000_000);

#[test]
fn an_overtaken_answer_does_not_show_a_copy() {
    let last = LastAssertion { sign_count: 6, at: Some(USED_AT) };
    let before = USED_AT.minus(Duration::from_millis(1));
    assert_eq!(check_sign_count(last, 5, (before, USED_AT)), SignCountVerdict::Overtaken);
    let late = USED_AT.plus(Duration::from_secs(31));
    for (sent, times) in [
        (5, (USED_AT, USED_AT)),
        (5, (before, late)),
        (6, (before, USED_AT)),
        (0, (before, USED_AT)),
    ] {
        let verdict = check_sign_count(last, sent, times);
        assert_eq!(verdict, SignCountVerdict::Copied, "{sent} {times:?}");
    }
    let never = LastAssertion { at: None, ..last };
    assert_eq!(check_sign_count(never, 5, (before, USED_AT)), SignCountVerdict::Copied);
}

proptest! {
    #[test]
    fn any_bytes_are_judged(
        object in prop::collection::vec(any::<u8>(), 0..400),
        data in prop::collection::vec(any::<u8>(), 0..200),
        json in "\\PC{0,200}",
    ) {
        let passkey = passkey();
        let credential = register(&passkey.create(&CHALLENGE)).expect("registered");
        let created = Created { attestation_object: object, ..passkey.create(&CHALLENGE) };
        prop_assert!(register(&created).is_err());
        let created = Created { client_data: json.into_bytes(), ..created };
        prop_assert!(register(&created).is_err());
        let client_data = created.client_data;
        let used = Used { client_data, authenticator_data: data, signature: Vec::new() };
        prop_assert!(assert_with(&credential, &used).is_err());
    }

    #[test]
    fn a_changed_byte_is_noticed(place in 0_usize..10_000, bit in 0_u8..8) {
        let mut passkey = passkey();
        let credential = register(&passkey.create(&CHALLENGE)).expect("registered");
        let used = passkey.get(&CHALLENGE);
        let flip = |bytes: &[u8]| {
            let mut changed = bytes.to_vec();
            let at = place % changed.len();
            changed[at] ^= 1 << bit;
            changed
        };
        let data = Used { authenticator_data: flip(&used.authenticator_data), ..used.clone() };
        prop_assert!(assert_with(&credential, &data).is_err());
        let client = Used { client_data: flip(&used.client_data), ..used.clone() };
        prop_assert!(assert_with(&credential, &client).is_err());
        let signature = Used { signature: flip(&used.signature), ..used };
        prop_assert!(assert_with(&credential, &signature).is_err());
    }
}
