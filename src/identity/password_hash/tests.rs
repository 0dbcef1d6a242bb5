use proptest::prelude::*;

use super::*;
use crate::{identity::hash_password, model::SeededEntropy};

/// Hashes created by the reference implementation of each scheme.
const VECTORS: [(&str, &str); 5] = [
    (
        "password",
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    ),
    ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    ("U*U", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    (
        "passwordPASSWORDpassword",
        "$pbkdf2-sha256$i=4096,l=40$c2FsdFNBTFRzYWx0U0FMVHNhbHRTQUxUc2FsdFNBTFRzYWx0\
         $NIyJ28vTKy8y2BS4EW6EzysXNH68GAAYHE4qH7jdU+HGNVGMfaxH6Q",
    ),
    (
        "password",
        "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
    ),
];

const BCRYPT_72: &str = "$2b$04$......................";

fn accepts(text: &str, attempt: &str) -> bool {
    let stored = parse_stored_password(text).expect("a supported format");
    matches_password(Some(&stored), attempt.as_bytes(), &mut Argon2Memory::default())
}

fn refusal(text: &str) -> String {
    parse_stored_password(text).expect_err(text).to_string()
}

#[test]
fn checks_hashes_of_every_scheme() {
    for (password, hash) in VECTORS {
        assert!(accepts(hash, password), "{hash}");
        assert!(!accepts(hash, "another"), "{hash}");
        assert!(!accepts(hash, ""), "{hash}");
    }
}

#[test]
fn hashes_verify_and_have_random_salts() {
    let entropy = SeededEntropy::new(1);
    let password = Secret::new("correct horse".to_owned());
    let (a, b) = (hash_password(&password, &entropy), hash_password(&password, &entropy));
    assert!(a.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{a}");
    assert_ne!(a, b);
    assert!(accepts(&a, "correct horse") && accepts(&b, "correct horse"));
    assert!(!accepts(&a, "correct horsE"));
}

#[test]
fn accepts_pbkdf2_with_sha_512() {
    use password_hash::CustomizedPasswordHasher;
    let hash = Pbkdf2::default()
        .hash_password_customized(
            b"secret",
            b"0123456789abcdef",
            Some("pbkdf2-sha512"),
            None,
            pbkdf2::Params::new(1000).unwrap(),
        )
        .unwrap()
        .to_string();
    assert!(hash.starts_with("$pbkdf2-sha512$"), "{hash}");
    assert!(accepts(&hash, "secret") && !accepts(&hash, "Secret"));
}

#[test]
fn bcrypt_uses_only_the_first_72_bytes() {
    let salt = *b"0123456789abcdef";
    let parts = bcrypt::hash_with_salt("a".repeat(80), 4, salt).unwrap();
    let hash = parts.format_for_version(bcrypt::Version::TwoB);
    assert!(hash.starts_with(&BCRYPT_72[..7]));
    assert!(accepts(&hash, &"a".repeat(80)));
    assert!(accepts(&hash, &"a".repeat(72)));
    assert!(!accepts(&hash, &"a".repeat(71)));
}

#[test]
fn compares_plain_passwords_exactly() {
    assert!(accepts("correct horse", "correct horse"));
    for wrong in ["correct horse ", "Correct horse", "correct", ""] {
        assert!(!accepts("correct horse", wrong), "{wrong:?}");
    }
    assert!(accepts("with a break\r\n", "with a break"), "editors add a line break");
    assert!(accepts(" spaces count ", " spaces count "));
    assert!(accepts("$ecret", "$ecret") && accepts("$A$b", "$A$b"), "not the name of a scheme");
}

#[test]
fn a_missing_password_never_matches() {
    for attempt in ["", "anything"] {
        assert!(!matches_password(None, attempt.as_bytes(), &mut Argon2Memory::default()));
    }
}

#[test]
fn reused_memory_does_not_affect_later_checks() {
    let mut scratch = Argon2Memory::default();
    let large = parse_stored_password(VECTORS[0].1).expect("a hash of 64 MiB");
    let small = hash_password(&Secret::new("small".to_owned()), &SeededEntropy::new(1));
    let small = parse_stored_password(&small).expect("a hash of 19 MiB");
    for _ in 0..2 {
        assert!(matches_password(Some(&large), b"password", &mut scratch));
        assert!(matches_password(Some(&small), b"small", &mut scratch));
        assert!(!matches_password(Some(&small), b"password", &mut scratch));
    }
}

#[test]
fn a_hash_is_not_its_own_password() {
    for (_, hash) in VECTORS {
        assert!(!accepts(hash, hash));
    }
}

#[test]
fn white_space_around_a_hash_is_removed() {
    let (password, hash) = VECTORS[1];
    assert!(accepts(&format!("\n {hash}\n"), password));
}

#[test]
fn errors_of_unsupported_hashes_say_how_to_fix_them() {
    let argon2 = VECTORS[0].1;
    for (text, part) in [
        ("", "empty"),
        ("\n", "empty"),
        (&*"x".repeat(MAX_PASSWORD_LEN + 1), "longer than"),
        ("$1$salt$hash", "unsupported"),
        ("$6$salt$hash", "unsupported"),
        ("$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "unsupported"),
        ("$2b$05$short", "60 characters"),
        (&argon2.replace("argon2id", "argon2d"), "unsupported"),
        (&argon2.replace("$CTFh", "$CT h"), "PHC"),
        ("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ", "truncated"),
        ("$argon2id$v=19$m=65536,t=2,p=1", "truncated"),
        (&argon2.replace("v=19", "v=18"), "parameters"),
        (&argon2.replace("p=1", "p=1,keyid=aaaa"), "parameters"),
        (&argon2.replace("c29tZXNhbHQ", "c29tZQ"), "PHC"),
        ("$pbkdf2-sha256$29000$c2FsdA$Zm9vYmFyYmF6cXV4", "hash"),
    ] {
        let message = refusal(text);
        assert!(message.contains(part), "{text:?}: {message}");
    }
}

#[test]
fn rejects_hashes_that_cost_too_much() {
    let (argon2, scrypt, pbkdf2) = (VECTORS[0].1, VECTORS[4].1, VECTORS[3].1);
    for text in [
        argon2.replace("m=65536", "m=131073"),
        argon2.replace("m=65536", "m=4294967295"),
        argon2.replace("t=2", "t=9"),
        argon2.replace("t=2", "t=4294967295"),
        argon2.replace("p=1", "p=17"),
        VECTORS[1].1.replace("$05$", "$14$"),
        VECTORS[1].1.replace("$05$", "$31$"),
        pbkdf2.replace("i=4096", "i=2000001"),
        scrypt.replace("ln=16", "ln=18"),
        scrypt.replace("ln=16", "ln=63"),
        scrypt.replace("p=1", "p=5"),
        scrypt.replace("r=8", "r=4294967295"),
        scrypt.replace("r=8,p=1", "r=4294967295,p=4294967295"),
    ] {
        let message = refusal(&text);
        assert!(message.contains("too costly"), "{text}: {message}");
    }
    for text in [scrypt.replace("ln=16", "ln=17"), argon2.replace("m=65536", "m=131072")] {
        assert!(parse_stored_password(&text).is_ok(), "{text}");
    }
}

#[test]
fn computes_the_memory_of_a_check() {
    let memory = |text: &str| memory_kib(&parse_stored_password(text).unwrap());
    assert_eq!(memory(VECTORS[0].1), 65_536);
    assert_eq!(memory(VECTORS[1].1), 0);
    assert_eq!(memory(VECTORS[4].1), 65_536);
    assert_eq!(memory("plain"), 0);
}

proptest! {
    #[test]
    fn parsing_any_text_never_panics_and_errors_do_not_contain_it(text in "\\PC{0,80}") {
        if let Err(error) = parse_stored_password(&text) {
            prop_assert!(text.len() < 12 || !error.to_string().contains(&text));
        }
    }

    #[test]
    fn parsing_anything_like_a_hash_never_panics(
        name in "argon2id|argon2i|2b|scrypt|pbkdf2-sha256|pbkdf2-sha512",
        version in "|\\$v=[0-9]{1,3}",
        params in "(ln|r|p|m|t|i|l)=[0-9]{1,12}(,(ln|r|p|m|t|i|l)=[0-9]{1,10}){0,3}",
        rest in "(\\$[a-zA-Z0-9+/]{0,50}){0,3}",
    ) {
        let _ = parse_stored_password(&format!("${name}{version}${params}{rest}"));
    }
}
