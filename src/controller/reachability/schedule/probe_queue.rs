//! The servers that wait for their next probe, by its time: those that answer, and those that have not.

use std::collections::BTreeSet;

use crate::model::Timestamp;

/// The servers that wait. Where servers of both sorts are due, they take turns.
#[derive(Debug, Default)]
pub(super) struct ProbeQueue {
    answering: BTreeSet<(Timestamp, String)>,
    unproven: BTreeSet<(Timestamp, String)>,
    took_unproven: bool,
}

impl ProbeQueue {
    pub(super) fn insert(&mut self, host: &str, at: Timestamp, is_unproven: bool) {
        let hosts = if is_unproven { &mut self.unproven } else { &mut self.answering };
        hosts.insert((at, host.to_owned()));
    }

    pub(super) fn remove(&mut self, host: &str, at: Timestamp) {
        let entry = (at, host.to_owned());
        self.answering.remove(&entry);
        self.unproven.remove(&entry);
    }

    /// The time at which the first server is due. `with_unproven`: also one that has not answered.
    pub(super) fn first(&self, with_unproven: bool) -> Option<Timestamp> {
        let unproven = self.unproven.first().filter(|_| with_unproven);
        self.answering.first().into_iter().chain(unproven).map(|(at, _)| *at).min()
    }

    /// Takes a server that is due, and whether it has not answered.
    pub(super) fn pop_due(
        &mut self,
        now: Timestamp,
        with_unproven: bool,
    ) -> Option<(String, bool)> {
        let is_due =
            |hosts: &BTreeSet<(Timestamp, String)>| hosts.first().is_some_and(|(at, _)| *at <= now);
        let (answering, unproven) =
            (is_due(&self.answering), with_unproven && is_due(&self.unproven));
        let is_unproven = unproven && !(answering && self.took_unproven);
        if !is_unproven && !answering {
            return None;
        }
        self.took_unproven = is_unproven;
        let hosts = if is_unproven { &mut self.unproven } else { &mut self.answering };
        hosts.pop_first().map(|(_, host)| (host, is_unproven))
    }
}
