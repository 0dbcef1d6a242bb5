//! The condition `MailReachable` of a tenant.

use super::*;
use crate::model::{MailProbe, MailServer};

const TENANT: &str = "
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: main, namespace: team}
spec: {mail: {host: smtp.team.test, from: id@team.test}}
";

/// A mail server with a changing answer.
#[derive(Debug)]
struct Answering {
    answer: Mutex<Result<(), ProbeFailure>>,
    asked: Mutex<Vec<u16>>,
}

#[async_trait]
impl MailProbe for Answering {
    async fn probe(&self, server: &MailServer) -> Result<(), ProbeError> {
        self.asked.lock().expect("not poisoned").push(server.port);
        let answer = *self.answer.lock().expect("not poisoned");
        answer.map_err(|failure| ProbeError { failure, cause: "of the test".to_owned() })
    }
}

fn conditions(cluster: &Cluster) -> Vec<Condition> {
    let tenant = ObjectRef::new(ManagedKind::Tenant, ObjectKey::new("team", "main"));
    match cluster.source.status(&tenant) {
        Some(StatusUpdate::Managed(AnyStatus::Tenant(status))) => status.conditions,
        other => panic!("no status: {other:?}"),
    }
}

/// Lets time pass until the condition has a reason.
async fn until(cluster: &Cluster, status: &str, reason: &str) {
    for _ in 0..100 {
        cluster.clock.advance(Duration::from_secs(20));
        tokio::time::sleep(Duration::from_secs(20)).await;
        let conditions = conditions(cluster);
        let found = conditions.iter().find(|it| it.type_ == "MailReachable");
        if found.is_some_and(|it| it.status == status && it.reason == reason) {
            assert_eq!(find(&conditions, "Ready").0, "True");
            return;
        }
    }
    panic!("{:?}", conditions(cluster));
}

#[tokio::test(start_paused = true)]
async fn the_leader_reports_whether_a_mail_server_takes_mail() {
    let mut cluster = Cluster::new(&[TENANT]);
    cluster.settle().await;
    assert!(conditions(&cluster).iter().all(|it| it.type_ != "MailReachable"));
    let answering = Arc::new(Answering { answer: Mutex::new(Ok(())), asked: Mutex::default() });
    cluster.context = cluster.context.clone().with_mail_probe(Arc::clone(&answering) as _);
    let answer = |answer| *answering.answer.lock().expect("not poisoned") = answer;
    let asked = || answering.asked.lock().expect("not poisoned").len();
    let (_leads, follow) = watch::channel(true);
    let running =
        tokio::spawn(run_controller(cluster.context.clone(), follow, std::future::pending::<()>()));
    until(&cluster, "True", "Reachable").await;
    let before = asked();
    for _ in 0..60 {
        cluster.clock.advance(Duration::from_secs(20));
        tokio::time::sleep(Duration::from_secs(20)).await;
    }
    assert!((1..=3).contains(&(asked() - before)), "every ten minutes: {}", asked() - before);
    answer(Err(ProbeFailure::Unreachable));
    until(&cluster, "False", "Unreachable").await;
    answer(Err(ProbeFailure::AccountRefused));
    until(&cluster, "False", "AccountRefused").await;
    answer(Ok(()));
    until(&cluster, "True", "Reachable").await;
    assert!(answering.asked.lock().expect("not poisoned").iter().all(|port| *port == 587));
    running.abort();
}
