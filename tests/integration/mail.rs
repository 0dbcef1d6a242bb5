//! The way to mail servers: encryption, accounts, and servers that hang, refuse or lie.

use std::time::{Duration, Instant};

use lanyard::{
    fetch::EgressPolicy,
    mail::{MailError, MailText, MailTransport, RenderedMail, render_mail},
    model::{
        MailCredentials, MailProbe as _, MailServer, ProbeFailure, Secret, SeededEntropy, SmtpTls,
        Timestamp,
    },
};

use crate::support::{
    app::local_mail,
    mail::{ACCOUNT, MailServerMood, MailSink},
};

fn server(sink: &MailSink, tls: SmtpTls) -> MailServer {
    MailServer {
        host: "localhost".into(),
        port: sink.port,
        tls,
        certificates: Some(sink.certificate.as_str().into()),
        inside_network: false,
        credentials: None,
        client_name: "id.harbour.test".into(),
    }
}

fn with_password(server: MailServer, password: &str) -> MailServer {
    let password = Secret::new(password.to_owned());
    let credentials = Some(MailCredentials { username: ACCOUNT.0.into(), password });
    MailServer { credentials, ..server }
}

fn mail(text: &str) -> RenderedMail {
    let mail = MailText { subject: "Hello".to_owned(), text: text.to_owned() };
    let from = ("id@harbour.test", "Harbour Works");
    let (entropy, now) = (SeededEntropy::new(1), Timestamp::from_secs(1_900_000_000));
    render_mail(from, "ada@harbour.test", &mail, &entropy, now).expect("a message")
}

#[tokio::test]
async fn a_message_arrives_by_starttls_and_by_tls() {
    let text = "one\n.\n.two\nRCPT TO:<eve@evil.test>\n";
    let mut plain = MailSink::start(MailServerMood::Takes).await;
    let mut secure = MailSink::start_implicit(MailServerMood::Takes).await;
    for (sink, tls) in [(&mut plain, SmtpTls::StartTls), (&mut secure, SmtpTls::Implicit)] {
        local_mail().send(&server(sink, tls), &mail(text)).await.expect("sent");
        let got = sink.next().await;
        assert_eq!(
            (&*got.from, &got.to[..]),
            ("id@harbour.test", &["ada@harbour.test".to_owned()][..])
        );
        assert_eq!(got.text().trim_end(), text.trim_end());
        assert_eq!(got.header("From"), Some("\"Harbour Works\" <id@harbour.test>"));
    }
}

#[tokio::test]
async fn a_server_gets_the_account_and_refuses_a_wrong_one() {
    let mut sink = MailSink::start(MailServerMood::WantsAccount).await;
    let server = server(&sink, SmtpTls::StartTls);
    let right = with_password(server.clone(), ACCOUNT.1);
    local_mail().send(&right, &mail("x")).await.expect("sent");
    sink.next().await;
    let error = local_mail().send(&with_password(server, "wrong"), &mail("x")).await;
    let error = error.expect_err("refused");
    assert!(error.is_about_account() && !error.is_about_recipient(), "{error}");
    assert!(!error.to_string().contains("wrong"));
}

#[tokio::test]
async fn faults_of_mail_servers_are_reported_within_the_time_limit() {
    let limit = Duration::from_secs(1);
    for (mood, expected) in [
        (MailServerMood::Hangs, MailError::Late(1)),
        (MailServerMood::Drips, MailError::Late(1)),
        (MailServerMood::SpeaksGarbage, MailError::Malformed("the connection")),
        (MailServerMood::NeverEnds, MailError::Malformed("the connection")),
        (MailServerMood::HasNoStartTls, MailError::NoStartTls),
        (MailServerMood::SpeaksBeforeTls, MailError::Malformed("STARTTLS")),
        (MailServerMood::IsBusy, MailError::Refused { step: "the sender", code: 451 }),
        (
            MailServerMood::RefusesRecipients,
            MailError::Refused { step: "the recipient", code: 550 },
        ),
    ] {
        let mut sink = MailSink::start(mood).await;
        let begun = Instant::now();
        let transport = local_mail().with_timeout(limit);
        let sent = transport.send(&server(&sink, SmtpTls::StartTls), &mail("x")).await;
        let error = sent.expect_err("not sent");
        // The kernel may cut the connection of a server that still speaks.
        let is_cut = mood == MailServerMood::SpeaksBeforeTls && matches!(error, MailError::Tls(_));
        assert!(error == expected || is_cut, "{mood:?}: {error:?}");
        assert!(begun.elapsed() < Duration::from_secs(30), "{mood:?}");
        assert_eq!(error.is_about_recipient(), mood == MailServerMood::RefusesRecipients);
        assert_eq!(sink.arrived(), None);
    }
}

#[tokio::test]
async fn a_certificate_is_verified_with_the_authorities_of_the_tenant() {
    let sink = MailSink::start(MailServerMood::Takes).await;
    let other = MailSink::start(MailServerMood::Takes).await;
    let own = server(&sink, SmtpTls::StartTls);
    let foreign =
        MailServer { certificates: Some(other.certificate.as_str().into()), ..own.clone() };
    let failure = |server: MailServer| async move {
        local_mail().probe(&server).await.map_err(|error| error.failure)
    };
    assert_eq!(failure(own.clone()).await, Ok(()));
    assert_eq!(failure(foreign).await, Err(ProbeFailure::CertificateInvalid));
    let address = MailServer { host: "127.0.0.1".into(), ..own.clone() };
    assert_eq!(failure(address).await, Err(ProbeFailure::CertificateInvalid), "it names localhost");
    assert_eq!(
        failure(MailServer { port: 1, ..own.clone() }).await,
        Err(ProbeFailure::Unreachable)
    );
    sink.becomes(MailServerMood::HasNoStartTls);
    assert_eq!(failure(own.clone()).await, Err(ProbeFailure::Unencrypted));
    sink.becomes(MailServerMood::WantsAccount);
    assert_eq!(failure(with_password(own, "wrong")).await, Err(ProbeFailure::AccountRefused));
}

#[tokio::test]
async fn addresses_inside_the_network_are_refused_and_plain_text_needs_a_listed_one() {
    let sink = MailSink::start(MailServerMood::Takes).await;
    let guarded = |policy| MailTransport::new(policy, rustls::RootCertStore::empty());
    for inside_network in [false, true] {
        let server = MailServer { inside_network, ..server(&sink, SmtpTls::StartTls) };
        let sent = guarded(EgressPolicy::default()).send(&server, &mail("x")).await;
        assert_eq!(sent, Err(MailError::ForbiddenAddress), "this machine is never inside");
    }
    assert_eq!(sink.connections(), 0);
    let plain = MailServer { host: "192.0.2.1".into(), ..server(&sink, SmtpTls::Disabled) };
    let public = MailServer { host: "1.1.1.1".into(), ..plain.clone() };
    let sent = guarded(EgressPolicy::default()).send(&public, &mail("x")).await;
    assert_eq!(sent, Err(MailError::Unencrypted));
    let inside = MailServer { host: "10.1.2.3".into(), inside_network: true, ..plain };
    let sent = guarded(EgressPolicy::default()).send(&inside, &mail("x")).await;
    assert_eq!(sent, Err(MailError::Unencrypted));
}
