//! Grants of a long-running installation: four for each user, every other one with
//! `offline_access`, the rest with a session that is in the store too.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    time::Instant,
};

use anyhow::Result;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use lanyard::{
    model::{ClientId, Lifetimes, ObjectKey, Subject, TenantId, Timestamp},
    protocol::{
        authentication::{Authentication, AuthenticationMethod},
        records::{
            Grant, GrantState, RequestedClaims, Session, SessionBrowser, SupersededTimes,
            encode_record,
        },
        session::{self, CLOCK_SKEW},
    },
    store::{IndexEntry, IndexKind, Record, RecordKey, RecordKind, Store},
};

/// Concurrent writes while a store is filled.
const FILLING: usize = 256;
/// The `User-Agent` of every session.
const USER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
/// The number of grants of each user.
const PER_PERSON: usize = 4;
/// Active users, the same number for every number of grants: the comparison is between a request
/// among few other grants and among many.
pub const SERVED: usize = 250;
/// A prime by which numbers are scattered over the grants.
const SCATTER: usize = 611_953;

/// The tenant of all grants.
pub fn tenant() -> TenantId {
    TenantId::new("default", "main")
}

/// A number of grants, created at one time.
#[derive(Clone, Copy, Debug)]
pub struct Population {
    /// The number of grants of all users.
    pub grants: usize,
    /// The time of the last use of each grant.
    pub now: Timestamp,
}

impl Population {
    /// A grant, all with the same probability: the worst case for caches.
    pub fn any(&self, turn: usize) -> usize {
        turn.wrapping_mul(SCATTER) % self.grants
    }

    /// A grant of a served user, with or without `offline_access`.
    pub fn served(&self, turn: usize, offline: bool) -> usize {
        let people = (self.grants / PER_PERSON).min(SERVED);
        let person = turn.wrapping_mul(SCATTER) % people * self.apart();
        let second = turn / people % 2 * 2;
        person * PER_PERSON + second + usize::from(!offline)
    }

    /// The subjects of served users.
    pub fn served_subjects(&self) -> impl Iterator<Item = String> {
        let apart = self.apart();
        (0..SERVED).map(move |number| person(number * apart))
    }

    /// One in this number of users is served.
    fn apart(&self) -> usize {
        (self.grants / PER_PERSON / SERVED).max(1)
    }

    /// Inserts all of them into a store.
    pub async fn fill(&self, store: &dyn Store) -> Result<()> {
        let begun = Instant::now();
        let sessions = (1..self.grants).step_by(2).map(|number| self.session(number));
        let records = (0..self.grants).map(|number| self.grant(number)).chain(sessions);
        stream::iter(records)
            .map(|record| store.insert(record, self.now))
            .buffer_unordered(FILLING)
            .try_for_each(|_| async { Ok(()) })
            .await?;
        eprintln!("{} grants made in {:?}", self.grants, begun.elapsed());
        Ok(())
    }

    /// The record of a grant, as a refresh leaves it.
    pub fn grant(&self, number: usize) -> Record {
        let lifetimes = Lifetimes::default();
        let offline = number.is_multiple_of(2).then_some("offline_access");
        let scopes = ["openid", "profile", "email"].into_iter().chain(offline);
        let grant = Grant {
            client: ClientId::new("default.app"),
            authentication: self.authentication(number),
            acr: None,
            sid: Some(sid(number)),
            scopes: scopes.map(str::to_owned).collect(),
            nonce: Some(id(number + 1)),
            wants_auth_time: false,
            created_at: self.now,
            ends_at: self.now.plus(lifetimes.refresh_token_absolute),
            state: GrantState::Active { generation: 1, rotated_at: self.now },
            claims: RequestedClaims::default(),
            superseded: SupersededTimes::default(),
            client_object: Some(ObjectKey::new("default", "app")),
            marks: None,
            origin: None,
            binding: None,
            resources: std::collections::BTreeMap::new(),
            authorization_details: std::collections::BTreeMap::new(),
        };
        let idle = lifetimes.refresh_token_idle;
        let owners = vec![
            IndexEntry::new(IndexKind::User, grant.authentication.subject.as_str()),
            IndexEntry::new(IndexKind::Client, grant.client.as_str()),
            IndexEntry::new(IndexKind::Session, sid(number)),
        ];
        let expires_at = self.now.plus(idle + idle / 8).plus(CLOCK_SKEW);
        Record {
            key: key(number),
            value: encode_record(&grant).into(),
            expires_at,
            owners,
            due_at: None,
        }
    }

    /// The record of a grant's session.
    fn session(&self, number: usize) -> Record {
        let lifetimes = Lifetimes::default();
        let session = Session {
            sid: sid(number),
            authentication: self.authentication(number),
            created_at: self.now,
            ends_at: self.now.plus(lifetimes.session_absolute),
            used_at: self.now,
            clients: BTreeSet::from([ClientId::new("default.app")]),
            client_objects: BTreeMap::new(),
            marks: None,
            origin: None,
            browser: Some(SessionBrowser::new(Some(USER_AGENT), Ipv4Addr::LOCALHOST.to_string())),
        };
        Record {
            key: RecordKey::new(
                RecordKind::Session,
                &tenant(),
                session::session_record_id(&sid(number)),
            ),
            value: encode_record(&session).into(),
            expires_at: session::expires_at(&session, &lifetimes),
            owners: vec![user(number), IndexEntry::new(IndexKind::Session, sid(number))],
            due_at: None,
        }
    }

    fn authentication(&self, number: usize) -> Authentication {
        let subject = Subject::new(person(number / PER_PERSON));
        Authentication::by(AuthenticationMethod::password(), subject, self.now)
    }
}

/// The key of a grant.
pub fn key(number: usize) -> RecordKey {
    RecordKey::new(RecordKind::Grant, &tenant(), id(number))
}

/// The number of the user whom a grant belongs to.
pub fn user(number: usize) -> IndexEntry {
    IndexEntry::new(IndexKind::User, person(number / PER_PERSON))
}

/// The id of a grant, in the form of real ones: a time and random bytes (a million of them were
/// created within thirty days), computed from the grant's number.
pub fn id(number: usize) -> String {
    const BEGAN: u64 = 1_800_000_000_000;
    const APART: u64 = 2_592;
    let number = u64::try_from(number).unwrap_or_default();
    let mut chance = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    chance = (chance ^ (chance >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    chance = (chance ^ (chance >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    format!("{:012x}{:010x}", (BEGAN + number * APART) & 0xFFFF_FFFF_FFFF, chance >> 24)
}

fn sid(number: usize) -> String {
    id(number + (1 << 40))
}

/// A user's subject, as long as a UUID.
fn person(number: usize) -> String {
    format!("{number:08x}-0000-4000-8000-{:.12}", id(number + (1 << 41)))
}
