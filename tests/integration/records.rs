//! The formats of stored records and sealed values, frozen in `tests/golden/records`. Every later
//! release must read all of them. A new format adds another file; those of releases never change.
//! `UPDATE_GOLDEN=1` rewrites the last one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    fs,
};

use lanyard::{
    model::{ClientId, CredentialMark, ObjectKey, ObjectMark, Subject, Timestamp},
    protocol::{
        authentication::{Authentication, AuthenticationMethod},
        records::{
            AccountMarks, AuthorizationCode, Consent, Grant, GrantState, GrantedResource,
            RecordFormat, RefreshToken, RequestedClaims, SealedCode, SenderBinding, Session,
            SessionBrowser, SignInOrigin, SupersededTimes, VoidBefore, decode_record,
            encode_record,
        },
    },
    store::{IndexKind, RecordKind},
};

/// The formats in their order. The first is that of the oldest store that is read: `v1.txt` is unchanged since commit
/// a185edd, whose builds wrote it.
const FILES: [&str; 8] = [
    "tests/golden/records/v1.txt",
    "tests/golden/records/v2.txt",
    "tests/golden/records/v3.txt",
    "tests/golden/records/v4.txt",
    "tests/golden/records/v5.txt",
    "tests/golden/records/v6.txt",
    "tests/golden/records/v7.txt",
    "tests/golden/records/v8.txt",
];

/// Forms that were open while the release changed: the user is asked again.
const NO_LONGER_READ: [&str; 1] = ["logout-question"];

fn at(second: i64) -> Timestamp {
    Timestamp::from_secs(1_900_000_000 + second)
}

fn words<const N: usize>(words: [&str; N]) -> BTreeSet<String> {
    words.map(str::to_owned).into()
}

fn authentication() -> Authentication {
    Authentication::by(AuthenticationMethod::password(), Subject::new("8f14e45f-ada"), at(0))
}

/// The object of a client, which records before v3 do not have.
fn object(file: &str) -> Option<ObjectKey> {
    (file >= FILES[2]).then(|| ObjectKey::new("team", "shop"))
}

/// The user of a record, whom records before v3 do not have.
fn marks(file: &str) -> Option<AccountMarks> {
    (file >= FILES[2]).then(|| AccountMarks {
        person: ObjectMark::of("uid-1"),
        tenant: ObjectMark::of("uid-2"),
        credential: Some(CredentialMark::new([7; 16])),
        generation: 3,
    })
}

/// Where the user signed in, which records before v4 do not have.
fn origin(file: &str) -> Option<SignInOrigin> {
    (file >= FILES[3]).then(|| SignInOrigin {
        provider: "corp".to_owned(),
        upstream_session: Some("upstream-1".to_owned()),
    })
}

/// The browser of a session, which records before v5 do not have.
fn browser(file: &str) -> Option<SessionBrowser> {
    (file >= FILES[4]).then(|| SessionBrowser {
        user_agent: Some("Mozilla/5.0".to_owned()),
        address: "192.0.2.7".to_owned(),
    })
}

/// The key of a grant, which records before v6 do not have.
fn binding(file: &str) -> Option<SenderBinding> {
    let thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
    (file >= FILES[5]).then(|| SenderBinding::DpopKey(thumbprint.to_owned()))
}

fn session(file: &str) -> Session {
    Session {
        sid: "sid-1".to_owned(),
        authentication: authentication(),
        created_at: at(1),
        ends_at: at(2),
        used_at: at(3),
        clients: [ClientId::new("team.shop"), ClientId::new("team.wiki")].into(),
        client_objects: object(file)
            .map(|it| (ClientId::new("team.shop"), it))
            .into_iter()
            .collect(),
        marks: marks(file),
        origin: origin(file),
        browser: browser(file),
    }
}

fn grant(file: &str, state: GrantState) -> Grant {
    Grant {
        client: ClientId::new("team.shop"),
        authentication: authentication(),
        acr: Some("urn:example:silver".to_owned()),
        sid: Some("sid-1".to_owned()),
        scopes: words(["openid", "offline_access"]),
        nonce: Some("n-0S6_WzA2Mj".to_owned()),
        wants_auth_time: true,
        created_at: at(4),
        ends_at: at(5),
        state,
        claims: RequestedClaims { userinfo: words(["email"]), id_token: words(["name", "acr"]) },
        superseded: SupersededTimes::default(),
        client_object: object(file),
        marks: marks(file),
        origin: origin(file),
        binding: binding(file),
        resources: resources(file),
        authorization_details: authorization_details(file),
    }
}

/// The authorization details of a grant, which records before v8 do not have.
fn authorization_details(file: &str) -> BTreeMap<String, Vec<String>> {
    let details = vec![r#"{"amount":1,"type":"refund"}"#.to_owned()];
    (file >= FILES[7]).then(|| ("https://tickets.test".to_owned(), details)).into_iter().collect()
}

/// The resources of a grant, which records before v6 do not have.
fn resources(file: &str) -> BTreeMap<String, GrantedResource> {
    let granted = GrantedResource { scopes: words(["tickets.read"]), claims: words(["groups"]) };
    (file >= FILES[6]).then(|| ("https://tickets.test".to_owned(), granted)).into_iter().collect()
}

/// A grant with a refresh token. Records before v3 do not have the times of earlier tokens.
fn active_grant(file: &str) -> Grant {
    let rotated_at = at(7);
    let active = grant(file, GrantState::Active { generation: 300, rotated_at });
    let second_previous = if file < FILES[2] { rotated_at } else { at(6) };
    let superseded =
        SupersededTimes { previous: Some(rotated_at), second_previous: Some(second_previous) };
    Grant { superseded, ..active }
}

fn code(file: &str) -> AuthorizationCode {
    AuthorizationCode {
        grant_id: "grant-1".to_owned(),
        incarnation: "store-1".to_owned(),
        grant: grant(file, GrantState::Active { generation: 0, rotated_at: at(6) }),
        redirect_uri: Some("https://shop.example/callback".to_owned()),
        code_challenge: Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned()),
        expires_at: at(60),
        grant_stored: true,
    }
}

/// The encoding of a value, and a check that the frozen bytes decode to the value.
struct Sample {
    name: &'static str,
    bytes: Vec<u8>,
    reads: Reads,
}

type Reads = Box<dyn Fn(&[u8])>;

fn sample<T>(name: &'static str, value: T) -> Sample
where
    T: RecordFormat + PartialEq + Debug + 'static,
{
    let bytes = encode_record(&value);
    let reads = move |bytes: &[u8]| {
        assert_eq!(decode_record::<T>(bytes).as_ref(), Ok(&value), "{name}");
    };
    Sample { name, bytes, reads: Box::new(reads) }
}

/// The values that a file has.
fn samples(file: &str) -> Vec<Sample> {
    vec![
        sample("session", session(file)),
        sample("grant-active", active_grant(file)),
        sample("grant-revoked", grant(file, GrantState::Revoked { at: at(8) })),
        sample("grant-offered", grant(file, GrantState::PendingRedemption)),
        sample("code", code(file)),
        sample("sealed-code-whole", SealedCode::Whole(Box::new(code(file)))),
        sample("sealed-code-stored", SealedCode::Stored("detail-1".to_owned())),
        sample(
            "refresh-token",
            RefreshToken {
                grant_id: "grant-1".to_owned(),
                generation: 2,
                client: ClientId::new("team.shop"),
                expires_at: at(9),
            },
        ),
        sample(
            "consent",
            Consent { scopes: words(["openid", "email"]), given_at: at(10), marks: marks(file) },
        ),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal"))
        .collect()
}

/// The lines of a file: names and bytes.
fn frozen(file: &str) -> Vec<(String, Vec<u8>)> {
    let text = fs::read_to_string(file).expect("it is committed");
    let line = |line: &str| {
        let (name, hex) = line.split_once(' ').expect("a name and bytes");
        (name.to_owned(), bytes(hex))
    };
    text.lines().map(line).collect()
}

#[test]
fn records_of_every_format_are_read_with_every_field() {
    for file in FILES {
        let frozen = frozen(file);
        let frozen = frozen.iter().filter(|(name, _)| !NO_LONGER_READ.contains(&name.as_str()));
        let mut count = 0;
        for (sample, (name, bytes)) in samples(file).iter().zip(frozen) {
            assert_eq!(sample.name, name, "{file}");
            (sample.reads)(bytes);
            count += 1;
        }
        assert_eq!(count, samples(file).len(), "each sample was frozen in {file}");
    }
}

/// During a roll-out this release's records are read by the one before it
/// (docs/design/state.md#record-versions).
#[test]
fn this_release_writes_the_latest_format() {
    let latest = FILES.last().expect("a file");
    let written: String = samples(latest)
        .iter()
        .map(|sample| format!("{} {}\n", sample.name, hex(&sample.bytes)))
        .collect();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(latest, &written).expect("written");
    }
    assert_eq!(written, fs::read_to_string(latest).expect("it is committed"));
}

#[test]
fn this_release_writes_void_before() {
    let void = VoidBefore { person: ObjectMark::of("uid-1"), generation: 3, at: at(11) };
    assert_eq!(hex(&encode_record(&void)), "014a49acf8a6bd727728495d1e541a840803f08b9b8dcc6e");
}

/// The name of a kind, which is a part of keys. The format of a new kind is frozen above, or next to its type.
const fn frozen_name(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Session => "session",
        RecordKind::Grant => "grant",
        RecordKind::Consent => "consent",
        RecordKind::CodeDetail => "code",
        // Only the existence of these records matters.
        RecordKind::Revoked => "revoked",
        RecordKind::Assertion => "assertion",
        RecordKind::DpopProof => "dpop-proof",
        // `protocol::records::cross_device`
        RecordKind::DeviceAuthorization => "device-authorization",
        RecordKind::BackchannelAuthentication => "backchannel-authentication",
        // `accounts::outbox::ping_outbox`, `protocol::records::backchannel`
        RecordKind::Ping => "ping",
        // `accounts::outbox::logout_outbox`, `protocol::authorize::interaction`, `accounts::tokens::refresh_replays`
        RecordKind::Logout => "logout",
        RecordKind::Interaction => "interaction",
        RecordKind::RefreshReplays => "refresh-replays",
        // `this_release_writes_void_before`
        RecordKind::VoidBefore => "void-before",
        // `protocol::records::person`
        RecordKind::Person => "person",
        // `protocol::records::upstream_session`
        RecordKind::UpstreamSession => "upstream-session",
        // `protocol::records::authenticators`
        RecordKind::Totp => "totp",
        RecordKind::RecoveryCodes => "recovery-codes",
        RecordKind::FactorAttempts => "factor-attempts",
        // `protocol::records::passkeys`
        RecordKind::Passkey => "passkey",
        // Only the existence of these records matters.
        RecordKind::UsedChallenge => "used-challenge",
        // `protocol::records::passwords`
        RecordKind::Password => "password",
        RecordKind::Invitation => "invitation",
        // `protocol::authorize::pushed`
        RecordKind::PushedRequest => "pushed-request",
        // The value is a hash of `Interaction::fingerprint` and the browser.
        RecordKind::UsedPushedRequest => "used-pushed-request",
        // `accounts::outbox::mail_outbox`, `protocol::records::mail`
        RecordKind::Mail => "mail",
        RecordKind::InvitationMail => "invitation-mail",
        RecordKind::PasswordReset => "password-reset",
        // `protocol::records::provider_logout`
        RecordKind::ProviderLogout => "provider-logout",
    }
}

#[test]
fn names_of_record_kinds_are_stable() {
    for kind in [
        RecordKind::Session,
        RecordKind::Grant,
        RecordKind::Consent,
        RecordKind::CodeDetail,
        RecordKind::Revoked,
        RecordKind::Assertion,
        RecordKind::Logout,
        RecordKind::Interaction,
        RecordKind::RefreshReplays,
        RecordKind::VoidBefore,
        RecordKind::Person,
        RecordKind::UpstreamSession,
        RecordKind::Totp,
        RecordKind::RecoveryCodes,
        RecordKind::FactorAttempts,
        RecordKind::Passkey,
        RecordKind::UsedChallenge,
        RecordKind::Password,
        RecordKind::Invitation,
        RecordKind::PushedRequest,
        RecordKind::UsedPushedRequest,
        RecordKind::DpopProof,
        RecordKind::DeviceAuthorization,
        RecordKind::BackchannelAuthentication,
        RecordKind::Ping,
        RecordKind::Mail,
        RecordKind::InvitationMail,
        RecordKind::PasswordReset,
        RecordKind::ProviderLogout,
    ] {
        assert_eq!(kind.as_str(), frozen_name(kind));
    }
    let owners = [IndexKind::User, IndexKind::Session, IndexKind::Client, IndexKind::Upstream];
    assert_eq!(owners.map(IndexKind::as_str), ["user", "session", "client", "upstream"]);
}
