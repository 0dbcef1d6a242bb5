//! The plan of probes. Pure: time and chance are arguments.
//!
//! A server has one probe at a time and one probe an interval, regardless of the number of its providers. Its
//! questions take turns. An answer of the server applies to all its providers, and an answer to a question to the
//! providers with that question. Servers that do not answer take turns with the others, and cannot use all places.

mod probe_queue;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use self::probe_queue::ProbeQueue;
use super::judgement::{FailureCounter, ProbeResult};
use crate::model::{ObjectKey, ProbeFailure, ProbeTarget, Timestamp};

/// Between two probes of a server that answers.
const INTERVAL: Duration = Duration::from_secs(30);
/// Between two probes of a server that does not answer.
const FAILING_INTERVAL: Duration = Duration::from_secs(15);
/// Pause before the next probe of a server whose answers are in doubt.
const DOUBT_INTERVAL: Duration = Duration::from_secs(5);
/// Pause before the next probe of a server with questions that were never asked.
const NEW_INTERVAL: Duration = Duration::from_secs(1);
/// Pause between two binds of an account that was refused. Frequent failures could lock it.
const REFUSED_INTERVAL: Duration = Duration::from_mins(10);
/// Between the starts of two probes of any server.
const GAP: Duration = Duration::from_millis(50);
/// Probes that run at the same time at servers that have not answered, each of which may take long.
const MAX_UNPROVEN: usize = 16;
/// The factor by which a question that failed is asked more often than others.
const WEIGHT_OF_FAILURES: u32 = 10;

/// A provider with its target, and the conclusion that its status has.
pub(super) type ProbedProvider<'a> = (&'a ObjectKey, &'a ProbeTarget, Option<ProbeResult>);

/// A probe to run. Its result is for all providers with this target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProbeTask {
    pub(super) target: ProbeTarget,
    host: String,
    question: String,
    is_unproven: bool,
}

/// The providers with the same conclusion after a probe.
pub(super) type ProbeConclusions = Vec<(ObjectKey, ProbeResult)>;

#[derive(Debug)]
struct ScheduledProbe {
    target: ProbeTarget,
    providers: BTreeSet<ObjectKey>,
    judgement: FailureCounter,
    /// The time at which the question was last asked.
    asked_at: Option<Timestamp>,
}

#[derive(Debug)]
struct ProbedHost {
    questions: BTreeMap<String, ScheduledProbe>,
    /// Whether the server answers at all.
    judgement: FailureCounter,
    /// The time of the next probe; `None` while a probe runs.
    due: Option<Timestamp>,
}

/// The state of all servers.
#[derive(Debug, Default)]
pub(super) struct ProbeSchedule {
    hosts: HashMap<String, ProbedHost>,
    due: ProbeQueue,
    /// Probes that run at servers that have not answered.
    unproven: usize,
    started_at: Option<Timestamp>,
}

impl ProbeSchedule {
    /// Replaces the providers. Returns the conclusions on those whose status has another one.
    pub(super) fn update<'a>(
        &mut self,
        providers: impl Iterator<Item = ProbedProvider<'a>>,
        now: Timestamp,
    ) -> ProbeConclusions {
        for question in self.hosts.values_mut().flat_map(|host| host.questions.values_mut()) {
            question.providers.clear();
        }
        let mut shown = Vec::new();
        for (provider, target, known) in providers {
            let (host, question) = (target.server(), target.key());
            self.add((&host, &question), (provider, target, known), now);
            shown.push((provider, host, question, known));
        }
        self.drop_unused();
        let concluded = |(provider, host, question, known): (&ObjectKey, String, String, _)| {
            let host = self.hosts.get(&host)?;
            let conclusion = host.conclusion(host.questions.get(&question)?)?;
            (Some(conclusion) != known).then(|| (provider.clone(), conclusion))
        };
        shown.into_iter().filter_map(concluded).collect()
    }

    fn add(
        &mut self,
        (host, question): (&str, &str),
        (provider, target, known): ProbedProvider<'_>,
        now: Timestamp,
    ) {
        let Self { hosts, due, .. } = self;
        let entry = hosts.entry(host.to_owned()).or_insert_with(|| {
            let judgement = FailureCounter::of(known.map(of_host));
            let new = ProbedHost { questions: BTreeMap::new(), judgement, due: Some(now) };
            due.insert(host, now, new.is_unproven());
            new
        });
        let is_new = !entry.questions.contains_key(question);
        let question =
            entry.questions.entry(question.to_owned()).or_insert_with(|| ScheduledProbe {
                target: target.clone(),
                providers: BTreeSet::new(),
                judgement: FailureCounter::of(known.map(of_question)),
                asked_at: None,
            });
        question.providers.insert(provider.clone());
        // A new question does not wait for the interval of its server.
        let soon = now.plus(NEW_INTERVAL);
        if is_new && entry.due.is_some_and(|at| at > soon) {
            entry.wait_until(due, host, soon);
        }
    }

    /// Removes questions and servers without providers.
    fn drop_unused(&mut self) {
        for host in self.hosts.values_mut() {
            host.questions.retain(|_, question| !question.providers.is_empty());
        }
        let due = &mut self.due;
        self.hosts.retain(|name, host| {
            let used = !host.questions.is_empty();
            if let (false, Some(at)) = (used, host.due) {
                due.remove(name, at);
            }
            used
        });
    }

    /// Takes the next probe that is due. It counts as running until [`Self::finish`].
    pub(super) fn next(&mut self, now: Timestamp) -> Option<ProbeTask> {
        while self.wake()? <= now {
            let (name, is_unproven) = self.due.pop_due(now, self.unproven < MAX_UNPROVEN)?;
            let Some(host) = self.hosts.get_mut(&name) else { continue };
            host.due = None;
            let open = host.questions.iter().filter(|(_, question)| question.may_be_asked(now));
            let Some((key, question)) = open.max_by_key(|(_, question)| question.urgency(now))
            else {
                host.wait_until(&mut self.due, &name, now.plus(INTERVAL));
                continue;
            };
            self.started_at = Some(now);
            self.unproven += usize::from(is_unproven);
            let (target, question) = (question.target.clone(), key.clone());
            return Some(ProbeTask { target, host: name, question, is_unproven });
        }
        None
    }

    /// The time at which the next probe is due; `None` without servers that wait.
    pub(super) fn wake(&self) -> Option<Timestamp> {
        let due = self.due.first(self.unproven < MAX_UNPROVEN)?;
        Some(self.started_at.map_or(due, |started| due.max(started.plus(GAP))))
    }

    /// Records the result of a probe. Returns the conclusions that have changed. `jitter` is a random number.
    pub(super) fn finish(
        &mut self,
        task: &ProbeTask,
        result: ProbeResult,
        now: Timestamp,
        jitter: u8,
    ) -> ProbeConclusions {
        self.unproven = self.unproven.saturating_sub(usize::from(task.is_unproven));
        let Some(host) = self.hosts.get_mut(&task.host) else { return Vec::new() };
        let before = host.conclusions();
        host.judgement.learn(of_host(result));
        if let Some(question) = host.questions.get_mut(&task.question) {
            question.asked_at = Some(now);
            if of_host(result).is_ok() {
                question.judgement.learn(result);
            }
        }
        let due = now.plus(host.pause(&task.question)).plus(spread(jitter));
        host.wait_until(&mut self.due, &task.host, due);
        let after = host.conclusions();
        after.into_iter().filter(|(provider, it)| before.get(provider) != Some(it)).collect()
    }
}

impl ProbedHost {
    /// The conclusion for the providers of a question; `None` until it is known.
    fn conclusion(&self, question: &ScheduledProbe) -> Option<ProbeResult> {
        match self.judgement.concluded()? {
            Ok(()) => question.judgement.concluded(),
            failed => Some(failed),
        }
    }

    fn conclusions(&self) -> BTreeMap<ObjectKey, ProbeResult> {
        let of_question = |question: &ScheduledProbe| {
            let conclusion = self.conclusion(question)?;
            Some(
                question
                    .providers
                    .iter()
                    .map(move |it| (it.clone(), conclusion))
                    .collect::<Vec<_>>(),
            )
        };
        self.questions.values().filter_map(of_question).flatten().collect()
    }

    /// Whether the server has not answered, or not lately.
    fn is_unproven(&self) -> bool {
        self.judgement.concluded() != Some(Ok(()))
    }

    fn wait_until(&mut self, due: &mut ProbeQueue, name: &str, at: Timestamp) {
        if let Some(before) = self.due.replace(at) {
            due.remove(name, before);
        }
        due.insert(name, at, self.is_unproven());
    }

    /// The time until the next probe.
    fn pause(&self, asked: &str) -> Duration {
        let asked = self.questions.get(asked);
        let in_doubt = asked.is_some_and(|question| question.judgement.is_in_doubt());
        if self.judgement.is_in_doubt() || in_doubt {
            DOUBT_INTERVAL
        } else if self.judgement.concluded().is_some_and(|it| it.is_err()) {
            FAILING_INTERVAL
        } else if self.questions.values().any(|question| question.asked_at.is_none()) {
            NEW_INTERVAL
        } else if asked.is_some_and(ScheduledProbe::is_failing) {
            FAILING_INTERVAL
        } else {
            INTERVAL
        }
    }
}

impl ScheduledProbe {
    fn is_failing(&self) -> bool {
        self.judgement.is_in_doubt() || self.judgement.concluded().is_some_and(|it| it.is_err())
    }

    fn may_be_asked(&self, now: Timestamp) -> bool {
        let refused = self.judgement.concluded() == Some(Err(ProbeFailure::AccountRefused));
        !refused || self.asked_at.is_none_or(|asked| now.since(asked) >= REFUSED_INTERVAL)
    }

    /// The order in which questions are asked. New questions come first. The others are ordered by the time since
    /// they were asked, which is weighted for failures.
    fn urgency(&self, now: Timestamp) -> (bool, Duration) {
        let Some(asked_at) = self.asked_at else { return (true, Duration::ZERO) };
        let waited = now.since(asked_at);
        (false, if self.is_failing() { waited * WEIGHT_OF_FAILURES } else { waited })
    }
}

/// The part of a result that concerns the server.
fn of_host(result: ProbeResult) -> ProbeResult {
    result.or_else(|failure| if failure.is_of_host() { Err(failure) } else { Ok(()) })
}

/// The part of a result that concerns the question alone.
fn of_question(result: ProbeResult) -> ProbeResult {
    result.or_else(|failure| if failure.is_of_host() { Ok(()) } else { Err(failure) })
}

/// Up to 4 s, so that servers which were added together are not asked together.
fn spread(jitter: u8) -> Duration {
    Duration::from_millis(u64::from(jitter) * 16)
}

#[cfg(test)]
mod tests;
