//! The installation's sealing keys: the format of their Secret and their rotation.
//!
//! A key is known to every replica before it seals, and stays readable for the longest lifetime of
//! the values it sealed.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use k8s_openapi::ByteString;
use serde::{Deserialize, Serialize};

use super::key_secret::{DamagedEntry, KeyEntries, check_version, to_rfc3339};
use crate::model::{Entropy, Secret, Timestamp};

const VERSION: u32 = 1;

/// How long a key seals before its successor does.
const ROTATION_INTERVAL: Duration = Duration::from_secs(90 * 24 * 3600);
/// How long a key is published before it seals.
const PUBLISH_AHEAD: Duration = Duration::from_secs(24 * 3600);

/// A sealing key as stored in the Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealingKey {
    /// Four random bytes, written in hex in the Secret. Every sealed value starts with the ID of
    /// its key.
    pub id: [u8; 4],
    /// 256 bits of key material.
    pub key: Secret<Vec<u8>>,
    /// When the key was added to the Secret.
    pub published_at: Timestamp,
    /// When the key starts to seal.
    pub seals_from: Timestamp,
    /// When every value it sealed has expired. `None` until its successor is known.
    pub retire_at: Option<Timestamp>,
}

impl SealingKey {
    /// Returns the name of the key's Secret entry.
    pub fn entry_name(&self) -> String {
        format!("{:08x}.json", u32::from_be_bytes(self.id))
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct SealingKeyWire {
    version: u32,
    id: String,
    key: String,
    published_at: jiff::Timestamp,
    seals_from: jiff::Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retire_at: Option<jiff::Timestamp>,
}

/// Parses the sealing keys of a Secret and returns the unusable entries separately.
pub fn read_sealing_keys(entries: &KeyEntries) -> (Vec<SealingKey>, Vec<DamagedEntry>) {
    let (mut keys, mut damaged) = (Vec::new(), Vec::new());
    for (name, ByteString(bytes)) in entries.iter().filter(|(name, _)| name.ends_with(".json")) {
        match read(bytes) {
            Ok(key) if key.entry_name() == *name => keys.push(key),
            Ok(_) => damaged.push(DamagedEntry {
                name: name.clone(),
                problem: "contains an id that differs from the entry name".to_owned(),
                foreign: false,
            }),
            Err((problem, foreign)) => {
                damaged.push(DamagedEntry { name: name.clone(), problem, foreign });
            }
        }
    }
    (keys, damaged)
}

fn read(bytes: &[u8]) -> Result<SealingKey, (String, bool)> {
    check_version(bytes)?;
    let wrong = || ("is not a sealing key".to_owned(), false);
    let wire: SealingKeyWire = serde_json::from_slice(bytes).map_err(|_| wrong())?;
    let key = URL_SAFE_NO_PAD.decode(&wire.key).map_err(|_| wrong())?;
    let id = u32::from_str_radix(&wire.id, 16).map_err(|_| wrong())?;
    if key.len() != 32 {
        return Err(wrong());
    }
    Ok(SealingKey {
        id: id.to_be_bytes(),
        key: Secret::new(key),
        published_at: wire.published_at.into(),
        seals_from: wire.seals_from.into(),
        retire_at: wire.retire_at.map(Timestamp::from),
    })
}

/// Serializes a key to its Secret entry.
pub fn write_sealing_key(key: &SealingKey) -> (String, ByteString) {
    let wire = SealingKeyWire {
        version: VERSION,
        id: format!("{:08x}", u32::from_be_bytes(key.id)),
        key: URL_SAFE_NO_PAD.encode(key.key.expose()),
        published_at: to_rfc3339(key.published_at),
        seals_from: to_rfc3339(key.seals_from),
        retire_at: key.retire_at.map(to_rfc3339),
    };
    let bytes = serde_json::to_vec(&wire).expect("a record of strings serializes");
    (key.entry_name(), ByteString(bytes))
}

/// The entry of the key of credential marks. Earlier releases read and change entries with the ending
/// `.json` only.
pub const MARKING_KEY_ENTRY: &str = "credential-marks";

#[derive(Deserialize, Serialize)]
struct MarkingKeyWire {
    version: u32,
    key: String,
}

/// Parses the key of credential marks. `None` if the entry is absent or
/// cannot be read.
pub fn read_marking_key(entries: &KeyEntries) -> Option<Secret<Vec<u8>>> {
    let ByteString(bytes) = entries.get(MARKING_KEY_ENTRY)?;
    let wire: MarkingKeyWire = serde_json::from_slice(bytes).ok()?;
    let key = URL_SAFE_NO_PAD.decode(&wire.key).ok()?;
    (wire.version == VERSION && key.len() == 32).then(|| Secret::new(key))
}

/// Serializes the key of credential marks to its Secret entry.
pub fn write_marking_key(key: &Secret<Vec<u8>>) -> (String, ByteString) {
    let wire = MarkingKeyWire { version: VERSION, key: URL_SAFE_NO_PAD.encode(key.expose()) };
    let bytes = serde_json::to_vec(&wire).expect("a record of strings serializes");
    (MARKING_KEY_ENTRY.to_owned(), ByteString(bytes))
}

/// Creates the key of credential marks, as an entry of the Secret. It is made once: with another key
/// every session and grant ends.
pub fn new_marking_key(entropy: &dyn Entropy) -> (String, ByteString) {
    let mut key = vec![0; 32];
    entropy.fill(&mut key);
    write_marking_key(&Secret::new(key))
}

/// Creates a new random key.
pub fn new_sealing_key(
    entropy: &dyn Entropy,
    published_at: Timestamp,
    seals_from: Timestamp,
) -> SealingKey {
    let (mut id, mut key) = ([0; 4], vec![0; 32]);
    entropy.fill(&mut id);
    entropy.fill(&mut key);
    SealingKey { id, key: Secret::new(key), published_at, seals_from, retire_at: None }
}

/// The changes to the sealing keys that are due now, and the time to plan again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SealingPlan {
    /// When a new key starts to seal, if one is to be created.
    pub add: Option<Timestamp>,
    /// Keys (by entry name) that get a retirement date.
    pub retire: Vec<(String, Timestamp)>,
    /// Keys (by entry name) to remove.
    pub remove: Vec<String>,
    /// The next time something is due.
    pub wake: Option<Timestamp>,
}

impl SealingPlan {
    /// Returns true if there is nothing to do now.
    pub fn is_empty(&self) -> bool {
        self.add.is_none() && self.retire.is_empty() && self.remove.is_empty()
    }
}

/// Plans the sealing keys. `longest_sealed` is the longest lifetime of a sealed value.
pub fn sealing_plan(keys: &[SealingKey], longest_sealed: Duration, now: Timestamp) -> SealingPlan {
    let mut plan = SealingPlan::default();
    let mut order: Vec<&SealingKey> = keys.iter().collect();
    order.sort_by_key(|key| (key.seals_from, key.id));
    let mut due = Vec::new();
    let mut next_seals = None;
    match order.last() {
        None => {
            plan.add = Some(now);
            due.push(now.plus(ROTATION_INTERVAL));
        }
        Some(last) if last.seals_from.plus(ROTATION_INTERVAL).minus(PUBLISH_AHEAD) <= now => {
            let from = last.seals_from.plus(ROTATION_INTERVAL).max(now.plus(PUBLISH_AHEAD));
            plan.add = Some(from);
            next_seals = Some(from);
            due.push(from);
        }
        Some(last) => due.push(last.seals_from.plus(ROTATION_INTERVAL).minus(PUBLISH_AHEAD)),
    }
    for (index, key) in order.iter().enumerate() {
        let Some(next) = order.get(index + 1).map(|next| next.seals_from).or(next_seals) else {
            break;
        };
        let at = next.plus(longest_sealed);
        match key.retire_at {
            Some(set) if set <= now && at <= now => plan.remove.push(key.entry_name()),
            Some(set) if set >= at => due.push(set),
            _ => {
                plan.retire.push((key.entry_name(), at));
                due.push(at);
            }
        }
    }
    plan.wake = due.into_iter().filter(|&at| at > now).min();
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SeededEntropy;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    #[test]
    fn version_1_stays_readable_and_is_written_unchanged() {
        let golden = r#"{"version":1,"id":"0a0b0c0d","key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","publishedAt":"2026-01-01T00:00:00Z","sealsFrom":"2026-01-02T00:00:00Z"}"#;
        let entries = KeyEntries::from([("0a0b0c0d.json".to_owned(), ByteString(golden.into()))]);
        let (keys, damaged) = read_sealing_keys(&entries);
        assert!(damaged.is_empty(), "{damaged:?}");
        assert_eq!(keys[0].id, [10, 11, 12, 13]);
        assert_eq!(write_sealing_key(&keys[0]).1, ByteString(golden.into()));
    }

    #[test]
    fn valid_values_stay_readable_across_rotations() {
        let entropy = SeededEntropy::new(1);
        let longest = 100 * DAY;
        let (mut keys, mut now): (Vec<SealingKey>, _) =
            (Vec::new(), Timestamp::from_secs(1_800_000_000));
        for _ in 0..40 {
            let plan = sealing_plan(&keys, longest, now);
            if let Some(from) = plan.add {
                keys.push(new_sealing_key(&entropy, now, from));
            }
            for (name, at) in &plan.retire {
                for key in keys.iter_mut().filter(|key| key.entry_name() == *name) {
                    key.retire_at = Some(*at);
                }
            }
            keys.retain(|key| !plan.remove.contains(&key.entry_name()));
            let sealing =
                keys.iter().filter(|key| key.seals_from <= now).max_by_key(|key| key.seals_from);
            assert!(sealing.is_some());
            for key in &keys {
                let until = keys
                    .iter()
                    .map(|other| other.seals_from)
                    .filter(|&at| at > key.seals_from)
                    .min();
                if let (Some(until), Some(retire)) = (until, key.retire_at) {
                    assert!(retire >= until.plus(longest));
                }
            }
            now = plan.wake.expect("a next rotation is due");
        }
        assert!(keys.len() <= 4, "{}", keys.len());
    }
}
