//! Tokens verify with the JWKS of `publishAhead` earlier, before, during and after rotations.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{OBJECTS, SOON, World, browser::verified, eventually, stalls::Stopwatch};

/// `publishAhead` of the tenant.
const AHEAD: Duration = Duration::from_secs(2);
/// A JWKS must be at most this much younger than `publishAhead` to be compared.
const LATE: Duration = Duration::from_millis(500);

const ISSUER: &str = "http://localhost:8080/team/turn";

/// The fetched JWKS, each with the time of its request.
struct Shown {
    all: Vec<(Instant, Value)>,
    /// Time since the last JWKS was added.
    since: Stopwatch,
    /// The end of the last long stall.
    calm: Instant,
}

impl Shown {
    fn new() -> Self {
        Self { all: Vec::new(), since: Stopwatch::start(), calm: Instant::now() }
    }

    /// Adds a JWKS, and discards all earlier ones after a stall of a second: a key has two seconds to
    /// reach every replica, so a replica that stalled may publish it late.
    fn add(&mut self, at: Instant, jwks: Value) {
        const MUCH: Duration = Duration::from_secs(1);
        if self.since.stalled() > MUCH {
            *self = Self::new();
        }
        self.since = Stopwatch::start();
        if at > self.calm + MUCH {
            self.all.push((at, jwks));
        }
    }

    /// The JWKS that a client holds that fetched it `publishAhead` before `now`.
    fn publish_ahead_of(&self, now: Instant) -> Option<&Value> {
        let (at, jwks) = self.all.iter().find(|(at, _)| now - *at <= AHEAD)?;
        (now - *at >= AHEAD.checked_sub(LATE)?).then_some(jwks)
    }
}

pub fn rotation(world: &World) {
    world.api.apply(
        &OBJECTS
            .replace("name: main", "name: turn")
            .replace("name: robot", "name: turner")
            .replace("spec: {}", "spec: {signing: {rotation: {interval: 5s, publishAhead: 2s, retain: 1s}}, lifetimes: {accessToken: 3s, idToken: 3s}}"),
    );
    world.ready("tenants.lanyard.dev/turn");
    world.ready("oidcclient/turner");
    let secret = world.secret("turner-oidc", "client-secret").expect("made");
    world.everywhere("/team/turn/oauth/jwks", 200);
    world.tokens_everywhere("turn", "team.turner", &secret);
    let (mut shown, mut signed_by, mut compared) = (Shown::new(), BTreeSet::new(), 0);
    // The first tokens of new keys, which show best whether the key was published early enough.
    let mut firsts = 0;
    let start = Instant::now();
    eventually(SOON, || {
        for replica in &world.replicas {
            let asked = Instant::now();
            let (_, jwks) = world.get(replica, "/team/turn/oauth/jwks")?;
            shown.add(asked, jwks);
            let (status, answer) = world.token(replica, "turn", "team.turner", &secret)?;
            let answered = Instant::now();
            assert_eq!(status, 200, "{answer}");
            let token = answer["access_token"].as_str().expect("a token");
            let is_new = signed_by.insert(jsonwebtoken::decode_header(token).expect("a JWT").kid);
            // The token was signed before it arrived, so its key was published at least this early.
            if let Some(jwks) = shown.publish_ahead_of(answered) {
                verified(token, jwks, ISSUER);
                (compared, firsts) = (compared + 1, firsts + usize::from(is_new));
            }
        }
        match (signed_by.len(), firsts, compared) {
            (3.., 2.., 20..) => Ok(()),
            counts => Err(format!("keys, first signatures and tokens compared: {counts:?}")),
        }
    });
    println!(
        "{} keys signed within {:?}; {compared} tokens compared, {firsts} first ones",
        signed_by.len(),
        start.elapsed()
    );
}
