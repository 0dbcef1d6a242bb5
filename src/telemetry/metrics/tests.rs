use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::{
    model::ManagedKind,
    telemetry::{METRICS, ReachableProvider, Readiness, SigningKeyTimes},
};

const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);

fn tenant(name: &str) -> TenantId {
    TenantId::new("team", name)
}

fn serving(names: &[&str]) -> Metrics {
    let metrics = Metrics::new();
    metrics.snapshot(7, NOW, names.iter().map(|name| tenant(name)), &[(ManagedKind::Tenant, 2)]);
    metrics
}

fn has(metrics: &Metrics, line: &str) -> bool {
    metrics.render(NOW.plus(Duration::from_secs(3))).lines().any(|found| found == line)
}

#[test]
fn counts_open_connections() {
    let metrics = serving(&[]);
    let (_open, ended) = (metrics.connection_opened(), metrics.connection_opened());
    drop(ended);
    assert!(has(&metrics, "lanyard_connections 1"));
}

#[test]
fn counts_requests_in_flight() {
    let metrics = serving(&[]);
    let (one, other) = (metrics.request_began(), metrics.request_began());
    drop(one);
    assert_eq!(metrics.requests_in_flight(), 1);
    assert!(has(&metrics, "lanyard_requests_in_flight 1"));
    drop(other);
    assert_eq!(metrics.requests_in_flight(), 0);
}

#[test]
fn counts_requests_by_tenant_endpoint_and_outcome() {
    let metrics = serving(&["main"]);
    for status in [200, 304, 400, 503] {
        let took = Duration::from_millis(2);
        metrics.request(
            Some(&tenant("main")),
            Endpoint::Token,
            RequestOutcome::of_status(status),
            took,
        );
    }
    let line = |outcome, count| {
        format!(
            "lanyard_requests_total{{tenant=\"team/main\",endpoint=\"token\",outcome=\"{outcome}\"}} {count}"
        )
    };
    for (outcome, count) in [("ok", 2), ("refused", 1), ("failed", 1)] {
        assert!(has(&metrics, &line(outcome, count)), "{}", metrics.render(NOW));
    }
    assert!(has(&metrics, "lanyard_request_duration_seconds_count{endpoint=\"token\"} 4"));
}

#[test]
fn a_fault_of_a_provider_has_its_own_outcome() {
    let outcome = RequestOutcome::of_answer;
    for (status, expected) in [
        (200, RequestOutcome::Ok),
        (403, RequestOutcome::Refused),
        (502, RequestOutcome::ProviderFailed),
        (503, RequestOutcome::ProviderFailed),
    ] {
        assert_eq!(outcome(status, true), expected, "{status}");
    }
    assert_eq!(outcome(503, false), RequestOutcome::Failed);
}

/// Type and label names of each metric in the text form, by name without the counters' suffix.
fn exposed(text: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let labels = |name: &str| {
        let series = text.lines().filter(|line| !line.starts_with('#') && line.starts_with(name));
        let labels = series.filter_map(|line| Some(line.split_once('{')?.1.split_once('}')?.0));
        let names =
            labels.flat_map(|labels| labels.split("\",")).filter_map(|label| label.split_once('='));
        names.map(|(name, _)| name.to_owned()).filter(|name| name != "le").collect()
    };
    types.map(|(name, kind)| (name.to_owned(), (kind.to_owned(), labels(name)))).collect()
}

#[test]
fn each_metric_has_the_described_type_and_labels() {
    let metrics = serving(&["main"]);
    // A gauge is exposed once it has a value; counters exist from the start.
    metrics.signing_keys([(tenant("main"), key_times())]);
    metrics.certificate("tls.crt".to_owned(), NOW..=NOW);
    metrics.providers([ReachableProvider {
        tenant: &tenant("main"),
        name: "corp",
        is_reachable: true,
    }]);
    let described = METRICS.iter().map(|metric| {
        let name = metric.full_name();
        let name = name.trim_end_matches("_total").trim_end_matches("_info").to_owned();
        let labels = metric.labels.iter().map(|label| label.name.to_owned()).collect();
        (name, (metric.metric_type.as_str().to_owned(), labels))
    });
    let text = metrics.render(NOW);
    assert_eq!(exposed(&text), described.collect(), "{text}");
}

fn key_times() -> SigningKeyTimes {
    let signs_since = Some(NOW.minus(Duration::from_secs(100)));
    SigningKeyTimes { signs_since, rotation_due: Some(NOW.minus(Duration::from_secs(7))) }
}

#[test]
fn counters_exist_before_their_first_event() {
    let metrics = serving(&["main"]);
    for line in [
        "lanyard_requests_total{tenant=\"team/main\",endpoint=\"token\",outcome=\"failed\"} 0",
        "lanyard_requests_total{tenant=\"\",endpoint=\"other\",outcome=\"refused\"} 0",
        "lanyard_logins_total{tenant=\"team/main\",provider=\"Local\",outcome=\"busy\"} 0",
        "lanyard_tokens_issued_total{tenant=\"team/main\",kind=\"id_token\"} 0",
        "lanyard_backchannel_logouts_total{tenant=\"team/main\",outcome=\"failed\"} 0",
        "lanyard_ciba_notifications_total{tenant=\"team/main\",outcome=\"failed\"} 0",
        "lanyard_refused_records_total{tenant=\"team/main\",kind=\"person\"} 0",
        "lanyard_reconciles_total{kind=\"Secret\",outcome=\"retry\"} 0",
        "lanyard_fetches_total{method=\"post\",outcome=\"timeout\"} 0",
        "lanyard_request_duration_seconds_count{endpoint=\"token\"} 0",
    ] {
        assert!(has(&metrics, line), "{line} in\n{}", metrics.render(NOW));
    }
}

#[test]
fn tenants_can_be_left_out() {
    let metrics = Metrics::with_tenants(false);
    metrics.snapshot(7, NOW, [tenant("main"), tenant("other")], &[(ManagedKind::Tenant, 2)]);
    metrics.login(&tenant("main"), Some("corp"), LoginOutcome::Success);
    let later = Duration::from_secs(50);
    let younger = SigningKeyTimes { signs_since: Some(NOW), rotation_due: Some(NOW.plus(later)) };
    metrics.signing_keys([(tenant("main"), key_times()), (tenant("other"), younger)]);
    assert!(!metrics.render(NOW).contains("team/"), "{}", metrics.render(NOW));
    for line in [
        "lanyard_logins_total{tenant=\"\",provider=\"\",outcome=\"success\"} 1",
        "lanyard_signing_key_age_seconds{tenant=\"\"} 103.0",
        "lanyard_signing_key_rotation_overdue_seconds{tenant=\"\"} 10.0",
        "lanyard_snapshot_objects{kind=\"Tenant\"} 2",
    ] {
        assert!(has(&metrics, line), "{line} in\n{}", metrics.render(NOW));
    }
}

#[test]
fn keys_and_certificates_have_ages() {
    let metrics = serving(&["main"]);
    let due =
        SigningKeyTimes { rotation_due: Some(NOW.plus(Duration::from_hours(1))), ..key_times() };
    metrics.signing_keys([(tenant("main"), due)]);
    let (before, after) = (NOW.minus(Duration::from_secs(60)), NOW.plus(Duration::from_secs(90)));
    metrics.certificate("tls.crt".to_owned(), before..=after);
    for line in [
        "lanyard_signing_key_age_seconds{tenant=\"team/main\"} 103.0",
        "lanyard_signing_key_rotation_overdue_seconds{tenant=\"team/main\"} 0.0",
        "lanyard_certificate_age_seconds{certificate=\"tls.crt\"} 63.0",
        "lanyard_certificate_expires_in_seconds{certificate=\"tls.crt\"} 87.0",
    ] {
        assert!(has(&metrics, line), "{line} in\n{}", metrics.render(NOW));
    }
    metrics.certificate("tls.crt".to_owned(), before..=NOW);
    assert!(has(&metrics, "lanyard_certificate_expires_in_seconds{certificate=\"tls.crt\"} -3.0"));
    metrics.signing_keys([]);
    assert!(!metrics.render(NOW).contains("signing_key_age_seconds{"));
}

#[cfg(target_os = "linux")]
#[test]
fn renders_the_metrics_of_the_process() {
    let text = Metrics::new().render(NOW);
    for name in ["resident_memory_bytes", "open_fds", "max_fds", "threads", "start_time_seconds"] {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("process_{name} ")));
        let value: f64 = line.and_then(|value| value.parse().ok()).expect(name);
        assert!(value > 0.0, "{name} {value}");
    }
    assert!(text.contains("# TYPE process_cpu_seconds counter"), "{text}");
    assert_eq!(text.matches("# EOF").count(), 1);
}

#[test]
fn an_unserved_tenant_has_an_empty_label() {
    let metrics = serving(&["main"]);
    metrics.login(&tenant("invented"), Some("invented"), LoginOutcome::Failure);
    assert!(!metrics.render(NOW).contains("invented"));
    assert!(has(&metrics, "lanyard_logins_total{tenant=\"\",provider=\"\",outcome=\"failure\"} 1"));
}

#[test]
fn the_series_of_a_tenant_are_removed_with_it() {
    let metrics = serving(&["main", "gone"]);
    for name in ["main", "gone"] {
        let id = tenant(name);
        metrics.request(Some(&id), Endpoint::Login, RequestOutcome::Ok, Duration::ZERO);
        metrics.login(&id, Some("corp"), LoginOutcome::Success);
        metrics.token_issued(&id, TokenKind::IdToken);
    }
    assert!(metrics.render(NOW).contains("team/gone"));
    metrics.snapshot(8, NOW, [tenant("main")], &[(ManagedKind::Tenant, 1)]);
    let text = metrics.render(NOW);
    assert!(!text.contains("team/gone"), "{text}");
    assert!(text.contains("team/main"));
    metrics.login(&tenant("gone"), None, LoginOutcome::Success);
    assert!(!metrics.render(NOW).contains("team/gone"), "nor do late requests bring them back");
}

#[test]
fn renders_the_snapshot_and_process_metrics() {
    let metrics = serving(&["main"]);
    metrics.source_healthy(true);
    metrics.leader(false);
    metrics.forbidden_namespaces(3);
    metrics.passwords_queued(4);
    metrics.clock_skew(-30_500);
    metrics.store_used("insert", Duration::from_millis(2), true);
    metrics.store_used("get", Duration::from_millis(2), false);
    metrics.write_failed(WriteOperation::PublishStatus, WriteErrorReason::Refused);
    metrics.objects(&[((ManagedKind::OidcUser, Readiness::NotReady), 2)].into());
    metrics.reconciled(ManagedKind::OidcClient.into(), ReconcileOutcome::Retry);
    for line in [
        "lanyard_snapshot_revision 7",
        "lanyard_snapshot_age_seconds 3.0",
        "lanyard_snapshot_objects{kind=\"Tenant\"} 2",
        "lanyard_source_healthy 1",
        "lanyard_leader 0",
        "lanyard_forbidden_namespaces 3",
        "lanyard_password_checks_queued 4",
        "lanyard_clock_skew_seconds -30.5",
        "lanyard_store_errors_total{operation=\"insert\"} 1",
        "lanyard_store_errors_total{operation=\"get\"} 0",
        "lanyard_store_operation_duration_seconds_count{operation=\"get\"} 1",
        "lanyard_api_server_write_errors_total{operation=\"publish_status\",reason=\"refused\"} 1",
        "lanyard_api_server_write_errors_total{operation=\"create_secret\",reason=\"conflict\"} 0",
        "lanyard_objects{kind=\"OidcUser\",ready=\"false\"} 2",
        "lanyard_objects{kind=\"OidcUser\",ready=\"true\"} 0",
        "lanyard_reconciles_total{kind=\"OidcClient\",outcome=\"retry\"} 1",
        "# EOF",
    ] {
        assert!(has(&metrics, line), "{line} in\n{}", metrics.render(NOW));
    }
}

#[test]
fn access_denials_have_a_bounded_number_of_clients() {
    let metrics = serving(&["main"]);
    let client = |n: usize| crate::model::ObjectKey::new("team", format!("c{n}"));
    for n in (0..25).chain([0]) {
        metrics.access_denied(&tenant("main"), &client(n), AccessDenialReason::Group);
    }
    let line = |client: &str, count| {
        format!(
            "lanyard_access_denials_total{{tenant=\"team/main\",client=\"{client}\",reason=\"group\"}} {count}"
        )
    };
    for (client, count) in [("team/c0", 2), ("team/c19", 1), ("", 5)] {
        assert!(has(&metrics, &line(client, count)), "{}", metrics.render(NOW));
    }
    metrics.snapshot(8, NOW, [], &[(ManagedKind::Tenant, 0)]);
    assert!(!metrics.render(NOW).contains("team/"), "{}", metrics.render(NOW));
}

#[test]
fn the_reachability_of_providers_is_that_of_now() {
    let (metrics, main) = (serving(&["main"]), tenant("main"));
    let provider = |name, is_reachable| ReachableProvider { tenant: &main, name, is_reachable };
    let line = |name: &str, value| {
        format!(
            "lanyard_identity_provider_reachable{{tenant=\"team/main\",provider=\"{name}\"}} {value}"
        )
    };
    metrics.providers([provider("corp", true), provider("old", false)]);
    assert!(has(&metrics, &line("corp", 1)) && has(&metrics, &line("old", 0)));
    metrics.providers([provider("corp", false)]);
    assert!(has(&metrics, &line("corp", 0)) && !metrics.render(NOW).contains("\"old\""));
}
